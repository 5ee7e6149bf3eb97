package core

import (
	"turbohttp/buffers"
	"turbohttp/transport"
)

var _ transport.Conn = (*secure)(nil)

// Send encrypts what the link takes, and keeps the rest as plaintext.
func (s *secure) Send(out *buffers.Sequence) bool {
	s.mu.Lock()
	defer s.unlock()
	if s.closing || s.session == nil {
		out.Release()
		return false
	}
	out.Move(&s.plain)
	s.flush()
	s.owes = s.sending || s.plain.Len() > 0
	return !s.owes && !s.closing
}

// PauseReading and ResumeReading add and take away the connection's reason.
func (s *secure) PauseReading()  { s.setPause(true) }
func (s *secure) ResumeReading() { s.setPause(false) }

func (s *secure) setPause(on bool) {
	s.mu.Lock()
	s.pause(pausedByConn, on)
	s.mu.Unlock()
}

// Alive looks at what came out of the session, at what is in it, and asks the link. A ticket that arrives at this very
// moment counts as something unasked: then another connection is made, which is dear but right.
func (s *secure) Alive(received uint64) bool {
	s.mu.Lock()
	defer s.unlock()
	return !s.closing && !s.ended && s.session != nil && !s.more && s.passed == received && !s.session.Midway() && s.link.Alive(s.fed)
}

func (s *secure) Probe() { s.link.Probe() }

// Written counts ciphertext, which is what the system takes.
func (s *secure) Written() uint64 { return s.link.Written() }

// Close says goodbye if the link takes it at once.
func (s *secure) Close() {
	s.mu.Lock()
	defer s.unlock()
	if s.closing {
		return
	}
	if s.session != nil && s.told && !s.sending {
		s.plain.Release()
		s.session.CloseNotify()
		s.flush()
	}
	s.closing = true
	s.link.Close()
}
