package h1

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// tellBody moves n bytes of body on to Next.
func (e *Engine) tellBody(in *buffers.Sequence, n int) {
	in.MoveFront(&e.events.body, n)
	e.events.tell(wire.EventBody)
}

// readBody takes bytes of a body of known length, or of a chunk.
func (e *Engine) readBody(in *buffers.Sequence) {
	r := &e.in
	n := int(min(int64(in.Len()), r.left))
	r.left -= int64(n)
	r.got += int64(n)
	e.tellBody(in, n)
	if r.left > 0 {
		return
	}
	if r.state == readLength {
		r.state = readDone
	} else {
		r.state = readDataCR
	}
}

// readChunk takes octets between the data of chunks (RFC 9112 §7.1) from the first segment of in.
func (e *Engine) readChunk(in *buffers.Sequence) *wire.Fault {
	r := &e.in
	b := in.First().Bytes()
	i := 0
	for i < len(b) && r.betweenData() {
		c := b[i]
		i++
		switch r.state {
		case readSize:
			if d := hexDigit(c); d >= 0 {
				if r.left > (1<<63-1-d)>>4 || r.digits == maxSizeDigits {
					return faultChunkHuge
				}
				r.left = r.left<<4 | d
				r.digits++
				continue
			}
			if r.digits == 0 {
				return faultChunkSize
			}
			if fault := e.behindSize(c); fault != nil {
				return fault
			}
		case readPadding:
			if fault := e.behindSize(c); fault != nil {
				return fault
			}
		case readExtension:
			switch c {
			case '\r':
				r.state = readSizeLF
			case '\n':
				return faultChunkBareLF
			case 0:
				return faultChunkNUL
			default:
				if fault := e.countExtension(); fault != nil {
					return fault
				}
			}
		case readSizeLF:
			if c != '\n' {
				return faultChunkBareCR
			}
			r.digits = 0
			if r.left == 0 {
				r.state = readTrailers
				r.trailers.begin(atLine)
				break
			}
			r.extension = int(max(0, int64(r.extension)-r.left))
			r.state = readData
		case readDataCR:
			if c != '\r' {
				return faultChunkEnd
			}
			r.state = readDataLF
		case readDataLF:
			if c != '\n' {
				return faultChunkEnd
			}
			r.state = readSize
		}
	}
	in.Skip(i)
	return nil
}

// maxSizeDigits is how many digits a chunk size may have, leading zeros included: those of 64 bits.
const maxSizeDigits = 16

// betweenData tells whether readChunk's states go on.
func (r *receiving) betweenData() bool { return r.state != readData && r.state != readTrailers }

// behindSize looks at an octet behind the digits of a chunk size and perhaps white space.
func (e *Engine) behindSize(c byte) *wire.Fault {
	switch c {
	case '\r':
		e.in.state = readSizeLF
		return nil
	case '\n':
		return faultChunkBareLF
	case ';':
		e.in.state = readExtension
	case ' ', '\t':
		e.in.state = readPadding
	default:
		return faultChunkSize
	}
	return e.countExtension()
}

func (e *Engine) countExtension() *wire.Fault {
	if e.in.extension++; e.in.extension > e.limits.MaxChunkExtension {
		return limitf("the server sent chunk extensions of more than %d bytes", e.limits.MaxChunkExtension)
	}
	return nil
}

// readTrailers takes octets of the trailer section (RFC 9112 §7.1.2).
func (e *Engine) readTrailers(in *buffers.Sequence) *wire.Fault {
	s := &e.in.trailers
	used, whole, full, fault := s.feed(in.First().Bytes(), e.limits.MaxTrailerBytes)
	if fault != nil {
		return fault
	}
	in.Skip(used)
	if full {
		return limitf("the response's trailers are larger than %d bytes", e.limits.MaxTrailerBytes)
	}
	if !whole {
		return nil
	}
	if s.fields.Len() > 0 {
		e.events.tell(wire.EventTrailers)
	}
	e.in.state = readDone
	return nil
}

func hexDigit(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10
	}
	return -1
}
