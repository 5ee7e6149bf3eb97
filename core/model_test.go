package core_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"turbohttp/buffers"
	"turbohttp/core"
	"turbohttp/wire"
)

func init() { // before the command line has its say
	flag.Set("rapid.checks", "300")
	flag.Set("rapid.steps", "150")
}

// TestRandomCallsFaultsAndTime lets everything happen in any order: calls of a host, moods of peers, panics, and time.
// Whatever happens, every exchange is told Done once, what was lent comes home once and before, everything rented is
// returned, and the pool stays sound. A failure is shrunk and kept in testdata/rapid.
func TestRandomCallsFaultsAndTime(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := newModel(t, r)
		defer m.finish() // also of a run that failed, so that it harms no later one
		r.Repeat(map[string]func(*rapid.T){
			"":                m.sound,
			"submit":          m.submit,
			"submit another":  m.submit,
			"write":           m.write,
			"write more":      m.write,
			"cancel":          m.cancel,
			"consume":         m.consume,
			"time":            m.time,
			"panic":           m.panic,
			"preconnect":      m.preconnect,
			"network changed": m.networkChanged,
			"close":           m.close,
			"peer":            m.peer,
			"peer again":      m.peer,
			"peer once more":  m.peer,
			"answer":          m.answer,
			"answer soon":     m.answer,
			"answer a third":  m.answer,
			"lose an answer":  m.lose,
			"end idle":        m.endIdle,
			"speak unasked":   m.lie,
		})
		m.finish()
		m.balanced()
	})
}

// model is a client over a fake, in virtual time, and what it must have told in the end.
type model struct {
	*virtual
	r     *rapid.T
	t     *modelT
	calls []*call
	lent  map[*call]int  // spans
	stops map[*call]bool // cancelled
	owed  map[*call]int  // bytes of an upload not yet written; not there: it has ended
	shut  bool
	throw bool

	before  map[*call]int  // dials begun when it was submitted
	refused map[string]int // by host: the youngest dial that was
	odd     map[*link]bool // said something in a mood
	over    bool
}

// modelT is rapid's T for helpers that ask for the testing package's.
type modelT struct {
	testing.TB
	r        *rapid.T
	cleanups []func()
}

func (t *modelT) Helper()                      {}
func (t *modelT) Cleanup(f func())             { t.cleanups = append(t.cleanups, f) }
func (t *modelT) Error(args ...any)            { t.r.Error(args...) }
func (t *modelT) Errorf(f string, args ...any) { t.r.Errorf(f, args...) }
func (t *modelT) Fatal(args ...any)            { t.r.Fatal(args...) }
func (t *modelT) Fatalf(f string, args ...any) { t.r.Fatalf(f, args...) }
func (t *modelT) Fail()                        { t.r.Fail() }
func (t *modelT) FailNow()                     { t.r.FailNow() }
func (t *modelT) Failed() bool                 { return t.r.Failed() }

func (t *modelT) clean() {
	for len(t.cleanups) > 0 {
		last := t.cleanups[len(t.cleanups)-1]
		t.cleanups = t.cleanups[:len(t.cleanups)-1]
		last()
	}
}

func newModel(t testing.TB, r *rapid.T) *model {
	m := &model{r: r, t: &modelT{TB: t, r: r}, lent: map[*call]int{}, stops: map[*call]bool{}, owed: map[*call]int{},
		before: map[*call]int{}, refused: map[string]int{}, odd: map[*link]bool{}}
	lines, fault := core.ParseResolve([]byte("h0.example:80:192.0.2.7"))
	require.Nil(m.t, fault)
	m.virtual = newVirtual(m.t, core.Config{
		ConnectionsPerHost: m.upTo(1, 4, "limit"),
		Window:             64,
		RequestTimeout:     30e9,
		IdleTimeout:        []int64{20e9, -1}[m.upTo(0, 1, "idle timeout")],
		Lifetime:           []int64{0, 0, 10e9}[m.upTo(0, 2, "lifetime")],
		MaxRetries:         m.upTo(-1, 3, "retries"),
		Resolve:            lines,
	})
	core.SetStepHook(func(_ *core.Exchange, where string) {
		if m.throw && where != "assigned" && where != "verdict" { // between steps nothing runs that could panic
			m.throw = false
			panic("thrown by the model")
		}
	})
	return m
}

func (m *model) upTo(low, high int, what string) int {
	return rapid.IntRange(low, high).Draw(m.r, what)
}
func (m *model) oneIn(n int, what string) bool { return m.upTo(1, n, what) == n }

// some draws one of the elements, or skips the action when there is none.
func some[T any](m *model, all []T, what string) T {
	if len(all) == 0 {
		m.r.Skip()
	}
	return all[m.upTo(0, len(all)-1, what)]
}

func (m *model) url() string { return fmt.Sprintf("http://h%d.example/", m.upTo(0, 1, "host")) }

// ---- What a host does -------------------------------------------------------------------------------------------------

func (m *model) submit(*rapid.T) {
	x := newCall([]string{"GET", "POST", "HEAD"}[m.upTo(0, 2, "method")], m.url())
	if x.method == "POST" && m.oneIn(2, "upload") {
		x.Upload = true
		m.owed[x] = m.upTo(1, 600, "total")
		x.Head.BodySize = int64(m.owed[x])
	} else if x.method == "POST" || m.oneIn(8, "body") {
		n := m.upTo(1, 3, "spans")
		for range n {
			x.Body.Append(m.pool.Borrow(make([]byte, m.upTo(1, 300, "size")), x), 0, 1)
		}
		x.Head.BodySize = int64(x.Body.Len())
		if m.oneIn(10, "wrong size") {
			x.Head.BodySize++ // INVALID
		}
		x.Head.Expect = m.oneIn(4, "expect")
		m.lent[x] = n
	}
	x.Stream = m.oneIn(2, "stream")
	x.Timeout = []int64{0, -1, 1e6, 5e9}[m.upTo(0, 3, "timeout")]
	if m.oneIn(6, "limited") {
		x.MaxBody = int64(m.upTo(1, 100, "most"))
	}
	m.calls = append(m.calls, x)
	m.before[x] = m.dials
	m.Submit(&x.Exchange)
}

// write sends more of an upload, at times less at its end than was promised.
func (m *model) write(*rapid.T) {
	var live []*call
	for _, x := range m.calls {
		if _, open := m.owed[x]; open && x.dones == 0 {
			live = append(live, x)
		}
	}
	x := some(m, live, "call")
	n := m.upTo(1, m.owed[x], "bytes")
	var body buffers.Sequence
	body.Append(m.pool.Borrow(make([]byte, n), x), 0, n)
	m.lent[x]++
	m.owed[x] -= n
	end := m.owed[x] == 0 || m.oneIn(20, "too early")
	if end {
		delete(m.owed, x)
	}
	m.Write(&x.Exchange, &body, end, nil)
}

func (m *model) cancel(*rapid.T) {
	var live []*call
	for _, x := range m.calls {
		if x.dones == 0 {
			live = append(live, x)
		}
	}
	x := some(m, live, "call")
	m.stops[x] = true
	m.Cancel(&x.Exchange, wire.StatusCancelled)
}

func (m *model) consume(*rapid.T) {
	var some_ []*call
	for _, x := range m.calls { // also after Done
		if x.keep.Len() > 0 {
			some_ = append(some_, x)
		}
	}
	x := some(m, some_, "call")
	n := m.upTo(1, x.keep.Len(), "bytes")
	x.keep.Skip(n)
	m.Consumed(&x.Exchange, n)
}

func (m *model) time(*rapid.T) {
	most := []int{50, 3000, 25000}[m.upTo(0, 2, "how long")]
	m.clock.Advance(time.Duration(m.upTo(0, most, "ms")) * time.Millisecond)
}

func (m *model) panic(*rapid.T) { m.throw = m.oneIn(4, "throw") }

func (m *model) preconnect(*rapid.T) {
	if m.oneIn(4, "really") {
		preconnect(m.t, m.Client, m.url(), m.upTo(1, 5, "count"))
	}
}

func (m *model) networkChanged(*rapid.T) {
	if m.oneIn(8, "really") { // much that is worth seeing takes undisturbed steps
		m.NetworkChanged()
	}
}

func (m *model) close(*rapid.T) {
	if m.oneIn(60, "really") {
		m.shut = true
		m.Client.Close(func() {})
	}
}

// ---- What peers and the network do ------------------------------------------------------------------------------------

// quiet are the links whose peers owe so many answers.
func (m *model) quiet(owes func(answers int) bool) (all []*link) {
	for _, l := range m.links {
		if l.connected && !l.closing && !l.eof && !l.dead && !l.paused && l.unread == "" && owes(len(l.requests)-l.answered) {
			all = append(all, l)
		}
	}
	return all
}

func owing(answers int) bool { return answers > 0 }

func (m *model) answer(*rapid.T) {
	some(m, m.quiet(owing), "link").answer(string(make([]byte, m.upTo(0, 200, "bytes"))))
}

// lose resets a connection that had served, while an answer is awaited.
func (m *model) lose(*rapid.T) {
	l := some(m, m.quiet(owing), "link")
	if l.answered > 0 {
		l.gone(reset)
	}
}

// endIdle ends a connection that nobody uses, and leaves it to core to find out.
func (m *model) endIdle(*rapid.T) {
	l := some(m, m.quiet(func(answers int) bool { return answers == 0 }), "link")
	l.dead = m.oneIn(2, "really")
}

// lie puts a response that nobody asked for into the socket of a connection that nobody uses.
func (m *model) lie(*rapid.T) {
	l := some(m, m.quiet(func(answers int) bool { return answers == 0 }), "link")
	// Behind what it said in a mood, an answer may be a piece of a longer body, and so would this.
	if l.answered > 0 && len(l.sent) == 0 && !l.owes && !m.odd[l] {
		l.lie(unasked)
		l.silent = l.written
	}
}

func (m *model) peer(*rapid.T) {
	l := some(m, m.links, "link")
	switch {
	case l.unread != "" && !l.closing && m.oneIn(2, "found"):
		l.deliver()
	case l.closing:
		if m.oneIn(2, "closed") {
			l.gone(nil)
		}
	case !l.resolved && m.oneIn(2, "name"):
		l.resolve()
	case !l.connected:
		if m.oneIn(6, "refused") {
			m.refused[l.to.Host] = max(m.refused[l.to.Host], l.number)
			l.gone(refused)
			return
		}
		l.full = m.oneIn(5, "full")
		l.connect()
	case l.eof, l.dead && m.oneIn(2, "end is told"):
		l.gone(reset)
	case l.probes > 0 && m.oneIn(3, "silence"):
		l.gone(silence)
	default:
		m.mood(l)
	}
}

func (m *model) mood(l *link) {
	says := func(text string) {
		if !l.paused && !l.dead && l.unread == "" {
			m.odd[l] = true
			l.receive(text)
		}
	}
	switch m.upTo(0, 16, "mood") {
	case 0:
		l.end()
	case 1:
		l.gone(reset)
	case 2:
		l.full = true
	case 3, 4:
		l.drain()
	case 5:
		says("HTTP/1.1 103 Early Hints\r\n\r\n")
	case 6:
		says([]string{"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\n", "x"}[m.upTo(0, 2, "garbage")])
	case 7:
		says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + string(make([]byte, m.upTo(0, 400, "of 500"))))
	case 8:
		says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nend")
	case 9:
		says("HTTP/1.1 200 OK\r\n\r\nuntil the end")
	case 10:
		l.dead = true // it has ended, and nobody knows yet
	default: // it takes its time
	}
}

// ---- What must be true ------------------------------------------------------------------------------------------------

func (m *model) sound(*rapid.T) {
	require.NoError(m.t, core.Check(m.Client))
	for _, x := range m.calls {
		require.LessOrEqual(m.t, x.dones, 1)
		require.LessOrEqual(m.t, x.homes, m.lent[x])
		if x.dones == 1 {
			require.Equal(m.t, m.lent[x], x.homed, "spans home before Done of %s %s", x.method, x.url)
			m.plausible(x)
		}
	}
	for _, l := range m.links {
		if l.unread != "" {
			require.Equal(m.t, l.silent, l.written, "something was sent although the peer had spoken")
		}
		require.Equal(m.t, l.to.Host == "h0.example", l.to.Address.IsValid(), l.to.Host)
	}
}

// plausible holds what was told against what happened.
func (m *model) plausible(x *call) {
	require.NotContains(m.t, string(x.body), "EVIL")
	if x.fault == nil {
		require.Equal(m.t, 1, x.heads)
		require.True(m.t, x.ended)
		return
	}
	switch x.fault.Status {
	case wire.StatusConnect:
		require.Greater(m.t, m.refused[string(x.Head.Target.Host)], m.before[x], "no dial that began later was refused")
	case wire.StatusCancelled:
		require.True(m.t, m.stops[x] || m.shut, "nobody cancelled it")
	case wire.StatusTimeout:
		allowed := x.Timeout
		if allowed == 0 {
			allowed = 30e9
		}
		require.True(m.t, allowed > 0 && int64(x.Times.Done-x.Times.Started) >= allowed, "it had time: %v", x.fault)
	}
	unseen, sent := x.Facts&wire.FactUnseen != 0, x.Facts&wire.FactSent != 0
	require.NotEqual(m.t, unseen, sent, "%v", x.fault)
}

func (m *model) finish() {
	if m.over {
		return
	}
	m.over, m.shut = true, true
	m.throw = false
	defer core.SetStepHook(nil)
	for _, x := range m.calls {
		x.keep.Release() // no longer looked at by any call
	}
	m.virtual.close()
}

func (m *model) balanced() {
	require.NoError(m.t, core.Check(m.Client))
	for _, x := range m.calls {
		require.Equal(m.t, 1, x.dones, "%s %s", x.method, x.url)
		require.Equal(m.t, m.lent[x], x.homed, "spans home before Done")
		require.Equal(m.t, m.lent[x], x.homes)
		x.keep.Release() // what came while it was closed
	}
	m.t.clean() // asks the pool, too
}
