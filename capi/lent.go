package main

//#include "record.h"
import "C"

import (
	"unsafe"

	"turbohttp/buffers"
	"turbohttp/capi/codec"
	"turbohttp/transport"
	"turbohttp/wire"
)

// lent is what the host gave an exchange piece by piece: body bytes on their way out, and spans to be filled.
type lent struct {
	writes, spans nodes
	written       uint64      // body bytes ever written
	left          uint64      // of them, those that have left
	ended         bool        // the end of the response body has come
	trailers      wire.Fields // of the request: a view of the node that holds them, which goes back at the end
}

// nodes are linked by the records' own links: nothing is made.
type nodes struct{ first, last *C.tb_lent }

func (l *lent) reset() {
	l.writes, l.spans = nodes{}, nodes{}
	l.written, l.left, l.ended = 0, 0, false
	l.trailers.Octets, l.trailers.Lines = nil, l.trailers.Lines[:0]
}

func following(l *C.tb_lent) *C.tb_lent { return (*C.tb_lent)(unsafe.Pointer(l.link.next)) }

func (n *nodes) push(l *C.tb_lent) {
	l.link.next = nil
	if n.last == nil {
		n.first = l
	} else {
		n.last.link.next = (*C.tb_link)(unsafe.Pointer(l))
	}
	n.last = l
}

func (n *nodes) pop() *C.tb_lent {
	l := n.first
	if l != nil {
		if n.first = following(l); n.first == nil {
			n.last = nil
		}
	}
	return l
}

// sort takes what came from the record into the two lists. mu is held.
func (x *exchange) sort(l *C.tb_lent) {
	for l != nil {
		next := following(l)
		if l.kind == C.TB_LENT_SPAN {
			x.lent.spans.push(l)
		} else {
			l.from = C.uint64_t(x.lent.written)
			x.lent.written += uint64(l.size)
			x.lent.writes.push(l)
		}
		l = next
	}
}

// given takes what the host wrote or lent since the last time.
func (x *exchange) given() {
	var out buffers.Sequence
	defer out.Release() // left behind by a fault or a panic
	g := x.takeLent(&out)
	switch {
	case g.fault != nil:
		x.client.core.Abort(&x.Exchange, g.fault)
	case g.wrote:
		x.client.core.Write(&x.Exchange, &out, g.end, g.trailers)
	}
	if g.used != 0 {
		x.client.core.Consumed(&x.Exchange, g.used)
	}
}

// gift is what takeLent found.
type gift struct {
	wrote, end bool
	trailers   *wire.Fields
	fault      *wire.Fault
	used       int // bytes of the response body that were disposed of
}

// takeLent sorts what came, shows in out what was written, and fills spans with what was told as parts and not used. A
// span that was unmapped is a panic: see service.failed.
func (x *exchange) takeLent(out *buffers.Sequence) (g gift) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done {
		return
	}
	before := x.lent.writes.last
	x.sort(C.tb_lib_lent(x.record))
	l := x.lent.writes.first
	if before != nil {
		l = following(before)
	}
	for ; l != nil; l = following(l) {
		g.wrote, g.end = true, g.end || l.end != 0
		if l.kind == C.TB_LENT_TRAILERS {
			g.trailers = &x.lent.trailers
			g.fault = codec.DecodeTrailers(cBytes(unsafe.Pointer(l.part.data), l.part.size), g.trailers)
			continue
		}
		spans := unsafe.Slice(l.parts, l.count)
		for i := range spans {
			mem := cBytes(unsafe.Pointer(spans[i].data), spans[i].size)
			out.Append(x.client.pool.Borrow(mem, noWayHome{}), 0, len(mem))
		}
	}
	g.used = x.fillFromParts(C.uint64_t(transport.Now()))
	return
}

// fillFromParts fills lent spans with what was told as parts and not used. mu is held.
func (x *exchange) fillFromParts(now C.uint64_t) (used int) {
	if x.lent.spans.first == nil {
		return 0
	}
	used = x.skipConsumed() // the host did so before it lent
	used += x.fill(&x.body, x.lent.ended, now)
	x.packUnlessEmpty()
	return used
}

// fill moves the front of in into lent spans, as far as both go; end: nothing follows in. It gives back the spans that
// are full, and at the end all of them. mu is held.
func (x *exchange) fill(in *buffers.Sequence, end bool, now C.uint64_t) (used int) {
	x.lent.ended = x.lent.ended || end
	for l := x.lent.spans.first; l != nil; l = x.lent.spans.first {
		span := cBytes(unsafe.Pointer(l.part.data), l.part.size)
		n := min(len(span)-int(l.from), in.Len())
		if n > 0 {
			in.CopyTo(span[l.from:int(l.from)+n], 0)
			in.Skip(n)
			if in == &x.body { // before the host hears of it: it goes on behind these parts
				x.released += uint64(n)
				C.tb_lib_used(x.record, C.uint64_t(n))
			}
			l.from += C.uint64_t(n)
			used += n
		}
		if int(l.from) < len(span) && !x.lent.ended {
			break
		}
		x.lent.spans.pop()
		theWaker.now(C.tb_lib_home(l, l.from, C.TURBO_OK, now))
	}
	return used
}

// left gives back what n more bytes leaving have emptied. mu is held.
func (x *exchange) left(n int) {
	x.lent.left += uint64(n)
	now := C.uint64_t(0)
	for l := x.lent.writes.first; l != nil && uint64(l.from+l.size) <= x.lent.left; l = x.lent.writes.first {
		if l.kind == C.TB_LENT_TRAILERS {
			return // needed until the end
		}
		if now == 0 {
			now = C.uint64_t(transport.Now())
		}
		x.lent.writes.pop()
		theWaker.now(C.tb_lib_home(l, l.size, C.TURBO_OK, now))
	}
}

// giveBack returns what is left at the end, which had the status. mu is held, and nothing of it is in use.
func (x *exchange) giveBack(status C.int32_t, now C.uint64_t) {
	x.sort(C.tb_lib_lent_close(x.record))
	spans := status
	x.lent.ended = x.lent.ended && status == C.TURBO_OK
	if !x.freed && x.lent.spans.first != nil {
		// A span that was unmapped must not keep DONE from being told.
		if p := transport.Guard(func() { x.fillFromParts(now) }); p != nil {
			logLine(logError, p.String())
			spans = C.int32_t(p.Fault.Status)
		}
	}
	for l := x.lent.spans.pop(); l != nil; l = x.lent.spans.pop() {
		theWaker.now(C.tb_lib_home(l, l.from, spans, now))
	}
	for l := x.lent.writes.pop(); l != nil; l = x.lent.writes.pop() {
		sent := C.uint64_t(min(max(x.lent.left, uint64(l.from))-uint64(l.from), uint64(l.size)))
		why := status
		if sent == l.size {
			why = C.TURBO_OK
		} else if why == C.TURBO_OK {
			why = C.TURBO_ERROR_CLOSED
		}
		theWaker.now(C.tb_lib_home(l, sent, why, now))
	}
	x.lent.trailers.Octets, x.lent.trailers.Lines = nil, x.lent.trailers.Lines[:0]
}
