package core_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

// Whose failure a failed dial is: of those who were in line when it began, and of nobody who came later.

var unanswered = wire.Faultf(wire.StatusTimeout, wire.PhaseConnect, "net", "connect timed out")

func TestAFailedDialIsNotTheFailureOfWhoCameLater(t *testing.T) {
	for _, c := range []struct {
		name  string
		leave func(v *virtual, x *call) // the one that the dial was for
		fault *wire.Fault
		limit int
	}{
		{"after a cancel, time", func(v *virtual, x *call) { v.Cancel(&x.Exchange, wire.StatusCancelled) }, unanswered, 0},
		{"after a timeout, time", func(v *virtual, x *call) { v.clock.Advance(time.Second) }, unanswered, 0},
		{"after a cancel, refused", func(v *virtual, x *call) { v.Cancel(&x.Exchange, wire.StatusCancelled) }, refused, 0},
		{"after a timeout, refused", func(v *virtual, x *call) { v.clock.Advance(time.Second) }, refused, 0},
		{"after a cancel, one connection", func(v *virtual, x *call) { v.Cancel(&x.Exchange, wire.StatusCancelled) }, unanswered, 1},
		{"after a timeout, one connection", func(v *virtual, x *call) { v.clock.Advance(time.Second) }, refused, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := newVirtual(t, core.Config{ConnectTimeout: 3e9, ConnectionsPerHost: c.limit})
			x := newCall("GET", there)
			x.Timeout = 1e9
			v.Submit(&x.Exchange)
			c.leave(v, x)
			require.Equal(t, 1, x.dones)
			y := v.submit("POST", there)
			require.Equal(t, 1, v.dials, "the dial that is under way may serve it")
			v.live().gone(c.fault)
			require.Zero(t, y.dones, "it had no time yet")
			l := v.live()
			assert.EqualValues(t, 3e9, l.to.ConnectTimeout, "and now it has all of it")
			require.NoError(t, core.Check(v.Client))

			var z *call
			if c.limit == 1 { // there is no room for a dial of its own
				z = v.submit("GET", there)
			}
			l.gone(c.fault)
			assert.Equal(t, c.fault.Code, y.failed(t, c.fault.Status).Code)
			if c.limit != 1 {
				z = v.submit("GET", there)
			}
			require.Zero(t, z.dones)
			m := v.live()
			assert.Equal(t, 3, v.dials)
			m.connect()
			m.answer("z")
			z.ok(t, 200, "z")
		})
	}
}

func TestADialForSomebodyWhoLeftServesWhoCameLater(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	y := v.submit("GET", there)
	v.live().connect()
	v.live().answer("y")
	y.ok(t, 200, "y")
	assert.Equal(t, 1, v.dials)
}

func TestAFailedDialFailsThoseWhoSawItBegin(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	a, b, c, d := v.submit("GET", there), v.submit("GET", there), v.submit("GET", there), v.submit("GET", there)
	v.links[0].gone(refused)
	a.failed(t, wire.StatusConnect)
	assert.Zero(t, b.dones+c.dones+d.dones, "their dials are under way, or begin now")
	require.Len(t, v.links, 2)
	v.links[0].gone(unanswered)
	b.failed(t, wire.StatusTimeout)
	assert.Zero(t, c.dones+d.dones, "both dials were older")
	require.Len(t, v.links, 2)
	v.links[0].gone(refused)
	c.failed(t, wire.StatusConnect)
	d.failed(t, wire.StatusConnect)
	assert.Equal(t, 4, v.dials)
}

// With new requests all the time there is always a dial under way: nobody waits for those of others.
func TestADeadHostIsToldHoweverManyRequestsComeBehind(t *testing.T) {
	const tick, every, timeout = 100 * time.Millisecond, 7, 20 // the latter two in ticks
	for limit := 1; limit <= 8; limit++ {
		v := newVirtual(t, core.Config{ConnectionsPerHost: limit})
		var calls []*call
		var begun []int
		dialed := map[*link]int{}
		for now := range 400 {
			if now%every == 0 {
				calls, begun = append(calls, v.submit("GET", there)), append(begun, now)
			}
			for _, l := range slices.Clone(v.links) { // the transport's part: each dial gets its time
				if at, known := dialed[l]; !known {
					dialed[l] = now
				} else if now-at >= timeout {
					l.gone(unanswered)
				}
			}
			v.clock.Advance(tick)
			for i, x := range calls {
				if now-begun[i] > 2*timeout+2 { // the rest of a dial, and one of its own
					require.Equal(t, 1, x.dones, "limit %d, request %d", limit, i)
				}
			}
		}
		assert.LessOrEqual(t, v.dials, len(calls)+limit, "about a dial for each request")
	}
}

// A second try lets others go first while it waits for a new connection, but not when none can be made.
func TestARepeatIsNotPassedForEver(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	v.submit("GET", there)
	v.submit("GET", there)
	a, b := v.links[0], v.links[1]
	a.connect()
	b.connect()
	b.answer("")
	x := v.submit("GET", there) // on b
	b.gone(reset)               // and back in line: a dial begins
	y, z := v.submit("GET", there), v.submit("GET", there)
	a.answer("")
	require.Len(t, a.requests, 2, "y goes first")
	v.links[1].gone(refused)
	v.clock.Advance(time.Second) // another dial
	require.Len(t, v.links, 2)
	a.answer("y")
	y.ok(t, 200, "y")
	a.answer("x")
	x.ok(t, 200, "x")
	a.answer("z")
	z.ok(t, 200, "z")
}

// The dial that was made for it has failed already; that it is told so only when an older one fails, too, gives it no other.
func TestWhoseDialFailedIsToldThatWhenAnOlderOneFailsLater(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	y, z := v.submit("GET", there), v.submit("GET", there)
	require.Len(t, v.links, 2)
	v.links[1].gone(refused)
	assert.Zero(t, y.dones+z.dones)
	v.live().gone(unanswered)
	y.failed(t, wire.StatusConnect)
	z.failed(t, wire.StatusConnect)
	assert.Empty(t, v.links)
}

func TestARepeatThatCameWhenADialHadBegunGetsOneOfItsOwn(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	x := v.submit("GET", there)
	y := v.submit("GET", there) // has a dial
	l.gone(reset)               // x comes back into the line, and a second dial begins
	require.Len(t, v.links, 2)
	v.Cancel(&y.Exchange, wire.StatusCancelled)
	v.links[1].gone(refused)
	v.links[0].connect()
	v.links[0].answer("x")
	x.ok(t, 200, "x")
}

func TestAHandshakeThatBeganForSomebodyElseTakesNobodysTime(t *testing.T) {
	s := newSecured(t, core.Config{ConnectTimeout: 3e9}, nil)
	x := s.submit("GET", safe)
	s.live().connect()
	s.clock.Advance(2900 * time.Millisecond)
	s.Cancel(&x.Exchange, wire.StatusCancelled)
	y := s.submit("GET", safe)
	s.clock.Advance(100 * time.Millisecond)
	require.True(t, s.live().closing)
	s.settle()
	require.Zero(t, y.dones)
	l := s.live()
	l.connect()
	s.clock.Advance(2999 * time.Millisecond)
	require.False(t, l.closing)
	s.clock.Advance(time.Millisecond)
	s.settle()
	assert.EqualValues(t, wire.PhaseTLS, y.failed(t, wire.StatusTimeout).Code)
	assert.Equal(t, 2, s.dials)
}
