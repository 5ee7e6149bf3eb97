package netconn

import (
	"sync"

	"turbohttp/transport"
	"turbohttp/wire"
)

// Config of a Transport. The zero value works.
type Config struct {
	// Log takes one line or a stack; level is 1 error, 2 warn, 3 info, 4 trace. May be nil.
	Log func(level int, text string)
	// SocketBuffer sets the size of the system's buffers of each connection, bytes; 0: the system's choice. For tests.
	SocketBuffer int
}

// Transport moves bytes by Go's net.Conn, one goroutine for each connection.
type Transport struct {
	cfg Config

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

var _ transport.Transport = (*Transport)(nil)

// New makes a transport.
func New(cfg Config) *Transport {
	return &Transport{cfg: cfg, conns: map[*conn]struct{}{}}
}

// Dial starts a goroutine that resolves and connects.
func (t *Transport) Dial(d *transport.Dial, h transport.Handler) transport.Conn {
	c := &conn{t: t, h: h, to: *d, wake: make(chan struct{}, 1)}
	c.init()
	t.mu.Lock()
	t.conns[c] = struct{}{}
	if t.closed {
		c.fault = errClosed
	}
	t.mu.Unlock()
	transport.Start(&c.reader)
	return c
}

var errClosed = &wire.Fault{Status: wire.StatusCancelled, Stage: "net", Text: "the transport is closed: no new connection is made"}

// Close closes every connection and refuses new ones. It does not wait.
func (t *Transport) Close() {
	t.mu.Lock()
	t.closed = true
	all := make([]*conn, 0, len(t.conns))
	for c := range t.conns {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

// Open is the number of connections not yet told Closed.
func (t *Transport) Open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conns)
}

func (t *Transport) forget(c *conn) {
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
}

func (t *Transport) log(level int, text string) {
	if t.cfg.Log != nil {
		t.cfg.Log(level, text)
	}
}
