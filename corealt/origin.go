package core

import (
	"strconv"

	"turbohttp/wire"
)

// origin is a scheme, host and port (RFC 9110 §4.3.1), the connections to it, and who waits for one. All of it is guarded
// by the client's lock.
type origin struct {
	key  string
	host string
	port uint16

	idle    *conn // most recently used first
	conns   int   // all of them
	dialing int

	first, last *Exchange // waiters, oldest first
	waiters     int
}

// appendKey writes the name of an origin: the host in lower case, and the port.
func appendKey(b []byte, t *wire.Target) []byte {
	for _, c := range t.Host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	b = append(b, ':')
	return strconv.AppendUint(b, uint64(t.Port), 10)
}

func (o *origin) push(x *Exchange) {
	x.prevWaiter, x.nextWaiter = o.last, nil
	if o.last != nil {
		o.last.nextWaiter = x
	} else {
		o.first = x
	}
	o.last = x
	o.waiters++
	x.place, x.origin = waiting, o
}

func (o *origin) drop(x *Exchange) {
	if x.prevWaiter != nil {
		x.prevWaiter.nextWaiter = x.nextWaiter
	} else {
		o.first = x.nextWaiter
	}
	if x.nextWaiter != nil {
		x.nextWaiter.prevWaiter = x.prevWaiter
	} else {
		o.last = x.prevWaiter
	}
	x.prevWaiter, x.nextWaiter = nil, nil
	o.waiters--
	x.place, x.origin = nowhere, nil
}

func (o *origin) park(c *conn) {
	c.parked = true
	c.prevIdle, c.nextIdle = nil, o.idle
	if o.idle != nil {
		o.idle.prevIdle = c
	}
	o.idle = c
}

func (o *origin) unpark(c *conn) {
	if c.prevIdle != nil {
		c.prevIdle.nextIdle = c.nextIdle
	} else {
		o.idle = c.nextIdle
	}
	if c.nextIdle != nil {
		c.nextIdle.prevIdle = c.prevIdle
	}
	c.prevIdle, c.nextIdle = nil, nil
	c.parked = false
}
