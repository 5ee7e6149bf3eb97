package netconn

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"turbohttp/buffers"
)

// The sockets do not block, so these calls keep their processor: entering and leaving the scheduler around them costs
// more than an empty read. Beyond rawBytes copying takes long enough to let the scheduler know.
const rawBytes = 64 << 10

// quiet has nothing to do: every send says MSG_NOSIGNAL.
func quiet(syscall.RawConn) {}

// recv reads without waiting. recv(2).
func recv(fd uintptr, into []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(into))),
		uintptr(len(into)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// onPeek is RawConn.Control's callback: nothing to read and no end is a connection that lives. recv(2), MSG_PEEK.
func (c *conn) onPeek(fd uintptr) {
	_, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&c.peekInto)), 1,
		unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
	c.peeked = errno == syscall.EAGAIN || errno == syscall.EINTR
}

// sign asks the system about the peer. tcp(7), TCP_INFO. c.mu is held.
func (c *conn) sign() (s sign) {
	c.raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			s = sign{known: true, segments: info.Segs_in, window: info.Unacked == 0 && info.Notsent_bytes > 0, asked: info.Probes > 0}
		}
	})
	return s
}

// send writes the front of out without waiting and without SIGPIPE, and gives how many bytes the system took. send(2),
// sendmsg(2).
func (t *Transport) send(fd uintptr, out *buffers.Sequence) (int, syscall.Errno) {
	const flags = unix.MSG_DONTWAIT | unix.MSG_NOSIGNAL
	if out.Segments() > 1 {
		return t.sendVector(fd, out, flags)
	}
	b := out.First().Bytes()
	at, size := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))
	var n uintptr
	var errno syscall.Errno
	if size <= rawBytes {
		n, _, errno = syscall.RawSyscall6(unix.SYS_SENDTO, fd, at, size, flags, 0, 0)
	} else {
		n, _, errno = syscall.Syscall6(unix.SYS_SENDTO, fd, at, size, flags, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// vector is what one sendmsg needs: 64 pieces, more than one Fill of an engine usually has.
type vector struct {
	head   unix.Msghdr
	pieces [64]unix.Iovec
}

func (t *Transport) sendVector(fd uintptr, out *buffers.Sequence, flags uintptr) (int, syscall.Errno) {
	v := t.vectors.Get()
	i, total := 0, 0
	for s := out.First(); s != nil && i < len(v.pieces); s = s.Next() {
		b := s.Bytes()
		v.pieces[i].Base = unsafe.SliceData(b)
		v.pieces[i].SetLen(len(b))
		total += len(b)
		i++
	}
	v.head.Iov = &v.pieces[0]
	v.head.SetIovlen(i)
	at := uintptr(unsafe.Pointer(&v.head))
	var n uintptr
	var errno syscall.Errno
	if total <= rawBytes {
		n, _, errno = syscall.RawSyscall(unix.SYS_SENDMSG, fd, at, flags)
	} else {
		n, _, errno = syscall.Syscall(unix.SYS_SENDMSG, fd, at, flags)
	}
	clear(v.pieces[:i])
	v.head.Iov = nil
	t.vectors.Put(v)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
