package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// defaultThreads run Go code at once: a game owns its cores.
const defaultThreads = 2

// settle sets what the environment of a player could have set otherwise (GOGC, GOMEMLIMIT, GOMAXPROCS).
func settle(threads int) {
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GOMAXPROCS(threads)
}

// cost reads what the Go runtime costs the process. It allocates nothing after the first call.
type cost struct{ samples [5]metrics.Sample }

func (c *cost) init() {
	c.samples[0].Name = "/memory/classes/heap/objects:bytes"
	c.samples[1].Name = "/gc/heap/allocs:objects"
	c.samples[2].Name = "/gc/heap/tiny/allocs:objects"
	c.samples[3].Name = "/gc/heap/allocs:bytes"
	c.samples[4].Name = "/gc/cycles/total:gc-cycles"
}

func (c *cost) read() (live, objects, bytes, cycles uint64) {
	metrics.Read(c.samples[:])
	s := &c.samples
	return s[0].Value.Uint64(), s[1].Value.Uint64() + s[2].Value.Uint64(), s[3].Value.Uint64(), s[4].Value.Uint64()
}
