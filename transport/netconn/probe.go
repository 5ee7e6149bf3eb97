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
)

// probe is a question to the peer's system.
//
// The system asks (TCP keep-alive, RFC 9293 §3.8.4), but whether it was answered we see for ourselves where that can be
// seen. TCP_USER_TIMEOUT would be simpler and is wrong three times: it counts from the last time that the peer was heard,
// so one lost packet would end an exchange that has waited for a minute; it does not shorten a retransmission timer that
// has backed off already; and it ends an upload whose receiver is alive and has merely closed its window.
type probe struct {
	alarm transport.Alarm
	left  int    // rounds; 0: no question is open
	heard uint32 // segments received when it was asked
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
	c.probe.left = probeRounds
	c.probe.heard, _, _ = c.heard()
	c.nc.SetKeepAliveConfig(asking)
	c.probe.alarm.Set(transport.Now() + probeRound)
}

// probed looks, once each round, whether the peer was heard.
func (c *conn) probed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.probe
	if p.left == 0 || c.ended || c.flags.Load()&ending != 0 {
		return
	}
	p.left--
	heard, mute, known := c.heard()
	switch {
	case known && heard != p.heard:
	case p.left > 0:
		p.alarm.Set(transport.Now() + probeRound)
		return
	case known && !mute:
		if c.fault == nil {
			c.fault = errSilent
		}
		c.end()
		return
	}
	p.left = 0
	c.nc.SetKeepAliveConfig(usual)
}
