package main

//#include "record.h"
import "C"

import (
	"sync/atomic"
	"unsafe"

	"turbohttp/buffers"
	"turbohttp/capi/codec"
	"turbohttp/core"
	"turbohttp/transport"
	"turbohttp/wire"
)

// sink writes what core tells into the records.
type sink struct{ client *C.tb_client }

var _ core.Sink = sink{}

// Head encodes the head into a block that stays with the record until its release.
func (sink) Head(e *core.Exchange, head *wire.ResponseHead) {
	x := e.Ref.(*exchange)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.freed {
		return
	}
	x.head = codec.EncodeResponse(x.client.pool, head, x.Head.Target.URL, e.Address, e.TLS, e.Reused, e.Interim)
	view := x.head.Bytes()
	total := uint64(0)
	if head.ContentLength > 0 {
		total = uint64(head.ContentLength)
	}
	told := C.tb_lib_head(x.record, (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(view))), C.size_t(len(view)),
		C.uint32_t(head.Status), C.uint64_t(total), C.uint64_t(transport.Now()))
	theWaker.now(told)
}

// Body shows the bytes to the host, or copies them into the spans that it gave.
func (sink) Body(e *core.Exchange, in *buffers.Sequence, end bool) (used int) {
	x := e.Ref.(*exchange)
	if into := x.record.into; into.size != 0 {
		x.copyInto(unsafe.Slice((*byte)(unsafe.Pointer(into.data)), int(into.size)), in)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.freed {
		in.Release()
		return 0
	}
	now := C.uint64_t(transport.Now())
	if used = x.fill(in, end, now); used != 0 {
		atomic.AddUint64((*uint64)(&x.record.received), uint64(used))
	}
	if !x.Stream {
		in.Compact(x.client.pool)
	}
	x.packer.Pack(x.client.pool, in, x.body.Len()) // a slow host, or none, may have much of it
	for s := in.First(); s != nil; s = s.Next() {
		b := s.Bytes()
		atomic.AddUint64((*uint64)(&x.record.received), uint64(len(b))) // before the host can see the part
		told := C.tb_lib_body(x.record, (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b)), now)
		if told < 0 {
			panic("no memory for a body part")
		}
		theWaker.now(told)
	}
	in.Join(&x.body)
	if end {
		theWaker.now(C.tb_lib_end(x.record, now))
	}
	return used
}

// Trailers encodes the trailers, for the host to see with DONE.
func (sink) Trailers(e *core.Exchange, fields *wire.Fields) {
	x := e.Ref.(*exchange)
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.freed && x.trailers == nil {
		x.trailers = codec.EncodeTrailers(x.client.pool, fields)
	}
}

// copyInto moves bytes to the host's span. It may fault when the host has unmapped it: then it panics with no lock of
// ours held, and in keeps its bytes. core sees to it that they fit.
func (x *exchange) copyInto(into []byte, in *buffers.Sequence) {
	received := (*uint64)(&x.record.received)
	n := in.CopyTo(into[atomic.LoadUint64(received):], 0)
	in.Release()
	atomic.AddUint64(received, uint64(n))
}

// Sent counts for turbo_request_progress and for the window, and gives written spans back.
func (sink) Sent(e *core.Exchange, n int) {
	x := e.Ref.(*exchange)
	if !x.Upload {
		atomic.AddUint64((*uint64)(&x.record.sent), uint64(n))
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.left(n)
	theWaker.now(C.tb_lib_sent(x.record, C.int64_t(n)))
}

// Stopped lets the host write on, to be told that there is no use in it.
func (sink) Stopped(e *core.Exchange) {
	theWaker.now(C.tb_lib_stopped(e.Ref.(*exchange).record))
}

// Done tells the end. Behind it the host may release, and the record may begin a new life.
func (sink) Done(e *core.Exchange, fault *wire.Fault) {
	theWaker.soon(e.Ref.(*exchange).tellDone(e, fault))
}

func (x *exchange) tellDone(e *core.Exchange, fault *wire.Fault) C.int {
	x.mu.Lock()
	defer x.mu.Unlock()
	d := C.tb_done{
		facts:       C.uint32_t(e.Facts),
		http_status: C.uint32_t(e.Status),
		now:         C.uint64_t(transport.Now()),
		timings:     timings(uint64(x.record.started_ns), &e.Times),
	}
	if fault != nil {
		d.status = C.int32_t(fault.Status)
		d.code = C.uint32_t(fault.Code)
		text := fault.Error()
		x.story = x.client.pool.Get(max(1, len(text)))
		copy(x.story.Bytes(), text)
		d.error = (*C.char)(unsafe.Pointer(unsafe.SliceData(x.story.Bytes())))
		d.error_size = C.size_t(len(text))
	}
	if x.trailers != nil {
		view := x.trailers.Bytes()
		d.trailers, d.trailers_size = (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(view))), C.size_t(len(view))
	}
	x.giveBack(d.status, d.now)
	x.packer.Close()
	x.done = true
	told := C.tb_lib_done(x.record, d)
	if x.freed {
		x.end()
	}
	return told
}

func timings(started uint64, t *core.Times) C.turbo_timings {
	after := func(at wire.Instant) C.uint64_t {
		if at == 0 {
			return 0
		}
		return C.uint64_t(max(1, int64(at)-int64(started))) // 0 would mean that it did not happen
	}
	return C.turbo_timings{
		started_ns: C.uint64_t(started),
		connecting: after(t.Connecting),
		resolved:   after(t.Resolved),
		connected:  after(t.Connected),
		secured:    after(t.Secured),
		sent:       after(t.Sent),
		first_byte: after(t.FirstByte),
		done:       after(t.Done),
	}
}
