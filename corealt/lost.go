package core

import (
	"turbohttp/transport"
	"turbohttp/wire"
)

// replace finds another connection for an exchange whose connection is dead before it began.
func (c *Client) replace(x *Exchange) {
	c.mu.Lock()
	x.place, x.conn = nowhere, nil
	c.mu.Unlock()
	c.dispatch(x)
}

// left takes a connection out of its origin. Those who wait for it wait for another, or fail with it: when nothing else
// can serve them, the same cause would meet each of them in turn.
func (c *Client) left(n *conn, f *wire.Fault) {
	c.mu.Lock()
	o := n.origin
	n.gone = true
	o.conns--
	if !n.up {
		o.dialing--
	}
	if n.parked {
		o.unpark(n)
	}
	if n.up || f == nil {
		// Room for a new connection, for whoever waits.
		var dial *conn
		if o.waiters > o.dialing && o.conns < c.cfg.ConnectionsPerHost && !c.closing {
			dial = c.newConn(o)
		}
		c.mu.Unlock()
		if dial != nil {
			dial.dial()
		}
		return
	}
	for o.conns == 0 && o.first != nil {
		x := o.first
		o.drop(x)
		x.Times.Connecting, x.Times.Resolved = n.times.Connecting, n.times.Resolved
		c.mu.Unlock()
		c.finish(x, named(f, x))
		c.mu.Lock()
	}
	if o.conns == 0 && o.first == nil {
		delete(c.origins, o.key)
	}
	c.mu.Unlock()
}

// timedOut closes an idle connection, or lets the engine's time pass.
func (n *conn) timedOut(t *transport.Timer, now wire.Instant) {
	c := n.client
	if t == &n.timer {
		c.mu.Lock()
		idle := n.parked && !n.gone && n.idleUntil <= now
		if idle {
			n.origin.unpark(n)
			n.gone = true
		}
		c.mu.Unlock()
		if idle {
			n.close()
		}
		return
	}
	n.mu.Lock()
	if n.dead {
		n.mu.Unlock()
		return
	}
	n.deadline = 0
	n.step(n.engine.Tick(now), now)
}

// close ends the connection and what it serves.
func (n *conn) close() {
	n.mu.Lock()
	if x := n.x; x != nil {
		x.why.CompareAndSwap(0, int32(wire.StatusCancelled))
		n.mu.Unlock()
		n.stop(x)
		return
	}
	n.dead = true
	tr := n.tr
	n.mu.Unlock()
	if tr != nil {
		tr.Close()
	}
}
