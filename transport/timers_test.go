package transport_test

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/transport"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

func TestTimersRingInOrderAtTheirMoments(t *testing.T) {
	clock := transporttest.NewClock()
	var s transport.Timers
	type ring struct {
		i  int
		at wire.Instant
	}
	var rang []ring
	s.Init(clock, func() {
		for d := s.Due(clock.Now()); d != nil; d = s.Due(clock.Now()) {
			rang = append(rang, ring{d.Kind, clock.Now()})
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	start := clock.Now()
	for range 50 {
		rang = nil
		timers := make([]transport.Timer, 40)
		want := map[int]wire.Instant{}
		for i := range timers {
			timers[i].Kind = i
		}
		for range 200 { // arm, move, disarm
			i := random.IntN(len(timers))
			if random.IntN(3) == 0 {
				s.Disarm(&timers[i])
				delete(want, i)
				continue
			}
			at := clock.Now() + wire.Instant(1+random.IntN(1000))
			s.Arm(&timers[i], at)
			want[i] = at
		}
		require.Equal(t, len(want), s.Armed())
		for range 100 {
			clock.Advance(time.Duration(random.IntN(30)))
		}
		clock.Advance(1000)
		require.Len(t, rang, len(want))
		for _, r := range rang {
			require.Equal(t, want[r.i], r.at)
		}
		require.True(t, sort.SliceIsSorted(rang, func(a, b int) bool { return rang[a].at < rang[b].at }))
		require.Zero(t, s.Armed())
	}
	assert.Greater(t, clock.Now(), start)
}

func TestTimersThatAreNotArmedDoNotTick(t *testing.T) {
	clock := transporttest.NewClock()
	var s transport.Timers
	s.Init(clock, func() { assert.Nil(t, s.Due(clock.Now())) })
	var a transport.Timer
	for range 1000 {
		s.Arm(&a, clock.Now()+1e9)
		s.Disarm(&a)
		clock.Advance(time.Millisecond)
	}
	clock.Advance(time.Hour)
	assert.LessOrEqual(t, clock.Rings, 2, "one alarm in vain for each second that something was armed, at most")
	assert.Zero(t, clock.Set())
}

func TestRealAlarmRings(t *testing.T) {
	rang := make(chan wire.Instant, 1)
	a := transport.Real.Alarm(func() { rang <- transport.Now() })
	at := transport.Now() + 5e6
	a.Set(at)
	assert.GreaterOrEqual(t, <-rang, at)
	a.Set(transport.Now() + 5e6)
	a.Set(0)
	select {
	case <-rang:
		t.Error("rang although it was set to never")
	case <-time.After(20 * time.Millisecond):
	}
	a.Set(1) // long ago: at once
	<-rang
}
