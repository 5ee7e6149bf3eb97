//go:build !race

package transport_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"turbohttp/transport"
)

func TestStartGuardAndTimersAllocateNothing(t *testing.T) {
	done := make(chan struct{})
	var task transport.Task
	task.Init(func() { done <- struct{}{} }, nil)
	assert.Zero(t, testing.AllocsPerRun(100, func() { transport.Start(&task); <-done }), "Start")
	n := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() { transport.Guard(func() { n++ }) }), "Guard")
	var s transport.Timers
	s.Init(transport.Real, func() { s.Due(transport.Now()) })
	timers := make([]transport.Timer, 100)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		for i := range timers {
			s.Arm(&timers[i], transport.Now()+1e9)
		}
		for i := range timers {
			s.Disarm(&timers[i])
		}
	}), "Timers")
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		transport.Now()
	}
}

func BenchmarkArmDisarm(b *testing.B) {
	var s transport.Timers
	s.Init(transport.Real, func() { s.Due(transport.Now()) })
	timers := make([]transport.Timer, 64)
	for i := range timers {
		s.Arm(&timers[i], transport.Now()+30e9)
	}
	for i := 0; b.Loop(); i++ {
		t := &timers[i%64]
		s.Disarm(t)
		s.Arm(t, transport.Now()+30e9)
	}
}
