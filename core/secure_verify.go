package core

import (
	"time"

	"turbohttp/wire"
)

// Verify is a handshake that waits for the host, because tlsprov.Config.Ask is set. Sink.Verify tells of it; it waits until
// Answer, or until it has waited as long as connecting may take.
type Verify struct {
	Host     string
	Verified bool     // false: the checks were skipped, because the host wished it
	Chain    [][]byte // DER, leaf first; never changed
	Ref      any      // the sink's

	// Over is set before Sink.Verify is called a second time: the handshake has failed, and an answer comes too late.
	Over bool

	secure *secure
}

// Answer lets the handshake go on, or fail with CERTIFICATE. False: it waits no more. It may be called from any goroutine,
// but not from inside a Sink call.
func (v *Verify) Answer(accept bool) bool {
	return v.secure.answer(v, accept, v.secure.conn.client.clock.Now())
}

// answer is what the host says to the question, and whether it came in time.
func (s *secure) answer(v *Verify, accept bool, now wire.Instant) bool {
	s.order.Lock()
	defer s.order.Unlock()
	if s.asked != v {
		return false
	}
	s.asked = nil
	s.tell(s.answered(accept, now), now)
	return true
}

func (s *secure) answered(accept bool, now wire.Instant) news {
	s.mu.Lock()
	defer s.unlock()
	s.asking = false
	if s.closing {
		return news{}
	}
	s.pause(pausedByAsking, false)
	return s.advance(s.session.Answer(accept, now))
}

// expire ends a handshake that took longer than connecting may take.
func (s *secure) expire() {
	s.mu.Lock()
	defer s.unlock()
	if s.told || s.closing {
		return
	}
	o, limit := s.conn.origin, time.Duration(s.conn.client.cfg.ConnectTimeout)
	if s.asking {
		s.shut(wire.Faultf(wire.StatusCertificate, wire.CertificateAnswer, "tls",
			"the certificate of %s passed the checks, but turbo_verify_answer did not come within the %v that connecting may take", o.host, limit))
		return
	}
	s.shut(wire.Faultf(wire.StatusTimeout, wire.PhaseTLS, "tls",
		"the TLS handshake with %s port %d had not ended within the %v that connecting may take", o.host, o.port, limit))
}
