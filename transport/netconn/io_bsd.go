//go:build unix && !linux

package netconn

import (
	"syscall"

	"golang.org/x/sys/unix"

	"turbohttp/buffers"
)

// vector is not used here: one write for each segment.
type vector struct{}

// quiet keeps writes to a connection that is gone from raising SIGPIPE.
func quiet(raw syscall.RawConn) {
	raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NOSIGPIPE, 1) })
}

// recv reads without waiting. read(2).
func recv(fd uintptr, into []byte) (int, syscall.Errno) {
	n, err := unix.Read(int(fd), into)
	if err != nil {
		return 0, number(err)
	}
	return n, 0
}

// onPeek is RawConn.Control's callback: nothing to read and no end is a connection that lives. recv(2), MSG_PEEK.
func (c *conn) onPeek(fd uintptr) {
	var into [1]byte
	_, _, err := unix.Recvfrom(int(fd), into[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	c.peeked = err == unix.EAGAIN || err == unix.EINTR
}

// sign knows nothing: the system's keep-alive finds out alone.
func (c *conn) sign() sign { return sign{} }

// send writes the front of out without waiting, and gives how many bytes the system took. write(2).
func (t *Transport) send(fd uintptr, out *buffers.Sequence) (int, syscall.Errno) {
	n, err := unix.Write(int(fd), out.First().Bytes())
	if err != nil {
		return 0, number(err)
	}
	return n, 0
}
