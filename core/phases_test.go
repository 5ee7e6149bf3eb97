package core_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/gotls"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/transport/netconn"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

// A phase is a moment in the life of a request that lasts until somebody ends it: the peer has come so far and does nothing
// more. What is not here because no socket is there yet: resolving. A name that is never answered is netconn's
// TestCloseAndTimeEndADialWhoseNameIsNeverAnswered; above it TestRequestTimeoutIsTheClientsUnlessGiven and
// TestCancelBeforeItBegan.
type phase struct {
	name string
	told wire.Phase // what a timeout calls it

	call func(f *fixture, url string) *call // default: a GET
	peer func(p *peer)                      // comes so far; nil: there is no peer
	tls  func(p *peer, config *tls.Config)  // the same where TLS is still to be made: over TLS only

	heads, body, sent int // what the caller has been told by then

	toClose bool // the end of the connection is the end of the body
	inLine  bool // behind a request to which the peer has come, on the only connection
}

// What ends a phase.
const (
	byReset  = "a reset"           // RST
	byFIN    = "a bare end"        // FIN, and the peer reads no more: a half-open connection
	byBye    = "an end with a bye" // close_notify, then FIN: over TLS only
	byTime   = "time"
	byCancel = "cancel"
	byClose  = "close" // of the client
)

const (
	littleBody = 3000
	hugeBody   = 16 << 20 // more than the system holds when nobody reads
)

var zeros [hugeBody]byte

// put sends a body in two lent pieces.
func put(size int) func(f *fixture, url string) *call {
	return func(f *fixture, url string) *call {
		x := newCall("PUT", url)
		x.lend(f.pool, zeros[:size/2], zeros[:size-size/2])
		return x
	}
}

func expecting(f *fixture, url string) *call {
	x := put(littleBody)(f, url)
	x.Head.Expect = true
	return x
}

func hugeHead(_ *fixture, url string) *call {
	x := newCall("GET", url)
	x.Head.Fields.Add([]byte("X-Huge"), bytes.Repeat([]byte("x"), hugeBody))
	return x
}

// after gives a peer that reads a request with a little body and says text.
func after(text string) func(p *peer) {
	return func(p *peer) { p.request(); io.CopyN(io.Discard, p.in, littleBody); p.say(text) }
}

// part gives a peer that reads so many bytes, and no more.
func part(n int64) func(p *peer) {
	return func(p *peer) { io.CopyN(io.Discard, p.in, n) }
}

const (
	known   = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
)

var phases = []phase{
	{name: "in line", told: wire.PhaseQueue, inLine: true, peer: func(p *peer) { p.request() }},
	{name: "connecting", told: wire.PhaseConnect}, // what a peer can do then, refuse, is TestRefusedConnectionFailsAllThatWait
	{name: "TLS, before the server said anything", told: wire.PhaseTLS, tls: func(p *peer, _ *tls.Config) { io.ReadFull(p.in, make([]byte, 10)) }},
	{name: "TLS, in the middle of the server's hello", told: wire.PhaseTLS, tls: func(p *peer, config *tls.Config) {
		tls.Server(&cutShort{Conn: p.TCPConn, bytes: 50}, config).Handshake()
	}},
	{name: "TLS, in the middle of the server's certificate", told: wire.PhaseTLS, tls: func(p *peer, config *tls.Config) {
		tls.Server(&cutShort{Conn: p.TCPConn, bytes: 400}, config).Handshake()
	}},
	{name: "TLS 1.2, before the server's last word", told: wire.PhaseTLS, tls: func(p *peer, config *tls.Config) {
		config.MaxVersion = tls.VersionTLS12
		tls.Server(&cutShort{Conn: p.TCPConn, writes: 1}, config).Handshake()
	}},
	{name: "sending the head", told: wire.PhaseSend, call: hugeHead, peer: part(10)},
	{name: "awaiting 100", told: wire.PhaseSend, call: expecting, peer: func(p *peer) { p.request() }},
	{name: "sending the body", told: wire.PhaseSend, call: put(hugeBody), peer: func(p *peer) { p.request(); part(hugeBody / 16)(p) }},
	{name: "sending the body, answered already", told: wire.PhaseBody, call: put(hugeBody), heads: 1, body: 3, peer: func(p *peer) { p.request(); p.say(known + "abc") }},
	{name: "waiting", told: wire.PhaseWait, call: put(littleBody), sent: littleBody, peer: after("")},
	{name: "in the status line", told: wire.PhaseWait, call: put(littleBody), sent: littleBody, peer: after("HTTP/1.1 2")},
	{name: "in the head", told: wire.PhaseWait, call: put(littleBody), sent: littleBody, peer: after("HTTP/1.1 200 OK\r\nContent-Le")},
	{name: "behind an interim head", told: wire.PhaseWait, call: put(littleBody), sent: littleBody, peer: after("HTTP/1.1 103 Early Hints\r\n\r\n")},
	{name: "behind the head", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, peer: after(known)},
	{name: "in a body with a length", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, peer: after(known + "abc")},
	{name: "in a chunk", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, peer: after(chunked + "a\r\nabc")},
	{name: "in the size of a chunk", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, peer: after(chunked + "3\r\nabc\r\n1")},
	{name: "in the trailers", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, peer: after(chunked + "3\r\nabc\r\n0\r\nSum: 1")},
	{name: "behind the trailers", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, peer: after(chunked + "3\r\nabc\r\n0\r\nSum: 1\r\n")},
	{name: "in a body without a length", told: wire.PhaseBody, call: put(littleBody), sent: littleBody, heads: 1, body: 3, toClose: true, peer: after("HTTP/1.1 200 OK\r\n\r\nabc")},
}

// cutShort takes so many writes whole, and of the next so many bytes; then it fails.
type cutShort struct {
	net.Conn
	writes, bytes int
}

func (c *cutShort) Write(b []byte) (int, error) {
	if c.writes--; c.writes >= 0 {
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:min(len(b), c.bytes)])
	return n, errors.New("cut short")
}

// Whatever ends a request, in whatever phase: one Done that says what it was, with the system's number after a reset; what
// was lent home before it; the facts as they are; nothing tried again; and a client that works on.
//
// Time is virtual, and stands still unless time is what ends the request. So neither a cancel nor an end by the peer can
// lean on a timer, nor on anything that the peer would still do.
func TestWhateverEndsAPhase(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	leaf := tlstest.Leaf(t, root, nil).TLS()
	for _, secure := range []bool{false, true} {
		for _, ph := range phases {
			for _, by := range []string{byReset, byFIN, byBye, byTime, byCancel, byClose} {
				ofPeer := by == byReset || by == byFIN || by == byBye
				if !secure && (ph.tls != nil || by == byBye) || ofPeer && (ph.inLine || ph.peer == nil && ph.tls == nil) || by == byBye && ph.tls != nil {
					continue
				}
				name := map[bool]string{false: "plain", true: "TLS"}[secure] + "/" + ph.name + "/" + by
				t.Run(name, func(t *testing.T) {
					leavesNothing(t)
					endPhase(t, ph, by, secure, root, leaf)
				})
			}
		}
	}
}

func endPhase(t *testing.T, ph phase, by string, secure bool, root *tlstest.Entity, leaf tls.Certificate) {
	reached, act, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	end := func() { once.Do(func() { close(over) }) }
	var faulty atomic.Bool
	faulty.Store(true)
	s := serve(t, func(p *peer) {
		config := &tls.Config{Certificates: []tls.Certificate{leaf}, Time: func() time.Time { return tlstest.Today }}
		if faulty.Load() && ph.tls != nil {
			ph.tls(p, config)
		} else if secure && !p.shake(config) {
			return
		}
		if !faulty.Load() {
			keepAlive(p)
			return
		}
		if ph.peer != nil {
			ph.peer(p)
		}
		close(reached)
		<-act
		switch by {
		case byReset:
			p.SetLinger(0)
			p.TCPConn.Close()
		case byBye:
			p.tls.CloseWrite()
			p.TCPConn.CloseWrite()
		case byFIN:
			p.TCPConn.CloseWrite()
		}
		<-over
	})
	t.Cleanup(end) // before the server is waited for, also when the test fails
	clock := transporttest.NewClock()
	f := newFixtureWith(t, core.Config{Clock: clock, ConnectTimeout: -1, ConnectionsPerHost: 1}, func(f *fixture, cfg *core.Config) {
		cfg.Transport.(*netconn.Transport).SocketBuffer = 64 << 10
		if secure {
			trusting(t, root, nil)(f, cfg)
		}
	})
	url := s.url
	if ph.peer == nil && ph.tls == nil {
		url = strings.TrimSuffix(silent(t), "/")
	}
	if secure {
		url = strings.Replace(url, "http:", "https:", 1)
		s.url = strings.Replace(s.url, "http:", "https:", 1)
	}
	var x *call
	if ph.call == nil {
		x = newCall("GET", url+"/")
	} else {
		x = ph.call(f, url+"/")
	}
	lent := x.Body.Segments()
	x.Timeout = int64(time.Hour)
	var ahead *call
	if ph.inLine {
		ahead = f.get(s.url + "/")
		<-reached
	}
	f.Submit(&x.Exchange)
	if url == s.url {
		<-reached
	} else {
		require.Eventually(t, func() bool { return core.WaitsIn(f.Client, &x.Exchange) == wire.PhaseConnect }, patience, time.Millisecond)
	}
	x.wait(t, ph.name, func() bool { return x.heads == ph.heads && len(x.body) == ph.body && x.sent >= ph.sent })
	require.Zero(t, x.count(), "it is under way")

	close(act)
	status := wire.StatusClosed
	switch by {
	case byTime:
		status = wire.StatusTimeout
		clock.Advance(time.Hour)
	case byCancel:
		status = wire.StatusCancelled
		f.Cancel(&x.Exchange, status)
	case byClose:
		status = wire.StatusCancelled
		f.close()
	}
	fault := x.done(t)
	if ph.toClose && (by == byBye || by == byFIN && !secure) {
		require.Nil(t, fault)
		assert.True(t, x.ended)
	} else {
		require.NotNil(t, fault)
		require.Equal(t, status, fault.Status, fault.Text)
		require.False(t, x.ended)
		switch by {
		case byTime:
			assert.Equal(t, ph.told, fault.Code, fault.Text)
		case byReset:
			assert.NotZero(t, fault.Code, fault.Text)
		default:
			assert.Zero(t, fault.Code, fault.Text)
		}
	}
	facts := wire.FactSent
	if ph.told < wire.PhaseSend {
		facts = wire.FactUnseen
	}
	assert.Equal(t, facts, x.Facts)
	assert.Equal(t, ph.heads == 1, x.Status == 200)
	assert.Len(t, x.body, ph.body)
	assert.Empty(t, x.trailers, "they were not whole")
	assert.Equal(t, lent, x.homed)
	assert.LessOrEqual(t, s.conns.Load(), int32(1), "nothing is tried again on a fresh connection")

	f.Cancel(&x.Exchange, wire.StatusCancelled) // too late: nothing
	faulty.Store(false)
	if ahead != nil {
		f.Cancel(&ahead.Exchange, wire.StatusCancelled)
		ahead.failed(t, wire.StatusCancelled)
	}
	if ph.tls != nil && by != byClose {
		end() // a dial goes on for the next request when its own has left: this one would never end
		require.Eventually(t, func() bool { return core.Connections(f.Client) == 0 }, patience, time.Millisecond)
	}
	if by != byClose {
		f.get(s.url+"/after").ok(t, 200, "/after")
	}
	end()
	f.close()
	assert.Equal(t, 1, x.count())
	assert.Zero(t, core.Armed(f.Client))
	assert.Zero(t, clock.Set())
}

// An idle connection that its peer ends leaves the pool, and the next request, one that is never sent twice, is served by a
// new one. A peer that goes without a word is TestBusyConnectionToAPeerThatVanishedFailsAfterTheNetworkChanged and the probes
// of transporttest; idle time is TestIdleConnectionIsClosedAfterItsTime.
func TestWhateverEndsAnIdleConnection(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	config := &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()}, Time: func() time.Time { return tlstest.Today }}
	const unasked = "something unasked"
	for _, secure := range []bool{false, true} {
		for _, by := range []string{byReset, byFIN, byBye, unasked} {
			if by == byBye && !secure {
				continue
			}
			t.Run(map[bool]string{false: "plain", true: "TLS"}[secure]+"/"+by, func(t *testing.T) {
				leavesNothing(t)
				idle := make(chan struct{})
				s := serve(t, func(p *peer) {
					if secure && !p.shake(config) {
						return
					}
					if p.n > 1 {
						keepAlive(p)
						return
					}
					p.request()
					p.answer("first")
					<-idle
					switch by {
					case byReset:
						p.SetLinger(0)
						return
					case byBye:
						p.tls.CloseWrite()
						return
					case unasked:
						p.say("HTTP/1.1 408 Request Timeout\r\n\r\n")
					case byFIN:
						p.TCPConn.CloseWrite()
					}
					io.Copy(io.Discard, p.TCPConn)
				})
				f := newFixtureWith(t, core.Config{MaxRetries: -1}, func(f *fixture, cfg *core.Config) {
					if secure {
						s.url = strings.Replace(s.url, "http:", "https:", 1)
						trusting(t, root, nil)(f, cfg)
					}
				})
				f.get(s.url+"/").ok(t, 200, "first")
				require.EqualValues(t, 1, f.Stats().ConnectionsOpen)
				close(idle)
				require.Eventually(t, func() bool { return f.Stats().ConnectionsOpen == 0 }, patience, time.Millisecond)
				x := put(littleBody)(f, s.url+"/next")
				f.Submit(&x.Exchange)
				x.ok(t, 200, "/next")
				assert.Equal(t, wire.FactSent, x.Facts)
				f.close()
			})
		}
	}
}

// Between client and server sits somebody who reads one byte, writes one byte, and whose buffers are as small as the system
// makes them: whatever the pieces, both sides understand the same.
func TestOneByteAtATimeBothWays(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	config := &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()}, Time: func() time.Time { return tlstest.Today }}
	body := strings.Repeat("0123456789abcdef", 250)
	for _, secure := range []bool{false, true} {
		for _, c := range []struct {
			name, answer, trailers string
		}{
			{"a length", "HTTP/1.1 103 Early Hints\r\n\r\n" + length(body), ""},
			{"chunks and trailers", chunked + "1\r\n0\r\nf9f\r\n" + body[1:] + "\r\n0\r\nSum: 1\r\n\r\n", "Sum: 1\n"},
			{"until the end", "HTTP/1.1 200 OK\r\n\r\n" + body, ""},
		} {
			t.Run(map[bool]string{false: "plain", true: "TLS"}[secure]+"/"+c.name, func(t *testing.T) {
				leavesNothing(t)
				behind := serve(t, func(p *peer) {
					if secure && !p.shake(config) {
						return
					}
					for p.request() != nil {
						got := make([]byte, len(body))
						if _, err := io.ReadFull(p.in, got); err != nil || string(got) != body {
							p.answer("wrong")
							return
						}
						p.say(c.answer)
						if !strings.Contains(c.answer, ": ") {
							if secure {
								p.tls.CloseWrite()
							}
							return
						}
					}
				})
				s := serve(t, func(p *peer) {
					to, err := net.Dial("tcp", strings.TrimPrefix(behind.url, "http://"))
					if err != nil {
						return
					}
					defer to.Close()
					to.SetDeadline(time.Now().Add(2 * patience))
					there := make(chan struct{})
					go func() { defer close(there); trickle(to.(*net.TCPConn), p.TCPConn) }()
					trickle(p.TCPConn, to.(*net.TCPConn))
					<-there
				})
				f := newFixtureWith(t, core.Config{}, func(f *fixture, cfg *core.Config) {
					cfg.Transport.(*netconn.Transport).SocketBuffer = 1
					if secure {
						s.url = strings.Replace(s.url, "http:", "https:", 1)
						trusting(t, root, nil)(f, cfg)
					}
				})
				for range 2 {
					x := newCall("POST", s.url+"/")
					x.lend(f.pool, []byte(body[:1]), []byte(body[1:]))
					f.Submit(&x.Exchange)
					x.ok(t, 200, body)
					assert.Equal(t, c.trailers, x.trailers)
					assert.Equal(t, len(body), x.sent)
					assert.Equal(t, 2, x.homed)
				}
				f.close()
			})
		}
	}
}

// trickle carries bytes one by one until the end, and ends then, too.
func trickle(to, from *net.TCPConn) {
	from.SetReadBuffer(1)
	to.SetWriteBuffer(1)
	var b [1]byte
	for {
		if _, err := from.Read(b[:]); err != nil {
			break
		}
		if _, err := to.Write(b[:]); err != nil {
			break
		}
	}
	to.CloseWrite()
}

// count is how often Done was told.
func (x *call) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.dones
}

// trusting makes a client that trusts root. change may be nil.
func trusting(t testing.TB, root *tlstest.Entity, change func(c *tlsprov.Config)) func(f *fixture, cfg *core.Config) {
	return func(f *fixture, cfg *core.Config) {
		c := tlsprov.Config{Pool: f.pool, RootsPEM: root.PEM(), ALPN: []string{"http/1.1"}, Now: func() time.Time { return tlstest.Today }}
		if change != nil {
			change(&c)
		}
		context, fault := gotls.Provider{}.NewContext(&c)
		require.Nil(t, fault)
		cfg.TLS = context
	}
}

// leavesNothing fails the test when it ends with more goroutines or descriptors than it began with. Call it first.
func leavesNothing(t testing.TB) {
	goroutines, descriptors := runtime.NumGoroutine(), descriptorsOpen()
	t.Cleanup(func() {
		end := time.Now().Add(patience)
		for runtime.NumGoroutine() > goroutines || descriptorsOpen() > descriptors {
			if time.Now().After(end) {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before; %d descriptors, %d before:\n%s", runtime.NumGoroutine(), goroutines,
					descriptorsOpen(), descriptors, stacks[:runtime.Stack(stacks, true)])
			}
			time.Sleep(time.Millisecond) // a goroutine's end has no event
		}
	})
}

// descriptorsOpen counts this process's; 0 where the system does not show them.
func descriptorsOpen() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}
