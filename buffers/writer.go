package buffers

import (
	"fmt"
	"strconv"
)

// defaultChunk is the block size of a Writer without another wish: one page, enough for most message heads.
const defaultChunk = 4096

// maxWriteChunk bounds the blocks that one large Write takes: 64 KiB, four TLS records.
const maxWriteChunk = 64 << 10

// Writer appends bytes to a Sequence through memory that it hands out (the IBufferWriter shape of .NET): Reserve room,
// fill it, Commit what was filled. When a block is full another one is linked behind it; nothing is copied to grow.
//
// Init comes first. Others may append to the sequence, move from it or skip in it between two calls. A Writer has one
// owner and must not be copied.
type Writer struct {
	_        noCopy
	pool     *Pool
	out      *Sequence
	block    *Block // the writer's own reference; nil: none yet, or full
	pos      int    // bytes of block that are committed
	reserved int    // bytes handed out by the last Reserve, not committed
	chunk    int
}

// Init makes w append to out with blocks of p that have chunk bytes, or more where Reserve asks for more. 0: 4096.
func (w *Writer) Init(p *Pool, out *Sequence, chunk int) {
	if chunk <= 0 {
		chunk = defaultChunk
	}
	w.drop()
	w.pool, w.out, w.chunk = p, out, chunk
}

// Reserve gives at least n contiguous bytes, and all that the block still has. They may be written until Commit or the
// next call that writes; what is not committed is not in the sequence. Reserve(0) gives at least one byte.
func (w *Writer) Reserve(n int) []byte {
	if n < 0 {
		panic(fmt.Sprintf("buffers: Reserve(%d)", n))
	}
	room := w.room(max(n, 1), max(n, w.chunk))
	w.reserved = len(room)
	return room
}

// room gives what is left of the block, or a fresh block of size bytes when that is less than need.
func (w *Writer) room(need, size int) []byte {
	w.reserved = 0
	if w.block != nil {
		if rest := w.block.Bytes()[w.pos:]; len(rest) >= need {
			return rest
		}
		w.drop()
	}
	w.block = w.pool.Get(size)
	return w.block.Bytes()
}

// Commit appends the first n of the reserved bytes to the sequence. Where they follow the last segment in the same
// block, that segment grows. It panics when n is negative or more than was reserved.
func (w *Writer) Commit(n int) {
	if n < 0 || n > w.reserved {
		panic(fmt.Sprintf("buffers: Commit(%d) of %d reserved bytes", n, w.reserved))
	}
	w.reserved = 0
	w.take(n)
}

// take appends n bytes of the block at pos.
func (w *Writer) take(n int) {
	if n == 0 {
		return
	}
	from := w.pos
	w.pos += n
	full := w.pos == len(w.block.mem)
	if t := w.out.tail; t != nil && t.block == w.block && t.to == from {
		t.to += n
		w.out.bytes += n
		if full {
			w.drop()
		}
		return
	}
	if full { // the writer's reference goes with the bytes
		b := w.block
		w.block, w.pos = nil, 0
		w.out.Append(b, from, from+n)
		return
	}
	w.out.AppendSlice(w.block, from, w.pos)
}

// Write appends a copy of p. It never fails.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		room := w.room(1, min(max(len(p), w.chunk), max(maxWriteChunk, w.chunk)))
		m := copy(room, p)
		w.take(m)
		p = p[m:]
	}
	return n, nil
}

// WriteString appends a copy of s. It never fails.
func (w *Writer) WriteString(s string) (int, error) {
	n := len(s)
	for len(s) > 0 {
		room := w.room(1, min(max(len(s), w.chunk), max(maxWriteChunk, w.chunk)))
		m := copy(room, s)
		w.take(m)
		s = s[m:]
	}
	return n, nil
}

// WriteByte appends c. It never fails.
func (w *Writer) WriteByte(c byte) error {
	w.room(1, w.chunk)[0] = c
	w.take(1)
	return nil
}

// AppendInt appends v in base 2 to 36, as strconv.AppendInt does.
func (w *Writer) AppendInt(v int64, base int) {
	var digits [65]byte // a sign and 64 binary digits
	w.Write(strconv.AppendInt(digits[:0], v, base))
}

// Close gives the rest of the block back that nothing was written to. What was written stays in the sequence. w can be
// used again after Init; Close on a closed or zero Writer does nothing.
func (w *Writer) Close() {
	w.drop()
	w.pool, w.out = nil, nil
}

func (w *Writer) drop() {
	b := w.block
	w.block, w.pos, w.reserved = nil, 0, 0
	if b != nil {
		b.Release()
	}
}
