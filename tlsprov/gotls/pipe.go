package gotls

import (
	"errors"
	"net"
	"time"
)

// pipe is what crypto/tls takes for its connection. It never waits.
type pipe struct {
	s   *session
	eof bool // FeedEOF came while records waited
}

// dry is the error of a read that has nothing to give: temporary, so that crypto/tls forgets it.
type dry struct{}

func (dry) Error() string   { return "nothing to read yet" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }

var (
	errDry       net.Error = dry{}
	errAbandoned           = errors.New("the session was released")
)

// Read gives whole records, so that crypto/tls never has half of one when it is asked for plaintext. During the handshake
// it lets the coroutine rest until there is one.
func (p *pipe) Read(to []byte) (int, error) {
	s := p.s
	for s.records.whole == 0 {
		if s.handshaken {
			return 0, errDry
		}
		if !s.rest() {
			return 0, errAbandoned
		}
	}
	n := s.in.CopyTo(to[:min(len(to), s.records.whole)], 0)
	s.in.Skip(n)
	s.records.whole -= n
	s.inside += n
	return n, nil
}

// Write takes all of from.
func (p *pipe) Write(from []byte) (int, error) {
	if len(from) == alertSize && from[0] == typeAlert {
		p.s.alert = from[alertSize-1] // in the clear; when it is encrypted it is longer
	}
	if p.s.reading {
		p.s.answers++ // the writer makes a block, and so a segment, for each
	}
	return p.s.writer.Write(from)
}

func (p *pipe) Close() error                     { return nil }
func (p *pipe) LocalAddr() net.Addr              { return nil }
func (p *pipe) RemoteAddr() net.Addr             { return nil }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }
