//go:build unix

package netconn

import "syscall"

// trySend writes without waiting; true: all has left. c.mu is held.
func (c *conn) trySend() bool {
	c.raw.Write(c.tryWrite) // fails when the connection ends: the reader tells
	return c.out.Len() == 0 && c.writeFault == nil
}

// flush writes until all has left or the connection ends.
func (c *conn) flush() { c.raw.Write(c.writable) }

// onTryWrite is RawConn.Write's callback for trySend.
func (c *conn) onTryWrite(fd uintptr) bool {
	c.writeOut(fd)
	return true
}

// onWritable is RawConn.Write's callback for flush: false waits for the next edge of readiness.
func (c *conn) onWritable(fd uintptr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writeOut(fd)
}

// writeOut writes until nothing is left (true), the socket is full (false), or writing fails (true). c.mu is held.
func (c *conn) writeOut(fd uintptr) bool {
	for c.out.Len() > 0 {
		n, errno := c.t.send(fd, &c.out)
		switch errno {
		case 0:
			c.wrote(n)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		default:
			c.cannotWrite(writeFault(errno))
			return true
		}
	}
	return true
}
