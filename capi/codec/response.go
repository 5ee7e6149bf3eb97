package codec

import (
	"encoding/binary"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// The layout of every Response that leaves this package: front to back identifier, vtable, table, field lines, octets,
// reason, URL, address, TLS, informational. All fields are always set, so that only sizes vary.
const (
	atTable = 40 // behind the vtable; a multiple of 8, as content_length is
	atLines = 84 // where the vector of lines has its length

	atReason    = atTable + 4
	atLength    = atTable + 8
	atFields    = atTable + 16
	atOctets    = atTable + 20
	atURL       = atTable + 24
	atAddress   = atTable + 28
	atInterim   = atTable + 32
	atTLS       = atTable + 36
	atStatus    = atTable + 40
	atVersion   = atTable + 42
	atReused    = atTable + 43
	tableSize   = atLines - atTable
	vtableSize  = 26
	vtableAfter = atTable - 8
)

// start is the constant part: what precedes the table, and the table's way back to its vtable.
var start = [atTable + 4]byte{
	atTable, 0, 0, 0, 'T', 'R', 'S', '1',
	vtableSize, 0, tableSize, 0,
	atStatus - atTable, 0, atReason - atTable, 0, atVersion - atTable, 0, atFields - atTable, 0, atOctets - atTable, 0,
	atURL - atTable, 0, atLength - atTable, 0, atReused - atTable, 0, atAddress - atTable, 0, atInterim - atTable, 0,
	atTLS - atTable, 0, 0, 0, 0, 0, 0, 0,
	vtableAfter, 0, 0, 0,
}

// EncodeResponse rents a block and writes a Response into it: block.Bytes() is the finished buffer, all of it, aligned
// to 8 bytes because every block is. The caller owns the one reference. head, url and address are copied; url is the
// one that answered, address that of the connection ("192.0.2.1:443"), tls describes its session, reused tells that
// the connection had served before, interim are the statuses of 1xx heads.
//
// It allocates nothing that the pool does not, and panics if a line of head lies outside of its octets: head is an
// engine's, so that would be our own mistake.
func EncodeResponse(p *buffers.Pool, head *wire.ResponseHead, url []byte, address, tls string, reused bool,
	interim []uint16) *buffers.Block {
	r := response{head: head, url: url, address: address, tls: tls, reused: reused, interim: interim}
	r.measure()
	octets := head.Fields.Octets[r.low:r.high]
	block := p.Get(r.size) // behind the last thing that may panic: nothing leaks
	block.SetTag("response head")
	r.put(block.Bytes(), octets)
	return block
}

// response is a Response to be written, measured: everything that [response.put] needs to know.
type response struct {
	head    *wire.ResponseHead
	url     []byte
	address string
	tls     string
	reused  bool
	interim []uint16

	span
	size int // bytes in all
}

// span is the part of the octets that the lines name.
type span struct{ low, high uint64 }

// measure finds the sizes. Of head.Fields.Octets only the part from the first to the last octet that a line names
// travels: an engine may show the received block itself, with a status line in front and a body, or another response,
// behind. What lies between two lines travels too: it came from the same server in the same head, the host can see
// all of it in the lines anyway, and a copy in one piece costs less than twenty small ones.
func (r *response) measure() {
	lines := r.head.Fields.Lines
	r.span = spanOf(lines)
	r.size = atLines + 4 + len(lines)*lineSize +
		4 + padded(int(r.high-r.low)) + 4 + padded(len(r.head.Reason)) +
		4 + padded(len(r.url)+1) + 4 + padded(len(r.address)+1) + 4 + padded(2*len(r.interim)) +
		4 + padded(len(r.tls)+1)
}

func spanOf(lines []wire.Line) (s span) {
	if len(lines) > 0 {
		s.low = uint64(lines[0].NameAt)
		for i := range lines {
			l := &lines[i]
			s.low = min(s.low, uint64(l.NameAt), uint64(l.ValueAt))
			s.high = max(s.high, uint64(l.NameAt)+uint64(l.NameSize), uint64(l.ValueAt)+uint64(l.ValueSize))
		}
	}
	return s
}

// put writes the Response into to, which has r.size bytes, every one of them: none keeps what the block held before.
func (r *response) put(to, octets []byte) {
	head := r.head
	le := binary.LittleEndian
	copy(to, start[:])
	le.PutUint64(to[atLength:], uint64(head.ContentLength))
	le.PutUint16(to[atStatus:], head.Status)
	to[atVersion] = byte(head.Version)
	to[atReused] = 0
	if r.reused {
		to[atReused] = 1
	}

	at := putLines(to, atFields, atLines, head.Fields.Lines, uint32(r.low))
	at = putVector(to, atOctets, at, octets, 0)
	at = putVector(to, atReason, at, head.Reason, 0)
	at = putVector(to, atURL, at, r.url, 1)
	at = putVector(to, atAddress, at, r.address, 1)
	at = putVector(to, atTLS, at, r.tls, 1)
	le.PutUint32(to[atInterim:], uint32(at-atInterim))
	le.PutUint32(to[at:], uint32(len(r.interim)))
	at += 4
	for _, status := range r.interim {
		le.PutUint16(to[at:], status)
		at += 2
	}
	if len(r.interim)%2 != 0 {
		le.PutUint16(to[at:], 0)
	}
}

// putLines writes the vector of lines to position at, relative to the octet low, and the way there to position ref. It
// returns where the next vector goes.
func putLines(to []byte, ref, at int, lines []wire.Line, low uint32) int {
	le := binary.LittleEndian
	le.PutUint32(to[ref:], uint32(at-ref))
	le.PutUint32(to[at:], uint32(len(lines)))
	at += 4
	for i := range lines {
		l := &lines[i]
		raw := (*[lineSize]byte)(to[at:])
		le.PutUint32(raw[0:], l.NameAt-low)
		le.PutUint32(raw[4:], l.NameSize)
		le.PutUint32(raw[8:], l.ValueAt-low)
		le.PutUint32(raw[12:], l.ValueSize)
		at += lineSize
	}
	return at
}

// putVector writes bytes and tail NULs to position at, and the way there to position ref. It returns where the next
// vector goes.
func putVector[B []byte | string](to []byte, ref, at int, bytes B, tail int) int {
	binary.LittleEndian.PutUint32(to[ref:], uint32(at-ref))
	binary.LittleEndian.PutUint32(to[at:], uint32(len(bytes)))
	at += 4
	next := at + padded(len(bytes)+tail)
	at += copy(to[at:], bytes)
	for ; at < next; at++ {
		to[at] = 0
	}
	return next
}

// padded is n, up to the next multiple of 4.
func padded(n int) int { return (n + 3) &^ 3 }
