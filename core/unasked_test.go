package core_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

// A response that nobody asked for is never the answer to the next request, wherever it lies when that would begin: the
// connection is closed, and the request goes to another, which is no retry. RFC 9112 §9.2.

const unasked = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"

// elsewhere expects that l was given up and that x is served by a new link.
func (v *virtual) elsewhere(t *testing.T, l *link, x *call) {
	assert.True(t, l.closing)
	assert.Zero(t, x.dones)
	assert.Len(t, l.requests, 1, "nothing more was sent on it")
	v.settle()
	m := v.live()
	assert.Zero(t, x.dones)
	m.connect()
	m.answer("real")
	x.ok(t, 200, "real")
	assert.Equal(t, wire.FactSent, x.Facts)
	require.NoError(t, core.Check(v.Client))
}

func TestAResponseThatNobodyAskedForIsNoAnswer(t *testing.T) {
	post := func(v *virtual) *call {
		x := newCall("POST", there)
		x.lend(v.pool, []byte("bo"), []byte("dy"))
		v.Submit(&x.Exchange)
		return x
	}
	for _, c := range []struct {
		name   string
		answer func(l *link)
		late   bool // too late for one that is in line
	}{
		{"in the same read", func(l *link) { l.receive(length("first") + unasked) }, false},
		{"its beginning in the same read", func(l *link) { l.lie(unasked[10:]); l.receive(length("first") + unasked[:10]) }, false},
		{"in the socket when the answer is read", func(l *link) { l.lie(unasked); l.receive(length("first")) }, false},
		{"one byte of it in the socket", func(l *link) { l.lie("H"); l.receive(length("first")) }, false},
		{"in the socket soon after", func(l *link) { l.receive(length("first")); l.lie(unasked) }, true},
		{"read while nobody waits", func(l *link) { l.receive(length("first")); l.receive(unasked) }, true},
	} {
		for _, inLine := range []bool{false, true} {
			if inLine && c.late {
				continue
			}
			t.Run(map[bool]string{false: "idle/", true: "in line/"}[inLine]+c.name, func(t *testing.T) {
				v := newVirtual(t, core.Config{MaxRetries: -1, ConnectionsPerHost: 1})
				x := v.submit("GET", there)
				var y *call
				if inLine {
					y = post(v)
				}
				l := v.live()
				l.connect()
				c.answer(l)
				x.ok(t, 200, "first")
				if !inLine {
					y = post(v)
				}
				v.elsewhere(t, l, y)
				assert.Equal(t, 2, y.homed)
				assert.Equal(t, 4, y.sent)
			})
		}
	}
}

func TestAResponseThatNobodyAskedForOnAPreconnectedConnectionIsNoAnswer(t *testing.T) {
	v := newVirtual(t, core.Config{})
	preconnect(t, v.Client, there, 1)
	l := v.live()
	l.connect()
	l.lie(unasked)
	x := v.submit("GET", there)
	assert.True(t, l.closing)
	assert.Empty(t, l.requests)
	v.settle()
	v.live().connect()
	v.live().answer("real")
	x.ok(t, 200, "real")
	assert.False(t, x.Reused)
}

// Else a server that is too busy to read, and says so, would be dialed for ever.
func TestWhatANewConnectionSaysFirstIsItsAnswer(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	l := v.live()
	l.lie("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy")
	l.connect()
	l.deliver()
	x.ok(t, 503, "busy")
	assert.Equal(t, 1, v.dials)
}

func TestAnUploadThatFoundItsConnectionSpeakingIsSentWholeOnAnother(t *testing.T) {
	v := newVirtual(t, core.Config{MaxRetries: -1})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	l.lie(unasked)
	x := newCall("POST", there)
	x.Upload = true
	x.Head.BodySize = 6
	write := func(text string, end bool) {
		var more call
		more.lend(v.pool, []byte(text))
		v.Write(&x.Exchange, &more.Body, end, nil)
	}
	write("ab", false)
	v.Submit(&x.Exchange)
	assert.True(t, l.closing)
	assert.Zero(t, x.sent)
	write("cd", false) // between two connections
	v.settle()
	m := v.live()
	m.connect()
	write("ef", true)
	require.Len(t, m.requests, 1)
	assert.Equal(t, 6, x.sent)
	m.answer("ok")
	x.ok(t, 200, "ok")
}

func TestCancelOfARequestWhoseConnectionWasFoundSpeaking(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	l.lie(unasked)
	x := v.submit("GET", there)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	v.settle()
	x.failed(t, wire.StatusCancelled)
	assert.Equal(t, wire.FactUnseen, x.Facts)
}

func TestAResponseThatNobodyAskedForIsNoAnswerOverTLS(t *testing.T) {
	for _, where := range []string{"in the same record", "in the same read", "in the socket", "half a record in the session", "a byte of a record in the session"} {
		for _, inLine := range []bool{false, true} {
			t.Run(map[bool]string{false: "idle/", true: "in line/"}[inLine]+where, func(t *testing.T) {
				s := newSecured(t, core.Config{MaxRetries: -1, ConnectionsPerHost: 1}, nil)
				x := s.submit("GET", safe+"a")
				var y *call
				if inLine {
					y = s.submit("POST", safe+"b")
				}
				l := s.live()
				requests := 0
				p := tlstest.Start(s.server, func(c *tls.Conn, p *tlstest.Peer) error {
					return serving(func(string, []byte) string {
						requests++
						if where == "in the same record" {
							return length("first") + unasked
						}
						io.WriteString(c, length("first"))
						return unasked
					})(c, p)
				})
				t.Cleanup(p.End)
				l.connect()
				// Flight by flight, until the answer comes with a second record behind it.
				var flight []byte
				for range 100 {
					p.Give(l.sent)
					l.sent = nil
					p.Settle()
					if flight = p.Take(); requests > 0 {
						break
					}
					l.receive(string(flight))
				}
				require.Equal(t, 1, requests)
				last := 5 + 16 + 1 + len(unasked) // the record: header, tag and type around it (RFC 8446 §5.2)
				cut := map[string]int{"in the socket": last, "half a record in the session": last / 2, "a byte of a record in the session": last - 1}[where]
				if where == "in the socket" { // of the others the rest is still on its way
					l.lie(string(flight[len(flight)-cut:]))
				}
				l.receive(string(flight[:len(flight)-cut]))
				x.ok(t, 200, "first")
				if !inLine {
					y = s.submit("POST", safe+"b")
				}
				require.True(t, l.closing)
				assert.Zero(t, y.dones)
				s.settle()
				s.shaken(t, s.live(), paths)
				y.ok(t, 200, "/b")
				assert.Equal(t, wire.FactSent, y.Facts)
				assert.Equal(t, 1, requests)
			})
		}
	}
}

// The server is sure that its second response lies in the client's system, because that has acknowledged it, before the next
// request is submitted, or let out of line.
func TestAResponseThatLiesInTheSocketIsNoAnswer(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	config := &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()}, Time: func() time.Time { return tlstest.Today }}
	for _, secure := range []bool{false, true} {
		for _, inLine := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s", map[bool]string{false: "plain", true: "TLS"}[secure], map[bool]string{false: "idle", true: "in line"}[inLine]), func(t *testing.T) {
				leavesNothing(t)
				speak, spoken, over := make(chan struct{}), make(chan error, 1), make(chan struct{})
				s := serve(t, func(p *peer) {
					if secure && !p.shake(config) {
						return
					}
					if p.request() == nil {
						return
					}
					p.answer("real")
					select {
					case <-speak:
						p.say(unasked)
						spoken <- acknowledged(p.TCPConn)
						p.untilGone()
					case <-over: // the test has failed
					}
				})
				t.Cleanup(func() { close(over) })
				f := newFixtureWith(t, core.Config{MaxRetries: -1, ConnectionsPerHost: 1}, func(f *fixture, cfg *core.Config) {
					if secure {
						s.url = strings.Replace(s.url, "http:", "https:", 1)
						trusting(t, root, nil)(f, cfg)
					}
				})
				lies := func() {
					select {
					case speak <- struct{}{}:
						assert.NoError(t, <-spoken)
					case <-time.After(patience):
						t.Error("no connection is there whose server could speak")
					}
				}
				if inLine { // the connection is held inside the last step of a request while the server speaks
					f.sink.onBody = func(*call) { lies() }
				}
				const rounds = 50
				var calls []*call
				for range rounds {
					x := newCall("POST", s.url+"/")
					x.lend(f.pool, nil)
					f.Submit(&x.Exchange)
					calls = append(calls, x)
					if !inLine {
						x.ok(t, 200, "real")
						lies()
					}
				}
				for _, x := range calls {
					x.ok(t, 200, "real")
				}
				require.EqualValues(t, rounds, s.conns.Load(), "each is the first on its connection")
				f.close()
			})
		}
	}
}
