package core_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/core"
	"turbohttp/wire"
)

const patience = 20 * time.Second

// call is an exchange with what a sink was told of it.
type call struct {
	core.Exchange
	method, url string

	mu       sync.Mutex
	cond     *sync.Cond
	heads    int
	status   int
	fields   string
	trailers string
	stops    int
	body     []byte
	ended    bool
	sent     int
	dones    int
	fault    *wire.Fault
	keep     buffers.Sequence // Stream: not consumed yet
	homes    int              // borrowed body spans that came home
	homed    int              // of them before Done
}

func newCall(method, url string) *call {
	x := &call{method: method, url: url}
	x.cond = sync.NewCond(&x.mu)
	x.Ref = x
	x.Head.Method = []byte(method)
	x.Head.Target = target(url)
	return x
}

// target takes http://host:port/path apart; enough for tests.
func target(url string) wire.Target {
	t := wire.Target{URL: []byte(url)}
	scheme, rest, _ := strings.Cut(url, "://")
	t.Scheme = map[string]wire.Scheme{"http": wire.SchemeHTTP, "https": wire.SchemeHTTPS, "ws": wire.SchemeWS}[scheme]
	authority, path, _ := strings.Cut(rest, "/")
	t.Authority = []byte(authority)
	host, port, ok := strings.Cut(authority, ":")
	t.Host, t.Port = []byte(host), 80
	if ok {
		n, _ := strconv.Atoi(port)
		t.Port = uint16(n)
	}
	t.Path = []byte("/" + path)
	return t
}

func (x *call) Home(*buffers.Block) {
	x.mu.Lock()
	x.homes++
	if x.dones == 0 {
		x.homed++
	}
	x.mu.Unlock()
}

// lend gives the exchange a body of borrowed memory in pieces.
func (x *call) lend(pool *buffers.Pool, pieces ...[]byte) {
	for _, p := range pieces {
		x.Body.Append(pool.Borrow(p, x), 0, len(p))
	}
	x.Head.BodySize = int64(x.Body.Len())
}

func (x *call) wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	alarm := time.AfterFunc(patience, func() { x.cond.Broadcast() })
	defer alarm.Stop()
	end := time.Now().Add(patience)
	x.mu.Lock()
	defer x.mu.Unlock()
	for !ok() {
		if !time.Now().Before(end) {
			t.Fatalf("%s %s: waited too long for %s: heads %d, body %d, sent %d, dones %d", x.method, x.url, what, x.heads, len(x.body), x.sent, x.dones)
		}
		x.cond.Wait()
	}
}

// done waits for Done and gives its fault.
func (x *call) done(t testing.TB) *wire.Fault {
	t.Helper()
	x.wait(t, "Done", func() bool { return x.dones > 0 })
	return x.fault
}

// ok waits for a complete response.
func (x *call) ok(t testing.TB, status int, body string) {
	t.Helper()
	if fault := x.done(t); fault != nil {
		t.Fatalf("%s %s failed: %v (%v)", x.method, x.url, fault, fault.Status)
	}
	require.Equal(t, status, x.status)
	require.Equal(t, body, string(x.body))
	require.True(t, x.ended)
}

// failed waits for a fault of that status.
func (x *call) failed(t testing.TB, status wire.Status) *wire.Fault {
	t.Helper()
	fault := x.done(t)
	require.NotNil(t, fault, "%s %s did not fail", x.method, x.url)
	require.Equal(t, status, fault.Status, fault.Text)
	return fault
}

// sink tells calls.
type sink struct {
	t      testing.TB
	onBody func(x *call)
	onHead func(x *call)
	onDone func(x *call)

	onVerify func(v *core.Verify)
}

func (s *sink) Head(e *core.Exchange, head *wire.ResponseHead) {
	x := e.Ref.(*call)
	if s.onHead != nil {
		s.onHead(x)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heads++
	x.status = int(head.Status)
	for i := range head.Fields.Lines {
		x.fields += string(head.Fields.Name(i)) + ": " + string(head.Fields.Value(i)) + "\n"
	}
	if x.dones > 0 || x.heads > 1 || x.ended {
		s.t.Errorf("%s %s: Head %d after %d Done, end %v", x.method, x.url, x.heads, x.dones, x.ended)
	}
	x.cond.Broadcast()
}

func (s *sink) Body(e *core.Exchange, in *buffers.Sequence, end bool) int {
	x := e.Ref.(*call)
	if s.onBody != nil {
		s.onBody(x)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.dones > 0 || x.heads != 1 || x.ended {
		s.t.Errorf("%s %s: Body after %d heads, %d Done, end %v", x.method, x.url, x.heads, x.dones, x.ended)
	}
	for p := in.First(); p != nil; p = p.Next() {
		x.body = append(x.body, p.Bytes()...)
	}
	if x.Stream {
		in.Move(&x.keep)
	} else {
		in.Release()
	}
	x.ended = end
	x.cond.Broadcast()
	return 0
}

func (s *sink) Trailers(e *core.Exchange, trailers *wire.Fields) {
	x := e.Ref.(*call)
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range trailers.Lines {
		x.trailers += string(trailers.Name(i)) + ": " + string(trailers.Value(i)) + "\n"
	}
	if x.dones > 0 {
		s.t.Errorf("%s %s: Trailers after Done", x.method, x.url)
	}
}

func (s *sink) Stopped(e *core.Exchange) {
	x := e.Ref.(*call)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stops++
	if x.stops > 1 || x.dones > 0 || !e.Upload {
		s.t.Errorf("%s %s: Stopped %d times, after %d Done", x.method, x.url, x.stops, x.dones)
	}
	x.cond.Broadcast()
}

func (s *sink) Sent(e *core.Exchange, n int) {
	x := e.Ref.(*call)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sent += n
	if n == 0 || x.dones > 0 || x.sent < 0 {
		s.t.Errorf("%s %s: Sent %d, after %d Done", x.method, x.url, n, x.dones)
	}
	x.cond.Broadcast()
}

func (s *sink) Done(e *core.Exchange, fault *wire.Fault) {
	x := e.Ref.(*call)
	if s.onDone != nil {
		s.onDone(x)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.dones++
	x.fault = fault
	if x.dones > 1 {
		s.t.Errorf("%s %s: Done %d times", x.method, x.url, x.dones)
	}
	if e.Body.Len() != 0 {
		s.t.Errorf("%s %s: Done with the body not released", x.method, x.url)
	}
	if fault == nil && !x.ended {
		s.t.Errorf("%s %s: Done without a fault and without the end of the body", x.method, x.url)
	}
	x.cond.Broadcast()
}

func (s *sink) Verify(v *core.Verify) {
	if s.onVerify != nil {
		s.onVerify(v)
	}
}

var _ core.Sink = (*sink)(nil)
