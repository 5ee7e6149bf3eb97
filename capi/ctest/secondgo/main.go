// Command secondgo is another Go library for the same process: test_secondgo loads it before and after ours. It works
// with goroutines, garbage, collections, a loop without a stack check and the signals that Go takes for itself.
package main

import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
)

var sink atomic.Uint64

// secondgo_work returns the sum of 0 … n-1 the long way, n ≤ 100,000; another number is a failure.
//
//export secondgo_work
func secondgo_work(n uint64) uint64 {
	const parts = 8
	var (
		wait  sync.WaitGroup
		total atomic.Uint64
	)
	for part := range uint64(parts) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			var all [][]uint64
			sum := uint64(0)
			for i := part; i < n; i += parts {
				all = append(all, []uint64{i})
			}
			for _, one := range all {
				sum += one[0]
			}
			total.Add(sum)
		}()
	}
	wait.Add(1)
	go func() { // asynchronous preemption is the only way to stop it
		defer wait.Done()
		x := uint64(1)
		for i := 0; i < 3_000_000; i++ {
			x = x*6364136223846793005 + 1442695040888963407
		}
		sink.Store(x)
	}()
	runtime.GC()
	wait.Wait()
	return total.Load()
}

// secondgo_recover says whether a nil dereference in this library is recovered.
//
//export secondgo_recover
func secondgo_recover() (ok int32) {
	defer func() {
		if recover() != nil {
			ok = 1
		}
	}()
	var nothing *[1000]uint64
	sink.Store(nothing[sink.Load()%1000])
	return 0
}

func main() {}
