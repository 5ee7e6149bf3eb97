package core

import (
	"turbohttp/transport"
	"turbohttp/wire"
)

// Abort ends x with a fault of the caller's making; like Cancel.
func (c *Client) Abort(x *Exchange, fault *wire.Fault) {
	x.reason.CompareAndSwap(nil, fault)
	c.Cancel(x, fault.Status)
}

// Cancel ends x with the status why. It may be called at any time between Submit and Done; when Done is faster it does
// nothing. The caller guarantees that x is not submitted again meanwhile.
func (c *Client) Cancel(x *Exchange, why wire.Status) {
	c.mu.Lock()
	switch x.phase {
	case phaseWaiting:
		x.origin.waiters.remove(x)
		var over exchanges
		c.leaveLine(x, why, &over)
		c.mu.Unlock()
		c.doneAll(&over, nil, c.clock.Now())
	case phaseActive:
		k, ticket := x.conn, x.ticket
		x.stop.Store(int32(why))
		c.mu.Unlock()
		k.stop(ticket, why)
	default:
		c.mu.Unlock()
	}
}

// Consumed tells that the consumer disposed of n body bytes of a Stream exchange. After Done it does nothing.
func (c *Client) Consumed(x *Exchange, n int) {
	c.mu.Lock()
	k, ticket := x.conn, x.ticket
	c.mu.Unlock()
	if k != nil {
		k.consumed(ticket, n)
	}
}

// action is what a timer wants done to a connection, noted under Client.mu and done without it.
type action struct {
	k      *conn
	ticket uint64 // of the exchange to be stopped
	what   int
}

const (
	actStop   = iota // the exchange's time is over
	actShut          // idle for too long, or too old
	actTick          // the engine's deadline
	actExpire        // the TLS handshake took too long
)

const (
	kindIdle   = iota // conn.idleTimer
	kindEngine        // conn.engineTimer
	kindSecure        // conn.secureTimer
)

// ring is what the alarm calls.
func (c *Client) ring() {
	if p := transport.Guard(c.tick); p != nil {
		c.log(logError, p.String())
	}
}

// tick does what is due.
func (c *Client) tick() {
	now := c.clock.Now()
	var actions [32]action
	for more := true; more; {
		n := 0
		var over exchanges
		c.mu.Lock()
		for more && n < len(actions) {
			t := c.timers.Due(now)
			if t == nil {
				more = false
				break
			}
			if a := c.due(t, now, &over); a.k != nil {
				actions[n] = a
				n++
			}
		}
		c.mu.Unlock()
		c.doneAll(&over, nil, now)
		for _, a := range actions[:n] {
			switch a.what {
			case actStop:
				a.k.stop(a.ticket, wire.StatusTimeout)
			case actShut:
				a.k.shut()
			case actTick:
				a.k.tick(now)
			case actExpire:
				a.k.secure.expire()
			}
		}
	}
}

// due decides about one timer. mu is held.
func (c *Client) due(t *transport.Timer, now wire.Instant, over *exchanges) action {
	switch o := t.Owner.(type) {
	case *Exchange:
		switch o.phase {
		case phaseWaiting:
			o.waitedIn = c.waitsIn(o)
			o.origin.waiters.remove(o)
			c.leaveLine(o, wire.StatusTimeout, over)
		case phaseActive:
			if o.stop.CompareAndSwap(0, int32(wire.StatusTimeout)) {
				return action{o.conn, o.ticket, actStop}
			}
		}
	case *origin:
		c.want(o, now)
	case *conn:
		switch t.Kind {
		case kindEngine:
			return action{o, 0, actTick}
		case kindSecure:
			return action{o, 0, actExpire}
		}
		if o.state != stateIdle {
			break // it arms the timer when it is idle again
		}
		if end := c.idleEnd(o); end > now {
			c.timers.Arm(t, end)
			break
		}
		o.origin.removeIdle(o)
		return action{o, 0, actShut}
	}
	return action{}
}

// waitsIn says what a waiting exchange waits for: a dial that is under way for it, or its turn.
func (c *Client) waitsIn(x *Exchange) wire.Phase {
	o := x.origin
	place := 0
	for w := o.waiters.first; w != x; w = w.next {
		place++
	}
	if place >= o.dialing {
		return wire.PhaseQueue
	}
	phase := wire.PhaseConnect
	for _, k := range c.conns {
		if k.origin != o || k.state != stateDialing {
			continue
		}
		if !k.resolved.Load() {
			return wire.PhaseResolve
		}
		if k.shaking.Load() {
			phase = wire.PhaseTLS
		}
	}
	return phase
}
