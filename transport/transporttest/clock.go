package transporttest

import (
	"sync"
	"time"

	"turbohttp/transport"
	"turbohttp/wire"
)

// Clock is virtual time: it moves when a test says so. Alarms ring inside Advance.
type Clock struct {
	mu     sync.Mutex
	now    wire.Instant
	alarms []*alarm
	Rings  int // alarms that rang
}

// NewClock makes a clock. It does not begin at 0, which means never.
func NewClock() *Clock { return &Clock{now: 1_000_000} }

type alarm struct {
	clock *Clock
	ring  func()
	at    wire.Instant
}

// Now gives the virtual moment.
func (c *Clock) Now() wire.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Alarm makes an alarm.
func (c *Clock) Alarm(ring func()) transport.Alarm {
	a := &alarm{clock: c, ring: ring}
	c.mu.Lock()
	c.alarms = append(c.alarms, a)
	c.mu.Unlock()
	return a
}

func (a *alarm) Set(at wire.Instant) {
	a.clock.mu.Lock()
	a.at = at
	a.clock.mu.Unlock()
}

// Advance lets d pass, and rings what is due on the way, each at its moment.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now + wire.Instant(d)
	for {
		var next *alarm
		for _, a := range c.alarms {
			if a.at != 0 && a.at <= end && (next == nil || a.at < next.at) {
				next = a
			}
		}
		if next == nil {
			break
		}
		c.now = max(c.now, next.at)
		next.at = 0
		c.Rings++
		c.mu.Unlock()
		next.ring()
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

// Set is how many alarms are set.
func (c *Clock) Set() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.alarms {
		if a.at != 0 {
			n++
		}
	}
	return n
}
