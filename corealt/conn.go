package core

import (
	"sync"
	"sync/atomic"

	"turbohttp/buffers"
	"turbohttp/h1"
	"turbohttp/transport"
	"turbohttp/wire"
)

// fillBytes is how much is taken from an engine for one write: a few large segments, far below a socket's buffer.
const fillBytes = 64 << 10

// conn is one connection: the engine and the exchange that it serves. It is the handler of its transport connection.
type conn struct {
	client *Client
	origin *origin
	tr     transport.Conn
	timer  transport.Timer // idle
	tick   transport.Timer // the engine's deadline

	// Guarded by the client's lock.
	parked             bool
	gone               bool // closed, or about to be
	up                 bool
	idleUntil          wire.Instant
	prevIdle, nextIdle *conn

	resolved atomic.Bool

	// mu guards what follows; it is taken after the client's lock, never before.
	mu       sync.Mutex
	engine   *h1.Engine
	x        *Exchange // being served
	last     *Exchange // failed or stopped: told Done when the transport has let go
	dead     bool      // no exchange may begin
	served   int
	heard    bool             // bytes came since the current exchange began
	body     buffers.Sequence // scratch
	ev       wire.Event
	out      buffers.Sequence
	outBody  int  // bytes of the request body in what the transport has not yet sent
	sending  bool // the transport holds bytes
	paused   bool
	address  string
	times    Times // of dialing
	deadline wire.Instant
}

// newConn is called with the client's lock held.
func (c *Client) newConn(o *origin) *conn {
	n := &conn{client: c, origin: o}
	n.timer.Owner, n.tick.Owner = n, n
	n.engine = c.engines.Get()
	n.engine.Init(c.cfg.Pool, h1.Limits{MaxHeadBytes: c.cfg.MaxHeadBytes})
	o.conns++
	o.dialing++
	c.conns[n] = struct{}{}
	c.opened.Add(1)
	c.open.Add(1)
	return n
}

func (n *conn) dial() {
	c := n.client
	timeout := c.cfg.ConnectTimeout
	if timeout < 0 {
		timeout = 0
	}
	n.mu.Lock() // the handler may be told before Dial's result is stored
	n.times.Connecting = c.cfg.Clock.Now()
	n.tr = c.cfg.Transport.Dial(&transport.Dial{Host: n.origin.host, Port: n.origin.port, ConnectTimeout: timeout, Pool: c.cfg.Pool}, n)
	n.mu.Unlock()
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	if closing {
		n.tr.Close()
	}
}

// ---- Exchanges ---------------------------------------------------------------------------------------------------------

// begin starts x, which was placed here.
func (n *conn) begin(x *Exchange) {
	c := n.client
	c.timers.Disarm(&n.timer)
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		c.replace(x)
		return
	}
	if x.why.Load() != 0 {
		n.mu.Unlock()
		c.free(n)
		c.finish(x, c.stopped(x, wire.PhaseQueue))
		return
	}
	x.Reused = n.served > 0
	if x.Reused {
		x.Facts |= wire.FactReused
	} else {
		x.Times.Connecting, x.Times.Resolved, x.Times.Connected = n.times.Connecting, n.times.Resolved, n.times.Connected
	}
	x.Address = n.address
	now := c.cfg.Clock.Now()
	id, f := n.engine.Open(&x.Head, x.Head.BodySize == 0, now)
	if f != nil {
		n.mu.Unlock()
		c.free(n)
		c.finish(x, named(f, x))
		return
	}
	n.served++
	n.heard = false
	n.x, x.id = x, id
	if x.Body.Len() > 0 { // slices: the exchange keeps the bytes for a second try
		x.Body.SliceTo(&n.body, 0, x.Body.Len())
		if f = n.engine.Send(id, &n.body, true); f != nil {
			n.fail(f)
		}
	}
	n.turn(now)
}

// turn sends what the engine has, arms its deadline and lets go of a finished exchange. It unlocks n.mu.
func (n *conn) turn(now wire.Instant) {
	n.flush(now)
	if d := n.engine.Deadline(); d != n.deadline {
		n.deadline = d
		if d == 0 {
			n.client.timers.Disarm(&n.tick)
		} else {
			n.client.timers.Arm(&n.tick, d)
		}
	}
	n.mu.Unlock()
}

// flush gives the transport what the engine has to send, unless it still holds some. n.mu is held.
func (n *conn) flush(now wire.Instant) {
	for !n.sending && !n.dead {
		more := n.engine.Fill(&n.out, fillBytes)
		size := n.out.Len()
		if size == 0 {
			return
		}
		n.outBody = 0
		for s := n.out.First(); s != nil; s = s.Next() {
			if s.Block().Borrowed() {
				n.outBody += len(s.Bytes())
			}
		}
		n.client.sentBytes.Add(uint64(size))
		x := n.x
		if x != nil && !x.sent {
			x.sent = true
			x.Facts |= wire.FactSent
		}
		if !n.tr.Send(&n.out) {
			n.sending = true
			return
		}
		n.left(now)
		if !more {
			return
		}
	}
}

// left notes that all that was given to the transport has left. n.mu is held.
func (n *conn) left(now wire.Instant) {
	if x := n.x; x != nil {
		x.Times.Sent = now
		if n.outBody > 0 {
			n.client.sink.Sent(x, n.outBody)
		}
	}
	n.outBody = 0
}

// fail ends the current exchange with f when the transport has let go, and the connection. n.mu is held.
func (n *conn) fail(f *wire.Fault) {
	if x := n.x; x != nil {
		x.fault = named(f, x)
		n.engine.Reset(x.id, f.Status)
		n.last, n.x = x, nil
	}
	n.dead = true
	n.tr.Close()
}

// stop ends x if it is being served here.
func (n *conn) stop(x *Exchange) {
	n.mu.Lock()
	if n.x == x {
		phase := uint32(wire.PhaseWait)
		switch {
		case x.Status != 0:
			phase = wire.PhaseBody
		case n.sending:
			phase = wire.PhaseSend
		}
		f := *n.client.stopped(x, phase)
		x.fault = &f
		n.engine.Reset(x.id, f.Status)
		n.last, n.x = x, nil
		n.dead = true
		n.tr.Close()
	}
	n.mu.Unlock()
}

func (n *conn) consumed(x *Exchange, bytes int) {
	n.mu.Lock()
	if n.x == x {
		x.unread -= bytes
		n.engine.Credit(x.id, bytes)
		if n.paused && x.unread <= n.client.cfg.Window/2 {
			n.paused = false
			n.tr.ResumeReading()
		}
	}
	n.mu.Unlock()
}

// drain takes the engine's events. It returns the exchange that is complete, if one is. n.mu is held.
func (n *conn) drain(now wire.Instant) (complete *Exchange) {
	for n.engine.Next(&n.ev) {
		x := n.x
		if x == nil {
			n.ev.Body.Release()
			continue
		}
		switch n.ev.Kind {
		case wire.EventHead:
			if x.Times.FirstByte == 0 {
				x.Times.FirstByte = now
			}
			x.Status = n.ev.Head.Status
			if size := n.ev.Head.ContentLength; x.MaxBody > 0 && size > x.MaxBody && !wire.HasNoBody(x.Head.Method, x.Status) {
				n.fail(wire.Faultf(wire.StatusLimit, 0, "core", "the response body has %d bytes, the limit is %d", size, x.MaxBody))
				continue
			}
			n.client.sink.Head(x, n.ev.Head)
		case wire.EventBody:
			n.take(x)
		case wire.EventEnd:
			n.client.sink.Body(x, &n.ev.Body, true)
			complete = x
			n.x = nil
		}
	}
	return complete
}

func (n *conn) take(x *Exchange) {
	size := n.ev.Body.Len()
	x.received += int64(size)
	if x.MaxBody > 0 && x.received > x.MaxBody {
		n.ev.Body.Release()
		n.fail(wire.Faultf(wire.StatusLimit, 0, "core", "the response body has more than %d bytes, which is the limit", x.MaxBody))
		return
	}
	if x.Stream {
		x.unread += size
		if x.unread > n.client.cfg.Window && !n.paused {
			n.paused = true
			n.tr.PauseReading()
		}
	} else {
		n.engine.Credit(x.id, size)
	}
	n.client.sink.Body(x, &n.ev.Body, false)
}

// done lets go of a complete exchange: first the connection is free for the next one, then Done is told, so that a host
// which submits on DONE finds it. The caller holds no lock.
func (n *conn) done(x *Exchange, reusable bool) {
	if reusable {
		n.client.free(n)
	}
	n.client.finish(x, nil)
}
