package buffers_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

// block gives a block that holds text.
func block(p *buffers.Pool, text string) *buffers.Block {
	b := p.Get(len(text))
	copy(b.Bytes(), text)
	return b
}

// chain gives a sequence with one block for each text.
func chain(p *buffers.Pool, q *buffers.Sequence, texts ...string) {
	for _, s := range texts {
		q.Append(block(p, s), 0, len(s))
	}
}

// content gives the bytes of q after looking at its invariants.
func content(t testing.TB, q *buffers.Sequence) []byte {
	t.Helper()
	var all []byte
	count := 0
	for s := q.First(); s != nil; s = s.Next() {
		require.NotEmpty(t, s.Bytes(), "no segment is empty")
		all = append(all, s.Bytes()...)
		count++
	}
	require.Equal(t, count, q.Segments())
	require.Equal(t, len(all), q.Len())
	return all
}

func TestTheZeroSequenceIsEmptyAndUsable(t *testing.T) {
	var q, to buffers.Sequence
	assert.Nil(t, q.First())
	q.Move(&to)
	q.MoveFront(&to, 0)
	q.SliceTo(&to, 0, 0)
	q.Skip(0)
	q.Release()
	q.Compact(nil)
	assert.Zero(t, q.CopyTo(make([]byte, 3), 0))
	assert.Zero(t, to.Len())
}

func TestMoveFrontSplitsASegmentByASecondView(t *testing.T) {
	p := buffertest.Pool(t)
	var q, to buffers.Sequence
	chain(p, &q, "abcd", "efgh", "ij")
	q.MoveFront(&to, 6)
	assert.Equal(t, "abcdef", string(content(t, &to)))
	assert.Equal(t, "ghij", string(content(t, &q)))
	assert.Same(t, to.First().Next().Block(), q.First().Block())
	q.MoveFront(&to, 4)
	assert.Equal(t, "abcdefghij", string(content(t, &to)))
	assert.Nil(t, q.First())
	to.Release()
}

func TestASliceOutlivesWhatItWasTakenFrom(t *testing.T) {
	p := buffertest.Pool(t)
	var q, to buffers.Sequence
	chain(p, &q, "abcd", "efgh")
	q.SliceTo(&to, 2, 4)
	q.Release()
	assert.Equal(t, "cdef", string(content(t, &to)))
	to.Release()
}

func TestWhatIsSkippedGoesBackAtOnce(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "abcd", "efgh")
	q.Skip(3)
	assert.Zero(t, p.Stats().Returns)
	q.Skip(1)
	assert.Equal(t, int64(1), p.Stats().Returns)
	q.Skip(4)
	assert.Equal(t, int64(2), p.Stats().Returns)
}

func TestRangesOutsidePanicAndChangeNothing(t *testing.T) {
	p := buffertest.Pool(t)
	var q, to buffers.Sequence
	chain(p, &q, "abcd")
	b := block(p, "xyz")
	for name, f := range map[string]func(){
		"append behind":      func() { q.Append(b, 0, 4) },
		"append before":      func() { q.Append(b, -1, 2) },
		"append backwards":   func() { q.AppendSlice(b, 2, 1) },
		"skip too far":       func() { q.Skip(5) },
		"skip backwards":     func() { q.Skip(-1) },
		"move too much":      func() { q.MoveFront(&to, 5) },
		"move less than 0":   func() { q.MoveFront(&to, -1) },
		"move into itself":   func() { q.Move(&q) },
		"slice too far":      func() { q.SliceTo(&to, 3, 2) },
		"slice from before":  func() { q.SliceTo(&to, -1, 2) },
		"slice less than 0":  func() { q.SliceTo(&to, 0, -1) },
		"copy from too far":  func() { q.CopyTo(make([]byte, 1), 5) },
		"slice of overflows": func() { q.SliceTo(&to, 1, int(^uint(0)>>1)) },
	} {
		assert.Panics(t, f, name)
	}
	assert.Equal(t, "abcd", string(content(t, &q)))
	assert.Zero(t, to.Len())
	b.Release()
	q.Release()
}

func TestASequenceMayBeSlicedIntoItself(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "ab", "cd")
	q.SliceTo(&q, 1, 3)
	assert.Equal(t, "abcdbcd", string(content(t, &q)))
	q.Release()
}

func TestASequenceMayHoldBlocksOfSeveralPools(t *testing.T) {
	a, b := buffertest.Pool(t), buffertest.Pool(t)
	var q buffers.Sequence
	chain(a, &q, "ab", "cd")
	chain(b, &q, "ef")
	chain(a, &q, "gh")
	q.Skip(5)
	assert.Equal(t, "fgh", string(content(t, &q)))
	q.Release()
}

func TestHomeMayLookAtTheSequenceThatReleasesIt(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var seen []string
	home := homeFunc(func(*buffers.Block) { seen = append(seen, string(content(t, &q))) })
	for range 2 {
		q.Append(p.Borrow([]byte("lent"), home), 0, 4)
	}
	chain(p, &q, "own")
	q.Skip(9)
	q.Release()
	assert.Equal(t, []string{"wn", "wn"}, seen)
}

func TestCompactFreesABigBlockFromAFewBytes(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	for range 3 {
		b := p.Get(16 << 10)
		copy(b.Bytes()[100:], "few")
		q.Append(b, 100, 103)
	}
	b := p.Get(16 << 10)
	clear(b.Bytes())
	q.Append(b, 0, 8<<10)
	before := content(t, &q)
	q.Compact(p)
	assert.Equal(t, before, content(t, &q))
	assert.Equal(t, 2, q.Segments(), "neighbours are joined, what is used well stays")
	assert.Equal(t, 256, q.First().Block().Cap())
	assert.Same(t, b, q.First().Next().Block())
	assert.Equal(t, int64(3), p.Stats().Returns)
	q.Release()
}

func TestCompactLeavesAloneWhatWouldGainNothing(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	lent := make([]byte, 1<<20)
	q.Append(p.Borrow(lent, nil), 0, 1)
	q.Append(p.Get(512), 0, 1) // below 1 KiB
	b := p.Get(16 << 10)       // many small views of one block are no waste together
	for at := 0; at < 16<<10; at += 1 << 10 {
		q.AppendSlice(b, at, at+1<<10)
	}
	b.Release()
	rents, segments := p.Stats().Rents, q.Segments()
	q.Compact(p)
	assert.Equal(t, rents, p.Stats().Rents)
	assert.Equal(t, segments, q.Segments())
	q.Release()
}

// model is a Sequence beside the plain bytes that it must hold.
type model struct {
	q    buffers.Sequence
	want []byte
}

// TestASequenceBehavesLikeABytesSlice does random operations on four sequences and four byte slices.
func TestASequenceBehavesLikeABytesSlice(t *testing.T) {
	seeds := []uint64{1, 2, 3, uint64(time.Now().UnixNano())}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { randomOperations(t, seed, 4000) })
	}
}

func randomOperations(t *testing.T, seed uint64, steps int) {
	p := buffertest.Pool(t)
	rng := rand.New(rand.NewPCG(seed, 0))
	var m [4]model
	letter := byte(0)
	write := func(dst []byte) {
		for i := range dst {
			letter = letter*5 + 1
			dst[i] = letter
		}
	}
	fresh := func() *buffers.Block {
		size := 1 + rng.IntN(1<<(1+rng.IntN(12)))
		var b *buffers.Block
		if rng.IntN(4) == 0 {
			b = p.Borrow(make([]byte, size), homeFunc(func(*buffers.Block) {}))
		} else {
			b = p.Get(size)
		}
		write(b.Bytes())
		return b
	}
	within := func(n int) int { // 0..n, the ends more often
		switch rng.IntN(4) {
		case 0:
			return 0
		case 1:
			return n
		}
		return rng.IntN(n + 1)
	}
	for step := range steps {
		a := &m[rng.IntN(len(m))]
		b := &m[rng.IntN(len(m))]
		if a.q.Len() > 20_000 {
			n := a.q.Len() / 2
			a.q.Skip(n)
			a.want = a.want[n:]
		}
		switch op := rng.IntN(14); op {
		case 0, 1:
			x := fresh()
			from := rng.IntN(len(x.Bytes()) + 1)
			to := from + rng.IntN(len(x.Bytes())-from+1)
			a.want = append(a.want, x.Bytes()[from:to]...)
			a.q.Append(x, from, to)
		case 2:
			x := fresh()
			for range rng.IntN(4) {
				from := rng.IntN(len(x.Bytes()) + 1)
				to := from + rng.IntN(len(x.Bytes())-from+1)
				a.want = append(a.want, x.Bytes()[from:to]...)
				a.q.AppendSlice(x, from, to)
			}
			x.Release()
		case 3:
			if a != b {
				a.q.Move(&b.q)
				b.want = append(b.want, a.want...)
				a.want = nil
			}
		case 4, 5:
			if a != b {
				n := within(a.q.Len())
				a.q.MoveFront(&b.q, n)
				b.want = append(b.want, a.want[:n]...)
				a.want = a.want[n:]
			}
		case 6:
			from := within(a.q.Len())
			n := within(a.q.Len() - from)
			a.q.SliceTo(&b.q, from, n)
			b.want = append(b.want, bytes.Clone(a.want[from:from+n])...)
		case 7, 8:
			n := within(a.q.Len())
			a.q.Skip(n)
			a.want = a.want[n:]
		case 9:
			if rng.IntN(8) == 0 {
				a.q.Release()
				a.want = nil
			}
			a.q.Compact(p)
		case 10:
			from := within(a.q.Len())
			dst := make([]byte, rng.IntN(3000))
			n := a.q.CopyTo(dst, from)
			require.Equal(t, min(len(dst), len(a.want)-from), n)
			require.True(t, bytes.Equal(a.want[from:from+n], dst[:n]))
		case 11:
			var w buffers.Writer
			w.Init(p, &a.q, 1+rng.IntN(600))
			for range rng.IntN(6) {
				switch rng.IntN(3) {
				case 0:
					text := make([]byte, rng.IntN(1500))
					write(text)
					w.Write(text)
					a.want = append(a.want, text...)
				case 1:
					room := w.Reserve(rng.IntN(300))
					n := rng.IntN(len(room) + 1)
					write(room[:n])
					a.want = append(a.want, room[:n]...)
					w.Commit(n)
				case 2: // someone takes bytes away between two writes
					n := within(a.q.Len())
					a.q.Skip(n)
					a.want = a.want[n:]
				}
			}
			w.Close()
		case 12:
			var r buffers.Reader
			r.Init(&a.q)
			dst := make([]byte, 1+rng.IntN(2000))
			n, err := r.Read(dst)
			if len(a.want) == 0 {
				require.Equal(t, io.EOF, err)
			}
			require.True(t, bytes.Equal(a.want[:n], dst[:n]))
			a.want = a.want[n:]
		case 13:
			var c buffers.Cursor
			c.Init(&a.q)
			for range 4 {
				off := within(a.q.Len())
				c.Seek(off)
				require.Equal(t, off, c.Offset())
				x := byte(rng.IntN(256))
				require.Equal(t, bytes.IndexByte(a.want[off:], x), c.Index(x))
				got, ok := c.Next()
				require.Equal(t, off < len(a.want), ok)
				if ok {
					require.Equal(t, a.want[off], got)
					require.True(t, bytes.HasPrefix(a.want[off+1:], c.Rest()))
				}
			}
		}
		for i, x := range []*model{a, b} {
			if !bytes.Equal(x.want, content(t, &x.q)) {
				t.Fatalf("seed %d step %d: sequence %d differs from its model", seed, step, i)
			}
		}
	}
	for i := range m {
		m[i].q.Release()
	}
}
