package h1

import (
	"fmt"
	"math/bits"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// Engine is the client's end of one HTTP/1.1 connection: a [wire.Engine] with room for one exchange. It is recycled
// for another connection by Release and Init. The zero value needs Init.
type Engine struct {
	pool   *buffers.Pool
	limits Limits

	id     wire.StreamID     // of the exchange that is open, or of the last one
	open   bool              // Open succeeded; neither EventEnd, Reset nor a fault came
	reuse  bool              // nothing has happened yet that forbids another exchange
	head   *wire.RequestHead // the caller's, while open
	fault  *wire.Fault       // final
	events events
	out    sending
	in     receiving
}

var _ wire.Engine = (*Engine)(nil)

// New makes an engine for a fresh connection. It takes its memory from pool.
func New(pool *buffers.Pool, limits Limits) *Engine {
	e := new(Engine)
	e.Init(pool, limits)
	return e
}

// Init makes e ready for a fresh connection. It was either never used or released; what it has learned about sizes of
// heads it keeps, so that a recycled engine allocates nothing.
func (e *Engine) Init(pool *buffers.Pool, limits Limits) {
	e.pool, e.limits = pool, limits.withDefaults()
	e.id, e.open, e.reuse, e.head, e.fault = 0, false, true, nil, nil
	e.out.reset()
	e.in.reset()
	e.in.section.ready()
	e.in.state = readIdle
	e.events.reset()
}

// Release gives every buffer back. Only Init may follow.
func (e *Engine) Release() {
	e.events.reset()
	e.abandon()
}

// abandon drops the exchange, if there is one; the connection is of no more use. Events that wait stay.
func (e *Engine) abandon() {
	e.out.reset()
	e.in.state = readDead
	e.open, e.reuse, e.head = false, false, nil
}

// fail makes fault final. What the server sent before its mistake was understood, and Next still tells it.
func (e *Engine) fail(fault *wire.Fault) *wire.Fault {
	e.fault = about(fault, e.head)
	e.abandon()
	return e.fault
}

// Room is 1 or 0. It is 0 for good after anything that forbids another exchange: Connection: close, a response that
// ends with the connection, octets that nobody asked for, a request that was not sent to its end, a Reset.
func (e *Engine) Room() int {
	if e.open || !e.reuse || e.events.waiting != 0 {
		return 0
	}
	return 1
}

// Open starts an exchange: see [wire.RequestHead.Check] for what it refuses, and request.go for what it writes. A
// connection without room answers with CLOSED: the request is unseen and may go to another one.
func (e *Engine) Open(head *wire.RequestHead, end bool, now wire.Instant) (wire.StreamID, *wire.Fault) {
	if e.fault != nil {
		return 0, e.fault
	}
	if e.Room() == 0 {
		return 0, faultNoRoom
	}
	var given wire.Given
	if fault := head.Check(&given, end); fault != nil {
		return 0, fault
	}
	e.id++
	e.open, e.head = true, head
	e.out.begin(e.pool, head, &given, now)
	e.in.begin()
	if given.Close {
		e.reuse = false
	}
	return e.id, nil
}

// Send moves body bytes to the engine. Once the server has answered without waiting for all of the body (see state.go)
// or the exchange has ended, they are released and nothing else happens: the caller cannot know yet.
func (e *Engine) Send(id wire.StreamID, body *buffers.Sequence, end bool) *wire.Fault {
	fault := e.current(id)
	if fault == nil && id == e.id && e.open {
		fault = e.out.give(body, end)
	}
	body.Release() // what was not moved on
	e.settle()
	return fault
}

// Finish ends a chunked body with trailers (RFC 9112 §7.1.2), which may be nil. A body of known length that is all
// there may be finished too, without trailers.
func (e *Engine) Finish(id wire.StreamID, trailers *wire.Fields) *wire.Fault {
	fault := e.current(id)
	if fault == nil && id == e.id && e.open {
		fault = e.out.finish(e.pool, trailers)
	}
	e.settle()
	return fault
}

// current is nil for an exchange that was opened, also when it has ended.
func (e *Engine) current(id wire.StreamID) *wire.Fault {
	if e.fault != nil {
		return e.fault
	}
	if id == 0 || id > e.id {
		return faultUnknownStream
	}
	return nil
}

// Progress tells how far the body went.
func (e *Engine) Progress(id wire.StreamID) (taken int64, stopped bool) {
	if id != e.id || id == 0 {
		return 0, false
	}
	return e.out.taken, e.out.stopped || !e.open && e.events.stopped
}

// Credit does nothing: HTTP/1.1 has no flow control but the connection's own.
func (e *Engine) Credit(wire.StreamID, int) {}

// Reset ends the exchange, and with it the connection: HTTP/1.1 has no other way to stop a message.
func (e *Engine) Reset(id wire.StreamID, _ wire.Status) {
	if e.fault != nil || id != e.id || !e.open {
		return
	}
	e.events.reset()
	e.abandon()
	e.events.tellClosing()
}

// Feed takes all of in.
func (e *Engine) Feed(in *buffers.Sequence, _ wire.Instant) *wire.Fault {
	if e.fault != nil {
		in.Release()
		return e.fault
	}
	if in.Len() > 0 && e.open && !e.out.started {
		in.Release()
		return e.fail(faultUnasked)
	}
	for in.Len() > 0 {
		if fault := e.read(in); fault != nil {
			in.Release()
			return e.fail(fault)
		}
	}
	e.settle()
	return nil
}

// read takes at least one octet of in.
func (e *Engine) read(in *buffers.Sequence) *wire.Fault {
	switch e.in.state {
	case readHead:
		return e.readHead(in)
	case readLength, readData:
		e.readBody(in)
	case readUntilEOF:
		e.in.got += int64(in.Len())
		e.tellBody(in, in.Len())
	case readTrailers:
		return e.readTrailers(in)
	case readIdle, readDone:
		e.reuse = false // who knows what these octets answer to
		in.Release()
	case readDead:
		in.Release()
	default:
		return e.readChunk(in)
	}
	return nil
}

// FeedEOF tells that the server has sent its last byte: the end of a body that has no other, a fault inside any other
// message, and the end of the connection in any case.
func (e *Engine) FeedEOF(wire.Instant) *wire.Fault {
	if e.fault != nil {
		return e.fault
	}
	e.reuse = false
	if e.in.state == readUntilEOF {
		e.in.state = readDone
	}
	switch e.in.state {
	case readIdle:
		e.in.state = readDead
	case readDone:
		if !e.out.done() {
			e.out.stop()
		}
	case readDead:
	default:
		return e.fail(e.cut())
	}
	e.settle()
	return nil
}

// cut says what EOF cut short.
func (e *Engine) cut() *wire.Fault {
	switch r := &e.in; {
	case r.state == readHead && len(r.section.octets) > 0:
		return faultInHead
	case r.state == readHead && r.interims > 0:
		return faultNoFinal
	case r.state == readHead:
		return faultNoAnswer
	case r.state == readLength:
		return closed(fmt.Sprintf("the server closed the connection after %d of %d promised bytes", r.got, r.got+r.left))
	default:
		return closed(fmt.Sprintf("the server closed the connection in the middle of a chunked body, after %d bytes", r.got))
	}
}

// settle ends the exchange when both halves have ended, and tells once when the connection takes no more.
func (e *Engine) settle() {
	if e.open && e.in.state == readDone && e.out.done() {
		e.events.stopped = e.out.stopped
		e.events.tell(wire.EventEnd)
		if e.out.stopped {
			e.reuse = false
		}
		e.out.reset()
		e.open, e.head = false, nil
		e.in.state = readIdle
	}
	if !e.open && !e.reuse && e.fault == nil {
		e.events.tellClosing()
	}
}

// Fill appends octets of the request to out until it holds limit bytes, or as good as. Body segments are moved, not
// copied.
func (e *Engine) Fill(out *buffers.Sequence, limit int) (more bool) {
	if e.fault != nil || !e.open {
		return false
	}
	more = e.out.fill(out, limit)
	e.settle()
	return more
}

// Deadline is when a body that waits for 100 (Continue) goes out without it; 0: there is none.
func (e *Engine) Deadline() wire.Instant {
	if e.out.held {
		return e.out.patience
	}
	return 0
}

// Tick lets a held body go when its time has come (RFC 9110 §10.1.1: a client should not wait for ever).
func (e *Engine) Tick(now wire.Instant) *wire.Fault {
	if e.fault != nil {
		return e.fault
	}
	if e.out.held && now >= e.out.patience {
		e.out.held = false
	}
	return nil
}

// Rest moves nothing: there is no upgrade yet.
func (e *Engine) Rest(*buffers.Sequence) {}

// Next takes the oldest event.
func (e *Engine) Next(ev *wire.Event) bool {
	if e.events.waiting == 0 {
		return false
	}
	kind := wire.EventKind(bits.TrailingZeros8(e.events.waiting))
	ev.Kind, ev.ID = kind, e.id
	ev.Head, ev.Trailers, ev.Fault, ev.Stopped, ev.Unseen = nil, nil, nil, false, false
	switch kind {
	case wire.EventInformational:
		ev.Head = &e.in.interim[e.in.toldTo].head
		if e.in.toldTo++; e.in.toldTo < len(e.in.interim) {
			return true // the next one waits
		}
	case wire.EventHead:
		ev.Head = &e.in.section.head
	case wire.EventBody:
		e.events.body.Move(&ev.Body)
	case wire.EventTrailers:
		ev.Trailers = &e.in.trailers.fields
	case wire.EventEnd:
		ev.Stopped = e.events.stopped
	case wire.EventClosing:
		ev.ID = 0
	}
	e.events.waiting &^= 1 << kind
	return true
}
