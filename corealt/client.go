package core

import (
	"sync"
	"sync/atomic"

	"turbohttp/buffers"
	"turbohttp/h1"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Client runs exchanges over connections that it keeps. Its methods may be called from any goroutine and never wait.
type Client struct {
	cfg    Config
	sink   Sink
	timers transport.Timers

	mu      sync.Mutex // taken before a connection's, never after
	origins map[string]*origin
	key     []byte // scratch
	all     *Exchange
	live    int // submitted and not yet told Done
	conns   map[*conn]struct{}
	closing bool
	closed  func()

	engines *buffers.Objects[h1.Engine]

	started, done, opened, open, sentBytes, receivedBytes atomic.Uint64
}

// NewClient makes a client that reports to sink.
func NewClient(cfg Config, sink Sink) *Client {
	cfg.setDefaults()
	c := &Client{cfg: cfg, sink: sink, origins: map[string]*origin{}, conns: map[*conn]struct{}{}}
	c.engines = buffers.NewObjects(64, func() *h1.Engine { return new(h1.Engine) }, func(*h1.Engine) {})
	c.timers.Init(cfg.Clock, c.ring)
	return c
}

// Stats reads the counters.
func (c *Client) Stats() Stats {
	return Stats{
		RequestsStarted: c.started.Load(), RequestsDone: c.done.Load(),
		ConnectionsOpened: c.opened.Load(), ConnectionsOpen: c.open.Load(),
		BytesSent: c.sentBytes.Load(), BytesReceived: c.receivedBytes.Load(),
	}
}

// Submit starts an exchange, which ends in exactly one Sink.Done, possibly before Submit returns.
func (c *Client) Submit(x *Exchange) {
	x.Times.Started = c.cfg.Clock.Now()
	c.started.Add(1)
	if x.Head.UserAgent == nil {
		x.Head.UserAgent = c.cfg.UserAgent
	}
	timeout := x.Timeout
	if timeout == 0 {
		timeout = c.cfg.RequestTimeout
	}
	c.mu.Lock()
	if timeout > 0 {
		x.deadline = x.Times.Started + wire.Instant(timeout)
	}
	x.live = true
	x.prev, x.next = nil, c.all
	if c.all != nil {
		c.all.prev = x
	}
	c.all = x
	c.live++
	closing := c.closing
	c.mu.Unlock()
	switch {
	case closing:
		c.finish(x, fault(x, wire.StatusCancelled, 0, "the client was destroyed"))
		return
	case x.Head.Target.Scheme != wire.SchemeHTTP:
		c.finish(x, fault(x, wire.StatusUnsupported, 0, "the scheme %s is not in this build: use http", x.Head.Target.Scheme))
		return
	}
	if timeout > 0 {
		x.timer.Owner = x
		c.timers.Arm(&x.timer, x.deadline)
	}
	c.dispatch(x)
}

// dispatch finds a connection for x, or lets it wait for one.
func (c *Client) dispatch(x *Exchange) {
	c.mu.Lock()
	if x.why.Load() != 0 || c.closing {
		c.mu.Unlock()
		c.finish(x, c.stopped(x, wire.PhaseQueue))
		return
	}
	o := c.originOf(&x.Head.Target)
	if n := o.idle; n != nil {
		o.unpark(n)
		x.place, x.conn = placed, n
		c.mu.Unlock()
		n.begin(x)
		return
	}
	o.push(x)
	var dial *conn
	if o.conns < c.cfg.ConnectionsPerHost && o.waiters > o.dialing {
		dial = c.newConn(o)
	}
	c.mu.Unlock()
	if dial != nil {
		dial.dial()
	}
}

func (c *Client) originOf(t *wire.Target) *origin {
	c.key = appendKey(c.key[:0], t)
	o := c.origins[string(c.key)]
	if o == nil {
		o = &origin{key: string(c.key), host: string(t.Host), port: t.Port}
		c.origins[o.key] = o
	}
	return o
}

// free takes a connection that can serve again: the oldest waiter gets it, or the pool.
func (c *Client) free(n *conn) {
	c.mu.Lock()
	o := n.origin
	if n.gone {
		c.mu.Unlock()
		return
	}
	if x := o.first; x != nil {
		o.drop(x)
		x.place, x.conn = placed, n
		c.mu.Unlock()
		n.begin(x)
		return
	}
	o.park(n)
	if c.cfg.IdleTimeout > 0 {
		n.idleUntil = c.cfg.Clock.Now() + wire.Instant(c.cfg.IdleTimeout)
		c.timers.Arm(&n.timer, n.idleUntil)
	}
	closing := c.closing
	c.mu.Unlock()
	if closing {
		n.tr.Close()
	}
}

// finish tells Done. The caller holds no lock, and is the only one that ends x.
func (c *Client) finish(x *Exchange, f *wire.Fault) {
	c.timers.Disarm(&x.timer)
	c.mu.Lock()
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		c.all = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	}
	x.prev, x.next, x.live, x.place, x.conn = nil, nil, false, nowhere, nil
	c.mu.Unlock()
	x.Body.Release()
	x.Times.Done = c.cfg.Clock.Now()
	if f != nil && !x.sent {
		x.Facts |= wire.FactUnseen
	}
	c.done.Add(1)
	c.sink.Done(x, f)
	c.mu.Lock()
	c.live--
	c.checkClosed()
}

// checkClosed unlocks c.mu, and tells the end when all is over.
func (c *Client) checkClosed() {
	var closed func()
	if c.closing && c.live == 0 && len(c.conns) == 0 {
		closed, c.closed = c.closed, nil
	}
	c.mu.Unlock()
	if closed != nil {
		c.timers.Stop()
		closed()
	}
}

// Cancel asks x to stop with the status why. When Done is on its way already it does nothing.
func (c *Client) Cancel(x *Exchange, why wire.Status) {
	c.mu.Lock()
	if !x.live || !x.why.CompareAndSwap(0, int32(why)) {
		c.mu.Unlock()
		return
	}
	switch x.place {
	case waiting:
		phase := c.phaseWaiting(x)
		x.origin.drop(x)
		c.mu.Unlock()
		c.finish(x, c.stopped(x, phase))
	case placed:
		n := x.conn
		c.mu.Unlock()
		n.stop(x)
	default:
		c.mu.Unlock() // between two places: whoever moves it sees why
	}
}

func (c *Client) phaseWaiting(x *Exchange) uint32 {
	for n := range c.conns {
		if n.origin == x.origin && !n.up {
			if n.resolved.Load() {
				return wire.PhaseConnect
			}
			return wire.PhaseResolve
		}
	}
	return wire.PhaseQueue
}

// Consumed tells that the consumer disposed of n body bytes of a streamed exchange.
func (c *Client) Consumed(x *Exchange, n int) {
	c.mu.Lock()
	conn := x.conn
	if !x.live || x.place != placed {
		conn = nil
	}
	c.mu.Unlock()
	if conn != nil {
		conn.consumed(x, n)
	}
}

// Close cancels everything and closes the connections. done runs once, when every exchange was told Done and every
// connection is closed: inside Close, or on a library goroutine.
func (c *Client) Close(done func()) {
	c.mu.Lock()
	c.closing = true
	c.closed = done
	conns := make([]*conn, 0, len(c.conns))
	for n := range c.conns {
		conns = append(conns, n)
	}
	for _, o := range c.origins {
		for o.first != nil {
			x := o.first
			o.drop(x)
			x.why.CompareAndSwap(0, int32(wire.StatusCancelled))
			c.mu.Unlock()
			c.finish(x, c.stopped(x, wire.PhaseQueue))
			c.mu.Lock()
		}
	}
	c.mu.Unlock()
	for _, n := range conns {
		n.close()
	}
	c.mu.Lock()
	c.checkClosed()
}

// ring acts on the timers that are due. It runs on a goroutine of the timers.
func (c *Client) ring() {
	for {
		now := c.cfg.Clock.Now()
		t := c.timers.Due(now)
		if t == nil {
			return
		}
		switch owner := t.Owner.(type) {
		case *Exchange:
			// The timer was taken out a moment ago: x may have ended since, and live again with a later deadline.
			c.mu.Lock()
			late := owner.live && owner.deadline != 0 && owner.deadline <= now
			c.mu.Unlock()
			if late {
				c.Cancel(owner, wire.StatusTimeout)
			}
		case *conn:
			owner.timedOut(t, now)
		}
	}
}
