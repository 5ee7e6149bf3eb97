package transporttest

import (
	"net"

	"golang.org/x/sys/unix"
)

const (
	canDeafen  = true
	seesTheEnd = true // also on a connection that is not read from
)

// Deafen makes the system drop, before TCP sees it, everything that arrives for c: to the other side it is as if the cable
// had been cut, without a privilege and without a firewall. socket(7), SO_ATTACH_FILTER.
func Deafen(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	program := unix.SockFprog{Len: 1, Filter: &nothing[0]}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	if err == nil {
		err = failed
	}
	return err
}
