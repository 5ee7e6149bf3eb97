package core_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/core"
	"turbohttp/transport/netconn"
	"turbohttp/transport/transporttest"
)

// peer is one connection of a scripted server.
type peer struct {
	*net.TCPConn
	in  *bufio.Reader
	n   int       // which connection of the server it is, from 1
	tls *tls.Conn // nil: plain
}

// shake begins TLS, and says whether that worked.
func (p *peer) shake(config *tls.Config) bool {
	p.tls = tls.Server(p.TCPConn, config)
	p.in = bufio.NewReader(p.tls)
	return p.tls.Handshake() == nil
}

// Write sends, by TLS where there is any.
func (p *peer) Write(b []byte) (int, error) {
	if p.tls != nil {
		return p.tls.Write(b)
	}
	return p.TCPConn.Write(b)
}

// request reads a head, and gives its lines; nil at the end.
func (p *peer) request() []string {
	var lines []string
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return nil
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return lines
		}
		lines = append(lines, line)
	}
}

func (p *peer) say(text string) { io.WriteString(p, text) }

func (p *peer) answer(body string) {
	p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
}

// untilGone waits for the client to close.
func (p *peer) untilGone() { io.Copy(io.Discard, p.in) }

// silent is a URL whose host lets connections wait.
func silent(t testing.TB) string {
	host, port := transporttest.Silent(t)
	return fmt.Sprintf("http://%s:%d/", host, port)
}

type server struct {
	url   string
	conns atomic.Int32
	open  atomic.Int32
	most  atomic.Int32
}

// serve runs script for every connection.
func serve(t testing.TB, script func(p *peer)) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{url: "http://" + l.Addr().String()}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := s.conns.Add(1)
			if open := s.open.Add(1); open > s.most.Load() {
				s.most.Store(open)
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer c.Close()
				defer s.open.Add(-1)
				c.SetDeadline(time.Now().Add(2 * patience))
				script(&peer{TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c), n: int(n)})
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return s
}

// keepAlive answers every request with its path.
func keepAlive(p *peer) {
	for {
		lines := p.request()
		if lines == nil {
			return
		}
		p.answer(strings.Fields(lines[0])[1])
	}
}

// fixture is a client over real sockets.
type fixture struct {
	*core.Client
	t    testing.TB
	pool *buffers.Pool
	sink *sink
	mu   sync.Mutex
	logs []string
}

func newFixture(t testing.TB, cfg core.Config) *fixture { return newFixtureWith(t, cfg, nil) }

// newFixtureWith lets change see the pool before the client is made. It may be nil.
func newFixtureWith(t testing.TB, cfg core.Config, change func(f *fixture, cfg *core.Config)) *fixture {
	f := &fixture{t: t, sink: &sink{t: t}}
	f.pool = buffertest.Pool(t)
	tr := netconn.New()
	tr.Log = f.log
	cfg.Transport, cfg.Pool, cfg.Log = tr, f.pool, f.log
	if change != nil {
		change(f, &cfg)
	}
	f.Client = core.NewClient(cfg, f.sink)
	t.Cleanup(func() {
		f.close()
		tr.Close()
		require.Zero(t, tr.Open())
		s := f.Stats()
		require.Equal(t, s.RequestsStarted, s.RequestsDone)
		require.Zero(t, s.ConnectionsOpen)
	})
	return f
}

func (f *fixture) log(level int, text string) {
	f.mu.Lock()
	f.logs = append(f.logs, text)
	f.mu.Unlock()
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.logs, "\n")
}

func (f *fixture) close() {
	done := make(chan struct{})
	f.Close(func() { close(done) })
	select {
	case <-done:
	case <-time.After(patience):
		f.t.Fatal("the client does not close")
	}
}

func (f *fixture) get(url string) *call {
	x := newCall("GET", url)
	f.Submit(&x.Exchange)
	return x
}

// newHTTP runs net/http's server, and gives its URL.
func newHTTP(t testing.TB, handle http.HandlerFunc) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{Handler: handle}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String() + "/"
}
