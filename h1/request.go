package h1

import (
	"strconv"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// sending is the half of an exchange that goes out.
type sending struct {
	started bool // Fill took octets of the request
	held    bool // the body waits: for 100, a final status, or patience
	stopped bool // the rest of the request is not sent: the server answered without it
	ended   bool // the caller gave all of the body, or there is none
	chunked bool
	inChunk bool             // a chunk's size was written, the CR LF behind its data was not
	last    bool             // the last chunk was written
	owed    int64            // bytes of a body of known length that the caller has not given yet
	taken   int64            // bytes of body that Fill took since begin
	loose   int              // bytes at the front of body that the size of the chunk in hand covers
	own     buffers.Sequence // head and chunk framing, before anything of body
	writer  buffers.Writer   // appends to own; closed as soon as nothing more can come
	body    buffers.Sequence // given by the caller, not yet taken by Fill
	trailer buffers.Sequence // the last chunk with its trailers, once Finish has come with some

	patience wire.Instant // when a held body goes out all the same
}

func (s *sending) reset() {
	s.writer.Close()
	s.own.Release()
	s.body.Release()
	s.trailer.Release()
	s.started, s.held, s.stopped, s.ended, s.chunked, s.inChunk, s.last = false, false, false, false, false, false, false
	s.owed, s.loose, s.patience = 0, 0, 0
}

// frameRoom is what chunk sizes, line ends and the last chunk of a small body need beside the head in its block.
const frameRoom = 64

// begin writes the head of a request that was checked: request line, Host, the caller's fields in their order,
// User-Agent, Content-Length or Transfer-Encoding, Expect. All of it is one segment.
func (s *sending) begin(pool *buffers.Pool, head *wire.RequestHead, given *wire.Given, now wire.Instant) {
	s.taken = 0
	s.chunked = given.BodySize == wire.BodyUnknown
	s.owed = max(given.BodySize, 0)
	s.ended = given.BodySize == 0
	length := given.BodySize > 0 || given.BodySize == 0 && (given.HasLength || wire.WantsLength(head.Method))
	agent := !given.UserAgent && len(wire.TrimSpace(head.UserAgent)) > 0
	s.held = head.Expect && !s.ended
	if s.held {
		s.patience = now + expectPatience
	}

	host, hostName := head.Target.Authority, []byte("Host")
	if given.Host >= 0 {
		host, hostName = wire.TrimSpace(head.Fields.Value(given.Host)), head.Fields.Name(given.Host)
	}
	size := len(head.Method) + len(" ") + len(head.Target.Path) + len(" HTTP/1.1\r\n") +
		len("Host: \r\n") + len(host) + given.Octets + given.Lines*len(": \r\n") + len("\r\n")
	if len(head.Target.Path) == 0 || head.Target.Path[0] == '?' {
		size++
	}
	if agent {
		size += len(fieldUserAgent) + len(wire.TrimSpace(head.UserAgent)) + len("\r\n")
	}
	if length {
		size += len(fieldLength) + decimals(given.BodySize) + len("\r\n")
	}
	spare := 0
	if s.chunked {
		size += len(fieldChunked)
		spare = frameRoom
	}
	if s.held {
		size += len(fieldExpect)
	}

	s.writer.Init(pool, &s.own, size+spare)
	b := s.writer.Reserve(size)[:0]
	b = append(b, head.Method...)
	b = append(b, ' ')
	if len(head.Target.Path) == 0 || head.Target.Path[0] == '?' {
		b = append(b, '/') // RFC 9112 §3.2.1
	}
	b = append(b, head.Target.Path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendField(b, hostName, host)
	for i := range head.Fields.Lines {
		name := head.Fields.Name(i)
		if kind := wire.KindOf(name); kind == wire.FieldHost || kind == wire.FieldContentLength {
			continue
		}
		b = appendField(b, name, wire.TrimSpace(head.Fields.Value(i)))
	}
	if agent {
		b = append(b, fieldUserAgent...)
		b = append(b, wire.TrimSpace(head.UserAgent)...)
		b = append(b, '\r', '\n')
	}
	if length {
		b = append(b, fieldLength...)
		b = strconv.AppendInt(b, given.BodySize, 10)
		b = append(b, '\r', '\n')
	}
	if s.chunked {
		b = append(b, fieldChunked...)
	}
	if s.held {
		b = append(b, fieldExpect...)
	}
	b = append(b, '\r', '\n')
	if len(b) != size {
		panic("h1: a request head has another size than was counted")
	}
	s.writer.Commit(size)
	if !s.chunked {
		s.writer.Close()
	}
}

const (
	fieldUserAgent = "User-Agent: "
	fieldLength    = "Content-Length: "
	fieldChunked   = "Transfer-Encoding: chunked\r\n"
	fieldExpect    = "Expect: 100-continue\r\n"
)

func appendField(b, name, value []byte) []byte {
	b = append(b, name...)
	b = append(b, ':', ' ')
	b = append(b, value...)
	return append(b, '\r', '\n')
}

// decimals is how many digits n has.
func decimals(n int64) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}
