package main

//#include <stdlib.h>
//#include "record.h"
import "C"

import (
	"sync"
	"unsafe"

	"turbohttp/core"
	"turbohttp/transport"
)

// questions are the handshakes that hosts are asked about, by index of the record that asks.
var questions struct {
	sync.Mutex
	open [C.TB_VERIFIES]*core.Verify
}

// Verify copies the chain into C memory, where the host sees it until its answer, and asks. Over: the answer will be too
// late.
func (s sink) Verify(v *core.Verify) {
	questions.Lock()
	defer questions.Unlock()
	if v.Over {
		if r, ok := v.Ref.(*C.tb_verify); ok {
			C.tb_lib_verify_over(r)
		}
		return
	}
	r := C.tb_lib_verify_new(s.client)
	if r == nil {
		logLine(logError, "tls: more than a thousand VERIFY events wait for an answer: this handshake is refused")
		refusal := new(transport.Task) // not from in here: core is in the middle of asking
		refusal.Init(func() { v.Answer(false) }, nil)
		transport.Start(refusal)
		return
	}
	v.Ref = r
	questions.open[r.index] = v
	fillQuestion(r, v)
	theWaker.now(C.tb_lib_verify(r))
}

// fillQuestion writes one block: the array of the chain, the host, the certificates.
func fillQuestion(r *C.tb_verify, v *core.Verify) {
	array := len(v.Chain) * int(unsafe.Sizeof(C.turbo_bytes{}))
	size := array + len(v.Host)
	for _, der := range v.Chain {
		size += len(der)
	}
	r.memory = C.malloc(C.size_t(size + 1))
	memory := unsafe.Slice((*byte)(r.memory), size)
	at := array
	put := func(text []byte) (b C.turbo_bytes) {
		b.data, b.size = (*C.uint8_t)(unsafe.Add(r.memory, at)), C.size_t(len(text))
		at += copy(memory[at:], text)
		return b
	}
	r.host = put([]byte(v.Host))
	r.chain, r.count = (*C.turbo_bytes)(r.memory), C.uint32_t(len(v.Chain))
	chain := unsafe.Slice(r.chain, len(v.Chain))
	for i, der := range v.Chain {
		chain[i] = put(der)
	}
	r.verified, r.now = 0, C.uint64_t(transport.Now())
	if v.Verified {
		r.verified = 1
	}
}

// answered takes the answer of a host, or its end.
func answered(r *C.tb_verify) {
	questions.Lock()
	v := questions.open[r.index]
	questions.open[r.index] = nil
	questions.Unlock()
	v.Answer(r.accept != 0)
	questions.Lock() // behind a Verify that tells that it is over: nobody uses r any more
	v.Ref = nil
	C.tb_lib_verify_leave(r)
	questions.Unlock()
}
