//go:build linux && !race

package netconn

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/wire"
)

// A SIGPIPE goes to the thread that writes. It is blocked there, so that one that was raised would wait to be seen.
func TestWritingToAPeerThatIsGoneRaisesNoSIGPIPE(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const pipe = 1 << (unix.SIGPIPE - 1)
	block, before := unix.Sigset_t{}, unix.Sigset_t{}
	block.Val[0] |= pipe
	require.NoError(t, unix.PthreadSigmask(unix.SIG_BLOCK, &block, &before))
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)

	pool := buffertest.Pool(t)
	r, c := silence(t, pool, true)
	r.Wait("EOF", func() bool { return r.EOFs > 0 })
	for range 1000 { // the first provokes the reset, a later one EPIPE
		out := new(buffers.Sequence)
		for range 2 {
			out.Append(pool.Get(10), 0, 10)
		}
		if !c.Send(out) {
			break
		}
	}
	fault := r.WaitClosed()
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusClosed, fault.Status)
	assert.EqualValues(t, unix.EPIPE, fault.Code)

	var pending uint64
	_, _, errno := unix.RawSyscall(unix.SYS_RT_SIGPENDING, uintptr(unsafe.Pointer(&pending)), 8, 0)
	require.Zero(t, errno)
	assert.Zero(t, pending&pipe)
}
