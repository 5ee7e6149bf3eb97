//go:build unix

package transporttest

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Silent gives the address of a listener that lets connections wait for ever: its line is full.
func Silent(t testing.TB) (host string, port uint16) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	require.NoError(t, err)
	raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) })
	require.NoError(t, err)
	for range 64 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
		if err != nil {
			return "127.0.0.1", uint16(l.Addr().(*net.TCPAddr).Port)
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("the system lets 64 connections into a line of length 0")
	return "", 0
}
