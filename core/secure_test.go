package core_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers/buffertest"
	"turbohttp/core"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/gotls"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/transport/transporttest"
	"turbohttp/wire"
)

const safe = "https://" + tlstest.Host + ":443/"

// secured is a client over a fake, in virtual time, and servers in memory behind its links.
type secured struct {
	*virtual
	root, leaf *tlstest.Entity
	server     *tls.Config
	verifies   []*core.Verify
}

func newSecured(t *testing.T, cfg core.Config, change func(c *tlsprov.Config)) *secured {
	s := &secured{root: tlstest.Authority(t, "Root", nil, nil)}
	s.leaf = tlstest.Leaf(t, s.root, nil)
	s.server = &tls.Config{Certificates: []tls.Certificate{s.leaf.TLS()}, Time: func() time.Time { return tlstest.Today }}
	pool := buffertest.Pool(t)
	c := tlsprov.Config{Pool: pool, RootsPEM: s.root.PEM(), ALPN: []string{"http/1.1"}, Now: s.server.Time}
	if change != nil {
		change(&c)
	}
	context, fault := gotls.Provider{}.NewContext(&c)
	require.Nil(t, fault)
	s.virtual = &virtual{fake: &fake{t: t, pool: pool, clock: transporttest.NewClock()}, sink: &sink{t: t}}
	s.sink.onVerify = func(v *core.Verify) { s.verifies = append(s.verifies, v) }
	cfg.Transport, cfg.Pool, cfg.Clock, cfg.TLS = s.fake, pool, s.clock, context
	s.Client = core.NewClient(cfg, s.sink)
	t.Cleanup(s.close)
	return s
}

// shaken connects a link to a server of that script, and carries bytes until nothing moves.
func (s *secured) shaken(t *testing.T, l *link, script func(c *tls.Conn, p *tlstest.Peer) error) *tlstest.Peer {
	p := tlstest.Start(s.server, script)
	t.Cleanup(p.End)
	l.connect()
	l.carry(p)
	return p
}

func (l *link) carry(p *tlstest.Peer) {
	for range 1 << 16 {
		p.Give(l.sent)
		moved := len(l.sent) > 0
		l.sent = nil
		p.Settle()
		b := p.Take()
		if len(b) == 0 && !moved {
			return
		}
		for len(b) > 0 && !l.closed {
			n := min(len(b), 16<<10) // as a socket gives it
			l.receive(string(b[:n]))
			b = b[n:]
		}
	}
	l.f.t.Fatal("they talk for ever")
}

// serving answers each request with what answer makes of its path and body; the connection ends behind an empty answer.
func serving(answer func(path string, body []byte) string) func(c *tls.Conn, _ *tlstest.Peer) error {
	return func(c *tls.Conn, _ *tlstest.Peer) error {
		in := bufio.NewReader(c)
		for {
			first, err := in.ReadString('\n')
			if err != nil {
				return err
			}
			size := 0
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return err
				}
				if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
					size, _ = strconv.Atoi(strings.TrimSpace(n))
				}
				if line == "\r\n" {
					break
				}
			}
			body := make([]byte, size)
			if _, err := io.ReadFull(in, body); err != nil {
				return err
			}
			text := answer(strings.Fields(first)[1], body)
			if text == "" {
				return nil
			}
			if _, err := io.WriteString(c, text); err != nil {
				return err
			}
		}
	}
}

func length(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

var paths = serving(func(path string, _ []byte) string { return length(path) })

func TestHTTPSRequestsShareAConnection(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe+"a")
	l := s.live()
	s.clock.Advance(time.Millisecond)
	p := s.shaken(t, l, paths)
	x.ok(t, 200, "/a")
	assert.Equal(t, "TLS1.3 TLS_AES_128_GCM_SHA256", x.TLS)
	assert.NotZero(t, x.Times.Secured)
	assert.LessOrEqual(t, x.Times.Connected, x.Times.Secured)
	assert.LessOrEqual(t, x.Times.Secured, x.Times.Sent)
	assert.Equal(t, wire.FactSent, x.Facts)
	assert.EqualValues(t, 1, s.Stats().ConnectionsOpen)

	x = s.submit("GET", safe+"b")
	l.carry(p)
	x.ok(t, 200, "/b")
	assert.True(t, x.Reused)
	assert.Zero(t, x.Times.Secured, "that was before")
	assert.NotEmpty(t, x.TLS)
	assert.Equal(t, 1, s.dials)
}

func TestALPNIsOfferedAndTold(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	s.server.NextProtos = []string{"h2", "http/1.1"}
	x := s.submit("GET", safe)
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/")
	assert.Equal(t, "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", x.TLS)
}

func TestHTTPAndHTTPSOfOneHostAndPortAreTwoOrigins(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe+"a")
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/a")
	x = s.submit("GET", "http://"+tlstest.Host+":443/b")
	require.Equal(t, 2, s.dials)
	l := s.links[1]
	l.connect()
	l.answer("plain")
	x.ok(t, 200, "plain")
	assert.Empty(t, x.TLS)
	assert.Zero(t, x.Times.Secured)
}

func TestWithoutTLSAnHTTPSRequestSaysSo(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", safe)
	assert.Contains(t, x.failed(t, wire.StatusUnsupported).Text, "no TLS")
}

func TestLargeBodiesGoBothWaysOverASlowLink(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	x := newCall("POST", safe)
	x.lend(s.pool, body[:100], body[100:300<<10], body[300<<10:])
	s.Submit(&x.Exchange)
	l := s.live()
	p := s.shaken(t, l, serving(func(_ string, got []byte) string {
		if !bytes.Equal(got, body) {
			return length("wrong")
		}
		return length(string(got))
	}))
	x.ok(t, 200, string(body))
	assert.Equal(t, len(body), x.sent)

	// Again, and now the socket is full after every write.
	x = newCall("POST", safe)
	x.lend(s.pool, body)
	l.full = true
	s.Submit(&x.Exchange)
	for range 1000 {
		if !l.owes {
			break
		}
		require.LessOrEqual(t, l.held.Len(), 300<<10, "ciphertext that waits is bounded")
		l.drain()
		l.full = true
		if !l.owes {
			break
		}
	}
	l.full = false
	l.carry(p)
	x.ok(t, 200, string(body))
	assert.Equal(t, len(body), x.sent)
}

func TestAnUnacceptedCertificateFailsAllThatWait(t *testing.T) {
	s := newSecured(t, core.Config{ConnectionsPerHost: 1}, func(c *tlsprov.Config) {
		c.RootsPEM = tlstest.Authority(t, "Another", nil, nil).PEM()
	})
	x, y := s.submit("GET", safe), s.submit("POST", safe)
	s.shaken(t, s.live(), paths)
	s.settle()
	x.failed(t, wire.StatusCertificate)
	require.Zero(t, y.dones, "it came when that dial had begun")
	s.shaken(t, s.live(), paths)
	s.settle()
	for _, x := range []*call{x, y} {
		fault := x.failed(t, wire.StatusCertificate)
		assert.EqualValues(t, wire.CertificateUntrusted, fault.Code)
		assert.Contains(t, fault.Text, tlstest.Host)
		assert.Equal(t, wire.FactUnseen, x.Facts)
		assert.Zero(t, x.Times.Secured)
		assert.NotZero(t, x.Times.Connected)
	}
	assert.Zero(t, s.Stats().ConnectionsOpened, "it was never one")
}

func TestATruncatedBodyIsToldFromOneThatEnded(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string
		bye    bool
		ok     bool
	}{
		{"until close, with close_notify", "HTTP/1.1 200 OK\r\n\r\nbody", true, true},
		{"until close, cut by a bare FIN", "HTTP/1.1 200 OK\r\n\r\nbody", false, false},
		{"with a length, cut behind it", length("body"), false, true},
		{"with a length, cut inside it", length("body")[:40], false, false},
		{"chunked, cut behind it", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSecured(t, core.Config{}, nil)
			x := s.submit("GET", safe)
			l := s.live()
			s.shaken(t, l, func(conn *tls.Conn, p *tlstest.Peer) error {
				conn.Read(make([]byte, 1000))
				io.WriteString(conn, c.answer)
				if c.bye {
					return conn.CloseWrite()
				}
				return nil
			})
			if !l.closing {
				l.end()
			}
			s.settle()
			if c.ok {
				x.ok(t, 200, "body")
				return
			}
			fault := x.failed(t, wire.StatusClosed)
			if !c.bye {
				assert.Contains(t, fault.Text, "close_notify")
			}
		})
	}
}

func TestAnIdleConnectionThatWasCutIsReplaced(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe+"a")
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/a")
	x = s.submit("GET", safe+"b")
	s.live().end() // the server let it go while the request was on its way
	s.settle()
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/b")
	assert.Equal(t, 2, s.dials)
}

func TestTheHandshakeSharesTheTimeOfConnecting(t *testing.T) {
	s := newSecured(t, core.Config{ConnectTimeout: 3e9}, nil)
	x := s.submit("GET", safe)
	l := s.live()
	s.clock.Advance(2 * time.Second)
	l.connect()
	s.clock.Advance(999 * time.Millisecond)
	require.False(t, l.closing)
	s.clock.Advance(time.Millisecond)
	require.True(t, l.closing)
	s.settle()
	fault := x.failed(t, wire.StatusTimeout)
	assert.EqualValues(t, wire.PhaseTLS, fault.Code)
	assert.Contains(t, fault.Text, "handshake")
}

func TestARequestThatRunsOutOfTimeInTheHandshakeSaysSo(t *testing.T) {
	s := newSecured(t, core.Config{RequestTimeout: 1e9}, nil)
	x := s.submit("GET", safe)
	s.live().connect()
	s.clock.Advance(time.Second)
	assert.EqualValues(t, wire.PhaseTLS, x.failed(t, wire.StatusTimeout).Code)
}

func TestCancelDoesNotWaitForTheHandshake(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe)
	l := s.live()
	l.connect()
	s.Cancel(&x.Exchange, wire.StatusCancelled)
	x.failed(t, wire.StatusCancelled)
	p := tlstest.Start(s.server, paths)
	t.Cleanup(p.End)
	l.carry(p) // the connection is there for the next
	x = s.submit("GET", safe)
	l.carry(p)
	x.ok(t, 200, "/")
	assert.Equal(t, 1, s.dials)
}

func TestAConnectionMadeAheadIsSecured(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	to := target(safe)
	require.Nil(t, s.Preconnect(&to, 1))
	l := s.live()
	p := s.shaken(t, l, paths)
	x := s.submit("GET", safe)
	l.carry(p)
	x.ok(t, 200, "/")
	assert.NotEmpty(t, x.TLS)
	assert.Zero(t, x.Times.Secured, "that was before")
	assert.Equal(t, 1, s.dials)
}

func TestAChangeOfTheNetworkBeginsHandshakesAnew(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe)
	s.live().connect()
	s.NetworkChanged()
	s.settle()
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/")
	assert.Equal(t, 2, s.dials)
}

func TestClosingTheClientEndsHandshakes(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe)
	s.live().connect()
	done := false
	s.Client.Close(func() { done = true })
	s.settle()
	require.True(t, done)
	x.failed(t, wire.StatusCancelled)
}

func TestAResetInTheHandshakeIsToldAsOne(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe)
	l := s.live()
	l.connect()
	l.gone(reset)
	assert.Contains(t, x.failed(t, wire.StatusClosed).Text, "TLS handshake")
}

func TestAPausedLinkBoundsWhatIsHeld(t *testing.T) {
	const window = 64 << 10
	s := newSecured(t, core.Config{Window: window}, nil)
	body := strings.Repeat("x", 1<<20)
	x := newCall("GET", safe)
	x.Stream = true
	s.Submit(&x.Exchange)
	l := s.live()
	l.connect()
	p := tlstest.Start(s.server, serving(func(string, []byte) string { return length(body) }))
	t.Cleanup(p.End)
	var waiting []byte
	for range 1 << 16 {
		p.Give(l.sent)
		l.sent = nil
		p.Settle()
		waiting = append(waiting, p.Take()...)
		if len(waiting) == 0 {
			break
		}
		if l.paused { // a link that pauses delivers nothing
			held := x.keep.Len()
			require.LessOrEqual(t, held, window+20<<10)
			x.keep.Release()
			s.Consumed(&x.Exchange, held)
			require.False(t, l.paused)
		}
		n := min(len(waiting), 16<<10)
		l.receive(string(waiting[:n]))
		waiting = waiting[n:]
	}
	x.keep.Release()
	require.Nil(t, x.done(t))
	require.Len(t, x.body, len(body))
}

func TestTheHostIsAskedBeforeAnythingIsSent(t *testing.T) {
	ask := func(c *tlsprov.Config) { c.Ask = true }
	s := newSecured(t, core.Config{}, ask)
	x := s.submit("GET", safe)
	l := s.live()
	p := s.shaken(t, l, paths)
	require.Len(t, s.verifies, 1)
	v := s.verifies[0]
	assert.Equal(t, tlstest.Host, v.Host)
	assert.True(t, v.Verified)
	assert.Equal(t, s.leaf.Certificate.Raw, v.Chain[0])
	assert.Len(t, v.Chain, 2)
	require.Zero(t, x.heads)
	require.True(t, v.Answer(true))
	l.carry(p)
	x.ok(t, 200, "/")
	require.False(t, v.Answer(false), "the first answer counts")

	s = newSecured(t, core.Config{}, ask)
	x = s.submit("GET", safe)
	s.shaken(t, s.live(), paths)
	require.True(t, s.verifies[0].Answer(false))
	s.settle()
	assert.EqualValues(t, wire.CertificateAnswer, x.failed(t, wire.StatusCertificate).Code)
	require.Len(t, s.verifies, 1)
}

func TestAQuestionWithoutAnswerEndsWithTheTimeOfConnecting(t *testing.T) {
	s := newSecured(t, core.Config{ConnectTimeout: 1e9}, func(c *tlsprov.Config) { c.Ask = true })
	x := s.submit("GET", safe)
	s.shaken(t, s.live(), paths)
	s.clock.Advance(time.Second)
	s.settle()
	fault := x.failed(t, wire.StatusCertificate)
	assert.EqualValues(t, wire.CertificateAnswer, fault.Code)
	assert.Contains(t, fault.Text, "turbo_verify_answer")
	require.Len(t, s.verifies, 2, "it is told that the question is over")
	assert.True(t, s.verifies[1].Over)
	assert.Same(t, s.verifies[0], s.verifies[1])
	assert.False(t, s.verifies[0].Answer(true))
}

func TestAServerCannotFillMemoryWhileTheHostPonders(t *testing.T) {
	s := newSecured(t, core.Config{}, func(c *tlsprov.Config) { c.Ask = true })
	x := s.submit("GET", safe)
	l := s.live()
	p := s.shaken(t, l, paths)
	record := string([]byte{23, 3, 3, 0x40, 0}) + strings.Repeat("x", 16<<10)
	for range 100 {
		if l.paused {
			break
		}
		l.receive(record)
	}
	require.True(t, l.paused)
	require.True(t, s.verifies[0].Answer(true))
	require.False(t, l.paused)
	l.carry(p)
	s.settle()
	x.failed(t, wire.StatusTLS) // what it said was no TLS
}

func TestAQuestionIsOverWhenTheServerLosesPatience(t *testing.T) {
	s := newSecured(t, core.Config{}, func(c *tlsprov.Config) { c.Ask = true })
	x := s.submit("GET", safe)
	l := s.live()
	s.shaken(t, l, paths)
	l.end()
	s.settle()
	x.failed(t, wire.StatusClosed)
	require.Len(t, s.verifies, 2)
	assert.False(t, s.verifies[0].Answer(true))
}

func TestBytesAreThoseOfTheNetwork(t *testing.T) {
	s := newSecured(t, core.Config{}, nil)
	x := s.submit("GET", safe)
	s.shaken(t, s.live(), paths)
	x.ok(t, 200, "/")
	stats := s.Stats()
	assert.Greater(t, stats.BytesReceived, uint64(500), "the handshake is more than the answer")
	assert.Greater(t, stats.BytesSent, uint64(200))
}

func TestAPanicInTheHandshakeIsAFaultOfOneConnection(t *testing.T) {
	s := newSecured(t, core.Config{}, func(c *tlsprov.Config) {
		c.RootsPEM = nil
		c.SystemRoots = func() (*x509.CertPool, *wire.Fault) { panic("in the coroutine") }
	})
	x := s.submit("GET", safe)
	s.shaken(t, s.live(), paths)
	s.settle()
	fault := x.failed(t, wire.StatusInternal)
	assert.Contains(t, fault.Text, "in the coroutine")
}

// What a provider does wrong ends one connection.
type brokenContext struct{ tlsprov.Context }

func (brokenContext) NewSession(string, uint16, wire.Instant) (tlsprov.Session, *wire.Fault) {
	panic("a provider's bug")
}

func TestAPanicInAProviderIsAFaultOfOneConnection(t *testing.T) {
	v := newVirtual(t, core.Config{TLS: brokenContext{}})
	x := v.submit("GET", safe)
	v.live().connect()
	v.settle()
	x.failed(t, wire.StatusInternal)
}
