package core

import (
	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

var _ transport.Handler = (*secure)(nil)

// Resolved is told by the link.
func (s *secure) Resolved(now wire.Instant) { s.conn.Resolved(now) }

// Connected is told by the link: the handshake begins.
func (s *secure) Connected(address string, now wire.Instant) {
	s.order.Lock()
	defer s.order.Unlock()
	s.address = address
	s.conn.securing(now)
	s.tell(s.hello(now), now)
}

// Received is told by the link.
func (s *secure) Received(in *buffers.Sequence, now wire.Instant) {
	s.conn.bytesIn.Add(uint64(in.Len()))
	s.order.Lock()
	defer s.order.Unlock()
	s.tell(s.received(in, now), now)
}

// ReceivedEOF is told by the link. Behind close_notify it is no news; else the connection was cut.
func (s *secure) ReceivedEOF(now wire.Instant) {
	s.order.Lock()
	defer s.order.Unlock()
	s.tell(s.receivedEOF(now), now)
}

// Sendable is told by the link.
func (s *secure) Sendable(now wire.Instant) {
	s.order.Lock()
	defer s.order.Unlock()
	s.tell(s.sendable(now), now)
}

// Closed is told by the link, last.
func (s *secure) Closed(fault *wire.Fault, now wire.Instant) {
	s.order.Lock()
	defer s.order.Unlock()
	if v := s.asked; v != nil {
		s.asked = nil
		v.Over = true
		s.conn.client.sink.Verify(v)
	}
	s.in.Release()
	s.conn.Closed(s.bury(fault), now)
}

func (s *secure) hello(now wire.Instant) news {
	s.mu.Lock()
	defer s.unlock()
	if s.closing {
		return news{}
	}
	o := s.conn.origin
	session, fault := s.conn.client.cfg.TLS.NewSession(o.host, o.port, now)
	if fault != nil {
		s.shut(fault)
		return news{}
	}
	s.session = session
	return s.advance(nil)
}

func (s *secure) received(in *buffers.Sequence, now wire.Instant) news {
	s.mu.Lock()
	defer s.unlock()
	s.fed += uint64(in.Len())
	if s.closing || s.session == nil {
		in.Release()
		return news{}
	}
	if s.asking {
		s.wait(in.Len())
	}
	return s.advance(s.session.Feed(in, now))
}

// patience is how much a server may send while the host ponders its certificate. An honest one has nothing to say.
const patience = 64 << 10

func (s *secure) wait(n int) {
	s.waiting += n
	if s.waiting > patience {
		s.pause(pausedByAsking, true)
	}
}

func (s *secure) receivedEOF(now wire.Instant) news {
	s.mu.Lock()
	defer s.unlock()
	if s.closing || s.session == nil {
		return news{}
	}
	return s.advance(s.session.FeedEOF(now))
}

func (s *secure) sendable(now wire.Instant) news {
	s.mu.Lock()
	defer s.unlock()
	s.sending = false
	if s.closing || s.session == nil {
		return news{}
	}
	return s.advance(nil)
}

// bury gives everything back and says why it ended.
func (s *secure) bury(fault *wire.Fault) *wire.Fault {
	s.mu.Lock()
	defer s.unlock()
	s.closing = true
	s.plain.Release()
	s.out.Release()
	if s.session != nil {
		s.session.Release()
	}
	if s.fault != nil {
		return s.fault
	}
	if fault != nil && s.session != nil && !s.told {
		during := *fault
		during.Text += ", during the TLS handshake"
		return &during
	}
	return fault
}
