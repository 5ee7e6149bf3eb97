package netconn

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// conn is one connection: a reader goroutine for its whole life, and a writer goroutine while the socket is full.
type conn struct {
	t      *Transport
	h      transport.Handler
	to     transport.Dial
	reader transport.Task
	writer transport.Task

	// turn is held over each call of the handler, so that reader and writer call it one at a time.
	turn sync.Mutex

	flags   atomic.Uint32 // paused, ending: what the reader must look at before it reads on
	wake    chan struct{} // ends the reader's park; holds one
	written atomic.Uint64

	readable, tryWrite, writable func(fd uintptr) bool // callbacks of RawConn, stored so that none is made per call
	peek                         func(fd uintptr)

	// The reader's own.
	in      buffers.Sequence
	spare   *buffers.Block // to read into
	readErr syscall.Errno  // what readable ended with
	toldEOF bool

	// count is held over each read and the note of what it gave: whoever holds it finds every byte that has arrived either
	// in the socket or in received. It is a leaf.
	count    sync.Mutex
	received uint64 // bytes taken from the socket
	reading  bool   // Windows: bytes are there and being read, without count

	// mu guards what follows. It is held over non-blocking system calls, never over the handler.
	mu         sync.Mutex
	nc         *net.TCPConn
	raw        syscall.RawConn
	cancel     context.CancelFunc // of the dial under way
	out        buffers.Sequence   // the writer's while writing
	writing    bool               // out is not empty and the writer's
	writers    int                // writer goroutines that have not left: one may still say Sendable when the next begins
	closing    bool               // Close was called
	eof        bool               // the peer's last byte was read
	ended      bool               // the reader has gone: nothing more is sent
	fault      *wire.Fault        // why the connection ends; the first counts
	writeFault *wire.Fault        // writing failed: what the peer sent is read to its end first
	peeked     bool               // what peek found: alive
	peekInto   byte
	probe      probe
}

const (
	paused uint32 = 1 << iota
	ending        // Close was called, or a fault makes reading pointless
	mute          // the peer takes nothing any more: what it had sent is read to the end, paused or not
)

// longAgo as a deadline wakes whoever waits for the socket.
var longAgo = time.Unix(1, 0)

func (c *conn) init() {
	c.reader.Init(c.read, nil)
	c.writer.Init(c.write, nil)
	c.readable = c.readCallback()
	c.tryWrite = c.onTryWrite
	c.writable = c.onWritable
	c.peek = c.onPeek
}

// panicked turns a panic of a handler, or of our own, into the fault of this connection.
func (c *conn) panicked(p *transport.Panic) {
	if p == nil {
		return
	}
	c.t.log(1, p.String())
	c.fail(p.Fault)
}

// fail ends the connection with a fault of its own.
func (c *conn) fail(fault *wire.Fault) {
	c.mu.Lock()
	if c.fault == nil {
		c.fault = fault
	}
	c.end()
	c.mu.Unlock()
}

// end makes both goroutines leave. c.mu is held.
func (c *conn) end() {
	c.flags.Or(ending)
	if c.cancel != nil {
		c.cancel()
	}
	if c.nc != nil {
		c.nc.SetDeadline(longAgo)
	}
	c.unpark()
}

func (c *conn) unpark() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close makes the reader goroutine close the socket. It does not do so itself, because closing waits for callbacks that
// may wait for the caller.
func (c *conn) Close() {
	c.mu.Lock()
	if !c.closing {
		c.closing = true
		c.end()
	}
	c.mu.Unlock()
}

// PauseReading stops the reader after the Received that is under way.
func (c *conn) PauseReading() { c.flags.Or(paused) }

// ResumeReading lets the reader read again.
func (c *conn) ResumeReading() {
	if c.flags.And(^paused)&paused != 0 {
		c.unpark()
	}
}

// Written is the number of bytes that the system has taken.
func (c *conn) Written() uint64 { return c.written.Load() }

// Alive looks whether the peer has closed or sent something. The reader sees the same, but a moment later: it has to be
// woken first, and what it has read is not yet given.
func (c *conn) Alive(received uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nc == nil || c.eof || c.ended || c.writeFault != nil || c.flags.Load()&ending != 0 {
		return false
	}
	c.count.Lock()
	defer c.count.Unlock()
	if c.reading || c.received != received {
		return false
	}
	c.peeked = false // what peek is not called for is closed
	c.raw.Control(c.peek)
	return c.peeked
}

// readerEnds is the reader's last step. The goroutine that leaves last closes the socket.
func (c *conn) readerEnds() {
	c.mu.Lock()
	c.ended = true
	c.end()
	last := c.writers == 0
	c.mu.Unlock()
	if last {
		c.closed()
	}
}

// closed runs once, when both goroutines are gone and nobody sends any more.
func (c *conn) closed() {
	if c.nc != nil {
		c.nc.Close()
	}
	if c.probe.alarm != nil {
		c.probe.alarm.Set(0)
	}
	c.dropSpare()
	c.in.Release()
	c.out.Release()
	fault := c.fault
	if fault == nil {
		fault = c.writeFault
	}
	if c.closing {
		fault = nil
	}
	c.t.forget(c)
	if p := transport.Guard(func() { c.tellClosed(fault) }); p != nil {
		c.t.log(1, p.String())
	}
}

func (c *conn) tellResolved() {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.flags.Load()&ending == 0 {
		c.h.Resolved(transport.Now())
	}
}

func (c *conn) tellConnected() {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.flags.Load()&ending == 0 {
		c.h.Connected(c.nc.RemoteAddr().String(), transport.Now())
	}
}

func (c *conn) tellReceived() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.h.Received(&c.in, transport.Now())
}

func (c *conn) tellEOF() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.h.ReceivedEOF(transport.Now())
}

func (c *conn) tellSendable() {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.h.Sendable(transport.Now())
}

func (c *conn) tellClosed(fault *wire.Fault) {
	c.turn.Lock()
	defer c.turn.Unlock()
	c.h.Closed(fault, transport.Now())
}
