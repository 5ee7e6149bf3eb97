package main

//#include "record.h"
import "C"

import (
	"runtime"
	"sync/atomic"

	"turbohttp/transport"
)

// waker wakes host threads that sleep in turbo_queue_wait. A system call for each event would cost as much as the event:
// so the first event that finds a host asleep makes the waker runnable, it steps back once behind all goroutines that are
// runnable at that moment, and then wakes the host for everything they told.
type waker struct {
	task    transport.Task
	pending atomic.Bool
	bell    chan struct{} // holds one
}

var theWaker waker

func (w *waker) start() {
	w.bell = make(chan struct{}, 1)
	w.task.Init(w.run, nil)
	transport.Start(&w.task)
}

// after takes what a tb_lib_ call returned: more than 0 when a host sleeps.
func (w *waker) after(told C.int) {
	if told > 0 && !w.pending.Load() && w.pending.CompareAndSwap(false, true) {
		w.bell <- struct{}{}
	}
}

// run never ends.
func (w *waker) run() {
	for range w.bell {
		runtime.Gosched()
		w.pending.Store(false) // what is told from here on wakes again
		C.tb_lib_stir()
	}
}
