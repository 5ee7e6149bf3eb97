package gotls

import (
	"crypto/tls"
	"crypto/x509"
	"iter"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// coroutine runs the handshake on a stack of its own, a piece at a time and always inside a call of the session. It exists
// from begin until the handshake has ended; a panic in it comes out of the call that let it run.
//
// The runtime insists that whoever lets it run on is locked to a thread exactly as whoever made it was, and ends the process
// otherwise. A transport whose loops are locked must therefore bring Answer, and a Release in the middle of a handshake, to
// the loop of the connection.
type coroutine struct {
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	asking *tlsprov.Question
	answer answer
}

type answer uint8

const (
	answerNone answer = iota
	answerYes
	answerNo
)

func (s *session) begin() {
	s.next, s.stop = iter.Pull(s.shake)
	s.resume()
}

// shake is the body of the coroutine.
func (s *session) shake(yield func(struct{}) bool) {
	s.yield = yield
	err := s.tls.Handshake()
	s.yield = nil
	if err != nil {
		s.fail(s.explain(err))
		return
	}
	state := s.tls.ConnectionState()
	s.info = tlsprov.Info{Version: state.Version, Cipher: tls.CipherSuiteName(state.CipherSuite),
		ALPN: state.NegotiatedProtocol, Resumed: state.DidResume, Chain: raw(state.PeerCertificates)}
	s.handshaken = true
}

// resume lets the handshake run as far as it gets.
func (s *session) resume() {
	if s.next == nil || s.asking != nil && s.answer == answerNone {
		return
	}
	s.open()
	_, more := s.next()
	s.writer.Close()
	if !more {
		s.next, s.stop = nil, nil
	}
}

// rest is called in the coroutine: it lets the caller go on until it resumes. False: the session was released.
func (s *session) rest() bool { return s.yield(struct{}{}) }

// abandon ends a handshake that is under way.
func (s *session) abandon() {
	if stop := s.stop; stop != nil {
		s.next, s.stop = nil, nil
		s.open()
		stop()
	}
}

// verify is called in the coroutine when the server's chain is there, and before anything is answered to it.
func (s *session) verify(state tls.ConnectionState) error {
	cfg := &s.context.cfg
	for _, c := range state.PeerCertificates {
		s.chainBytes += len(c.Raw)
	}
	chain, fault := cfg.Verify(state.PeerCertificates, s.host, s.context.roots)
	if fault != nil {
		s.context.tickets.drop(s.key)
		return s.refuse(fault)
	}
	if chain == nil {
		chain = state.PeerCertificates
	}
	s.until = earliest(chain)
	if !cfg.Ask || state.DidResume {
		return nil
	}
	s.asking = &tlsprov.Question{Host: s.host, Verified: !cfg.Insecure, Chain: raw(chain)}
	for s.answer == answerNone {
		if !s.rest() {
			return errAbandoned
		}
	}
	s.asking = nil
	if s.answer == answerNo {
		return s.refuse(wire.Faultf(wire.StatusCertificate, wire.CertificateAnswer, "tls",
			"the certificate of %s passed the checks, but turbo_verify_answer refused it", s.host))
	}
	return nil
}

// refuse keeps our fault, because crypto/tls only passes an error on.
func (s *session) refuse(fault *wire.Fault) error {
	s.fail(fault)
	return fault
}

func (s *session) Asking() *tlsprov.Question { return s.asking }

func (s *session) Answer(accept bool, now wire.Instant) *wire.Fault {
	if s.asking == nil || s.answer != answerNone || s.released {
		return s.fault
	}
	s.answer = answerNo
	if accept {
		s.answer = answerYes
	}
	s.resume()
	return s.fault
}

func raw(chain []*x509.Certificate) [][]byte {
	list := make([][]byte, len(chain))
	for i, c := range chain {
		list[i] = c.Raw
	}
	return list
}
