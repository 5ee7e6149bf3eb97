package main

//#include "record.h"
import "C"

import (
	"runtime"
	"sync/atomic"
)

// waker wakes host threads that sleep in turbo_queue_wait. A system call for each completion would cost as much as the
// completion itself: so the goroutine whose DONE is the first that finds a host asleep steps back once behind all that are
// runnable at that moment, and then wakes the host for everything they told. It needs no goroutine and no channel of its
// own: the runtime would allocate for those, each time it moves them to another thread.
type waker struct{ pending atomic.Bool }

var theWaker waker

// now wakes at once. told is what a tb_lib_ call returned: more than 0 when a host sleeps. Locks may be held.
func (w *waker) now(told C.int) {
	if told > 0 {
		C.tb_lib_stir()
	}
}

// soon wakes after one round of the scheduler. The caller holds no lock.
func (w *waker) soon(told C.int) {
	if told <= 0 || w.pending.Load() || !w.pending.CompareAndSwap(false, true) {
		return
	}
	runtime.Gosched()
	w.pending.Store(false) // what is told from here on wakes again
	C.tb_lib_stir()
}
