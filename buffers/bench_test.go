package buffers_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"turbohttp/buffers"
)

func BenchmarkGetRelease(b *testing.B) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		b.Run(mode.String(), func(b *testing.B) {
			p := buffers.NewPool(buffers.Options{Mode: mode})
			b.ReportAllocs()
			for b.Loop() {
				p.Get(4096).Release()
			}
		})
	}
}

func BenchmarkGetReleaseParallel(b *testing.B) {
	p := buffers.NewPool(buffers.Options{})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p.Get(4096).Release()
		}
	})
}

func BenchmarkRetainRelease(b *testing.B) {
	x := buffers.NewPool(buffers.Options{}).Get(100)
	for b.Loop() {
		x.Retain().Release()
	}
}

func BenchmarkSequenceAppendSkip(b *testing.B) {
	p := buffers.NewPool(buffers.Options{})
	x := p.Get(4096)
	var q buffers.Sequence
	b.ReportAllocs()
	for b.Loop() {
		q.AppendSlice(x, 0, 4096)
		q.Skip(4096)
	}
}

func BenchmarkReceiveAndConsume(b *testing.B) {
	p := buffers.NewPool(buffers.Options{})
	var q, body buffers.Sequence
	b.ReportAllocs()
	for b.Loop() {
		x := p.Get(16 << 10)
		q.Append(x, 0, 1000)
		q.Skip(200)
		q.MoveFront(&body, 500)
		q.Skip(300)
		body.Release()
	}
}

func BenchmarkWriterHead(b *testing.B) {
	p := buffers.NewPool(buffers.Options{})
	var q buffers.Sequence
	var w buffers.Writer
	b.ReportAllocs()
	for b.Loop() {
		w.Init(p, &q, 0)
		for range 10 {
			w.WriteString("name: some value of a field\r\n")
		}
		w.AppendInt(1234, 10)
		w.Close()
		q.Release()
	}
}

func BenchmarkBorrow(b *testing.B) {
	p := buffers.NewPool(buffers.Options{})
	mem := make([]byte, 100)
	for b.Loop() {
		p.Borrow(mem, nil).Release()
	}
}

func BenchmarkObjects(b *testing.B) {
	o := newThings(4)
	for b.Loop() {
		o.Put(o.Get())
	}
}

// BenchmarkFloor is what no pool with a mutex and an atomic count can go below: two locks, a store and an exchange.
func BenchmarkFloor(b *testing.B) {
	var mu sync.Mutex
	var refs atomic.Int32
	n := 0
	for b.Loop() {
		mu.Lock()
		n++
		mu.Unlock()
		refs.Store(1)
		refs.CompareAndSwap(1, 0)
		mu.Lock()
		n++
		mu.Unlock()
	}
}
