//go:build !race

package netconn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"turbohttp/buffers/buffertest"
	"turbohttp/transport"
)

func option(t *testing.T, c transport.Conn, name int) (value int) {
	k := c.(*conn)
	k.mu.Lock()
	defer k.mu.Unlock()
	require.NoError(t, k.raw.Control(func(fd uintptr) {
		var err error
		value, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, name)
		require.NoError(t, err)
	}))
	return value
}

func TestConnectionsSendAtOnceAndAreKeptAlive(t *testing.T) {
	_, c := silence(t, buffertest.Pool(t), false)
	assert.NotZero(t, option(t, c, unix.TCP_NODELAY))
	assert.Equal(t, 15, option(t, c, unix.TCP_KEEPIDLE))
	assert.Equal(t, 15, option(t, c, unix.TCP_KEEPINTVL))
}

func TestAnAnswerToAProbePutsKeepAliveBack(t *testing.T) {
	_, c := silence(t, buffertest.Pool(t), false)
	c.Probe()
	assert.Equal(t, 1, option(t, c, unix.TCP_KEEPIDLE))
	assert.Equal(t, 1, option(t, c, unix.TCP_KEEPINTVL))
	require.Eventually(t, func() bool { return option(t, c, unix.TCP_KEEPIDLE) == 15 }, patience, 10*time.Millisecond)
	assert.Equal(t, 15, option(t, c, unix.TCP_KEEPINTVL))
}

func TestLookingWhetherAConnectionIsAliveAllocatesNothing(t *testing.T) {
	_, c := silence(t, buffertest.Pool(t), false)
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Alive(0) }))
}
