//go:build unix && !race

package buffers_test

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
)

// faults says whether reading mem is a memory fault.
func faults(mem []byte) (fault bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { fault = recover() != nil }()
	sink = mem[0]
	return false
}

var sink byte

func TestPlainMemoryIsUnmappedAtItsReturn(t *testing.T) {
	p := buffers.NewPool(buffers.Options{Mode: buffers.Plain})
	b := p.Get(48 << 20) // nobody else maps such a hole in the meantime
	mem := b.Bytes()
	require.False(t, faults(mem))
	b.Release()
	assert.True(t, faults(mem))
	require.NoError(t, p.Close())
}

func TestGuardedMemoryStaysMappedAfterItsReturn(t *testing.T) {
	p := buffers.NewPool(buffers.Options{Mode: buffers.Guarded})
	b := p.Get(48 << 20) // far beyond the quarantine's bytes
	mem := b.Bytes()
	b.Release()
	p.Get(10).Release()
	require.False(t, faults(mem))
	require.NoError(t, p.Close())
}
