package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"sync"

	"turbohttp/transport"
)

// defaultThreads run Go code at once: a game owns its cores, and one costs least (docs/adr/0004-one-thread.md).
const defaultThreads = 1

// settle sets what the environment of a player could have set otherwise (GOGC, GOMEMLIMIT, GOMAXPROCS).
func settle(threads int) {
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GOMAXPROCS(threads)
}

// cost is what the Go runtime costs the process, to the byte. The runtime's cheaper counters (package runtime/metrics) lag
// behind by what each thread has cached, tens of KiB; this one stops the library's threads for some 50 µs, and no other.
type cost struct{ stats runtime.MemStats }

func (c *cost) read() (live, objects, bytes, cycles uint64) {
	runtime.ReadMemStats(&c.stats)
	s := &c.stats
	return s.HeapAlloc, s.Mallocs, s.TotalAlloc, uint64(s.NumGC)
}

// warm lets the runtime make at once what it would make little by little in the first minutes: the records of sleeping
// goroutines (one is used whenever a lock is contended) and of ended ones. The runtime caches up to 128 for each thread and
// moves them about in halves, so with fewer than sleepers of them some would be made anew now and then.
func warm() {
	const sleepers = 256
	var asleep, awake sync.WaitGroup
	asleep.Add(sleepers)
	awake.Add(sleepers)
	gate := make(chan struct{})
	var sleeper transport.Task
	sleeper.Init(func() {
		asleep.Done()
		<-gate
		awake.Done()
	}, nil)
	for range sleepers {
		transport.Start(&sleeper)
	}
	asleep.Wait()
	close(gate)
	awake.Wait()
}
