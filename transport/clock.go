package transport

import (
	"time"

	"turbohttp/wire"
)

// Clock tells the time and wakes. The system's is [Real]; tests bring a virtual one.
type Clock interface {
	// Now is the moment on the monotonic clock.
	Now() wire.Instant
	// Alarm makes an alarm that calls ring, on a goroutine of the library, once for every moment set and reached.
	Alarm(ring func()) Alarm
}

// Alarm calls its function when a moment is reached.
type Alarm interface {
	// Set makes the alarm ring at the moment at, in place of one set before; 0: never. It allocates nothing and never
	// rings before it returns. A ring that is already under way is not stopped: whoever is woken looks what is due.
	Set(at wire.Instant)
}

// Real is the system's clock. Its instants are those of the system's monotonic clock (CLOCK_MONOTONIC), so that hosts
// can compare them with their own.
var Real Clock = realClock{}

type realClock struct{}

var (
	clockBase   = time.Now()
	clockOffset = monotonic() - int64(time.Since(clockBase))
)

// Now is the present moment of Real.
func Now() wire.Instant { return wire.Instant(clockOffset + int64(time.Since(clockBase))) }

func (realClock) Now() wire.Instant { return Now() }

func (realClock) Alarm(ring func()) Alarm {
	a := &realAlarm{}
	a.ring.Init(ring, nil)
	a.timer = time.AfterFunc(1<<62, a.ring.main)
	a.timer.Stop()
	return a
}

type realAlarm struct {
	ring  Task // started by the runtime's timer instead of Start
	timer *time.Timer
}

func (a *realAlarm) Set(at wire.Instant) {
	if at == 0 {
		a.timer.Stop()
		return
	}
	a.timer.Reset(time.Duration(max(0, at-Now())))
}
