//go:build unix

package netconn

import "syscall"

// deliverBytes: so much is collected before the handler is called, while reads come back full.
const deliverBytes = 64 << 10

// receive waits for bytes and hands them on until reading is paused or the connection ends.
func (c *conn) receive() error { return c.raw.Read(c.readable) }

func (c *conn) readCallback() func(fd uintptr) bool { return c.onReadable }

// onReadable is RawConn.Read's callback: false waits for the next edge of readiness, true leaves.
func (c *conn) onReadable(fd uintptr) bool {
	for !c.halted() {
		if c.spare == nil {
			c.spare = c.to.Pool.Get(receiveBytes)
		}
		c.count.Lock()
		n, errno := recv(fd, c.spare.Bytes())
		c.received += uint64(n)
		c.count.Unlock()
		switch {
		case n > 0:
			c.took(n)
			if n == receiveBytes && c.in.Len() < deliverBytes {
				continue
			}
			c.deliver()
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN:
			if c.in.Len() > 0 {
				c.deliver()
				continue // it may have paused or ended
			}
			c.dropSpare()
			return false
		default:
			c.deliver()
			c.dropSpare()
			if errno == 0 {
				c.gotEOF()
				return c.halted() // the next edge is a reset, or Close
			}
			c.readErr = errno
			return true
		}
	}
	c.dropSpare()
	return true
}
