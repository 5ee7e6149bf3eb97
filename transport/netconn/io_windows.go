package netconn

import (
	"errors"
	"io"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// vector is not used here.
type vector struct{}

func quiet(syscall.RawConn) {}

// receive waits for bytes without a block, reads them and hands them on.
func (c *conn) receive() error {
	if c.toldEOF {
		<-c.wake // reading on would only say so again
		return nil
	}
	if err := c.raw.Read(c.readable); err != nil {
		return err
	}
	c.spare = c.to.Pool.Get(receiveBytes)
	c.count.Lock()
	c.reading = true // something is there, or we would not have been woken
	c.count.Unlock()
	n, err := c.nc.Read(c.spare.Bytes())
	c.count.Lock()
	c.reading = false
	c.received += uint64(n)
	c.count.Unlock()
	if n > 0 {
		c.took(n)
	}
	c.dropSpare()
	c.deliver()
	if errors.Is(err, io.EOF) {
		c.gotEOF()
		return nil
	}
	return err
}

// readCallback gives RawConn.Read's callback: after a first false the runtime waits with a read of no bytes.
func (c *conn) readCallback() func(uintptr) bool {
	asked := false
	return func(uintptr) bool {
		asked = !asked
		return !asked
	}
}

// trySend leaves all to the writer: there is no write here that does not wait. c.mu is held.
func (c *conn) trySend() bool { return c.out.Len() == 0 }

// flush writes until all has left or the connection ends.
func (c *conn) flush() {
	for {
		c.mu.Lock()
		s := c.out.First()
		stop := s == nil || c.writeFault != nil
		c.mu.Unlock()
		if stop {
			return
		}
		n, err := c.nc.Write(s.Bytes())
		c.mu.Lock()
		c.wrote(n)
		if err != nil && c.flags.Load()&ending == 0 {
			c.cannotWrite(writeFault(number(err)))
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *conn) onTryWrite(uintptr) bool { return true }
func (c *conn) onWritable(uintptr) bool { return true }

// fionread asks how many bytes a read would give (winsock2.h, FIONREAD).
const fionread = 0x4004667f

// onPeek is RawConn.Control's callback. On a socket for overlapped calls there is no peek that never waits, but the number
// of bytes that lie there can be asked for. It leaves it to the reader to see the peer's end.
func (c *conn) onPeek(fd uintptr) {
	var unread, size uint32
	err := windows.WSAIoctl(windows.Handle(fd), fionread, nil, 0, (*byte)(unsafe.Pointer(&unread)), 4, &size, nil, 0)
	c.peeked = err == nil && unread == 0
}

// sign knows nothing: the system's keep-alive finds out alone.
func (c *conn) sign() sign { return sign{} }
