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
	Upload  bool             // more of the body follows by Client.Write; Head.BodySize is its size, or BodyUnknown
	Timeout int64            // nanoseconds from Submit to Done; 0: the client's; below 0: none
	MaxBody int64            // bytes of response body; more ends the exchange with LIMIT. 0: no limit
	Stream  bool             // the sink calls Client.Consumed: reading stops while more than the window is unconsumed
	Ref     any              // the submitter's

	// What core tells; stable from Sink.Done on, and readable inside Sink calls.
	Facts   wire.Facts
	Status  uint16   // of the final head; 0: none came
	Reused  bool     // the connection had served before
	Address string   // of the peer: "192.0.2.1:80"
	TLS     string   // of the connection: "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1"; empty without TLS
	Interim []uint16 // statuses of the 1xx heads before the final one, without 100
	Times   Times

	// Guarded by Client.mu from Submit to Done.
	phase      phase
	retries    int
	conn       *conn
	ticket     uint64
	origin     *origin
	next, prev *Exchange // in origin.waiters
	timer      transport.Timer
	allowed    int64      // nanoseconds, for the text of a timeout
	waitedIn   wire.Phase // when time ran out in line
	after      uint64     // dials of the origin that had begun when it came into the line

	upload // see upload.go

	stop   atomic.Int32               // wire.Status that was asked for; 0: none
	reason atomic.Pointer[wire.Fault] // of Abort
}

type phase uint8

const (
	phaseOver    phase = iota // not submitted, or about to be told Done
	phaseWaiting              // in line for a connection
	phaseActive               // a connection is its own
)

// Times are moments of an exchange; 0: did not happen. Connecting, Resolved, Connected and Secured are of the connection
// when this exchange was the first on it and did not find it idle (preconnected), and not before Started.
type Times struct {
	Started, Connecting, Resolved, Connected, Secured, Sent, FirstByte, Done wire.Instant
}

// Reset empties x for another request and keeps the memory of its fields. Body must be empty. Ref stays.
func (x *Exchange) Reset() {
	x.Head.Fields.Reset()
	x.Head = wire.RequestHead{Fields: x.Head.Fields}
	x.Timeout, x.MaxBody, x.Stream, x.Upload = 0, 0, false, false
	x.start(0)
}

// start clears what core tells and what it keeps.
func (x *Exchange) start(now wire.Instant) {
	x.Facts, x.Status, x.Reused, x.Address, x.TLS = 0, 0, false, "", ""
	x.Times = Times{Started: now}
	x.phase, x.retries, x.conn, x.origin = phaseOver, 0, nil, nil
	x.Interim = x.Interim[:0]
	x.waitedIn = 0
	x.upload.start()
	x.stop.Store(0)
	x.reason.Store(nil)
}

// exchanges is a line of exchanges: first in, first out.
type exchanges struct {
	first, last *Exchange
	count       int
}

func (l *exchanges) pushBack(x *Exchange) {
	x.prev, x.next = l.last, nil
	if l.last != nil {
		l.last.next = x
	} else {
		l.first = x
	}
	l.last = x
	l.count++
}

func (l *exchanges) pushFront(x *Exchange) {
	x.prev, x.next = nil, l.first
	if l.first != nil {
		l.first.prev = x
	} else {
		l.last = x
	}
	l.first = x
	l.count++
}

func (l *exchanges) remove(x *Exchange) {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		l.first = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	} else {
		l.last = x.prev
	}
	x.next, x.prev = nil, nil
	l.count--
}

func (l *exchanges) pop() *Exchange {
	x := l.first
	if x != nil {
		l.remove(x)
	}
	return x
}
