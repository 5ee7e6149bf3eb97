package core

import (
	"sync"

	"turbohttp/buffers"
	"turbohttp/tlsprov"
	"turbohttp/transport"
	"turbohttp/wire"
)

// secure stands between a connection of core and its link and makes TLS of what passes: it is the link's Handler, and the
// connection's Conn. The connection hears of it only once the handshake has ended, and knows no difference from then on.
//
// Locks. order is outermost and makes one of the calls that tell core something: those of the link, and an answer, which
// comes from outside. mu guards the session and what waits on both sides of it; it is taken under conn.mu and lets only the
// link be called under itself. So: order → conn.mu → mu → the link.
//
// secure_link.go is what the link tells, secure_conn.go what the connection calls, secure_verify.go the answer of the host
// and the end of its time.
//
// Nothing is held back here but while the host is asked, and while the session is full of answers that the peer does not
// read: whatever arrives else is decrypted and told at once, and plaintext is shorter than ciphertext, so that a link which
// pauses bounds memory as it does without TLS. What arrived together may take several turns, between which mu is free: a
// cancel from elsewhere does not wait for a peer that makes us work.
type secure struct {
	conn *conn
	link transport.Conn // set once, by dial

	order   sync.Mutex
	address string
	in      buffers.Sequence // plaintext, between session and connection
	asked   *Verify          // the host owes an answer

	mu      sync.Mutex
	session tlsprov.Session  // from Connected to Closed
	plain   buffers.Sequence // from the connection, not yet taken by the session
	out     buffers.Sequence // ciphertext, between session and link
	sending bool             // the link has bytes: Sendable follows
	owes    bool             // the connection waits for Sendable
	told    bool             // it was told Connected
	ended   bool             // and ReceivedEOF
	asking  bool             // the handshake waits for an answer
	waiting int              // bytes that came meanwhile
	fed     uint64           // bytes that the link gave
	passed  uint64           // bytes of plaintext that came of them
	more    bool             // plaintext, or what it may come of, is still in the session
	paused  pauses           // who wants the link to pause
	closing bool             // link.Close was called
	fault   *wire.Fault      // why, when it was not the connection's wish
}

// pauses are the reasons why the link does not read; it reads when there is none.
type pauses uint8

const (
	pausedByConn   pauses = 1 << iota // the host does not consume
	pausedByAsking                    // the host ponders, and much came meanwhile
	pausedByFull                      // the peer does not read our answers
)

// pause sets or takes away one reason. mu is held.
func (s *secure) pause(why pauses, on bool) {
	before := s.paused
	if s.paused &^= why; on {
		s.paused |= why
	}
	switch {
	case before == 0 && s.paused != 0:
		s.link.PauseReading()
	case before != 0 && s.paused == 0:
		s.link.ResumeReading()
	}
}

// news is what a step found out and the connection must be told, without mu.
type news struct {
	more                     bool // the step is not finished
	connected, eof, sendable bool
	info                     string // of the session, with connected
	question                 *tlsprov.Question
}

// dial makes the link.
func (s *secure) dial(d *transport.Dial) transport.Conn {
	s.mu.Lock()
	s.link = s.conn.client.cfg.Transport.Dial(d, s)
	s.mu.Unlock()
	return s
}

// unlock ends every step that was taken under mu: a panic in it is the end of this connection and of nothing else.
func (s *secure) unlock() {
	if v := recover(); v != nil {
		p := transport.Recovered(v)
		s.conn.client.log(logError, p.String())
		s.shut(p.Fault)
	}
	s.mu.Unlock()
}

// shut closes the link for a reason of ours.
func (s *secure) shut(fault *wire.Fault) {
	if s.fault == nil && !s.closing {
		s.fault = fault
	}
	s.closing = true
	s.link.Close()
}

// fail does so after the peer was told, as far as the link takes it.
func (s *secure) fail(fault *wire.Fault) {
	if !s.closing {
		s.flush()
		s.shut(fault)
	}
}

// flush encrypts what waits and gives it to the link, until there is no more or the link is full.
func (s *secure) flush() {
	for !s.sending && !s.closing {
		if s.plain.Len() > 0 {
			if _, fault := s.session.Write(&s.plain); fault != nil {
				s.plain.Release()
				s.fail(fault)
				return
			}
		}
		s.session.Fill(&s.out, sendLimit)
		if s.out.Len() == 0 {
			return
		}
		s.sending = !s.link.Send(&s.out)
	}
}

// turn is how much plaintext one turn takes from the session, bytes: all that arrived together, as a rule.
const turn = 128 << 10

// advance moves what can move in one turn after the session went on, and says what is to be told. What came before a fault
// is told before it.
func (s *secure) advance(fault *wire.Fault) (n news) {
	more, late := s.session.Read(&s.in, turn)
	for fault != nil && more && !s.session.Full() { // the last turn
		more, _ = s.session.Read(&s.in, 1<<30)
	}
	if fault == nil {
		fault = late
	}
	s.passed += uint64(s.in.Len()) // it was empty: tell follows each advance
	s.more = more
	s.flush()
	switch {
	case fault != nil:
		s.fail(fault)
		return n
	case s.closing:
		return n
	case !s.told && s.session.Ended():
		s.fail(faultNoUse)
		return n
	}
	if !s.told && !s.sending && s.session.Handshaken() {
		s.told = true
		n.connected, n.info = true, s.session.Info().String()
	}
	if !s.asking {
		if n.question = s.session.Asking(); n.question != nil {
			s.asking = true
		}
	}
	if s.session.Ended() && !s.ended {
		s.ended, n.eof = true, true
	}
	if s.owes && !s.sending && s.plain.Len() == 0 {
		s.owes, n.sendable = false, true
	}
	full := s.session.Full() // then the link has bytes, and Sendable goes on
	s.pause(pausedByFull, full)
	n.more = more && !full
	return n
}

// resume takes another turn.
func (s *secure) resume() news {
	s.mu.Lock()
	defer s.unlock()
	if s.closing {
		return news{}
	}
	return s.advance(nil)
}

var faultNoUse = &wire.Fault{Status: wire.StatusClosed, Stage: "tls", Text: "the server ended the connection right after the TLS handshake"}

// tell passes on what a step found, and takes the turns that are left of it. order is held, mu is not.
func (s *secure) tell(n news, now wire.Instant) {
	for s.pass(n, now); n.more; s.pass(n, now) {
		n = s.resume()
	}
}

// pass passes on what a turn found.
func (s *secure) pass(n news, now wire.Instant) {
	k := s.conn
	if n.question != nil {
		s.asked = &Verify{Host: n.question.Host, Verified: n.question.Verified, Chain: n.question.Chain, secure: s}
		k.client.sink.Verify(s.asked)
	}
	if n.connected {
		k.secured(n.info, now)
		k.Connected(s.address, now)
	}
	if n.sendable {
		k.Sendable(now)
	}
	if s.in.Len() > 0 {
		k.Received(&s.in, now)
		s.in.Release()
	}
	if n.eof {
		k.ReceivedEOF(now)
	}
}
