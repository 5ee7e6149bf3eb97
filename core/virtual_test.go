package core_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

const there = "http://there.example/"

func TestIdleConnectionIsClosedAfterItsTime(t *testing.T) {
	v := newVirtual(t, core.Config{IdleTimeout: 60e9})
	x := v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("1")
	x.ok(t, 200, "1")
	v.clock.Advance(40 * time.Second)
	x = v.submit("GET", there)
	l.answer("2")
	x.ok(t, 200, "2")
	v.clock.Advance(59 * time.Second)
	assert.False(t, l.closing, "it was used 59 s ago")
	v.clock.Advance(2 * time.Second)
	assert.True(t, l.closing)
	assert.LessOrEqual(t, v.clock.Rings, 3)
	v.settle()
	v.clock.Advance(time.Hour)
	assert.LessOrEqual(t, v.clock.Rings, 3, "nothing ticks when nothing waits")
}

func TestBusyConnectionIsNotIdle(t *testing.T) {
	v := newVirtual(t, core.Config{IdleTimeout: 1e9})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	x := v.submit("GET", there)
	v.clock.Advance(10 * time.Second)
	assert.False(t, l.closing)
	l.answer("late")
	x.ok(t, 200, "late")
	v.clock.Advance(2 * time.Second)
	assert.True(t, l.closing)
}

func TestRequestTimeoutIsTheClientsUnlessGiven(t *testing.T) {
	v := newVirtual(t, core.Config{RequestTimeout: 2e9, ConnectTimeout: -1})
	own := newCall("GET", there)
	own.Timeout = 1e9
	never := newCall("GET", there)
	never.Timeout = -1
	v.Submit(&own.Exchange)
	v.Submit(&never.Exchange)
	client := v.submit("GET", there)
	v.clock.Advance(1 * time.Second)
	assert.Equal(t, wire.PhaseResolve, own.failed(t, wire.StatusTimeout).Code)
	assert.Contains(t, own.fault.Text, "1s")
	assert.Zero(t, client.dones)
	v.clock.Advance(1 * time.Second)
	client.failed(t, wire.StatusTimeout)
	v.clock.Advance(time.Hour)
	assert.Zero(t, never.dones)
}

func TestNewestIdleConnectionIsUsedFirst(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	v.submit("GET", there)
	a, b := v.links[0], v.links[1]
	a.connect()
	b.connect()
	b.answer("")
	a.answer("")
	for range 3 {
		x := v.submit("GET", there)
		a.answer("a")
		x.ok(t, 200, "a")
	}
	assert.Len(t, b.requests, 1)
}

func TestDialsAreNotMoreThanWaiters(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 3})
	for range 5 {
		v.submit("GET", there)
	}
	assert.Equal(t, 3, v.dials)
	v.links[0].connect()
	v.links[0].answer("")
	v.submit("GET", there)
	assert.Equal(t, 3, v.dials)
}

func TestFailedDialLeavesThoseWhomOthersServe(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	a := v.submit("GET", there)
	v.links[0].connect()
	b := v.submit("GET", there)
	v.links[1].gone(refused)
	assert.Zero(t, b.dones, "the first connection will serve it")
	assert.Len(t, v.links, 1, "no dial right after one that failed")
	v.clock.Advance(2 * time.Second)
	assert.Len(t, v.links, 2, "but after a while")
	v.links[1].gone(refused)
	v.links[0].answer("")
	v.links[0].answer("b")
	a.ok(t, 200, "")
	b.ok(t, 200, "b")
}

func TestStaleRepeatDoesNotTakeAnotherIdleConnection(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	v.submit("GET", there)
	v.submit("GET", there)
	a, b := v.links[0], v.links[1]
	a.connect()
	b.connect()
	a.answer("")
	b.answer("")
	x := v.submit("GET", there) // on b
	b.gone(reset)
	assert.Zero(t, x.dones)
	assert.Len(t, a.requests, 1, "a may be as stale as b")
	require.Len(t, v.links, 2)
	c := v.links[1]
	c.connect()
	c.answer("ok")
	x.ok(t, 200, "ok")
}

// As when a server reloads: what it just answered on, it closes as well.
func TestStaleRepeatDoesNotTakeAConnectionThatJustAnswered(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	v.submit("GET", there)
	v.submit("GET", there)
	a, b := v.links[0], v.links[1]
	a.connect()
	b.connect()
	b.answer("")
	x := v.submit("GET", there) // on b
	b.gone(reset)
	y := v.submit("GET", there)
	a.answer("")
	assert.Len(t, a.requests, 2, "y is sent for the first time")
	a.gone(reset)
	require.Len(t, v.links, 2)
	assert.Zero(t, x.dones+y.dones)
	for _, l := range v.links[:2] {
		l.connect()
		l.answer("ok")
	}
	x.ok(t, 200, "ok")
	y.ok(t, 200, "ok")
}

func TestStaleRepeatsAreFirstInLine(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	v.submit("GET", there)
	v.submit("GET", there)
	v.links[0].connect()
	v.links[1].connect()
	v.links[0].answer("")
	v.links[1].answer("")
	x, y := v.submit("GET", there), v.submit("GET", there)
	z := v.submit("GET", there)
	v.links[1].gone(reset) // x waits, a dial takes its place
	v.links[0].gone(reset) // y too
	require.Len(t, v.links, 2)
	v.links[0].connect()
	v.links[1].connect()
	v.links[0].answer("1")
	v.links[1].answer("1")
	x.ok(t, 200, "1")
	y.ok(t, 200, "1")
	assert.Zero(t, z.dones)
	v.links[0].answer("2")
	z.ok(t, 200, "2")
}

func TestPostThatNobodyCanHaveSeenIsRepeated(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	l.full = true // the socket takes not one byte before the reset
	x := newCall("POST", there)
	x.lend(v.pool, []byte("body"))
	v.Submit(&x.Exchange)
	l.gone(reset)
	assert.Zero(t, x.dones)
	v.live().connect()
	v.live().answer("ok")
	x.ok(t, 200, "ok")
	assert.Equal(t, 4, x.sent)
	assert.Equal(t, 1, x.homes)
}

func TestSentIsTakenBackByARepeat(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	x := newCall("GET", there)
	x.lend(v.pool, []byte("body"))
	v.Submit(&x.Exchange)
	assert.Equal(t, 4, x.sent)
	l.gone(reset)
	v.live().connect()
	assert.Equal(t, 4, x.sent)
	v.live().answer("")
	x.ok(t, 200, "")
}

func TestExpectHoldsTheBodyUntilPatienceEnds(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newCall("POST", there)
	x.lend(v.pool, []byte("body"))
	x.Head.Expect = true
	v.Submit(&x.Exchange)
	l := v.live()
	l.connect()
	assert.Zero(t, x.sent)
	v.clock.Advance(999 * time.Millisecond)
	assert.Zero(t, x.sent)
	v.clock.Advance(2 * time.Millisecond)
	assert.Equal(t, 4, x.sent)
	l.answer("ok")
	x.ok(t, 200, "ok")

	y := newCall("POST", there)
	y.lend(v.pool, []byte("body"))
	y.Head.Expect = true
	v.Submit(&y.Exchange)
	l.receive("HTTP/1.1 100 Continue\r\n\r\n")
	assert.Equal(t, 4, y.sent)
	l.answer("ok")
	y.ok(t, 200, "ok")
}

func TestCompleteResponseWaitsForTheRestOfTheRequest(t *testing.T) {
	for _, drained := range []bool{true, false} {
		v := newVirtual(t, core.Config{})
		x := newCall("POST", there)
		x.lend(v.pool, []byte("body"))
		v.Submit(&x.Exchange)
		l := v.live()
		l.full = true
		l.connect()
		l.answer("early")
		assert.True(t, x.ended)
		assert.Zero(t, x.dones, "the lent body is still in use")
		if drained {
			l.drain()
			x.ok(t, 200, "early")
			assert.False(t, l.closing, "it can be used again")
		} else {
			v.clock.Advance(2 * time.Second)
			assert.True(t, l.closing, "a server that does not read gets a second")
			v.settle()
			x.ok(t, 200, "early")
		}
		assert.Equal(t, 1, x.homed)
	}
}

func TestCancelBeforeItBegan(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	x.failed(t, wire.StatusCancelled)
	l := v.live()
	l.connect()
	assert.Empty(t, l.requests)
	y := v.submit("GET", there)
	l.answer("y")
	y.ok(t, 200, "y")
	assert.True(t, l.written > 0 && v.dials == 1, "the dial was not in vain")
}

func TestDoneWaitsForTheLink(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newCall("POST", there)
	x.lend(v.pool, []byte("body"))
	v.Submit(&x.Exchange)
	l := v.live()
	l.full = true
	l.connect()
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	assert.Zero(t, x.dones, "the link still holds the body")
	assert.Zero(t, x.homes)
	l.gone(nil)
	x.failed(t, wire.StatusCancelled)
	assert.Equal(t, 1, x.homed)
}

func TestARequestIsSentWhenItsHeadHasLeftToTheLastByte(t *testing.T) {
	for _, took := range []int{0, 1, 3} { // pieces of the head that the socket takes at once
		v := newVirtual(t, core.Config{})
		x := newCall("GET", there)
		x.Timeout = 1e9
		x.Head.Fields.Add([]byte("X-Huge"), bytes.Repeat([]byte("x"), 1<<20))
		v.Submit(&x.Exchange)
		l := v.live()
		l.full, l.fullAfter = took == 0, took
		l.connect()
		assert.Zero(t, x.Times.Sent)
		v.clock.Advance(time.Second)
		v.settle()
		assert.Equal(t, wire.PhaseSend, x.failed(t, wire.StatusTimeout).Code)

		x = v.submit("GET", there)
		l = v.live()
		l.connect()
		assert.NotZero(t, x.Times.Sent)
		l.answer("ok")
		x.ok(t, 200, "ok")
	}
}
