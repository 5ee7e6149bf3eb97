package core

import (
	"fmt"
	"sync"
	"sync/atomic"

	"turbohttp/buffers"
	"turbohttp/h1"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Client sends exchanges over connections of its own and tells a Sink what becomes of them. All its methods may be called
// from any goroutine; none but Close's done waits for the network.
type Client struct {
	cfg     Config
	sink    Sink
	clock   transport.Clock
	timers  transport.Timers
	engines *buffers.Objects[h1.Engine]

	started, finished atomic.Uint64 // exchanges
	ended             atomic.Uint64 // the same as finished, but before Done is told: whoever was told finds it counted
	closing           atomic.Bool   // set under mu

	mu      sync.Mutex
	origins map[string]*origin
	conns   []*conn // dialed and not told Closed
	key     []byte  // to look up an origin
	dones   []func()
	opened  uint64
	open    uint64
	past    Stats // bytes of connections that are gone
}

// job is an exchange that was given a connection, and the ticket that says so.
type job struct {
	x      *Exchange
	ticket uint64
	waited bool // the connection was idle before
}

// NewClient makes a client that reports to sink.
func NewClient(cfg Config, sink Sink) *Client {
	cfg.fill()
	c := &Client{cfg: cfg, sink: sink, clock: cfg.Clock, origins: map[string]*origin{}}
	c.cfg.UserAgent = append([]byte(nil), cfg.UserAgent...)
	c.engines = buffers.NewObjects[h1.Engine](keptEngines, nil, nil)
	c.timers.Init(c.clock, c.ring)
	return c
}

// keptEngines are kept for the next connections: as many as a busy client opens at once.
const keptEngines = 64

// Submit starts an exchange. It ends in exactly one Sink.Done, possibly before Submit returns; after Close at once, with
// CANCELLED.
func (c *Client) Submit(x *Exchange) {
	now := c.clock.Now()
	x.start(now)
	c.started.Add(1)
	if len(x.Head.UserAgent) == 0 {
		x.Head.UserAgent = c.cfg.UserAgent
	}
	if fault := c.unsupported(x); fault != nil {
		c.done(x, fault, now)
		return
	}
	c.mu.Lock()
	if c.closing.Load() {
		c.mu.Unlock()
		c.done(x, stopFault(x, wire.StatusCancelled, 0), now)
		return
	}
	if x.allowed = x.Timeout; x.allowed == 0 {
		x.allowed = c.cfg.RequestTimeout
	}
	if x.allowed > 0 {
		x.timer.Owner = x
		c.timers.Arm(&x.timer, now+wire.Instant(x.allowed))
	}
	o := c.origin(&x.Head.Target)
	x.origin = o
	if k := c.takeIdle(o, now); k != nil {
		j := c.assign(k, x)
		j.waited = true
		c.mu.Unlock()
		c.run(k, j, now)
		return
	}
	o.enter(x, false)
	c.want(o, now)
	c.mu.Unlock()
}

// unsupported says what of a request is not built.
func (c *Client) unsupported(x *Exchange) *wire.Fault {
	switch x.Head.Target.Scheme {
	case wire.SchemeHTTP:
		return nil
	case wire.SchemeHTTPS:
		if c.cfg.TLS != nil {
			return nil
		}
		return wire.Faultf(wire.StatusUnsupported, 0, "core", "this client has no TLS: use an http URL")
	case wire.SchemeWS, wire.SchemeWSS:
		return wire.Faultf(wire.StatusUnsupported, 0, "core", "WebSocket is not in this version: use an http or https URL")
	}
	return wire.Faultf(wire.StatusUnsupported, 0, "core", "the URL's scheme is not http or https")
}

// Close ends every exchange with CANCELLED and closes every connection. done runs once, on a library goroutine or inside
// Close, when every exchange was told Done and every connection Closed.
func (c *Client) Close(done func()) {
	c.mu.Lock()
	c.dones = append(c.dones, done)
	var over exchanges
	var conns []*conn
	if !c.closing.Load() {
		c.closing.Store(true)
		for _, o := range c.origins {
			c.timers.Disarm(&o.redial)
			for x := o.waiters.pop(); x != nil; x = o.waiters.pop() {
				c.leaveLine(x, wire.StatusCancelled, &over)
			}
		}
		conns = append(conns, c.conns...)
	}
	c.mu.Unlock()
	c.doneAll(&over, nil, c.clock.Now())
	for _, k := range conns {
		k.shut()
	}
	c.checkClosed()
}

// checkClosed runs what Close was given when nothing is left.
func (c *Client) checkClosed() {
	if !c.closing.Load() {
		return
	}
	c.mu.Lock()
	var dones []func()
	if len(c.conns) == 0 && c.finished.Load() == c.started.Load() {
		dones = c.dones
		c.dones = nil
		c.timers.Stop()
	}
	c.mu.Unlock()
	for _, done := range dones {
		done()
	}
}

// Stats reads the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.past
	s.RequestsDone = c.ended.Load()
	s.RequestsStarted = c.started.Load()
	s.ConnectionsOpened, s.ConnectionsOpen = c.opened, c.open
	for _, k := range c.conns {
		s.BytesReceived += k.bytesIn.Load()
		s.BytesSent += k.link.Written() // link does not change after the dial, which was under mu
	}
	return s
}

// trace logs about a connection. It allocates: connections are few, requests are many.
func (c *Client) trace(o *origin, what string, args ...any) {
	if c.cfg.Log != nil {
		c.cfg.Log(logTrace, fmt.Sprintf("core: %s:%d: ", o.host, o.port)+fmt.Sprintf(what, args...))
	}
}

// Levels of Config.Log.
const (
	logError = 1
	logWarn  = 2
	logTrace = 4
)

func (c *Client) log(level int, text string) {
	if c.cfg.Log != nil {
		c.cfg.Log(level, text)
	}
}
