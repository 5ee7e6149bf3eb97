package tlstest

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"
)

// Peer is a server in memory: crypto/tls on a goroutine of the test, over a connection whose bytes the test carries. It is
// known when the server can go on no further, so nothing here waits for time.
type Peer struct {
	mu      sync.Mutex
	moved   *sync.Cond
	in, out []byte
	eof     bool // the client sent its last byte
	resting bool // the server waits for bytes
	over    bool // its script has ended
	err     error
	state   tls.ConnectionState
}

// Start runs script on a server.
func Start(config *tls.Config, script func(c *tls.Conn, p *Peer) error) *Peer {
	p := &Peer{}
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

// Settle waits until the server can do no more without bytes.
func (p *Peer) Settle() {
	p.mu.Lock()
	for !p.over && !(p.resting && len(p.in) == 0 && !p.eof) {
		p.moved.Wait()
	}
	p.mu.Unlock()
}

// Give carries bytes to the server.
func (p *Peer) Give(b []byte) {
	p.mu.Lock()
	p.in = append(p.in, b...)
	p.moved.Broadcast()
	p.mu.Unlock()
}

// HangUp is a FIN from the client.
func (p *Peer) HangUp() {
	p.mu.Lock()
	p.eof = true
	p.moved.Broadcast()
	p.mu.Unlock()
}

// Take gives what the server has written.
func (p *Peer) Take() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.out
	p.out = nil
	return b
}

func (p *Peer) Read(b []byte) (int, error) {
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

func (p *Peer) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.out = append(p.out, b...)
	p.mu.Unlock()
	return len(b), nil
}

func (p *Peer) Close() error                     { return nil }
func (p *Peer) LocalAddr() net.Addr              { return nil }
func (p *Peer) RemoteAddr() net.Addr             { return nil }
func (p *Peer) SetDeadline(time.Time) error      { return nil }
func (p *Peer) SetReadDeadline(time.Time) error  { return nil }
func (p *Peer) SetWriteDeadline(time.Time) error { return nil }

// Err is what the script gave, once it has ended.
func (p *Peer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// End lets the script see the end of the connection, and waits for the script's.
func (p *Peer) End() {
	p.HangUp()
	p.mu.Lock()
	for !p.over {
		p.moved.Wait()
	}
	p.mu.Unlock()
}
