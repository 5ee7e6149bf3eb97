package core

import (
	"slices"

	"turbohttp/transport"
	"turbohttp/wire"
)

// origin is the pool of connections to one scheme, host and port. Client.mu guards all of it.
//
// A connection that is free goes to the exchange that waits longest, but see nextFor; when none waits it is idle, and the
// next exchange takes the one that was used last, so that what is not needed grows old and is closed. A new connection is
// dialed only while more exchanges wait than dials are under way.
type origin struct {
	key     string
	host    string // for the dial
	port    uint16
	secure  bool // https
	waiters exchanges
	idle    *conn // last used first
	count   int   // connections dialed and not told Closed
	dialing int
	redial  transport.Timer

	// Dials are numbered in the order in which they began. The failure of one is told to those who were in line by then,
	// when nothing else can serve them; who came later, also to take the place of one that was cancelled, has not had the
	// time that connecting may take, and gets a dial of its own.
	dials uint64      // begun
	lost  uint64      // the youngest that failed
	why   *wire.Fault // of that
}

// keptOrigins without connections are kept: a client that visits no more finds its origins again without allocation.
const keptOrigins = 64

// redialAfter is how long a dial that failed is not repeated while other connections of the origin live, ns.
const redialAfter = 1e9

// origin finds or makes the origin of a target. Host names are compared without case.
func (c *Client) origin(t *wire.Target) *origin {
	k := append(c.key[:0], byte('0'+t.Scheme), byte(t.Port>>8), byte(t.Port))
	for _, b := range t.Host {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		k = append(k, b)
	}
	c.key = k
	o := c.origins[string(k)]
	if o == nil {
		o = &origin{key: string(k), host: string(k[3:]), port: t.Port, secure: t.Scheme == wire.SchemeHTTPS}
		o.redial.Owner = o
		c.origins[o.key] = o
	}
	return o
}

// takeIdle takes the connection that was used last out of the idle ones. One whose life is over is left to its timer.
func (c *Client) takeIdle(o *origin, now wire.Instant) *conn {
	for k := o.idle; k != nil; k = k.next {
		if !c.outlived(k, now) {
			o.removeIdle(k)
			return k
		}
	}
	return nil
}

// outlived tells that k is too old to serve once more.
func (c *Client) outlived(k *conn, now wire.Instant) bool {
	return c.cfg.Lifetime > 0 && now >= k.born+wire.Instant(c.cfg.Lifetime)
}

// idleEnd is when an idle connection is closed; 0: never.
func (c *Client) idleEnd(k *conn) (end wire.Instant) {
	if c.cfg.IdleTimeout > 0 {
		end = k.idleAt + wire.Instant(c.cfg.IdleTimeout)
	}
	if c.cfg.Lifetime > 0 {
		if life := k.born + wire.Instant(c.cfg.Lifetime); end == 0 || life < end {
			end = life
		}
	}
	return end
}

// nextFor takes the exchange that a free connection is to serve out of the line; nil: none. A repeat is for a connection
// that has just been made, as long as one is on its way: a server that lets go of all its connections, to reload or to
// restart, lets go of the one that just answered, too, and there may be no other try. When a dial has failed since it came
// into line, it takes what there is: others would be served before it for ever.
func (o *origin) nextFor(fresh bool) *Exchange {
	x := o.waiters.first
	for !fresh && o.dialing > 0 && x != nil && x.retries > 0 && x.after >= o.lost {
		x = x.next
	}
	if x != nil {
		o.waiters.remove(x)
	}
	return x
}

// enter puts an exchange into the line; first: it had a connection before, and is not to wait again.
func (o *origin) enter(x *Exchange, first bool) {
	x.phase = phaseWaiting
	x.after = o.dials
	if first {
		o.waiters.pushFront(x)
	} else {
		o.waiters.pushBack(x)
	}
}

// olderDial tells whether a dial is under way that began before k.
func (c *Client) olderDial(k *conn) bool {
	return slices.ContainsFunc(c.conns, func(l *conn) bool {
		return l.origin == k.origin && l.state == stateDialing && l.number < k.number
	})
}

// giveUp takes those out of the line who saw a dial begin that has failed. k is the last that failed.
func (c *Client) giveUp(o *origin, k *conn, failed *exchanges) {
	for x := o.waiters.first; x != nil; {
		next := x.next
		if x.after < o.lost {
			o.waiters.remove(x)
			k.stamp(x)
			c.leaveLine(x, 0, failed)
		}
		x = next
	}
}

func (o *origin) pushIdle(k *conn) {
	k.prev, k.next = nil, o.idle
	if o.idle != nil {
		o.idle.prev = k
	}
	o.idle = k
	k.state = stateIdle
}

func (o *origin) removeIdle(k *conn) {
	if k.prev != nil {
		k.prev.next = k.next
	} else {
		o.idle = k.next
	}
	if k.next != nil {
		k.next.prev = k.prev
	}
	k.next, k.prev = nil, nil
	k.state = stateLeaving
}

// want dials while more exchanges wait than dials are under way, up to the limit.
func (c *Client) want(o *origin, now wire.Instant) {
	for o.waiters.count > o.dialing && o.count < c.cfg.ConnectionsPerHost && !c.closing.Load() {
		c.dial(o, now)
	}
}

func (c *Client) dial(o *origin, now wire.Instant) {
	k := &conn{client: c, origin: o, state: stateDialing}
	k.init(now)
	o.count++
	o.dialing++
	o.dials++
	k.number = o.dials
	k.index = len(c.conns)
	c.conns = append(c.conns, k)
	d := transport.Dial{Host: o.host, Port: o.port, Address: c.cfg.Resolve.of(o.host, o.port),
		ConnectTimeout: max(0, c.cfg.ConnectTimeout), Pool: c.cfg.Pool}
	k.mu.Lock()
	if o.secure {
		k.secure = &secure{conn: k}
		k.link = k.secure.dial(&d)
	} else {
		k.link = c.cfg.Transport.Dial(&d, k)
	}
	k.mu.Unlock()
}

// assign gives a connection to an exchange. Whoever calls lets go of mu and runs the job.
func (c *Client) assign(k *conn, x *Exchange) job {
	k.state = stateBusy
	k.owner = x
	k.serial++
	x.phase = phaseActive
	x.conn = k
	x.ticket = k.serial
	return job{x: x, ticket: k.serial}
}

// serve gives a free connection to whoever waits longest, or lets it be idle. fresh: it has just been made.
func (c *Client) serve(k *conn, fresh bool, now wire.Instant) job {
	o := k.origin
	if x := o.nextFor(fresh); x != nil {
		return c.assign(k, x)
	}
	o.pushIdle(k)
	k.idleAt = now
	// The timer is not moved with every use: when it rings it looks how long the connection was idle.
	if k.idleTimer.At() == 0 {
		if end := c.idleEnd(k); end != 0 {
			c.timers.Arm(&k.idleTimer, end)
		}
	}
	return job{}
}

// run begins jobs on k until one is under way or there is none. No lock is held.
func (c *Client) run(k *conn, j job, now wire.Instant) {
	for j.x != nil {
		step(j.x, "assigned")
		v := k.begin(j, now)
		if !v.over {
			return
		}
		step(v.x, "verdict")
		j = c.complete(k, v, now)
	}
}

// connected takes in a connection that was made.
func (c *Client) connected(k *conn, now wire.Instant) {
	c.mu.Lock()
	k.origin.dialing--
	c.opened++
	c.open++
	k.state = stateLeaving
	k.born = now
	var j job
	closing := c.closing.Load()
	if !closing {
		j = c.serve(k, true, now)
	}
	open := k.origin.count - k.origin.dialing
	c.mu.Unlock()
	c.trace(k.origin, "connected, %d open", open)
	if closing {
		k.shut()
		return
	}
	c.run(k, j, now)
}

// complete takes an exchange that is over off its connection, tells Done, and gives the next job of the connection.
func (c *Client) complete(k *conn, v verdict, now wire.Instant) job {
	x := v.x
	c.mu.Lock()
	k.owner = nil
	buried := k.state == stateBuried // between the verdict and now, on another goroutine
	if !buried {
		k.state = stateLeaving
	}
	x.phase = phaseOver
	x.conn = nil
	if x.timer.At() != 0 {
		c.timers.Disarm(&x.timer)
	}
	var j job
	over := c.closing.Load() || c.outlived(k, now)
	if v.reuse && !over && !buried {
		j = c.serve(k, false, now)
	}
	c.mu.Unlock()
	if v.reuse && over {
		k.shut()
	}
	c.done(x, v.fault, now)
	return j
}

// leave takes a connection that is being closed out of the idle ones.
func (c *Client) leave(k *conn) {
	c.mu.Lock()
	if k.state == stateIdle {
		k.origin.removeIdle(k)
	}
	c.mu.Unlock()
}

// buried takes a connection that is gone out of everything, and decides what becomes of its exchange and of those that
// waited for it.
func (c *Client) buried(k *conn, e ending, now wire.Instant) {
	o := k.origin
	var over, failed exchanges
	var overFault, why *wire.Fault
	var spare *conn
	var j job
	c.mu.Lock()
	c.timers.Disarm(&k.idleTimer)
	c.timers.Disarm(&k.engineTimer)
	c.timers.Disarm(&k.secureTimer)
	last := len(c.conns) - 1
	c.conns[k.index] = c.conns[last]
	c.conns[k.index].index = k.index
	c.conns[last] = nil
	c.conns = c.conns[:last]
	c.past.BytesReceived += k.bytesIn.Load()
	c.past.BytesSent += k.link.Written()
	o.count--
	wasDialing := k.state == stateDialing
	if wasDialing {
		o.dialing--
	} else {
		c.open--
	}
	if k.state == stateIdle {
		o.removeIdle(k)
	}
	k.state = stateBuried
	if x := k.owner; x != nil && x.ticket != e.settled {
		k.owner = nil
		x.conn = nil
		switch {
		case e.complete:
			c.leaveLine(x, 0, &over)
		case c.mayRepeat(x, e):
			if e.begun {
				x.retries++
			}
			o.enter(x, true)
		default:
			overFault = e.fault
			if s := wire.Status(x.stop.Load()); s != 0 && (!e.begun || overFault == nil) {
				overFault = stopFault(x, s, wire.PhaseQueue)
			}
			if overFault == nil { // the client is being closed
				overFault = stopFault(x, wire.StatusCancelled, 0)
			}
			c.leaveLine(x, 0, &over)
		}
	}
	if k.again && wasDialing {
		e.fault = nil // it is about a network that is no more
		if !c.closing.Load() {
			c.dial(o, now)
		}
	}
	if wasDialing && e.fault != nil && k.number > o.lost {
		o.lost, o.why = k.number, e.fault
	}
	switch {
	case !wasDialing || e.fault == nil:
		c.want(o, now)
	case o.count == o.dialing && !c.olderDial(k):
		// No connection of this origin lives. Dials that began later are no reason to wait: with a host that is gone, and
		// new requests all the time, there are always some.
		why = o.why
		c.giveUp(o, k, &failed)
		c.want(o, now)
	case o.count == o.dialing: // the older dial may serve them, or be told
	case o.waiters.count > 0:
		// Those who wait still get their turn on what lives. The dial is repeated after a while only.
		c.timers.Arm(&o.redial, now+redialAfter)
		if spare = c.takeIdle(o, now); spare != nil { // a repeat waits, see mayRepeat: better this than for ever
			j = c.assign(spare, o.waiters.pop())
			j.waited = true
		}
	}
	if o.count == 0 && o.waiters.count == 0 && len(c.origins) > keptOrigins {
		c.timers.Disarm(&o.redial)
		delete(c.origins, o.key)
	}
	c.mu.Unlock()
	if spare != nil {
		c.run(spare, j, now)
	}
	for x := over.pop(); x != nil; x = over.pop() {
		c.done(x, overFault, now)
	}
	switch {
	case failed.count > 0:
		c.log(logWarn, why.Error())
	case e.fault != nil:
		c.trace(o, "connection lost: %v", e.fault)
	default:
		c.trace(o, "connection closed")
	}
	c.doneAll(&failed, why, now)
	c.checkClosed()
}
