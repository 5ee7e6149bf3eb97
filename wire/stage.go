package wire

import "turbohttp/buffers"

// Instant is a moment on the monotonic clock, in nanoseconds; 0 means never.
type Instant int64

// StreamID names an exchange inside an engine. HTTP/1 engines count up from 1; HTTP/2 engines use the stream's number.
type StreamID uint32

// Stage is one layer that bytes of a connection pass through: a protocol engine, or a TLS session below it.
//
// Faults are final for the connection: after the first one every further call returns the same fault and changes
// nothing, but Next still tells what came before it, so that what is told does not depend on how the bytes were cut.
type Stage interface {
	// Feed takes all of in and keeps what it cannot use yet.
	Feed(in *buffers.Sequence, now Instant) *Fault
	// FeedEOF tells that the peer has sent its last byte.
	FeedEOF(now Instant) *Fault
	// Rest moves bytes that were fed but do not belong to this stage to out: what the next stage must be fed after an
	// upgrade or CONNECT.
	Rest(out *buffers.Sequence)
	// Fill appends what is ready to be sent to out until it holds about limit bytes. more tells that there is more.
	// Body segments are sliced, not copied: they stay borrowed until the transport has let go of them.
	Fill(out *buffers.Sequence, limit int) (more bool)
	// Deadline is when Tick wants to be called; 0: never.
	Deadline() Instant
	// Tick lets time pass: it may release what waited for the deadline, or fail the connection.
	Tick(now Instant) *Fault
	// Release gives every buffer back. The stage may only be reset or dropped afterwards.
	Release()
}

// Engine is the stage that speaks HTTP: h1 carries one exchange at a time, h2 many.
//
// After every call but Deadline and Room the caller drains Next, and asks Fill for bytes.
type Engine interface {
	Stage
	// Room is how many exchanges may be opened now. An engine without room and without open exchanges is finished:
	// its connection must be closed.
	Room() int
	// Open starts an exchange. end: no body follows. head and what it points to stay unchanged until the exchange
	// has ended (EventEnd, EventReset, a fault, or Reset). What the caller gave is checked before a byte is made:
	// a Fault with StatusInvalid here leaves the engine as it was.
	Open(head *RequestHead, end bool, now Instant) (StreamID, *Fault)
	// Send moves body bytes to the engine; end: these were the last. A Fault with StatusInvalid tells that they do
	// not fit what Open promised; body is released then.
	Send(id StreamID, body *buffers.Sequence, end bool) *Fault
	// Finish ends a body of unknown length with trailers, which are copied.
	Finish(id StreamID, trailers *Fields) *Fault
	// Credit tells that the consumer disposed of n body bytes: the peer may send as much again.
	Credit(id StreamID, n int)
	// Progress tells how many body bytes of the exchange opened last under id Fill has taken, also after its end, and
	// whether the rest of its body is not wanted: the peer answered without it.
	Progress(id StreamID) (taken int64, stopped bool)
	// Reset ends an exchange at once; no event of it follows. An h1 engine has no room afterwards.
	Reset(id StreamID, why Status)
	// Next takes the oldest event. What ev points to is a view until the next call of the engine, but for
	// ev.Body, whose segments were moved to the caller.
	Next(ev *Event) bool
}
