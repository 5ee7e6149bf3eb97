package buffers_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
)

// guarded gives a guarded pool for a test that provokes faults, and the list of them.
func guarded(t *testing.T) (*buffers.Pool, *[]buffers.GuardFault) {
	t.Helper()
	var mu sync.Mutex
	found := &[]buffers.GuardFault{}
	p := buffers.NewPool(buffers.Options{Mode: buffers.Guarded, OnFault: func(f buffers.GuardFault) {
		mu.Lock()
		defer mu.Unlock()
		*found = append(*found, f)
	}})
	return p, found
}

// rentForTheGuard is the function that reports must name.
func rentForTheGuard(p *buffers.Pool, size int) *buffers.Block { return p.Get(size) }

func releaseForTheGuard(b *buffers.Block) { b.Release() }

// beyond gives memory around a block, from from to to relative to its start.
func beyond(b *buffers.Block, from, to int) []byte {
	start := unsafe.Pointer(unsafe.SliceData(b.Bytes()))
	return unsafe.Slice((*byte)(unsafe.Add(start, from)), to-from)
}

// one requires exactly one fault, whose text is one line that names the renting function.
func one(t *testing.T, found *[]buffers.GuardFault, kind buffers.FaultKind) buffers.GuardFault {
	t.Helper()
	require.Len(t, *found, 1)
	f := (*found)[0]
	*found = nil
	assert.Equal(t, kind, f.Kind)
	assert.Contains(t, f.String(), "buffers: "+kind.String()+": ")
	assert.Contains(t, f.String(), "rented by buffers_test.rentForTheGuard (buffers/guard_test.go:")
	assert.NotContains(t, f.String(), "\n")
	return f
}

func TestGuardFindsAWriteBehindTheEndAtRelease(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	b.SetTag("head")
	beyond(b, 0, 110)[103] = 7
	releaseForTheGuard(b)
	f := one(t, found, buffers.FaultOverrun)
	assert.Equal(t, "head", f.Tag)
	assert.Equal(t, 100, f.Size)
	assert.Regexp(t, `^buffers: overrun: byte 103 was written, 4 behind the end; 100 bytes \("head"\) rented by buffers_test.rentForTheGuard `+
		`\(buffers/guard_test.go:\d+\); found by Release in buffers_test.releaseForTheGuard \(buffers/guard_test.go:\d+\)$`, f.String())
	require.NoError(t, p.Close())
	assert.Equal(t, int64(1), p.Stats().Faults)
}

func TestGuardFindsAWriteInFrontOfTheStart(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	beyond(b, -8, 0)[5] = 7
	b.Release()
	assert.Contains(t, one(t, found, buffers.FaultOverrun).String(), "3 bytes in front of the start")
	require.NoError(t, p.Close())
}

func TestGuardFindsAnOverrunForEverySizeEvenWhereAClassIsFull(t *testing.T) {
	for _, size := range []int{1, 63, 64, 192, 256, 4096, 17 << 10, 1 << 20, 1<<20 + 1} {
		p, found := guarded(t)
		b := rentForTheGuard(p, size)
		beyond(b, 0, size+1)[size] = 0
		b.Release()
		assert.Contains(t, one(t, found, buffers.FaultOverrun).What, "1 behind the end")
		require.NoError(t, p.Close())
	}
}

func TestCheckFindsAnOverrunOfALiveBlockOnce(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 10)
	beyond(b, 0, 11)[10] = 7
	assert.Equal(t, 1, p.Check())
	assert.Contains(t, one(t, found, buffers.FaultOverrun).Found, "Check in buffers_test.TestCheckFindsAnOverrunOfALiveBlockOnce")
	assert.Zero(t, p.Check())
	b.Release()
	assert.Empty(t, *found)
	require.NoError(t, p.Close())
}

func TestGuardFindsADoubleReturnAndTheMemoryStaysSafe(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	b.Release()
	releaseForTheGuard(b)
	f := one(t, found, buffers.FaultDoubleReturn)
	assert.Contains(t, f.Found, "Release in buffers_test.releaseForTheGuard")
	c := rentForTheGuard(p, 100)
	b.Release() // must not return what c holds
	one(t, found, buffers.FaultDoubleReturn)
	c.Bytes()[99] = 1
	c.Release()
	assert.Empty(t, *found)
	s := p.Stats()
	assert.Equal(t, s.Rents, s.Returns)
	require.NoError(t, p.Close())
}

func TestGuardFindsADoubleReturnOfBorrowedMemoryAndSendsItHomeOnce(t *testing.T) {
	p, found := guarded(t)
	calls := 0
	b := p.Borrow(make([]byte, 10), homeFunc(func(b *buffers.Block) { calls++; _ = b.Bytes() }))
	b.Release()
	b.Release()
	require.Len(t, *found, 1)
	assert.Contains(t, (*found)[0].String(), "rented by buffers_test.TestGuardFindsADoubleReturnOfBorrowed")
	assert.Equal(t, 1, calls)
	assert.Len(t, b.Bytes(), 10)
	require.NoError(t, p.Close())
}

func TestCheckFindsAWriteAfterTheReturnOnce(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	view := b.Bytes()
	b.Release()
	assert.Equal(t, bytes.Repeat([]byte{0xDB}, 100), view, "returned memory is poisoned")
	assert.Zero(t, p.Check())
	view[42] = 7
	assert.Equal(t, 1, p.Check())
	assert.Contains(t, one(t, found, buffers.FaultLateUse).String(), "byte 42 was written after the return")
	assert.Zero(t, p.Check())
	require.NoError(t, p.Close())
}

func TestGuardFindsALateWriteWhenTheBlockLeavesQuarantine(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	view := b.Bytes()
	b.Release()
	view[0] = 7
	for range 1100 {
		p.Get(10).Release()
	}
	one(t, found, buffers.FaultLateUse)
	require.NoError(t, p.Close())
}

func TestGuardFindsALateWriteAtClose(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	view := b.Bytes()
	b.Release()
	view[0] = 7
	require.NoError(t, p.Close())
	one(t, found, buffers.FaultLateUse)
}

func TestQuarantineIsBounded(t *testing.T) {
	p, _ := guarded(t)
	for range 3000 {
		p.Get(100).Release()
	}
	assert.LessOrEqual(t, p.Stats().MappedBytes, int64(1<<20))
	for range 100 {
		p.Get(500_000).Release()
	}
	assert.LessOrEqual(t, p.Stats().IdleBytes, int64(24<<20))
	require.NoError(t, p.Close())
}

func TestBytesOfAReturnedBlockIsPoisonThatNobodyElseSees(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	real := &b.Bytes()[0]
	b.Release()
	late := b.Bytes()
	assert.Contains(t, one(t, found, buffers.FaultLateUse).String(), "Bytes was called on a returned block")
	assert.Equal(t, bytes.Repeat([]byte{0xDB}, 100), late)
	assert.NotSame(t, real, &late[0])
	late[0] = 1
	assert.Zero(t, p.Check())
	require.NoError(t, p.Close())
	_ = b.Bytes()
	assert.Empty(t, *found, "late calls on one block are reported once")
}

func TestRetainOfAReturnedBlockIsReportedAndAddsNothing(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	b.Release()
	assert.Same(t, b, b.Retain())
	assert.Contains(t, one(t, found, buffers.FaultLateUse).String(), "Retain was called on a returned block")
	b.Release()
	one(t, found, buffers.FaultDoubleReturn)
	require.NoError(t, p.Close())
}

func TestAReturnedBlockInASequenceIsReportedAndHarmless(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	b.Release()
	var q buffers.Sequence
	q.Append(b, 10, 20)
	one(t, found, buffers.FaultLateUse)
	assert.Equal(t, bytes.Repeat([]byte{0xDB}, 10), q.First().Bytes())
	q.Release()
	one(t, found, buffers.FaultDoubleReturn)
	require.NoError(t, p.Close())
}

func TestASegmentUsedAfterItsReleaseIsReported(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	var q buffers.Sequence
	q.Append(b, 0, 50)
	s := q.First()
	q.Skip(50)
	assert.Nil(t, s.Bytes())
	assert.Contains(t, one(t, found, buffers.FaultLateUse).String(), "a segment was used after its sequence released it")
	assert.Nil(t, s.Next())
	assert.Nil(t, s.Block())
	require.NoError(t, p.Close())
}

func TestLeaksNamesWhatIsOutOldestFirst(t *testing.T) {
	p, found := guarded(t)
	assert.Empty(t, p.Leaks())
	b := rentForTheGuard(p, 100)
	b.SetTag("body")
	c := p.Borrow(make([]byte, 7), nil)
	rentForTheGuard(p, 5).Release()
	leaks := p.Leaks()
	require.Len(t, leaks, 2)
	assert.Regexp(t, `^100 bytes \("body"\) rented by buffers_test.rentForTheGuard \(buffers/guard_test.go:\d+\)$`, leaks[0].String())
	assert.Regexp(t, `^7 borrowed bytes rented by buffers_test.TestLeaksNames`, leaks[1].String())
	b.Release()
	c.Release()
	assert.Empty(t, p.Leaks())
	assert.Empty(t, *found)
	require.NoError(t, p.Close())
}

func TestCloseReportsEachLeakAsAFaultOnce(t *testing.T) {
	p, found := guarded(t)
	b := rentForTheGuard(p, 100)
	err := p.Close()
	require.ErrorContains(t, err, "100 bytes rented by buffers_test.rentForTheGuard (buffers/guard_test.go:")
	assert.Equal(t, 1, strings.Count(err.Error(), "\n"))
	assert.Contains(t, one(t, found, buffers.FaultLeak).String(), "buffers: leak: never released; 100 bytes")
	require.Error(t, p.Close())
	assert.Empty(t, *found)
	b.Release()
	require.NoError(t, p.Close())
}

func TestRentsThroughWriterAndCompactNameTheCaller(t *testing.T) {
	p, _ := guarded(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 0)
	w.WriteString("x")
	w.AppendInt(5, 10)
	w.Close()
	assert.Equal(t, "buffers_test.TestRentsThroughWriterAndCompactNameTheCaller", p.Leaks()[0].Function)
	q.Compact(p)
	require.Len(t, p.Leaks(), 1)
	assert.Equal(t, 2, p.Leaks()[0].Size)
	assert.Equal(t, "buffers_test.TestRentsThroughWriterAndCompactNameTheCaller", p.Leaks()[0].Function)
	q.Release()
	require.NoError(t, p.Close())
}

func TestOnFaultMayUseThePool(t *testing.T) {
	var p *buffers.Pool
	told := 0
	p = buffers.NewPool(buffers.Options{Mode: buffers.Guarded, OnFault: func(buffers.GuardFault) {
		told++
		p.Get(10).Release()
		p.Leaks()
		_ = p.Stats()
	}})
	b := p.Get(10)
	beyond(b, 0, 11)[10] = 1
	b.Release()
	b.Release()
	require.NoError(t, p.Close())
	assert.Equal(t, 2, told)
}

func TestRacingReturnsOfOneReferenceAreOneReturnAndFaults(t *testing.T) {
	p, found := guarded(t)
	for range 50 {
		b := rentForTheGuard(p, 100)
		var all sync.WaitGroup
		for range 4 {
			all.Go(b.Release)
		}
		all.Wait()
	}
	s := p.Stats()
	assert.Equal(t, int64(50), s.Returns)
	assert.Equal(t, int64(150), s.Faults)
	assert.Len(t, *found, 150)
	require.NoError(t, p.Close())
}
