package core

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// Resolved, Connected and the rest make conn a transport.Handler.
func (n *conn) Resolved(now wire.Instant) {
	n.mu.Lock()
	n.times.Resolved = now
	n.mu.Unlock()
	n.resolved.Store(true)
}

// Connected makes the connection free for whoever waits.
func (n *conn) Connected(address string, now wire.Instant) {
	n.mu.Lock()
	n.address, n.times.Connected = address, now
	n.mu.Unlock()
	c := n.client
	c.mu.Lock()
	n.up = true
	n.origin.dialing--
	c.mu.Unlock()
	c.free(n)
}

// Received feeds the engine.
func (n *conn) Received(in *buffers.Sequence, now wire.Instant) {
	n.client.receivedBytes.Add(uint64(in.Len()))
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		in.Release()
		return
	}
	n.heard = true
	n.step(n.engine.Feed(in, now), now)
}

// ReceivedEOF ends a body that only the end of the connection ends, and everything else too early.
func (n *conn) ReceivedEOF(now wire.Instant) {
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		return
	}
	f := n.engine.FeedEOF(now)
	n.step(f, now)
	n.mu.Lock()
	if !n.dead {
		n.fail(faultEOF)
	}
	n.mu.Unlock()
}

var faultEOF = &wire.Fault{Status: wire.StatusClosed, Stage: "core", Text: "the server closed the connection"}

// step handles what the engine made of something that happened. n.mu is held; step unlocks it.
func (n *conn) step(f *wire.Fault, now wire.Instant) {
	x := n.drain(now)
	if f != nil && !n.dead {
		n.fail(f)
	}
	idle := n.x == nil && !n.dead
	reusable := idle && n.engine.Room() > 0
	if idle && !reusable {
		n.dead = true
		n.tr.Close()
	}
	if n.paused && x != nil {
		n.paused = false
		n.tr.ResumeReading()
	}
	n.turn(now)
	if x != nil {
		n.done(x, reusable)
	}
}

// Sendable goes on sending.
func (n *conn) Sendable(now wire.Instant) {
	n.mu.Lock()
	n.sending = false
	n.left(now)
	n.turn(now)
}

// Closed is the end: the transport holds nothing any more.
func (n *conn) Closed(f *wire.Fault, now wire.Instant) {
	c := n.client
	n.mu.Lock()
	n.dead = true
	x, retry := n.last, false
	n.last = nil
	if n.x != nil {
		x = n.x
		n.x = nil
		if f == nil {
			f = faultEOF
		}
		x.fault = named(f, x)
		n.engine.Reset(x.id, f.Status)
	}
	if x != nil {
		retry = x.Reused && !n.heard && !x.again && x.why.Load() == 0 && x.fault.Status == wire.StatusClosed && (x.safe() || !x.sent)
	}
	n.out.Release()
	n.engine.Release()
	engine := n.engine
	n.engine = nil // dead: nobody asks for it any more
	n.mu.Unlock()
	c.engines.Put(engine)
	c.timers.Disarm(&n.timer)
	c.timers.Disarm(&n.tick)
	c.left(n, f)
	switch {
	case x == nil:
	case retry:
		x.again, x.fault = true, nil
		c.replace(x)
	default:
		c.finish(x, x.fault)
	}
	c.mu.Lock()
	delete(c.conns, n)
	c.open.Add(^uint64(0))
	c.checkClosed()
}
