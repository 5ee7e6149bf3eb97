package main

//#include "record.h"
import "C"

import (
	"sync"
	"unsafe"

	"turbohttp/buffers"
	"turbohttp/capi/codec"
	"turbohttp/core"
	"turbohttp/wire"
)

// exchange is the library's side of one record: made once for its index and used again with it.
//
// A life begins with SUBMIT and ends when both FREE was taken and core has told Done, in either order. mu orders the
// service, which takes commands, and the sink, which core calls; nothing is called with it held that could wait.
type exchange struct {
	core.Exchange
	record *C.tb_request
	client *client

	mu       sync.Mutex
	body     buffers.Sequence // what the record's parts show
	packer   buffers.Packer   // of body
	released uint64           // body bytes that went home
	head     *buffers.Block   // the response as a FlatBuffer
	trailers *buffers.Block   // its trailers, or nil
	lent     lent             // what the host gave and has not back
	story    *buffers.Block   // the error text
	done     bool             // core has let go
	freed    bool             // the host has let go
}

// noWayHome is the home of lent memory: its owner is told by DONE, which comes after all of it went home.
type noWayHome struct{}

func (noWayHome) Home(*buffers.Block) {}

func cBytes(data unsafe.Pointer, size C.size_t) []byte {
	return unsafe.Slice((*byte)(data), int(size))
}

// begin prepares x for core, or says why not.
func (x *exchange) begin(c *client) *wire.Fault {
	r := x.record
	x.client = c
	x.done, x.freed, x.released = false, false, 0
	x.lent.reset()
	x.Ref = x
	x.Stream = r.wants&(1<<C.TURBO_EVENT_BODY) != 0
	x.Timeout = int64(r.timeout_ms) * 1e6
	if r.timeout_ms == C.TURBO_NONE {
		x.Timeout = -1
	}
	x.MaxBody = bodyLimit(uint64(r.max_body_bytes), c.maxBody, x.Stream, uint64(r.into.size))
	if fault := codec.DecodeRequest(cBytes(unsafe.Pointer(r.head), r.head_size), &x.Head); fault != nil {
		return fault
	}
	x.Head.BodySize = int64(r.send_total)
	if x.Upload = r.stream != 0; x.Upload && r.send_total == 0 {
		x.Head.BodySize = wire.BodyUnknown
	}
	spans := unsafe.Slice(r.spans, int(r.span_count))
	for i := range spans {
		mem := cBytes(unsafe.Pointer(spans[i].data), spans[i].size)
		x.Body.Append(c.pool.Borrow(mem, noWayHome{}), 0, len(mem))
	}
	return nil
}

// bodyLimit is core's MaxBody: 0 is none.
func bodyLimit(request, client uint64, stream bool, into uint64) int64 {
	const collected = 64 << 20 // what a host that says nothing can be given at once
	limit := request
	if limit == 0 {
		limit = client
	}
	if limit == 0 {
		limit = collected
		if stream {
			limit = none64
		}
	}
	if into != 0 && limit > into {
		limit = into
	}
	if limit > 1<<62 {
		return 0
	}
	return int64(limit)
}

const none64 = ^uint64(0) // TURBO_NONE64

// consumed releases what the host has used.
func (x *exchange) consumed() {
	x.mu.Lock()
	n := x.skipConsumed()
	tell := n != 0 && x.Stream && !x.done
	x.mu.Unlock()
	if tell {
		x.client.core.Consumed(&x.Exchange, n)
	}
}

// skipConsumed says how much the host has used since the last time. mu is held.
func (x *exchange) skipConsumed() int {
	now := uint64(C.tb_lib_consumed(x.record))
	n := int(now - x.released)
	x.released = now
	x.body.Skip(n)
	x.packUnlessEmpty()
	return n
}

// packUnlessEmpty gives back what the packer has left when nothing piles up: an idle stream holds no memory. mu is held.
func (x *exchange) packUnlessEmpty() {
	if x.body.Len() == 0 {
		x.packer.Close()
	}
}

// free takes the host's goodbye.
func (x *exchange) free() {
	x.mu.Lock()
	x.freed = true
	done := x.done
	if done {
		x.end()
	}
	x.mu.Unlock()
	if !done {
		x.client.core.Cancel(&x.Exchange, wire.StatusCancelled)
	}
}

// end gives everything back; the record may begin a new life at once. mu is held.
func (x *exchange) end() {
	x.packer.Close()
	x.body.Release()
	if x.head != nil {
		x.head.Release()
		x.head = nil
	}
	if x.trailers != nil {
		x.trailers.Release()
		x.trailers = nil
	}
	if x.story != nil {
		x.story.Release()
		x.story = nil
	}
	theService.exchangeReturns.Add(1)
	C.tb_lib_leave(x.record)
}
