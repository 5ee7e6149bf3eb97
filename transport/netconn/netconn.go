package netconn

import (
	"sync"

	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Transport moves bytes by Go's net.Conn, one goroutine for each connection. Exported fields are set before the first
// Dial.
type Transport struct {
	// Log takes one line or a stack; level is 1 error, 2 warn, 3 info, 4 trace. May be nil.
	Log func(level int, text string)
	// SocketBuffer sets the size of the system's buffers of each connection, bytes; 0: the system's choice. For tests.
	SocketBuffer int

	vectors *buffers.Objects[vector]
	names   resolver

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

var _ transport.Transport = (*Transport)(nil)

// New makes a transport.
func New() *Transport {
	t := &Transport{vectors: buffers.NewObjects[vector](16, nil, nil), conns: map[*conn]struct{}{}}
	t.names.init()
	return t
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

// Forget drops what is known of names.
func (t *Transport) Forget() { t.names.forget() }

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
	if t.Log != nil {
		t.Log(level, text)
	}
}
