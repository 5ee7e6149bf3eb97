package h1

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// done tells whether nothing of the request is left to be sent.
func (s *sending) done() bool {
	return s.stopped || s.ended && s.own.Len() == 0 && s.body.Len() == 0 && (s.last || !s.chunked)
}

// stop drops what was not sent.
func (s *sending) stop() {
	s.writer.Close()
	s.own.Release()
	s.body.Release()
	s.trailer.Release()
	s.stopped, s.held, s.ended = true, false, true
}

// give moves body on; end: these were the last bytes of it.
func (s *sending) give(body *buffers.Sequence, end bool) *wire.Fault {
	n := int64(body.Len())
	switch {
	case s.stopped:
		return nil // the caller releases it
	case s.ended && n == 0:
		return nil
	case s.ended:
		return faultEnded
	case s.chunked:
		s.ended = end
	case n > s.owed:
		return invalidf("the body has %d bytes more than the head promised", n-s.owed)
	case end && n < s.owed:
		return invalidf("the body ends %d bytes before what the head promised", s.owed-n)
	default:
		s.owed -= n
		s.ended = s.owed == 0
	}
	body.Move(&s.body)
	return nil
}

// finish ends the body, with trailers if there are any.
func (s *sending) finish(pool *buffers.Pool, trailers *wire.Fields) *wire.Fault {
	some := trailers != nil && trailers.Len() > 0
	if some {
		if fault := wire.CheckTrailers(trailers); fault != nil {
			return fault
		}
	}
	switch {
	case s.stopped:
		return nil
	case some && !s.chunked:
		return faultTrailersKnown
	case s.owed > 0:
		return invalidf("the body ends %d bytes before what the head promised", s.owed)
	case s.ended && some:
		return faultEnded
	case s.ended:
		return nil
	}
	s.ended = true
	if !some {
		return nil
	}
	size := len(lastChunk)
	for i := range trailers.Lines {
		size += len(trailers.Name(i)) + len(": \r\n") + len(wire.TrimSpace(trailers.Value(i)))
	}
	block := pool.Get(size)
	b := append(block.Bytes()[:0], lastChunk[:len(lastChunk)-2]...)
	for i := range trailers.Lines {
		b = appendField(b, trailers.Name(i), wire.TrimSpace(trailers.Value(i)))
	}
	b = append(b, '\r', '\n')
	s.trailer.Append(block, 0, len(b))
	return nil
}

const lastChunk = "0\r\n\r\n"

// chunkFrame is what a chunk of at most 2^31 bytes needs around its data: 8 hex digits and twice CR LF.
const chunkFrame = 12

// smallChunk is the smallest chunk that is begun behind other bytes because of a limit: less is not worth its frame.
const smallChunk = 64

// fill appends to out until it holds limit bytes; a chunk's frame may go a few bytes beyond. more is exact: it is true
// when another Fill into an empty out would append something.
func (s *sending) fill(out *buffers.Sequence, limit int) (more bool) {
	if out.Len() < limit {
		s.started = true // there is always something: nothing is answered before
	}
	for room := limit - out.Len(); room > 0; room = limit - out.Len() {
		s.frame(room, out.Len() == 0)
		if n := min(s.own.Len(), room); n > 0 {
			s.own.MoveFront(out, n)
			continue
		}
		n := s.loose
		if !s.chunked && !s.held {
			n = s.body.Len()
		}
		if n = min(n, room); n == 0 {
			break
		}
		s.body.MoveFront(out, n)
		s.taken += int64(n)
		if s.chunked {
			s.loose -= n
		}
	}
	if s.done() {
		s.writer.Close()
		return false
	}
	return s.own.Len() > 0 || s.inChunk && s.loose == 0 || !s.held && (s.body.Len() > 0 || s.chunked && s.ended && !s.last)
}

// frame writes the chunk framing that belongs before the next byte of body into own, if it is time for it: the end of
// the chunk in hand, and a new one that fits into room. It goes behind a head that waits there: one segment.
func (s *sending) frame(room int, alone bool) {
	if !s.chunked || s.held || s.stopped || s.loose > 0 {
		return
	}
	if s.inChunk {
		s.inChunk = false
		s.writer.WriteString("\r\n")
	}
	if n := s.body.Len(); n > 0 {
		if fits := room - s.own.Len() - chunkFrame; fits < n {
			if fits < smallChunk && !(alone && s.own.Len() == 0) {
				return
			}
			n = max(fits, 1)
		}
		s.loose, s.inChunk = n, true
		s.writer.AppendInt(int64(n), 16)
		s.writer.WriteString("\r\n")
		return
	}
	if s.ended && !s.last {
		s.last = true
		if s.trailer.Len() > 0 {
			s.trailer.Move(&s.own)
			return
		}
		s.writer.WriteString(lastChunk)
	}
}
