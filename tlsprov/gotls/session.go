package gotls

import (
	"crypto/tls"
	"io"
	"time"

	"turbohttp/buffers"
	"turbohttp/tlsprov"
	"turbohttp/wire"
)

const (
	// readBlock holds the plaintext of one full record (RFC 8446 §5.1: 2^14) and is not full then, by which one sees that
	// the record has ended.
	readBlock = 17 << 10
	// joinBlock: what is copied together fits into one record.
	joinBlock = 16 << 10
	// writeAhead is how much ciphertext may wait for Fill before Write takes no more: four full records, which is what a
	// socket takes at once.
	writeAhead = 64 << 10
	// joinBelow: pieces of plaintext below this are copied together into one record. A head and a small body travel in one
	// packet then, and the copy is small beside the encryption.
	joinBelow = 4 << 10
	// packBelow: less ciphertext at once is packed beside what waits.
	packBelow = 256
)

// session is one connection. All bytes that wait are in in and out.
type session struct {
	context *context
	host    string
	key     string // host:port, of tickets
	tls     *tls.Conn
	pipe    pipe
	coroutine

	in      buffers.Sequence // ciphertext that crypto/tls has not been given
	records records          // where records end in it
	packer  buffers.Packer   // of in: a record may come a byte at a time
	inside  int              // bytes that crypto/tls was given and may still turn into plaintext; see spent
	out     buffers.Sequence // ciphertext for the peer
	writer  buffers.Writer   // to out, open during one call
	reading bool             // crypto/tls reads: what it writes are answers
	answers int              // that wait in out, at most; a segment each
	alert   uint8            // the last alert that was sent in the clear

	handshaken bool
	ended      bool // close_notify came
	closed     bool // and ours was sent
	released   bool
	until      time.Time // the end of the verified chain
	chainBytes int       // of what the server sent
	info       tlsprov.Info
	fault      *wire.Fault
}

var _ tlsprov.Session = (*session)(nil)

// fail keeps the first fault.
func (s *session) fail(fault *wire.Fault) *wire.Fault {
	if s.fault == nil {
		s.fault = fault
	}
	return s.fault
}

func (s *session) Feed(in *buffers.Sequence, now wire.Instant) *wire.Fault {
	if s.fault != nil || s.ended || s.released {
		in.Release() // nothing that comes behind close_notify counts (RFC 8446 §6.1)
		return s.fault
	}
	s.records.feed(in)
	if in.Len() < packBelow { // what comes in larger pieces is a few of them until a record is whole
		s.packer.Pack(s.context.cfg.Pool, in, s.in.Len())
	}
	in.Join(&s.in)
	s.resume()
	return s.fault
}

func (s *session) FeedEOF(now wire.Instant) *wire.Fault {
	switch {
	case s.fault != nil || s.ended:
	case !s.handshaken:
		s.fail(faultClosedEarly)
	case s.records.whole > 0 || s.inside > 0: // close_notify may be in what was not read
		s.in.Compact(s.context.cfg.Pool)
		s.pipe.eof = true
	default:
		s.fail(faultCut)
	}
	return s.fault
}

// Rest gives nothing: a session does not end in the middle of a connection.
func (s *session) Rest(*buffers.Sequence) {}

func (s *session) Fill(out *buffers.Sequence, limit int) bool {
	n := min(s.out.Len(), max(0, limit-out.Len()))
	if n < s.out.Len() && n > 0 {
		s.out.MoveFront(out, n)
	} else if n > 0 {
		s.out.Move(out)
	}
	s.answers = min(s.answers, s.out.Segments())
	return s.out.Len() > 0
}

func (s *session) Full() bool { return s.answers >= tlsprov.MostAnswers }

// Deadline is never: how long a handshake may take is the caller's business.
func (s *session) Deadline() wire.Instant { return 0 }

func (s *session) Tick(wire.Instant) *wire.Fault { return s.fault }

func (s *session) Release() {
	s.released = true
	s.abandon()
	s.writer.Close()
	s.packer.Close()
	s.in.Release()
	s.out.Release()
}

func (s *session) Handshaken() bool { return s.handshaken && s.fault == nil }

func (s *session) Ended() bool { return s.ended }

func (s *session) Midway() bool { return s.records.part > 0 }

func (s *session) Info() *tlsprov.Info {
	if !s.handshaken {
		return nil
	}
	return &s.info
}

func (s *session) Read(out *buffers.Sequence, limit int) (bool, *wire.Fault) {
	if !s.handshaken || s.ended || s.fault != nil || s.released {
		return false, s.fault
	}
	if s.inside == 0 && s.records.whole == 0 {
		return false, s.dry()
	}
	// Plaintext is shorter than its record, so one block holds all that is there, and as a rule the last one ends with it.
	var w buffers.Writer
	w.Init(s.context.cfg.Pool, out, min(readBlock, s.inside+s.records.whole))
	defer w.Close()
	s.open()
	defer s.writer.Close()
	s.reading = true
	defer func() { s.reading = false }()
	for reads := 0; out.Len() < limit && reads < tlsprov.MostReads && !s.Full(); reads++ {
		if s.inside == 0 && s.records.whole == 0 {
			return false, s.dry()
		}
		room := w.Reserve(1)
		n, err := s.tls.Read(room)
		w.Commit(n)
		s.spent(n, n < len(room))
		switch {
		case err == nil:
		case err == errDry:
			s.inside = 0
		case err == io.EOF: // the pipe never says so: it is close_notify
			s.ended = true
			s.in.Release()
			s.records.reset()
			return false, nil
		default:
			return false, s.fail(s.explain(err))
		}
	}
	return true, nil
}

// dry is the end of what is there; when the peer has sent its last byte, that is a fault.
func (s *session) dry() *wire.Fault {
	if s.pipe.eof {
		return s.fail(faultCut)
	}
	return nil
}

// spent notes that n bytes of plaintext were read; whole: their record is used up. A record is longer than its plaintext
// by leastExtra or more, so inside is never below the truth, and above it only where a cipher adds more: then, now and
// then, one read in vain finds out.
func (s *session) spent(n int, whole bool) {
	s.inside -= n
	if whole && n > 0 {
		s.inside -= leastExtra
	}
	// Too short for a record that says anything; as long as there is more to give, it may be the beginning of one.
	if s.inside <= leastExtra && s.records.whole == 0 {
		s.inside = 0
	}
}

// open makes the writer ready for what crypto/tls may write.
func (s *session) open() { s.writer.Init(s.context.cfg.Pool, &s.out, 1) }

func (s *session) Write(in *buffers.Sequence) (int, *wire.Fault) {
	if s.fault != nil || !s.handshaken || s.closed || s.released {
		return 0, s.fault
	}
	s.open()
	defer s.writer.Close()
	taken := 0
	for in.Len() > 0 && s.out.Len() < writeAhead {
		n, err := s.encrypt(in)
		if err != nil {
			return taken, s.fail(s.explain(err))
		}
		in.Skip(n)
		taken += n
	}
	return taken, nil
}

// encrypt writes the first bytes of in: a segment, or several small ones as one.
func (s *session) encrypt(in *buffers.Sequence) (int, error) {
	first := in.First()
	if view := first.Bytes(); len(view) >= joinBelow || first.Next() == nil {
		return s.tls.Write(view[:min(len(view), writeAhead)])
	}
	b := s.context.cfg.Pool.Get(min(in.Len(), joinBlock))
	defer b.Release()
	return s.tls.Write(b.Bytes()[:in.CopyTo(b.Bytes(), 0)])
}

func (s *session) CloseNotify() {
	if !s.handshaken || s.closed || s.fault != nil || s.released {
		return
	}
	s.closed = true
	s.open()
	defer s.writer.Close()
	s.tls.CloseWrite()
}
