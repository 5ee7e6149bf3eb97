// Package buffertest gives tests a pool in the memory mode of the run, and asks at the end of each test whether all
// memory came back. The environment variable TURBO_TEST_MEMORY chooses: pooled (the default), plain or guarded.
package buffertest

import (
	"os"
	"sync"
	"testing"

	"turbohttp/buffers"
)

// Variable is the name of the environment variable that chooses the mode.
const Variable = "TURBO_TEST_MEMORY"

// Mode gives the memory mode of this run. It panics on a word that is none: a matrix that silently tests the default
// would be worse.
func Mode() buffers.Mode {
	word := os.Getenv(Variable)
	if word == "" {
		return buffers.Pooled
	}
	m, err := buffers.ParseMode(word)
	if err != nil {
		panic(Variable + ": " + err.Error())
	}
	return m
}

// Pool gives a pool in that mode for one test. At the end of the test it is checked and closed: the test fails when
// rents and returns, or borrows and their returns, differ, or when guard mode found a fault. Make it before whatever
// uses it, so that it is looked at after their cleanups.
func Pool(t testing.TB) *buffers.Pool {
	t.Helper()
	var mu sync.Mutex
	var faults []buffers.GuardFault
	p := buffers.NewPool(buffers.Options{Mode: Mode(), OnFault: func(f buffers.GuardFault) {
		mu.Lock()
		defer mu.Unlock()
		faults = append(faults, f) // not t.Error: the goroutine may outlive the test
	}})
	t.Cleanup(func() {
		t.Helper()
		p.Check()
		s := p.Stats()
		leaks := p.Leaks()
		err := p.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, f := range faults {
			if f.Kind != buffers.FaultLeak { // named below
				t.Error(f)
			}
		}
		if s.Rents != s.Returns {
			t.Errorf("%d blocks rented, %d returned", s.Rents, s.Returns)
		}
		if s.Borrows != s.BorrowReturns {
			t.Errorf("%d spans borrowed, %d went home", s.Borrows, s.BorrowReturns)
		}
		for i, l := range leaks {
			if i == 20 {
				t.Errorf("and %d more leaks", len(leaks)-i)
				break
			}
			t.Errorf("leak: %v", l)
		}
		if err != nil && p.Mode() != buffers.Guarded {
			t.Errorf("%v (%s=guarded names the places)", err, Variable)
		}
	})
	return p
}
