package tlstest

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// peer is a server in memory: crypto/tls on a goroutine of the test, over a connection whose bytes the test carries. It is
// known when the server can go on no further, so nothing here waits for time.
type peer struct {
	mu      sync.Mutex
	moved   *sync.Cond
	in, out []byte
	eof     bool // the client sent its last byte
	resting bool // the server waits for bytes
	over    bool // its script has ended
	err     error
	state   tls.ConnectionState
}

// start runs script on a server.
func start(config *tls.Config, script func(c *tls.Conn, p *peer) error) *peer {
	p := &peer{}
	p.moved = sync.NewCond(&p.mu)
	go func() {
		c := tls.Server(p, config)
		err := script(c, p)
		p.mu.Lock()
		p.over, p.err, p.state = true, err, c.ConnectionState()
		p.moved.Broadcast()
		p.mu.Unlock()
	}()
	return p
}

// settle waits until the server can do no more without bytes.
func (p *peer) settle() {
	p.mu.Lock()
	for !p.over && !(p.resting && len(p.in) == 0 && !p.eof) {
		p.moved.Wait()
	}
	p.mu.Unlock()
}

// give carries bytes to the server.
func (p *peer) give(b []byte) {
	p.mu.Lock()
	p.in = append(p.in, b...)
	p.moved.Broadcast()
	p.mu.Unlock()
}

// hangUp is a FIN from the client.
func (p *peer) hangUp() {
	p.mu.Lock()
	p.eof = true
	p.moved.Broadcast()
	p.mu.Unlock()
}

// take gives what the server has written.
func (p *peer) take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.out
	p.out = nil
	return b
}

func (p *peer) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.in) == 0 {
		if p.eof {
			return 0, io.EOF
		}
		p.resting = true
		p.moved.Broadcast()
		p.moved.Wait()
	}
	p.resting = false
	n := copy(b, p.in)
	p.in = p.in[n:]
	return n, nil
}

func (p *peer) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.out = append(p.out, b...)
	p.mu.Unlock()
	return len(b), nil
}

func (p *peer) Close() error                     { return nil }
func (p *peer) LocalAddr() net.Addr              { return nil }
func (p *peer) RemoteAddr() net.Addr             { return nil }
func (p *peer) SetDeadline(time.Time) error      { return nil }
func (p *peer) SetReadDeadline(time.Time) error  { return nil }
func (p *peer) SetWriteDeadline(time.Time) error { return nil }
