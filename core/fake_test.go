package core_test

import (
	"bytes"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/core"
	"turbohttp/transport"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

// fake is a transport in memory. Nothing happens by itself: the test lets names resolve, peers answer and links close,
// always outside of calls of core.
type fake struct {
	t     testing.TB
	pool  *buffers.Pool
	clock *transporttest.Clock
	links []*link // not told Closed, in the order of their dials
	dials int

	forgets int
}

// link is one connection of a fake.
type link struct {
	f         *fake
	h         transport.Handler
	to        transport.Dial
	number    int // of the dial, from 1
	resolved  bool
	connected bool
	closing   bool // core called Close
	closed    bool
	full      bool // the socket takes nothing
	fullAfter int  // so many Sends more; 0: never
	paused    bool
	held      buffers.Sequence
	owes      bool // Sendable
	dead      bool // the peer has ended, and nobody was told yet
	received  uint64
	unread    string // lies in the socket
	silent    uint64 // written, when it began to lie there
	looks     int    // calls of Alive
	probes    int
	eof       bool
	written   uint64
	sent      []byte // not yet understood as requests
	requests  []string
	answered  int
}

func (f *fake) Dial(d *transport.Dial, h transport.Handler) transport.Conn {
	f.dials++
	l := &link{f: f, h: h, to: *d, number: f.dials}
	f.links = append(f.links, l)
	return l
}

func (f *fake) Close()    {}
func (f *fake) Open() int { return len(f.links) }
func (f *fake) Forget()   { f.forgets++ }

func (l *link) Send(out *buffers.Sequence) bool {
	if l.owes {
		l.f.t.Error("Send before Sendable")
	}
	if !l.connected || l.closing || l.closed {
		out.Release()
		return false
	}
	if l.full {
		out.Move(&l.held)
		l.owes = true
		return false
	}
	l.take(out)
	if l.fullAfter > 0 {
		l.fullAfter--
		l.full = l.fullAfter == 0
	}
	return true
}

func (l *link) take(out *buffers.Sequence) {
	for s := out.First(); s != nil; s = s.Next() {
		l.sent = append(l.sent, s.Bytes()...)
	}
	l.written += uint64(out.Len())
	out.Release()
	for {
		head, rest, ok := bytes.Cut(l.sent, []byte("\r\n\r\n"))
		if !ok {
			return
		}
		size := 0
		if _, length, ok := bytes.Cut(head, []byte("Content-Length: ")); ok {
			length, _, _ = bytes.Cut(length, []byte("\r\n"))
			size, _ = strconv.Atoi(string(length))
		}
		if len(rest) < size {
			return
		}
		l.requests = append(l.requests, string(head))
		l.sent = rest[size:]
	}
}

func (l *link) PauseReading()   { l.paused = true }
func (l *link) ResumeReading()  { l.paused = false }
func (l *link) Written() uint64 { return l.written }
func (l *link) Probe()          { l.probes++ }
func (l *link) Close()          { l.closing = true }

func (l *link) Alive(received uint64) bool {
	l.looks++
	if received != l.received { // nothing is ever in the hands of a reader here
		l.f.t.Errorf("core has counted %d bytes of %d", received, l.received)
	}
	return !l.dead && !l.closing && !l.eof && l.unread == ""
}

// What a test lets happen.

// lie puts text into the socket, behind all that was received; deliver lets the reader find it.
func (l *link) lie(text string) { l.unread += text }

func (l *link) deliver() {
	text := l.unread
	l.unread = ""
	l.receive(text)
}

func (l *link) resolve() {
	l.resolved = true
	l.h.Resolved(l.f.clock.Now())
}

func (l *link) connect() {
	if !l.resolved {
		l.resolve()
	}
	l.connected = true
	l.h.Connected("192.0.2.1:80", l.f.clock.Now())
}

func (l *link) receive(text string) {
	b := l.f.pool.Get(len(text))
	copy(b.Bytes(), text)
	var in buffers.Sequence
	in.Append(b, 0, len(text))
	l.received += uint64(len(text))
	l.h.Received(&in, l.f.clock.Now())
	in.Release() // left behind by a panic
}

func (l *link) answer(body string) {
	l.answered++
	l.receive("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

func (l *link) end() { l.eof = true; l.h.ReceivedEOF(l.f.clock.Now()) }

func (l *link) drain() {
	l.full = false
	if l.owes {
		l.take(&l.held)
		l.owes = false
		l.h.Sendable(l.f.clock.Now())
	}
}

// gone tells Closed, with a fault unless core had closed.
func (l *link) gone(fault *wire.Fault) {
	for i, other := range l.f.links {
		if other == l {
			l.f.links = append(l.f.links[:i:i], l.f.links[i+1:]...)
		}
	}
	l.held.Release()
	l.closed = true
	if l.closing {
		fault = nil
	}
	l.h.Closed(fault, l.f.clock.Now())
}

// settle tells Closed to all links that core has closed.
func (f *fake) settle() {
	for again := true; again; {
		again = false
		for _, l := range f.links {
			if l.closing {
				l.gone(nil)
				again = true
				break
			}
		}
	}
}

var (
	refused = wire.Faultf(wire.StatusConnect, 111, "net", "did not accept the connection")
	silence = wire.Faultf(wire.StatusClosed, 110, "net", "the peer did not answer")
	reset   = wire.Faultf(wire.StatusClosed, 104, "net", "the peer reset the connection")
)

// virtual is a client over a fake, in virtual time.
type virtual struct {
	*core.Client
	*fake
	sink *sink
}

func newVirtual(t testing.TB, cfg core.Config) *virtual {
	pool := buffertest.Pool(t)
	v := &virtual{fake: &fake{t: t, pool: pool, clock: transporttest.NewClock()}, sink: &sink{t: t}}
	cfg.Transport, cfg.Pool, cfg.Clock = v.fake, pool, v.clock
	v.Client = core.NewClient(cfg, v.sink)
	t.Cleanup(v.close)
	return v
}

func (v *virtual) close() {
	done := 0
	v.Client.Close(func() { done++ })
	v.settle()
	require.Equal(v.t, 1, done, "Close is not done when every link is closed")
	require.Zero(v.t, core.Armed(v.Client))
	require.Zero(v.t, v.clock.Set())
	s := v.Stats()
	require.Equal(v.t, s.RequestsStarted, s.RequestsDone)
	require.Zero(v.t, s.ConnectionsOpen)
}

func (v *virtual) submit(method, url string) *call {
	x := newCall(method, url)
	v.Submit(&x.Exchange)
	return x
}

// live gives the only link.
func (v *virtual) live() *link {
	require.Len(v.t, v.links, 1)
	return v.links[0]
}
