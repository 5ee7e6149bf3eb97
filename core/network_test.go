package core_test

import (
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

func preconnect(t testing.TB, c *core.Client, url string, count int) {
	target := target(url)
	require.Nil(t, c.Preconnect(&target, count))
}

func TestPreconnectedConnectionServesTheFirstRequest(t *testing.T) {
	v := newVirtual(t, core.Config{})
	preconnect(t, v.Client, there, 1)
	l := v.live()
	l.connect()
	x := v.submit("GET", there)
	l.answer("at once")
	x.ok(t, 200, "at once")
	assert.False(t, x.Reused, "it had served nobody before")
	assert.Zero(t, x.Times.Connecting+x.Times.Resolved+x.Times.Connected, "it did not wait for that")
	assert.Equal(t, 1, v.dials)
}

func TestPreconnectCountsWhatIsThereAndKeepsTheLimit(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 3})
	v.submit("GET", there)
	v.live().connect()
	preconnect(t, v.Client, there, 2)
	assert.Equal(t, 2, v.dials, "the busy one counts")
	preconnect(t, v.Client, there, 2)
	assert.Equal(t, 2, v.dials)
	preconnect(t, v.Client, there, 100)
	assert.Equal(t, 3, v.dials)
	for range 3 {
		v.submit("GET", there)
	}
	assert.Equal(t, 3, v.dials, "those that are being made are used")
	require.NoError(t, core.Check(v.Client))
}

func TestPreconnectedConnectionThatIsNotUsedIsClosedLikeAnIdleOne(t *testing.T) {
	v := newVirtual(t, core.Config{IdleTimeout: 10e9})
	preconnect(t, v.Client, there, 1)
	l := v.live()
	v.clock.Advance(5 * time.Second)
	l.connect()
	v.clock.Advance(9 * time.Second)
	assert.False(t, l.closing)
	v.clock.Advance(2 * time.Second)
	assert.True(t, l.closing)
}

func TestPreconnectThatFailsHarmsNobody(t *testing.T) {
	v := newVirtual(t, core.Config{})
	preconnect(t, v.Client, there, 2)
	v.links[0].gone(refused)
	v.links[0].gone(refused)
	x := v.submit("GET", there)
	v.live().connect()
	v.live().answer("")
	x.ok(t, 200, "")
	v.close()
	preconnect(t, v.Client, there, 2)
	assert.Equal(t, 3, v.dials, "after Close")
	target := target("https://there.example/")
	assert.Equal(t, wire.StatusUnsupported, v.Preconnect(&target, 1).Status)
}

func TestRequestOnAPreconnectedConnectionThatIsStaleIsRepeated(t *testing.T) {
	v := newVirtual(t, core.Config{})
	preconnect(t, v.Client, there, 1)
	l := v.live()
	l.connect()
	x := v.submit("GET", there)
	require.Len(t, l.requests, 1)
	l.gone(reset)
	v.live().connect()
	v.live().answer("again")
	x.ok(t, 200, "again")
}

func TestConnectionIsLookedAtBeforeEachRequestButTheFirst(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 1})
	x := v.submit("GET", there)
	l := v.live()
	l.connect()
	assert.Zero(t, l.looks, "it was just made")
	for i := range 3 {
		l.answer("")
		x.ok(t, 200, "")
		x = v.submit("GET", there)
		assert.Equal(t, 1+i, l.looks)
	}
	y := v.submit("GET", there)
	l.answer("x")
	x.ok(t, 200, "x")
	assert.Equal(t, 4, l.looks, "y was in line")
	l.answer("y")
	y.ok(t, 200, "y")

	v = newVirtual(t, core.Config{})
	preconnect(t, v.Client, there, 1)
	l = v.live()
	l.connect()
	v.submit("GET", there)
	assert.Equal(t, 1, l.looks, "it had waited")
}

func TestPostIsNotSentOnAConnectionFoundDead(t *testing.T) {
	v := newVirtual(t, core.Config{MaxRetries: -1})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	v.clock.Advance(time.Second)
	l.dead = true
	x := newCall("POST", there)
	x.lend(v.pool, []byte("body"))
	v.Submit(&x.Exchange)
	assert.Len(t, l.requests, 1, "nothing more was sent on it")
	v.settle()
	assert.Zero(t, x.dones)
	m := v.live()
	m.connect()
	m.answer("ok")
	x.ok(t, 200, "ok")
	assert.Zero(t, x.Facts&wire.FactReused)
	assert.Equal(t, 1, x.homed)
}

func TestCancelWhileADeadConnectionIsBeingReplaced(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	v.clock.Advance(time.Second)
	l.dead = true
	x := v.submit("GET", there)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	v.settle()
	x.failed(t, wire.StatusCancelled)
	assert.NotZero(t, x.Facts&wire.FactUnseen)
}

func TestMaxRetries(t *testing.T) {
	for _, c := range []struct{ max, retries int }{{0, 1}, {1, 1}, {2, 2}, {-1, 0}} {
		v := newVirtual(t, core.Config{MaxRetries: c.max, ConnectionsPerHost: 2})
		v.submit("GET", there)
		v.submit("GET", there)
		first, second := v.links[0], v.links[1]
		first.connect()
		second.connect()
		first.answer("")
		x := v.submit("GET", there)
		first.gone(reset)
		if c.retries > 0 {
			require.Zero(t, x.dones)
			v.links[1].gone(refused) // no new connection can be made
			second.answer("")        // so that it serves x
			require.Len(t, second.requests, 2)
			second.gone(reset)
		}
		if c.retries > 1 {
			require.Zero(t, x.dones)
			v.links[0].connect()
			v.links[0].answer("at last")
			x.ok(t, 200, "at last")
			continue
		}
		x.failed(t, wire.StatusClosed)
		assert.NotZero(t, x.Facts&wire.FactReused)
		assert.NotZero(t, x.Facts&wire.FactSent)
		assert.Zero(t, x.Facts&wire.FactUnseen)
	}
}

func TestConnectionServesNobodyBeyondItsLifetime(t *testing.T) {
	v := newVirtual(t, core.Config{Lifetime: 10e9, ConnectionsPerHost: 1})
	a := v.submit("GET", there)
	l := v.live()
	l.connect()
	v.clock.Advance(11 * time.Second)
	assert.False(t, l.closing, "it is in use")
	b := v.submit("GET", there)
	l.answer("a")
	a.ok(t, 200, "a")
	assert.True(t, l.closing)
	assert.Len(t, l.requests, 1)
	v.settle()
	m := v.live()
	m.connect()
	m.answer("b")
	b.ok(t, 200, "b")
	assert.False(t, m.closing)
	v.clock.Advance(9 * time.Second)
	c := v.submit("GET", there)
	m.answer("c")
	c.ok(t, 200, "c")
	v.clock.Advance(2 * time.Second)
	assert.True(t, m.closing, "idle, and too old")
	assert.LessOrEqual(t, v.clock.Rings, 3)
}

func TestLifetimeHoldsWhereIdleConnectionsAreKeptForEver(t *testing.T) {
	v := newVirtual(t, core.Config{Lifetime: 10e9, IdleTimeout: -1})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	v.clock.Advance(9 * time.Second)
	assert.False(t, l.closing)
	v.clock.Advance(2 * time.Second)
	assert.True(t, l.closing)
}

func TestNetworkChangedClosesWhatIsIdleAndProbesWhatIsBusy(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 3})
	a, b := v.submit("GET", there), v.submit("GET", there)
	busy, idle := v.links[0], v.links[1]
	busy.connect()
	idle.connect()
	idle.answer("b")
	b.ok(t, 200, "b")
	v.NetworkChanged()
	assert.Equal(t, 1, v.forgets)
	assert.True(t, idle.closing)
	assert.False(t, busy.closing)
	assert.Equal(t, 1, busy.probes)
	require.NoError(t, core.Check(v.Client))
	c := v.submit("GET", there)
	require.Len(t, v.links, 3, "the idle one is not used any more")
	v.links[2].connect()
	v.links[2].answer("c")
	c.ok(t, 200, "c")
	busy.answer("a")
	a.ok(t, 200, "a")
}

func TestNetworkChangedBeginsDialsAnew(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2})
	x := v.submit("GET", there)
	preconnect(t, v.Client, there, 2)
	old := append([]*link(nil), v.links...)
	v.NetworkChanged()
	assert.True(t, old[0].closing && old[1].closing)
	old[0].closing = false // it failed in the moment in which it was closed
	old[0].gone(refused)
	assert.Zero(t, x.dones)
	v.settle()
	require.Len(t, v.links, 2, "as many as there were")
	assert.Equal(t, 4, v.dials)
	v.links[0].connect()
	v.links[0].answer("x")
	x.ok(t, 200, "x")
	require.NoError(t, core.Check(v.Client))
}

func TestProbeThatIsNotAnsweredIsRepeatedElsewhere(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	x := v.submit("GET", there)
	v.NetworkChanged()
	l.gone(wire.Faultf(wire.StatusClosed, 110, "net", "the peer did not answer"))
	v.live().connect()
	v.live().answer("on the new network")
	x.ok(t, 200, "on the new network")
}

func TestResolveSaysWhereAHostIs(t *testing.T) {
	s := serve(t, keepAlive)
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	lines, fault := core.ParseResolve([]byte("There.Invalid:" + port + ":" + host + "\n"))
	require.Nil(t, fault)
	f := newFixture(t, core.Config{Resolve: lines})
	x := f.get("http://THERE.invalid:" + port + "/x")
	x.ok(t, 200, "/x")
	assert.Equal(t, net.JoinHostPort(host, port), x.Address)
	other, _ := strconv.Atoi(port)
	f.get("http://"+strings.Repeat("x", 64)+".invalid:"+strconv.Itoa(other)+"/").failed(t, wire.StatusResolve)
}

// A peer that vanished while its answer was awaited: nothing but a probe would find out before the request's own time is
// over, and this one has none.
func TestBusyConnectionToAPeerThatVanishedFailsAfterTheNetworkChanged(t *testing.T) {
	vanished := make(chan error, 1)
	over := make(chan struct{})
	s := serve(t, func(p *peer) {
		p.request()
		vanished <- transporttest.Deafen(p.TCPConn)
		<-over
	})
	f := newFixture(t, core.Config{})
	t.Cleanup(func() { close(over) })
	x := f.get(s.url + "/")
	if err := <-vanished; err != nil {
		t.Logf("a peer cannot vanish here: %v", err)
		return
	}
	f.NetworkChanged()
	fault := x.failed(t, wire.StatusClosed)
	// On a busy machine the kernel's own clock may be ahead of ours by the time that we look.
	assert.Regexp(t, "network changed|timed out|"+syscall.ETIMEDOUT.Error(), fault.Text)
	assert.NotZero(t, x.Facts&wire.FactSent)
}

func TestPreconnectAndNetworkChangedUnderLoad(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{ConnectionsPerHost: 4, Lifetime: 20e6})
	stop := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-stop:
				return
			default:
				preconnect(t, f.Client, s.url+"/", 4)
				f.NetworkChanged()
				time.Sleep(time.Millisecond)
			}
		}
	}()
	var calls []*call
	for i := range 1500 {
		x := f.get(s.url + "/x")
		calls = append(calls, x)
		if i%8 == 0 {
			x.done(t)
		}
	}
	for _, x := range calls {
		x.ok(t, 200, "/x")
	}
	close(stop)
	<-over
}
