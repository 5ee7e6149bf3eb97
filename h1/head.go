package h1

import (
	"encoding/binary"
	"math/bits"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// receiving is the half of an exchange that comes in.
type receiving struct {
	state     reading
	section   headBox   // the head that is being read, or the final one that was told
	interim   []headBox // 1xx heads that Next has not told, and their memory
	toldTo    int       // how many of interim Next has told
	interims  int       // 1xx heads of this exchange
	trailers  section
	left      int64 // bytes that are to come: of the body, or of the chunk in hand
	got       int64 // bytes of body that came
	digits    int   // of the chunk size in hand
	extension int   // octets of chunk extensions, less those of body
}

// Memory for heads that were larger is given to the collector between exchanges.
const (
	keptOctets = 16 << 10
	keptLines  = 256
	keptBoxes  = 4

	usualOctets = 512
	usualLines  = 16
)

func (r *receiving) begin() {
	r.reset()
	r.state = readHead
	r.section.begin(atStatus)
}

func (r *receiving) reset() {
	r.section.trim()
	r.trailers.trim()
	if cap(r.interim) > keptBoxes {
		r.interim = nil
	}
	for i := range r.interim {
		r.interim[i].trim()
	}
	r.interim = r.interim[:0]
	r.toldTo, r.interims, r.left, r.got, r.digits, r.extension = 0, 0, 0, 0, 0, 0
}

// headBox is a head and its memory.
type headBox struct {
	section
	head wire.ResponseHead
}

// section is a head or trailer section that is being read: a parser that stops after any octet and goes on with the
// next. Each octet is looked at once, however the section is cut.
type section struct {
	octets                   []byte // what came before, when it did not come in one piece; all of it once it is whole
	fields                   wire.Fields
	state                    sectionState
	pos                      int // of the next octet
	nameAt, nameEnd, valueAt int // of the line in hand
	reasonAt, reasonEnd      int
	status                   uint16
	minor                    byte // of the version: '0', or anything above
}

type sectionState uint8

const (
	atStatus    sectionState = iota // in "HTTP/1.1 200", whose octets stand at fixed places
	afterStatus                     // behind the code
	inReason
	atReasonLF // the LF behind the status line
	atLine     // the first octet of a line
	inName
	beforeValue
	inValue
	atValueLF // the LF behind a value
	atLastLF  // the LF of the empty line
)

func (s *section) begin(state sectionState) {
	s.octets = s.octets[:0]
	s.fields.Octets, s.fields.Lines = nil, s.fields.Lines[:0]
	s.state, s.pos = state, 0
}

// ready makes memory for a head of usual size, when the connection is made and not when its first answer comes.
func (s *section) ready() {
	if s.octets == nil {
		s.octets = make([]byte, 0, usualOctets)
	}
	if s.fields.Lines == nil {
		s.fields.Lines = make([]wire.Line, 0, usualLines)
	}
}

func (s *section) trim() {
	if cap(s.octets) > keptOctets {
		s.octets = nil
	}
	if cap(s.fields.Lines) > keptLines {
		s.fields.Lines = nil
	}
	s.begin(atLine)
}

// feed takes the octets at the front of piece that belong to the section and says how many these are. Octets beyond
// limit are not looked at; full tells that the section is not whole with limit octets.
func (s *section) feed(piece []byte, limit int) (used int, whole, full bool, fault *wire.Fault) {
	before := len(s.octets)
	if before > 0 && len(piece) > copyAtOnce {
		piece = piece[:copyAtOnce]
	}
	if len(piece) > limit-before {
		piece = piece[:limit-before]
	}
	b := piece
	if before > 0 {
		s.octets = append(s.octets, piece...)
		b = s.octets
	}
	if whole, fault = s.parse(b); fault != nil {
		return 0, false, false, fault
	}
	switch {
	case !whole && before == 0:
		s.octets = append(s.octets, piece...)
		fallthrough
	case !whole:
		return len(piece), false, len(s.octets) >= limit, nil
	case before == 0:
		s.octets = append(s.octets, piece[:s.pos]...)
	default:
		s.octets = s.octets[:s.pos]
	}
	s.fields.Octets = s.octets
	return s.pos - before, true, false, nil
}

// copyAtOnce bounds what is copied of a block that may hold the body behind the rest of a head.
const copyAtOnce = 1 << 10

// parse goes on at s.pos of b, which holds the section from its first octet on.
func (s *section) parse(b []byte) (whole bool, fault *wire.Fault) {
	i := s.pos
	for i < len(b) {
		switch s.state {
		case atStatus:
			if i == 0 && len(b) > statusSize && binary.LittleEndian.Uint64(b) == http11 && b[8] == ' ' {
				i, s.minor = 9, '1'
			}
			for ; i < len(b) && i < statusSize; i++ {
				if fault := s.statusOctet(b, i); fault != nil {
					return false, fault
				}
			}
			if i < statusSize {
				break
			}
			s.state = afterStatus

		case afterStatus:
			switch b[i] {
			case ' ':
				i++
				s.reasonAt, s.state = i, inReason
			case '\r': // without the space: harmless, and some servers do it
				s.reasonAt, s.state = i, inReason
			case '\n':
				return false, faultBareLF
			default:
				return false, faultStatusCode
			}

		case inReason:
			n := valueSize(b[i:])
			if i += n; i == len(b) {
				break
			}
			if b[i] != '\r' {
				return false, badValueEnd(b[i])
			}
			i++
			s.state = atReasonLF

		case atReasonLF:
			if b[i] != '\n' {
				return false, faultBareCR
			}
			s.reasonEnd = i - 1
			i++
			s.state = atLine

		case atLine:
			switch b[i] {
			case '\r':
				i++
				s.state = atLastLF
				continue
			case ' ', '\t':
				return false, faultFold
			}
			s.nameAt, s.state = i, inName
			fallthrough

		case inName:
			i += wire.TokenSize(b[i:])
			if i == len(b) {
				break
			}
			if b[i] != ':' || i == s.nameAt {
				return false, badNameEnd(b, s.nameAt, i)
			}
			s.nameEnd = i
			i++
			s.state = beforeValue
			fallthrough

		case beforeValue:
			for i < len(b) && wire.IsSpace(b[i]) {
				i++
			}
			if i == len(b) {
				break
			}
			s.valueAt, s.state = i, inValue
			fallthrough

		case inValue:
			if i += valueSize(b[i:]); i == len(b) {
				break
			}
			if b[i] != '\r' {
				return false, badValueEnd(b[i])
			}
			i++
			s.state = atValueLF
			if i == len(b) {
				break
			}
			fallthrough

		case atValueLF:
			if b[i] != '\n' {
				return false, faultBareCR
			}
			end := i - 1
			for end > s.valueAt && wire.IsSpace(b[end-1]) {
				end--
			}
			s.fields.Lines = append(s.fields.Lines, wire.Line{
				NameAt: uint32(s.nameAt), NameSize: uint32(s.nameEnd - s.nameAt),
				ValueAt: uint32(s.valueAt), ValueSize: uint32(end - s.valueAt)})
			i++
			s.state = atLine

		case atLastLF:
			if b[i] != '\n' {
				return false, faultBareCR
			}
			s.pos = i + 1
			return true, nil
		}
	}
	s.pos = i
	return false, nil
}

const (
	statusSize = len("HTTP/1.1 200")
	http11     = 'H' | 'T'<<8 | 'T'<<16 | 'P'<<24 | '/'<<32 | '1'<<40 | '.'<<48 | '1'<<56
)

// statusOctet looks at octet i < statusSize of a status line.
func (s *section) statusOctet(b []byte, i int) *wire.Fault {
	c := b[i]
	switch {
	case i < 5:
		if c != "HTTP/"[i] {
			return protocolf("the server's answer does not begin with HTTP/ (but with %q): it does not speak HTTP/1.1", wire.Excerpt(b[:i+1]))
		}
	case i == 5 && c != '1', i == 6 && c != '.', i == 7 && (c < '0' || c > '9'), i == 8 && c != ' ':
		return protocolf("the server answered with a version that is not HTTP/1.0 or HTTP/1.1 (%q)", wire.Excerpt(b[:i+1]))
	case i == 7:
		s.minor = c
	case i == 9:
		if c < '1' || c > '9' {
			return faultStatusCode
		}
		s.status = uint16(c - '0')
	case i > 9:
		if c < '0' || c > '9' {
			return faultStatusCode
		}
		s.status = s.status*10 + uint16(c-'0')
	}
	return nil
}

// valueSize is how many octets at the front of b may be part of a received value: all but NUL, CR and LF. Eight at a
// time: octets from 0x20 on, which almost all are, need no second look.
func valueSize(b []byte) int {
	i := 0
	for i+8 <= len(b) {
		controls := wire.ControlsIn(binary.LittleEndian.Uint64(b[i:]))
		if controls == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(controls) >> 3
		if c := b[i]; c == '\r' || c == '\n' || c == 0 {
			return i
		}
		i++
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '\r' || c == '\n' || c == 0 {
			return i
		}
	}
	return i
}

func badValueEnd(c byte) *wire.Fault {
	if c == '\n' {
		return faultBareLF
	}
	return faultNUL
}

func badNameEnd(b []byte, at, i int) *wire.Fault {
	switch c := b[i]; {
	case c == '\n':
		return faultBareLF
	case c == 0:
		return faultNUL
	case c == ':':
		return faultNoName
	case c == '\r':
		return faultNoColon
	case wire.IsSpace(c):
		return faultNameSpace
	default:
		return protocolf("the server sent a header field whose name has an octet that names cannot have (0x%02X after %q)", c, wire.Excerpt(b[at:i]))
	}
}

// readHead takes octets of a head, and acts on it when it is whole.
func (e *Engine) readHead(in *buffers.Sequence) *wire.Fault {
	s := &e.in.section
	used, whole, full, fault := s.feed(in.First().Bytes(), e.limits.MaxHeadBytes)
	if fault != nil {
		return fault
	}
	in.Skip(used)
	if full {
		return limitf("the response head is larger than %d bytes", e.limits.MaxHeadBytes)
	}
	if !whole {
		return nil
	}
	h := &s.head
	h.Status, h.Version, h.Fields, h.ContentLength = s.status, wire.Version11, s.fields, -1
	if s.minor == '0' {
		h.Version = wire.Version10
	}
	h.Reason = s.octets[s.reasonAt:s.reasonEnd:s.reasonEnd]
	if h.Status < 200 {
		return e.interimHead(h)
	}
	return e.finalHead(h)
}

// interimHead tells a 1xx head and gets ready for the next one.
func (e *Engine) interimHead(h *wire.ResponseHead) *wire.Fault {
	if h.Status == 101 {
		return faultUpgrade
	}
	r := &e.in
	if r.interims++; r.interims > e.limits.MaxInformational {
		return limitf("the server sent more than %d interim (1xx) answers", e.limits.MaxInformational)
	}
	if e.events.waiting&(1<<wire.EventInformational) == 0 {
		r.interim, r.toldTo = r.interim[:0], 0
	}
	if n := len(r.interim); n < cap(r.interim) {
		r.interim = r.interim[:n+1]
	} else {
		r.interim = append(r.interim, headBox{})
	}
	status := h.Status
	last := &r.interim[len(r.interim)-1]
	*last, r.section = r.section, *last // h is the other one's now
	r.section.begin(atStatus)
	e.events.tell(wire.EventInformational)
	e.out.heard(status, false, false)
	return nil
}

// finalHead tells the head and decides how its body ends.
func (e *Engine) finalHead(h *wire.ResponseHead) *wire.Fault {
	f, fault := frame(h, e.head.Method)
	if fault != nil {
		return fault
	}
	h.ContentLength = f.length
	e.in.state, e.in.left = f.state, f.left
	if !f.persists {
		e.reuse = false
	}
	e.events.tell(wire.EventHead)
	e.out.heard(h.Status, true, f.close)
	return nil
}
