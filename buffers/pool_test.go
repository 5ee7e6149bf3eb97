package buffers_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

func TestABlockIsExactlyAsLongAsItWasAskedFor(t *testing.T) {
	p := buffertest.Pool(t)
	for _, size := range []int{1, 255, 256, 257, 4096, 16 << 10, 17 << 10, 17<<10 + 1, 1 << 20, 1<<20 + 1, 3 << 20} {
		b := p.Get(size)
		require.Len(t, b.Bytes(), size)
		require.Equal(t, size, cap(b.Bytes()), "an append must not run into the rest of the class")
		require.GreaterOrEqual(t, b.Cap(), size)
		require.Zero(t, uintptr(unsafe.Pointer(&b.Bytes()[0]))%64, "data starts on a cache line")
		b.Bytes()[0], b.Bytes()[size-1] = 1, 2
		b.Release()
	}
}

func TestCapIsTheClassSizeInEveryMode(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		for size, want := range map[int]int{1: 256, 256: 256, 300: 512, 16<<10 + 1: 17 << 10, 1<<20 + 1: 1<<20 + 4096} {
			b := p.Get(size)
			assert.Equal(t, want, b.Cap(), "%v %d", mode, size)
			b.Release()
		}
		require.NoError(t, p.Close())
	}
}

func TestASizeThatIsNotPositivePanics(t *testing.T) {
	p := buffertest.Pool(t)
	assert.Panics(t, func() { p.Get(0) })
	assert.Panics(t, func() { p.Get(-1) })
}

func TestBlocksThatAreOutNeverOverlap(t *testing.T) {
	p := buffertest.Pool(t)
	rng := rand.New(rand.NewPCG(1, 2))
	type out struct {
		b    *buffers.Block
		fill byte
	}
	var live []out
	check := func(o out) {
		want := bytes.Repeat([]byte{o.fill}, len(o.b.Bytes()))
		require.True(t, bytes.Equal(want, o.b.Bytes()))
	}
	for i := range 3000 {
		if len(live) > 60 || (len(live) > 0 && rng.IntN(2) == 0) {
			j := rng.IntN(len(live))
			check(live[j])
			live[j].b.Release()
			live[j] = live[len(live)-1]
			live = live[:len(live)-1]
			continue
		}
		o := out{p.Get(1 + rng.IntN(1<<(1+rng.IntN(15)))), byte(i)}
		for k := range o.b.Bytes() {
			o.b.Bytes()[k] = o.fill
		}
		live = append(live, o)
	}
	for _, o := range live {
		check(o)
		o.b.Release()
	}
}

func TestTheLastReturnedBlockIsRentedFirst(t *testing.T) {
	p := buffers.NewPool(buffers.Options{})
	a, b := p.Get(1000), p.Get(1000)
	at := &a.Bytes()[0]
	b.Release()
	a.Release()
	c := p.Get(900)
	assert.Same(t, at, &c.Bytes()[0])
	c.Release()
	require.NoError(t, p.Close())
}

func TestSteadyStateMissesNothing(t *testing.T) {
	p := buffers.NewPool(buffers.Options{})
	p.Get(4096).Release()
	before := p.Stats()
	for range 1000 {
		p.Get(4096).Release()
	}
	after := p.Stats()
	assert.Equal(t, int64(1), before.Misses)
	assert.Equal(t, before.Misses, after.Misses)
	assert.Equal(t, before.MappedBytes, after.MappedBytes)
	assert.Equal(t, int64(1001), after.Rents)
	assert.Equal(t, int64(1001), after.Returns)
	require.NoError(t, p.Close())
}

func TestASizeBeyondTheLargestClassIsAMissWithItsOwnMapping(t *testing.T) {
	p := buffers.NewPool(buffers.Options{})
	for range 3 {
		b := p.Get(2 << 20)
		assert.Equal(t, int64(2<<20), p.Stats().MappedBytes)
		b.Release()
		assert.Zero(t, p.Stats().MappedBytes)
	}
	assert.Equal(t, int64(3), p.Stats().Misses)
	require.NoError(t, p.Close())
}

func TestIdleMemoryStaysWithinItsBound(t *testing.T) {
	const bound = 4 << 20
	p := buffers.NewPool(buffers.Options{MaxIdleBytes: bound})
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 5 {
		var live []*buffers.Block
		for range 400 {
			live = append(live, p.Get(1+rng.IntN(1<<(8+rng.IntN(10)))))
		}
		rng.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
		for _, b := range live {
			b.Release()
		}
		s := p.Stats()
		assert.LessOrEqual(t, s.IdleBytes, int64(bound), "round %d", round)
		assert.LessOrEqual(t, s.MappedBytes, int64(bound)+bound/8, "slabs have no rest to speak of")
	}
	require.NoError(t, p.Close())
}

func TestANegativeBoundKeepsNothing(t *testing.T) {
	p := buffers.NewPool(buffers.Options{MaxIdleBytes: -1})
	p.Get(100).Release()
	assert.Zero(t, p.Stats().MappedBytes)
	require.NoError(t, p.Close())
}

func TestPlainGivesMemoryBackAtTheLastRelease(t *testing.T) {
	p := buffers.NewPool(buffers.Options{Mode: buffers.Plain})
	b := p.Get(100)
	assert.Equal(t, int64(4096), p.Stats().MappedBytes)
	b.Retain().Release()
	assert.Equal(t, int64(4096), p.Stats().MappedBytes)
	b.Release()
	s := p.Stats()
	assert.Zero(t, s.MappedBytes)
	assert.Zero(t, s.IdleBytes)
	assert.Equal(t, s.Rents, s.Misses)
	assert.Nil(t, b.Bytes(), "a stale header shows no unmapped memory")
	require.NoError(t, p.Close())
}

func TestCloseGivesEverythingBack(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		for size := 1; size <= 2<<20; size *= 2 {
			p.Get(size).Release()
		}
		require.NoError(t, p.Close(), mode)
		s := p.Stats()
		assert.Zero(t, s.MappedBytes, mode)
		assert.Zero(t, s.IdleBytes, mode)
		require.NoError(t, p.Close(), "a second Close is nothing new")
	}
}

func TestCloseCountsWhatIsStillOut(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		b, c, d := p.Get(100), p.Get(5000), p.Borrow(make([]byte, 10), nil)
		err := p.Close()
		require.ErrorContains(t, err, "closed with 2 blocks and 1 borrowed spans still out", mode)
		if mode == buffers.Guarded {
			require.ErrorContains(t, err, "TestCloseCountsWhatIsStillOut (buffers/pool_test.go:")
		}
		b.Bytes()[99], c.Bytes()[4999] = 1, 1 // what is out stays valid
		assert.Positive(t, p.Stats().MappedBytes, mode)
		b.Release()
		c.Release()
		d.Release()
		assert.Zero(t, p.Stats().MappedBytes, mode)
		require.NoError(t, p.Close(), mode)
	}
}

func TestAGetAfterCloseWorksAndKeepsNothing(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		require.NoError(t, p.Close())
		p.Get(100).Release()
		assert.Zero(t, p.Stats().MappedBytes, mode)
		require.NoError(t, p.Close())
	}
}

type homeFunc func(*buffers.Block)

func (f homeFunc) Home(b *buffers.Block) { f(b) }

func TestBorrowedMemoryGoesHomeExactlyOnceWithItsBytes(t *testing.T) {
	p := buffertest.Pool(t)
	for range 3 { // headers are recycled
		mem := []byte("host memory")
		calls := 0
		b := p.Borrow(mem, homeFunc(func(b *buffers.Block) {
			calls++
			assert.Same(t, &mem[0], &b.Bytes()[0])
			assert.True(t, b.Borrowed())
		}))
		assert.True(t, b.Borrowed())
		assert.Equal(t, len(mem), b.Cap())
		var q buffers.Sequence
		q.AppendSlice(b, 0, 4)
		q.Append(b, 4, len(mem))
		q.Skip(8)
		assert.Zero(t, calls)
		q.Skip(3)
		assert.Equal(t, 1, calls)
		assert.Equal(t, "host memory", string(mem))
	}
	s := p.Stats()
	assert.Equal(t, int64(3), s.Borrows)
	assert.Equal(t, int64(3), s.BorrowReturns)
}

func TestNothingBorrowedAndEmptyRangesGoHomeAtOnce(t *testing.T) {
	p := buffertest.Pool(t)
	calls := 0
	home := homeFunc(func(*buffers.Block) { calls++ })
	var q buffers.Sequence
	q.Append(p.Borrow(nil, home), 0, 0)
	q.Append(p.Borrow([]byte("abc"), home), 2, 2)
	p.Borrow([]byte("abc"), nil).Release()
	assert.Equal(t, 2, calls)
	assert.Zero(t, q.Segments())
}

func TestHomeMayUseThePool(t *testing.T) {
	p := buffertest.Pool(t)
	done := false
	p.Borrow([]byte("x"), homeFunc(func(*buffers.Block) {
		p.Get(10).Release()
		p.Borrow([]byte("y"), nil).Release()
		_ = p.Stats()
		done = true
	})).Release()
	assert.True(t, done)
}

func TestAReturnTooManyPanicsOutsideOfGuardMode(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		b := p.Get(10)
		b.Release()
		assert.PanicsWithValue(t, "buffers: Release on a block that was already returned (guard mode names the place that rented it)",
			b.Release, mode)
		assert.Panics(t, func() { b.Retain() }, mode)
		c := p.Get(10) // the pool is sound
		c.Bytes()[9] = 1
		c.Release()
		require.NoError(t, p.Close(), mode)
	}
}

func TestManyGoroutinesShareOnePool(t *testing.T) {
	p := buffertest.Pool(t)
	const workers, rounds = 8, 400
	type parcel struct {
		b    *buffers.Block
		fill byte
	}
	lane := make(chan parcel, 4*workers)
	var homes atomic.Int64
	home := homeFunc(func(*buffers.Block) { homes.Add(1) })
	var senders, receivers sync.WaitGroup
	for w := range workers {
		senders.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 5))
			var q buffers.Sequence
			for i := range rounds {
				b := p.Get(1 + rng.IntN(9000))
				for k := range b.Bytes() {
					b.Bytes()[k] = byte(w*31 + i)
				}
				lane <- parcel{b.Retain(), byte(w*31 + i)}
				q.AppendSlice(b, 0, len(b.Bytes()))
				q.Append(b, 0, 1)
				if q.Segments() > 20 {
					q.Skip(q.Len() / 2)
					q.Compact(p)
				}
				p.Borrow([]byte("lent"), home).Release()
				if i%100 == 0 {
					p.Check()
					_ = p.Stats()
					p.Leaks()
				}
				runtime.Gosched()
			}
			q.Release()
		})
		receivers.Go(func() {
			for x := range lane {
				for _, c := range x.b.Bytes() {
					if c != x.fill {
						t.Error("a block changed while it was out")
						break
					}
				}
				x.b.Release()
			}
		})
	}
	senders.Wait()
	close(lane)
	receivers.Wait()
	assert.Equal(t, int64(workers*rounds), homes.Load())
}

func TestGoroutinesRentAndTrimAtOnce(t *testing.T) {
	p := buffers.NewPool(buffers.Options{MaxIdleBytes: 256 << 10})
	var all sync.WaitGroup
	for w := range 6 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 6))
			for range 40 {
				var live []*buffers.Block
				for range 20 {
					b := p.Get(1 + rng.IntN(100_000))
					b.Bytes()[0] = byte(w)
					live = append(live, b)
				}
				for _, b := range live {
					if b.Bytes()[0] != byte(w) {
						t.Error("two goroutines hold one block")
					}
					b.Release()
				}
			}
		})
	}
	all.Wait()
	s := p.Stats()
	assert.LessOrEqual(t, s.IdleBytes, int64(256<<10))
	assert.Equal(t, s.Rents, s.Returns)
	require.NoError(t, p.Close())
	assert.Zero(t, p.Stats().MappedBytes)
}

func ExamplePool() {
	p := NewExamplePool()
	b := p.Get(5)
	copy(b.Bytes(), "hello")
	var q buffers.Sequence
	q.Append(b, 0, 5) // q owns the reference now
	fmt.Println(q.Len(), q.Segments())
	q.Release()
	fmt.Println(p.Close())
	// Output:
	// 5 1
	// <nil>
}

func NewExamplePool() *buffers.Pool { return buffers.NewPool(buffers.Options{Mode: buffertest.Mode()}) }
