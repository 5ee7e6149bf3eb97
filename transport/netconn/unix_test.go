//go:build unix && !race

package netconn

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/transport"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

// silence dials a peer that reads everything and says nothing, or closes at once.
func silence(t *testing.T, pool *buffers.Pool, closes bool) (*transporttest.Recorder, transport.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if closes {
				c.Close()
				continue
			}
			go func() { io.Copy(io.Discard, c); c.Close() }()
		}
	}()
	tr := New()
	r := transporttest.NewRecorder(t)
	c := tr.Dial(&transport.Dial{Host: "127.0.0.1", Port: uint16(l.Addr().(*net.TCPAddr).Port), Pool: pool}, r)
	t.Cleanup(func() { c.Close(); r.WaitClosed() })
	r.WaitConnected()
	return r, c
}

// takeAway makes mem what it is after an unmap, without the danger that somebody else is given its addresses.
func takeAway(t *testing.T, mem []byte) {
	require.NoError(t, unix.Mprotect(mem, unix.PROT_NONE))
	t.Cleanup(func() { unix.Munmap(mem) })
}

func TestLentMemoryUnmappedTooEarlyFailsOneConnection(t *testing.T) {
	for _, segments := range []int{1, 2} {
		pool := buffertest.Pool(t)
		r, c := silence(t, pool, false)
		mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		require.NoError(t, err)
		out := new(buffers.Sequence)
		for range segments {
			out.Append(pool.Borrow(mem, nil), 0, len(mem))
		}
		takeAway(t, mem)
		assert.False(t, c.Send(out))
		fault := r.WaitClosed()
		require.NotNil(t, fault)
		assert.Equal(t, wire.StatusInvalid, fault.Status)
		assert.Contains(t, fault.Text, "unmapped")
	}
}

func TestReadingUnmappedMemoryIsAPanicOfOneConnection(t *testing.T) {
	pool := buffertest.Pool(t)
	r, c := silence(t, pool, false)
	mem, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	takeAway(t, mem)
	bad := transporttest.NewRecorder(t)
	bad.OnConnected = func() { _ = string(mem) }
	b := c.(*conn).t.Dial(&transport.Dial{Host: "127.0.0.1", Port: c.(*conn).to.Port, Pool: pool}, bad)
	defer b.Close()
	fault := bad.WaitClosed()
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusInvalid, fault.Status)
	assert.Contains(t, fault.Text, "could not be accessed")
	assert.Zero(t, r.Closes)
}

func TestNoDescriptorsLeftIsIO(t *testing.T) {
	var limit, none unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	none = limit
	none.Cur = 3
	pool := buffertest.Pool(t)
	tr := New()
	r := transporttest.NewRecorder(t)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	tr.Dial(&transport.Dial{Host: "127.0.0.1", Port: 9, Pool: pool}, r)
	fault := r.WaitClosed()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusIO, fault.Status, fault.Text)
	assert.EqualValues(t, unix.EMFILE, fault.Code)
}
