package netconn

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

const never = time.Hour

func addrs(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// pair is a connection to nobody in particular.
func pair(t *testing.T) *net.TCPConn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	return c.(*net.TCPConn)
}

func isOpen(c *net.TCPConn) bool { return c.SetDeadline(time.Time{}) == nil }

func TestFamiliesTakeTurnsBeginningWithTheFirst(t *testing.T) {
	for _, c := range []struct{ in, out []netip.Addr }{
		{addrs("::1", "::2", "::3", "10.0.0.1", "10.0.0.2"), addrs("::1", "10.0.0.1", "::2", "10.0.0.2", "::3")},
		{addrs("10.0.0.1", "10.0.0.2", "::1"), addrs("10.0.0.1", "::1", "10.0.0.2")},
		{addrs("::ffff:10.0.0.1", "10.0.0.2"), addrs("10.0.0.1", "10.0.0.2")},
	} {
		var got []netip.Addr
		for _, a := range inTurn(c.in, 80) {
			got = append(got, a.Addr())
		}
		assert.Equal(t, c.out, got)
	}
	assert.Len(t, inTurn(make([]netip.Addr, 1000), 80), attemptsMost)
}

func TestTheNextAddressJoinsAtOnceWhenOneFails(t *testing.T) {
	won := pair(t)
	defer won.Close()
	r := race{delay: never, dial: func(_ context.Context, to netip.AddrPort) (*net.TCPConn, error) {
		if to.Addr() == netip.MustParseAddr("10.0.0.3") {
			return won, nil
		}
		return nil, syscall.ECONNREFUSED
	}}
	got, fault := r.run(t.Context(), "a", inTurn(addrs("10.0.0.1", "10.0.0.2", "10.0.0.3"), 80))
	require.Nil(t, fault)
	assert.Same(t, won, got)
}

func TestTheNextAddressJoinsOneThatIsSilentAndTheLoserIsClosed(t *testing.T) {
	won, lost := pair(t), pair(t)
	defer won.Close()
	first, over := make(chan struct{}), make(chan struct{})
	var cancelled atomic.Bool
	r := race{delay: time.Millisecond, dial: func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
		if to.Addr().Is6() {
			close(first)
			<-ctx.Done() // until the race is over
			cancelled.Store(true)
			close(over)
			return lost, nil
		}
		<-first
		return won, nil
	}}
	got, fault := r.run(t.Context(), "a", inTurn(addrs("::1", "10.0.0.1"), 80))
	require.Nil(t, fault)
	assert.Same(t, won, got)
	<-over
	assert.True(t, cancelled.Load())
	require.Eventually(t, func() bool { return !isOpen(lost) }, patience, time.Millisecond)
	assert.True(t, isOpen(won))
}

func TestOneThatConnectsInTheSameMomentIsClosed(t *testing.T) {
	for range 50 {
		a, b := pair(t), pair(t)
		both := make(chan struct{})
		var n atomic.Int32
		r := race{delay: time.Microsecond, dial: func(_ context.Context, to netip.AddrPort) (*net.TCPConn, error) {
			if n.Add(1) == 2 {
				close(both)
			}
			<-both
			if to.Addr().Is6() {
				return a, nil
			}
			return b, nil
		}}
		got, fault := r.run(t.Context(), "a", inTurn(addrs("::1", "10.0.0.1"), 80))
		require.Nil(t, fault)
		other := a
		if got == a {
			other = b
		}
		require.Eventually(t, func() bool { return !isOpen(other) }, patience, time.Millisecond)
		assert.True(t, isOpen(got))
		got.Close()
	}
}

func TestTheMostUsefulFaultIsTold(t *testing.T) {
	for _, c := range []struct {
		first, second error
		status        wire.Status
		code          syscall.Errno
	}{
		{syscall.ENETUNREACH, syscall.ECONNREFUSED, wire.StatusConnect, syscall.ECONNREFUSED},
		{syscall.ECONNREFUSED, syscall.ENETUNREACH, wire.StatusConnect, syscall.ECONNREFUSED},
		{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, wire.StatusConnect, syscall.ECONNREFUSED},
		{syscall.ECONNREFUSED, syscall.EMFILE, wire.StatusIO, syscall.EMFILE},
		{syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, wire.StatusIO, syscall.ENETUNREACH},
	} {
		r := race{delay: never, dial: func(_ context.Context, to netip.AddrPort) (*net.TCPConn, error) {
			if to.Addr().Is6() {
				return nil, c.first
			}
			return nil, c.second
		}}
		_, fault := r.run(t.Context(), "a", inTurn(addrs("::1", "10.0.0.1"), 80))
		require.NotNil(t, fault)
		assert.Equal(t, c.status, fault.Status, fault.Text)
		assert.EqualValues(t, c.code, fault.Code)
	}
}

func TestTimeAndCancelEndARaceWhateverTheAddressesDo(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	r := race{delay: never, dial: func(context.Context, netip.AddrPort) (*net.TCPConn, error) {
		<-stuck // does not even look at its context
		return nil, syscall.ECONNREFUSED
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, fault := r.run(ctx, "a", inTurn(addrs("::1", "10.0.0.1"), 80))
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusTimeout, fault.Status)
	assert.Equal(t, wire.PhaseConnect, fault.Code)
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, fault = r.run(ctx, "a", inTurn(addrs("::1", "10.0.0.1"), 80))
	require.NotNil(t, fault)
}

func TestAPanicInAnAttemptIsItsFailure(t *testing.T) {
	r := race{delay: never, dial: func(context.Context, netip.AddrPort) (*net.TCPConn, error) { panic("thrown by a test") }}
	_, fault := r.run(t.Context(), "a", inTurn(addrs("::1", "10.0.0.1"), 80))
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusInternal, fault.Status)
}

func TestTheRaceIsRunOverTheAddressesOfAName(t *testing.T) {
	tr := New()
	var asked atomic.Int32
	tr.names.lookup = func(*net.Resolver, string) ([]netip.Addr, error) {
		asked.Add(1)
		return addrs("::1", "127.0.0.1"), nil
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	for range 3 {
		r := transporttest.NewRecorder(t)
		c := dial(t, tr, "two.example", port, r)
		r.WaitConnected()
		assert.Equal(t, l.Addr().String(), r.Address)
		c.Close()
		r.WaitClosed()
	}
	assert.EqualValues(t, 1, asked.Load())
	l.Close()
	for i := range 2 {
		r := transporttest.NewRecorder(t)
		dial(t, tr, "two.example", port, r)
		assert.Equal(t, wire.StatusConnect, r.WaitClosed().Status)
		assert.EqualValues(t, 1+i, asked.Load(), "addresses that accept nobody are asked for anew")
	}
}

func TestAHostWhoseFirstAddressIsSilentIsReachedByItsSecond(t *testing.T) {
	silent, port := transporttest.Silent(t)
	l, err := net.Listen("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), port).String())
	if err != nil {
		t.Logf("there is no second address of this machine: %v", err)
		return
	}
	defer l.Close()
	tr := New()
	tr.names.lookup = func(*net.Resolver, string) ([]netip.Addr, error) { return addrs(silent, "127.0.0.2"), nil }
	r := transporttest.NewRecorder(t)
	dial(t, tr, "two.example", port, r)
	r.WaitConnected()
	assert.Equal(t, l.Addr().String(), r.Address)
}

func TestCloseAndTimeEndADialWhoseNameIsNeverAnswered(t *testing.T) {
	tr := New()
	stuck := make(chan struct{})
	defer close(stuck)
	tr.names.lookup = func(*net.Resolver, string) ([]netip.Addr, error) { <-stuck; return nil, nil }
	r := transporttest.NewRecorder(t)
	c := dial(t, tr, "never.example", 80, r)
	c.Close()
	assert.Nil(t, r.WaitClosed())
	r = transporttest.NewRecorder(t)
	dialWithin(t, tr, "never.example", 80, r, time.Millisecond)
	fault := r.WaitClosed()
	require.NotNil(t, fault)
	assert.Equal(t, wire.StatusTimeout, fault.Status)
	assert.Equal(t, wire.PhaseResolve, fault.Code)
	assert.Zero(t, r.Resolves)
	assert.Zero(t, tr.Open())
}
