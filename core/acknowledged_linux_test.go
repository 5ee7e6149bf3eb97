package core_test

import (
	"errors"
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// acknowledged waits until the system of the peer has all that was written. tcp(7), SIOCOUTQ.
func acknowledged(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	for range 1 << 24 {
		left := 1
		var failed error
		if err := raw.Control(func(fd uintptr) { left, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
			return err
		}
		if failed != nil || left == 0 {
			return failed
		}
		runtime.Gosched()
	}
	return errors.New("the peer's system acknowledges nothing")
}
