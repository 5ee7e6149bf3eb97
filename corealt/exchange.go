package core

import (
	"sync/atomic"

	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Exchange is one request and its response. The caller fills the exported fields of the first group and leaves everything
// alone from Client.Submit until Sink.Done; then it may Reset and submit it again. It is meant to be embedded or recycled.
type Exchange struct {
	Head    wire.RequestHead
	Body    buffers.Sequence // moved to core by Submit; released before Done
	Timeout int64            // nanoseconds from Submit to Done; 0: the client's; negative: none
	MaxBody int64            // bytes of response body; more ends the exchange with LIMIT. 0: no limit
	Stream  bool             // the sink calls Client.Consumed: reading stops while more than the window is unconsumed
	Ref     any              // the submitter's

	// What core tells; stable from Sink.Done on, and readable inside Sink calls.
	Facts   wire.Facts
	Status  uint16 // of the final head; 0: none came
	Reused  bool   // the connection had served before
	Address string // of the peer: "192.0.2.1:80"
	Times   Times

	// why is not 0 once the exchange was asked to stop: the status it ends with.
	why atomic.Int32

	// Guarded by the client's lock.
	place      place
	conn       *conn   // placed: the connection that it was given to
	origin     *origin // waiting
	prev, next *Exchange
	live       bool
	nextWaiter *Exchange
	prevWaiter *Exchange
	timer      transport.Timer
	deadline   wire.Instant // 0: none

	// Guarded by the connection's lock while it is the connection's current exchange.
	id       wire.StreamID
	unread   int // told to the sink and not consumed
	received int64
	sent     bool // bytes of it were handed to the system
	again    bool // it was sent a second time
	fault    *wire.Fault
}

// place is where an exchange is.
type place uint8

const (
	nowhere place = iota
	waiting       // for a connection of its origin
	placed        // given to a connection
)

// Times are moments of an exchange; 0: did not happen.
type Times struct {
	Started, Connecting, Resolved, Connected, Sent, FirstByte, Done wire.Instant
}

// Reset makes x ready for another life. Memory of its field list is kept.
func (x *Exchange) Reset() {
	lines := x.Head.Fields.Lines
	x.Head = wire.RequestHead{}
	x.Head.Fields.Lines = lines[:0]
	x.Timeout, x.MaxBody, x.Stream = 0, 0, false
	x.Facts, x.Status, x.Reused, x.Address, x.Times = 0, 0, false, "", Times{}
	x.why.Store(0)
	x.place, x.conn, x.origin, x.deadline = nowhere, nil, nil, 0
	x.id, x.unread, x.received, x.sent, x.again, x.fault = 0, 0, 0, false, false, nil
}

// safe tells whether repeating the request does no harm (RFC 9110 §9.2.2).
func (x *Exchange) safe() bool {
	switch string(x.Head.Method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
