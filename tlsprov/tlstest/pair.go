package tlstest

import (
	"crypto/tls"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// world is what the tests of a provider share: certificates, which take a while to make.
type world struct {
	provider     tlsprov.Provider
	root, middle *Entity
	leaf         *Entity
	others       *Entity // a root that nobody trusts
}

func newWorld(t *testing.T, provider tlsprov.Provider) *world {
	w := &world{provider: provider}
	w.root = Authority(t, "Test Root", nil, nil)
	w.middle = Authority(t, "Test Middle", w.root, nil)
	w.leaf = Leaf(t, w.middle, nil)
	w.others = Authority(t, "Other Root", nil, nil)
	return w
}

// server gives a configuration for one that shows the leaf.
func (w *world) server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{w.leaf.TLS()}, Time: func() time.Time { return Today }}
}

// client is a context under test, with its log.
type client struct {
	tlsprov.Context
	pool *buffers.Pool
	now  time.Time

	mu   sync.Mutex
	logs []string
}

// client makes a context that trusts the root, unless change says something else.
func (w *world) client(t *testing.T, change func(c *tlsprov.Config)) *client {
	t.Helper()
	c := &client{pool: buffertest.Pool(t), now: Today}
	cfg := tlsprov.Config{Pool: c.pool, RootsPEM: w.root.PEM(), Now: func() time.Time { return c.now }, Log: c.log}
	if change != nil {
		change(&cfg)
	}
	made, fault := w.provider.NewContext(&cfg)
	require.Nil(t, fault)
	c.Context = made
	return c
}

func (c *client) log(level int, text string) {
	c.mu.Lock()
	c.logs = append(c.logs, text)
	c.mu.Unlock()
}

func (c *client) logged() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.logs, "\n")
}

// pair is a session and a server, and the bytes between them.
type pair struct {
	tlsprov.Session
	t     *testing.T
	pool  *buffers.Pool
	peer  *Peer
	cut   int    // bytes that travel at once; 0: all there are
	got   []byte // plaintext from the server
	fault *wire.Fault
}

// connect begins a session with a server of that script.
func (c *client) connect(t *testing.T, host string, config *tls.Config, script func(c *tls.Conn, p *Peer) error) *pair {
	t.Helper()
	s, fault := c.NewSession(host, 443, 1)
	require.Nil(t, fault)
	p := &pair{Session: s, t: t, pool: c.pool, peer: Start(config, script)}
	t.Cleanup(func() {
		p.peer.End()
		p.Release()
	})
	return p
}

// sequence makes one of pooled memory.
func sequence(pool *buffers.Pool, b []byte) *buffers.Sequence {
	q := new(buffers.Sequence)
	var w buffers.Writer
	w.Init(pool, q, 0)
	w.Write(b)
	w.Close()
	return q
}

// pieces cuts b as the pair likes.
func (p *pair) pieces(b []byte) [][]byte {
	if p.cut == 0 {
		if len(b) == 0 {
			return nil
		}
		return [][]byte{b}
	}
	var list [][]byte
	for len(b) > 0 {
		n := min(p.cut, len(b))
		list = append(list, b[:n])
		b = b[n:]
	}
	return list
}

// filled gives what the session wants to send.
func (p *pair) filled() []byte {
	var q buffers.Sequence
	for p.Fill(&q, q.Len()+5000) {
	}
	b := make([]byte, q.Len())
	q.CopyTo(b, 0)
	q.Release()
	return b
}

// feed gives the session bytes of the server, and reads what they hold.
func (p *pair) feed(b []byte) {
	for _, piece := range p.pieces(b) {
		q := sequence(p.pool, piece)
		if fault := p.Feed(q, 1); fault != nil {
			p.fault = fault
		}
		require.Zero(p.t, q.Len(), "Feed takes all")
		p.read()
	}
}

// read takes all plaintext there is, or that a session gives while it is Full.
func (p *pair) read() {
	for range 1 << 20 {
		var q buffers.Sequence
		more, fault := p.Read(&q, 10000)
		if n := q.Len(); n > 0 {
			b := make([]byte, n)
			q.CopyTo(b, 0)
			p.got = append(p.got, b...)
			q.Release()
		}
		if fault != nil {
			p.fault = fault
		}
		if !more || p.Full() {
			return
		}
	}
	p.t.Fatal("Read always says that there is more")
}

// pump carries bytes both ways until nothing moves.
func (p *pair) pump() {
	p.t.Helper()
	for range 1 << 20 {
		to := p.filled()
		for _, piece := range p.pieces(to) {
			p.peer.Give(piece)
			if p.cut > 0 {
				p.peer.Settle()
			}
		}
		p.peer.Settle()
		from := p.peer.Take()
		if len(to)+len(from) == 0 {
			return
		}
		p.feed(from)
	}
	p.t.Fatal("the two talk for ever")
}

// write sends plaintext and pumps until it has all left.
func (p *pair) write(b []byte) {
	p.t.Helper()
	q := sequence(p.pool, b)
	defer q.Release()
	for range 1 << 20 {
		before := q.Len()
		n, fault := p.Write(q)
		require.Nil(p.t, fault)
		require.Equal(p.t, before-q.Len(), n, "Write takes what it says")
		p.pump()
		if q.Len() == 0 {
			return
		}
		require.NotZero(p.t, n, "Write takes nothing although nothing waits")
	}
}

// established pumps through the handshake.
func (p *pair) established() {
	p.t.Helper()
	p.pump()
	if p.fault != nil || !p.Handshaken() {
		p.t.Fatalf("no handshake: %v; the server says: %v", p.fault, p.serverError())
	}
}

func (p *pair) serverError() error { return p.peer.Err() }

// refused pumps until the session has failed.
func (p *pair) refused(status wire.Status, code uint32) *wire.Fault {
	p.t.Helper()
	p.pump()
	require.NotNil(p.t, p.fault, "no fault; the server says: %v", p.serverError())
	require.Equal(p.t, status, p.fault.Status, p.fault.Text)
	require.Equal(p.t, code, p.fault.Code, p.fault.Text)
	require.False(p.t, p.Handshaken())
	return p.fault
}

// Handshake gives a session of context whose handshake with such a server has ended. The server does nothing more; the
// caller releases the session.
func Handshake(t *testing.T, context tlsprov.Context, pool *buffers.Pool, config *tls.Config) tlsprov.Session {
	t.Helper()
	config.Time = func() time.Time { return Today }
	s, fault := context.NewSession(Host, 443, 1)
	require.Nil(t, fault)
	p := &pair{Session: s, t: t, pool: pool, peer: Start(config, func(c *tls.Conn, _ *Peer) error { return c.Handshake() })}
	p.established()
	return s
}
