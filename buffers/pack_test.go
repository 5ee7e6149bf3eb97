package buffers_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

// pinnedBy gives the memory that q keeps: its blocks, each once, and 80 bytes a segment.
func pinnedBy(q *buffers.Sequence) int {
	seen := map[*buffers.Block]bool{}
	size := 0
	for s := q.First(); s != nil; s = s.Next() {
		if size += 80; !seen[s.Block()] {
			seen[s.Block()] = true
			size += s.Block().Cap()
		}
	}
	return size
}

// arrival is a block of capacity bytes with pieces of the sizes, gap bytes between them.
func arrival(p *buffers.Pool, capacity, gap int, content []byte, sizes ...int) *buffers.Sequence {
	q := new(buffers.Sequence)
	b := p.Get(capacity)
	at := 0
	for _, n := range sizes {
		copy(b.Bytes()[at:], content[:n])
		content = content[n:]
		q.AppendSlice(b, at, at+n)
		at += n + gap
	}
	b.Release()
	return q
}

func TestPilesCostLittleMoreThanTheirBytesHoweverTheyCame(t *testing.T) {
	same := func(n, size int) []int {
		sizes := make([]int, n)
		for i := range sizes {
			sizes[i] = size
		}
		return sizes
	}
	const total = 256 << 10
	content := make([]byte, total)
	for i := range content {
		content[i] = byte(i * 7 >> 2)
	}
	for _, c := range []struct {
		name     string
		capacity int
		gap      int
		sizes    []int
	}{
		{"a byte at a time", 1, 0, same(1, 1)},
		{"chunks of a byte", 16 << 10, 5, same(2730, 1)},
		{"chunks of four bytes", 16 << 10, 5, same(1820, 4)},
		{"chunks of 255 bytes", 16 << 10, 6, same(62, 255)},
		{"chunks of 256 bytes", 16 << 10, 7, same(62, 256)},
		{"small segments", 100, 0, same(1, 100)},
		{"reads just too long for a small block", 16 << 10, 0, same(1, 2049)},
		{"half a block", 16 << 10, 0, same(1, 8<<10)},
		{"large pieces with crumbs between", 16 << 10, 5, []int{1, 8000, 1, 1, 8000}},
		{"full blocks", 16 << 10, 0, same(1, 16<<10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := buffertest.Pool(t)
			var k buffers.Packer
			var pile buffers.Sequence
			for rest := content; len(rest) > 0; {
				sizes := c.sizes
				sum := 0
				for i, n := range sizes {
					if sum+n > len(rest) {
						sizes = append(append([]int(nil), sizes[:i]...), len(rest)-sum)
						if sum == len(rest) {
							sizes = sizes[:i]
						}
						sum = len(rest)
						break
					}
					sum += n
				}
				in := arrival(p, c.capacity, c.gap, rest, sizes...)
				k.Pack(p, in, pile.Len())
				require.Equal(t, sum, in.Len())
				in.Join(&pile)
				require.Zero(t, in.Len())
				rest = rest[sum:]
				require.LessOrEqual(t, pinnedBy(&pile), 3*pile.Len()+16<<10+17<<10)
			}
			got := make([]byte, total)
			require.Equal(t, total, pile.CopyTo(got, 0))
			require.True(t, bytes.Equal(content, got))
			s := p.Stats()
			require.LessOrEqual(t, s.Rents-s.Returns, int64(3*total>>10), "and nothing else is kept alive")
			k.Close()
			pile.Release()
		})
	}
}

func TestWhatPilesUpNowhereIsNotCopied(t *testing.T) {
	p := buffertest.Pool(t)
	var k buffers.Packer
	for _, size := range []int{1, 300, 16 << 10} {
		in := arrival(p, 16<<10, 0, make([]byte, size), size)
		block := in.First().Block()
		k.Pack(p, in, 0)
		require.Same(t, block, in.First().Block())
		in.Release()
	}
	in := arrival(p, 16<<10, 0, make([]byte, 16<<10), 16<<10)
	block := in.First().Block()
	k.Pack(p, in, 1<<20)
	require.Same(t, block, in.First().Block(), "nor what is large")
	in.Release()
	host := p.Borrow(make([]byte, 10), nil)
	in.Append(host, 0, 1)
	k.Pack(p, in, 1<<20)
	require.Same(t, host, in.First().Block(), "nor what is lent")
	in.Release()
	k.Close()
}

func TestPackedBytesAreTheSameAndViewsStay(t *testing.T) {
	p := buffertest.Pool(t)
	r := rand.New(rand.NewPCG(1, 2))
	var k buffers.Packer
	var pile buffers.Sequence
	var want []byte
	for range 2000 {
		n := 1 + r.IntN(4)
		sizes := make([]int, n)
		sum := 0
		for i := range sizes {
			sizes[i] = 1 + r.IntN([]int{3, 300, 4000}[r.IntN(3)])
			sum += sizes[i]
		}
		content := make([]byte, sum)
		for i := range content {
			content[i] = byte(r.Uint32())
		}
		in := arrival(p, sum+5*n, 5, content, sizes...)
		var view []byte
		if last := pile.First(); last != nil {
			view = last.Bytes()
		}
		before := bytes.Clone(view)
		k.Pack(p, in, pile.Len())
		in.Join(&pile)
		require.True(t, bytes.Equal(before, view), "what somebody looks at")
		want = append(want, content...)
		if pile.Len() > 100<<10 || r.IntN(8) == 0 {
			n := r.IntN(pile.Len() + 1)
			got := make([]byte, n)
			pile.CopyTo(got, 0)
			require.True(t, bytes.Equal(want[:n], got))
			pile.Skip(n)
			want = want[n:]
		}
		require.Equal(t, len(want), pile.Len())
	}
	k.Close()
	pile.Release()
}

func TestJoinContinuesOnlyWhatItFollows(t *testing.T) {
	p := buffertest.Pool(t)
	b, c := p.Get(10), p.Get(10)
	var q, to buffers.Sequence
	to.AppendSlice(b, 0, 3)
	q.AppendSlice(b, 3, 5)
	q.AppendSlice(c, 0, 1)
	q.Join(&to)
	require.Equal(t, 2, to.Segments())
	require.Equal(t, 6, to.Len())
	q.AppendSlice(c, 2, 3)
	q.Join(&to)
	require.Equal(t, 3, to.Segments(), "a gap")
	q.AppendSlice(b, 3, 5)
	q.Join(&to)
	require.Equal(t, 4, to.Segments(), "another block")
	q.Join(&to)
	require.Equal(t, 4, to.Segments())
	require.Panics(t, func() { to.Join(&to) })
	to.Release()
	b.Release()
	c.Release()
}
