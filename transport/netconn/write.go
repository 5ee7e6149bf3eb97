package netconn

import (
	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Send writes what the socket takes, and starts the writer for the rest.
func (c *conn) Send(out *buffers.Sequence) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		panic("netconn: Send before Sendable")
	}
	if c.nc == nil || c.ended || c.writeFault != nil || c.flags.Load()&ending != 0 {
		out.Release()
		return false
	}
	out.Move(&c.out)
	if c.trySend() {
		return true
	}
	if c.writeFault != nil {
		c.out.Release()
		return false
	}
	c.writing = true
	c.writers++
	transport.Start(&c.writer)
	return false
}

// write is the writer goroutine: it writes c.out, says Sendable and ends.
func (c *conn) write() {
	c.panicked(transport.Guard(c.flushAndTell))
	c.mu.Lock()
	c.writers--
	last := c.ended && c.writers == 0
	c.mu.Unlock()
	if last {
		c.closed()
	}
}

func (c *conn) flushAndTell() {
	c.flush()
	c.mu.Lock()
	c.writing = false
	sendable := c.out.Len() == 0 && c.writeFault == nil && c.flags.Load()&ending == 0
	c.out.Release()
	c.mu.Unlock()
	if sendable {
		c.tellSendable()
	}
}

// wrote notes that the system took n bytes. c.mu is held.
func (c *conn) wrote(n int) {
	c.written.Add(uint64(n))
	c.out.Skip(n)
}

// cannotWrite notes that writing failed. c.mu is held.
func (c *conn) cannotWrite(fault *wire.Fault) {
	c.writeFault = fault
	c.flags.Or(mute)
	c.unpark()
	if c.eof || fault.Status != wire.StatusClosed {
		if c.fault == nil {
			c.fault = fault
		}
		c.end()
	}
}
