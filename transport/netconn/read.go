package netconn

import "turbohttp/transport"

const (
	// receiveBytes is what one read asks for: a TLS record's plaintext, and the default frame of HTTP/2.
	receiveBytes = 16 << 10
	// smallBytes: so much and less is copied into a block of its own size.
	smallBytes = 2 << 10
)

// read is the reader goroutine.
func (c *conn) read() {
	c.panicked(transport.Guard(c.serve))
	c.readerEnds()
}

// halted tells that the reader is not to read on now.
func (c *conn) halted() bool {
	flags := c.flags.Load()
	return flags&ending != 0 || flags&(paused|mute) == paused
}

func (c *conn) serve() {
	if !c.connect() {
		return
	}
	c.tellConnected()
	for {
		flags := c.flags.Load()
		if flags&ending != 0 {
			return
		}
		if flags&(paused|mute) == paused {
			<-c.wake
			continue
		}
		err := c.receive()
		if c.flags.Load()&ending != 0 {
			return
		}
		if c.readErr == 0 && err != nil {
			c.readErr = number(err)
		}
		if c.readErr != 0 || err != nil {
			c.fail(readFault(c.readErr))
			return
		}
	}
}

// took gives the n bytes read into the spare block to c.in.
func (c *conn) took(n int) {
	if n <= smallBytes {
		small := c.to.Pool.Get(n)
		copy(small.Bytes(), c.spare.Bytes())
		c.in.Append(small, 0, n)
		return
	}
	b := c.spare
	c.spare = nil
	c.in.Append(b, 0, n)
}

func (c *conn) dropSpare() {
	if b := c.spare; b != nil {
		c.spare = nil
		b.Release()
	}
}

// deliver gives what was read to the handler.
func (c *conn) deliver() {
	if c.in.Len() == 0 {
		return
	}
	c.tellReceived()
	c.in.Release()
}

// gotEOF tells the peer's end once. Where writing had failed, it was a reset that the failing write used up: an end
// that must not be taken for the end of a body.
func (c *conn) gotEOF() {
	c.mu.Lock()
	c.eof = true
	fault := c.writeFault
	c.mu.Unlock()
	if fault != nil {
		c.fail(fault)
		return
	}
	if !c.toldEOF {
		c.toldEOF = true
		c.tellEOF()
	}
}
