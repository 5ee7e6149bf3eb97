//go:build !race

package buffers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"turbohttp/buffers"
)

// allocs runs f once to warm up and then counts the Go allocations of a run.
func allocs(f func()) float64 {
	f()
	return testing.AllocsPerRun(1000, f)
}

func TestGetAndReleaseAllocateNothingPooledAndStateWhatTheOtherModesCost(t *testing.T) {
	for mode, want := range map[buffers.Mode]float64{
		buffers.Pooled:  0,
		buffers.Plain:   2, // header and slab, made for each rent
		buffers.Guarded: 2, // header and the record of the rent
	} {
		p := buffers.NewPool(buffers.Options{Mode: mode})
		got := allocs(func() {
			b := p.Get(4096)
			b.Retain()
			b.Release()
			b.Release()
		})
		t.Logf("%v: %v allocations for Get and Release", mode, got)
		assert.LessOrEqual(t, got, want, mode)
		assert.NoError(t, p.Close())
	}
}

func TestSequencesWritersAndBorrowsAllocateNothing(t *testing.T) {
	p := buffers.NewPool(buffers.Options{})
	lent, home := make([]byte, 100), homeFunc(func(*buffers.Block) {})
	var q, to buffers.Sequence
	var w buffers.Writer
	var r buffers.Reader
	var c buffers.Cursor
	dst := make([]byte, 64)
	for name, f := range map[string]func(){
		"append, skip": func() {
			q.Append(p.Get(1000), 0, 1000)
			q.Skip(1000)
		},
		"slice, split, move": func() {
			q.Append(p.Get(1000), 0, 1000)
			q.SliceTo(&to, 10, 100)
			q.MoveFront(&to, 300)
			q.Move(&to)
			to.CopyTo(dst, 5)
			to.Compact(p)
			to.Skip(50)
			to.Release()
		},
		"compact": func() {
			q.Append(p.Get(16<<10), 0, 10)
			q.Compact(p)
			q.Release()
		},
		"writer, cursor, reader": func() {
			w.Init(p, &q, 256)
			for range 30 {
				w.WriteString("GET / HTTP/1.1\r\n")
				w.AppendInt(123456, 16)
				w.WriteByte('\n')
				w.Commit(copy(w.Reserve(4), "abcd"))
			}
			w.Close()
			c.Init(&q)
			c.Seek(c.Index('\n'))
			c.Next()
			r.Init(&q)
			for {
				if _, err := r.Read(dst); err != nil {
					break
				}
			}
		},
		"borrow": func() { q.Append(p.Borrow(lent, home), 0, 100); q.Skip(100) },
		"stats":  func() { p.Stats() },
	} {
		assert.Zero(t, allocs(f), name)
	}
	assert.NoError(t, p.Close())
}

func TestObjectsAllocateNothing(t *testing.T) {
	o := newThings(4)
	assert.Zero(t, allocs(func() { o.Put(o.Get()) }))
}
