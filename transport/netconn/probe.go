package netconn

import (
	"net"
	"time"

	"turbohttp/transport"
	"turbohttp/wire"
)

// usual is how often a quiet connection is asked whether it is still there; asking is what Probe changes it to.
var (
	usual  = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 9}
	asking = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: probeRounds}
)

const (
	// probeRounds questions, one each second, may stay without an answer.
	probeRounds = 5
	probeRound  = 1e9 // ns
	// windowRounds is for how many rounds a question about a closed window must have been without an answer. The system
	// asks those at its own pace, which slows down to one in two minutes: the first may have just left.
	windowRounds = 3
)

// probe is a question to the peer's system.
//
// The system asks (TCP keep-alive, RFC 9293 §3.8.4), but whether it was answered we see for ourselves where that can be
// seen. TCP_USER_TIMEOUT would be simpler and is wrong three times: it counts from the last time that the peer was heard,
// so one lost packet would end an exchange that has waited for a minute; it does not shorten a retransmission timer that
// has backed off already; and it ends an upload whose receiver is alive and has merely closed its window.
type probe struct {
	alarm  transport.Alarm
	rounds int    // gone by; -1: no question is open
	closed int    // of them with an unanswered question about a closed window, one after the other
	before uint32 // segments received when it was asked
}

// sign is what the system knows of the peer's life.
type sign struct {
	known    bool
	segments uint32 // received
	window   bool   // the peer has closed its window, and bytes wait for it to open: keep-alive does not ask meanwhile
	asked    bool   // but the question about the window has no answer yet
}

var errSilent = &wire.Fault{Status: wire.StatusClosed, Code: silentCode, Stage: "net",
	Text: "the network changed, and the peer did not answer on this connection since"}

// Probe asks the peer for a sign of life.
func (c *conn) Probe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc == nil || c.ended || c.flags.Load()&ending != 0 {
		return
	}
	if c.probe.alarm == nil {
		c.probe.alarm = transport.Real.Alarm(c.probed)
	}
	c.probe.rounds, c.probe.closed = 0, 0
	c.probe.before = c.sign().segments
	c.nc.SetKeepAliveConfig(asking)
	c.probe.alarm.Set(transport.Now() + probeRound)
}

// probed looks, once each round, whether the peer was heard.
func (c *conn) probed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.probe
	if p.rounds < 0 || c.ended || c.flags.Load()&ending != 0 {
		return
	}
	p.rounds++
	s := c.sign()
	if s.window && s.asked {
		p.closed++
	} else {
		p.closed = 0
	}
	over := p.rounds >= probeRounds
	switch {
	case s.known && s.segments != p.before, !s.known && over:
		p.rounds = -1
		c.nc.SetKeepAliveConfig(usual)
	case over && (!s.window || p.closed >= windowRounds):
		if c.fault == nil {
			c.fault = errSilent
		}
		c.end()
	default:
		p.alarm.Set(transport.Now() + probeRound)
	}
}
