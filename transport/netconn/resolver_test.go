package netconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/wire"
)

// patience is the length of a failure.
const patience = 20 * time.Second

var home = netip.MustParseAddr("192.0.2.1")

// names is a resolver whose lookups wait until a test answers them.
type names struct {
	resolver
	t     *testing.T
	clock atomic.Int64

	mu    sync.Mutex
	gates map[string]chan error
	asked []string
	most  int
	under int
}

func newNames(t *testing.T) *names {
	n := &names{t: t, gates: map[string]chan error{}}
	n.init()
	n.clock.Store(1)
	n.now = func() wire.Instant { return wire.Instant(n.clock.Load()) }
	n.lookup = func(_ *net.Resolver, name string) ([]netip.Addr, error) {
		n.mu.Lock()
		n.asked = append(n.asked, name)
		n.under++
		n.most = max(n.most, n.under)
		gate := n.gate(name)
		n.mu.Unlock()
		err := <-gate
		n.mu.Lock()
		n.under--
		n.mu.Unlock()
		return []netip.Addr{home}, err
	}
	return n
}

// gate is where lookups of name wait. mu is held.
func (n *names) gate(name string) chan error {
	if n.gates[name] == nil {
		n.gates[name] = make(chan error)
	}
	return n.gates[name]
}

func (n *names) answer(name string, err error) {
	n.mu.Lock()
	gate := n.gate(name)
	n.mu.Unlock()
	select {
	case gate <- err:
	case <-time.After(patience):
		n.t.Errorf("nobody looks %s up", name)
	}
}

func (n *names) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

// ask resolves name on a goroutine of its own.
func (n *names) ask(ctx context.Context, name string) chan error {
	over := make(chan error, 1)
	go func() {
		got, err := n.resolve(ctx, name)
		if err == nil && (len(got) != 1 || got[0] != home) {
			err = fmt.Errorf("%v", got)
		}
		over <- err
	}()
	return over
}

func (n *names) eventually(what string, ok func() bool) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		n.resolver.mu.Lock()
		defer n.resolver.mu.Unlock()
		return ok()
	}, patience, time.Millisecond, what)
}

func (n *names) waiters(name string) int {
	if l := n.resolver.asked[name]; l != nil {
		return l.waiters
	}
	return 0
}

func TestOneLookupForAllWhoWaitForAName(t *testing.T) {
	n := newNames(t)
	var over []chan error
	for range 50 {
		over = append(over, n.ask(t.Context(), "a"))
	}
	n.eventually("all wait", func() bool { return n.waiters("a") == 50 })
	n.answer("a", nil)
	for _, o := range over {
		require.NoError(t, <-o)
	}
	assert.Equal(t, 1, n.count())
}

func TestAnswersAreKeptForTheirLifetime(t *testing.T) {
	n := newNames(t)
	over := n.ask(t.Context(), "a")
	n.answer("a", nil)
	require.NoError(t, <-over)
	n.clock.Add(nameLifetime - 1)
	require.NoError(t, <-n.ask(t.Context(), "a"))
	assert.Equal(t, 1, n.count())
	n.clock.Add(1)
	over = n.ask(t.Context(), "a")
	n.answer("a", nil)
	require.NoError(t, <-over)
	assert.Equal(t, 2, n.count())
}

func TestFailuresAreNotKept(t *testing.T) {
	n := newNames(t)
	no := errors.New("no")
	for range 2 {
		over := n.ask(t.Context(), "a")
		n.answer("a", no)
		require.ErrorIs(t, <-over, no)
	}
	assert.Equal(t, 2, n.count())
}

func TestAnswersThatAreDoubtedAreAskedForAgain(t *testing.T) {
	n := newNames(t)
	for range 2 {
		over := n.ask(t.Context(), "a")
		n.answer("a", nil)
		require.NoError(t, <-over)
		n.doubt("a")
	}
	assert.Equal(t, 2, n.count())
}

func TestTheCacheIsBounded(t *testing.T) {
	n := newNames(t)
	for i := range namesKept + 10 {
		n.clock.Add(1)
		over := n.ask(t.Context(), fmt.Sprint(i))
		n.answer(fmt.Sprint(i), nil)
		require.NoError(t, <-over)
	}
	assert.Len(t, n.known, namesKept)
	assert.NotContains(t, n.known, "9", "the oldest goes first")
	assert.Contains(t, n.known, "10")
}

func TestAtMostEightLookupsAtOnceAndAWaiterLeavesWithoutEndingThem(t *testing.T) {
	n := newNames(t)
	var over []chan error
	ctx, cancel := context.WithCancel(t.Context())
	const all = lookupsAtOnce + 4
	for i := range all {
		over = append(over, n.ask(ctx, fmt.Sprint(i)))
	}
	n.eventually("all are asked for", func() bool { return len(n.resolver.asked) == all })
	n.eventually("eight are under way", func() bool { return n.resolver.busy == lookupsAtOnce && len(n.resolver.line) == 4 })
	late := n.ask(t.Context(), "late")
	n.eventually("one more is in line", func() bool { return len(n.resolver.line) == 5 })
	cancel() // although not one lookup ends
	for _, o := range over {
		require.ErrorIs(t, <-o, context.Canceled)
	}
	n.eventually("what nobody wants any more is not begun", func() bool { return len(n.resolver.line) == 1 })
	n.eventually("eight go on alone", func() bool { return n.resolver.busy == lookupsAtOnce })
	n.mu.Lock()
	under := append([]string(nil), n.asked...)
	n.mu.Unlock()
	for len(under) < lookupsAtOnce {
		time.Sleep(time.Millisecond) // begun, but not yet noted
		n.mu.Lock()
		under = append(under[:0], n.asked...)
		n.mu.Unlock()
	}
	again := n.ask(t.Context(), under[0])
	n.eventually("the lookup that goes on is joined", func() bool { return n.waiters(under[0]) == 1 })
	n.answer(under[0], nil)
	require.NoError(t, <-again)
	n.answer("late", nil)
	require.NoError(t, <-late)
	for _, name := range under[1:] {
		n.answer(name, nil)
	}
	n.eventually("all end", func() bool { return n.resolver.busy == 0 })
	assert.Len(t, n.known, lookupsAtOnce+1, "what nobody waited for is an answer all the same")
	assert.Equal(t, lookupsAtOnce, n.most)
}

func TestForgetMakesThoseWhoWaitAskAnew(t *testing.T) {
	n := newNames(t)
	over := n.ask(t.Context(), "old")
	n.answer("old", nil)
	require.NoError(t, <-over)
	over = n.ask(t.Context(), "a")
	n.eventually("it is under way", func() bool { return n.resolver.busy == 1 })
	before := n.system
	n.forget()
	n.eventually("it is asked anew beside the old lookup", func() bool { return n.resolver.busy == 2 })
	assert.NotSame(t, before, n.system, "or the system's resolver would join the new question with the old")
	assert.Empty(t, n.known)
	n.answer("a", nil)
	n.answer("a", nil)
	require.NoError(t, <-over)
	n.eventually("both end", func() bool { return n.resolver.busy == 0 })
}

func TestAPanicInALookupIsAFailureOfThatName(t *testing.T) {
	n := newNames(t)
	n.lookup = func(*net.Resolver, string) ([]netip.Addr, error) { panic("thrown by a test") }
	_, err := n.resolve(t.Context(), "a")
	require.ErrorContains(t, err, "thrown by a test")
	assert.Zero(t, n.busy)
}
