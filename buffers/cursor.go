package buffers

import (
	"bytes"
	"fmt"
)

// Cursor walks over the bytes of a Sequence without consuming them. Bytes appended behind it, also into its last
// segment, are seen; when bytes in front of it are skipped or moved, or the sequence is compacted, it must be Init'ed
// again. The zero value needs Init.
type Cursor struct {
	q    *Sequence
	seg  *Segment // where rest lies; nil: before the first segment
	seen int      // bytes of seg that are behind the cursor or in rest
	rest []byte
	off  int
}

// Init puts the cursor at the start of q.
func (c *Cursor) Init(q *Sequence) { *c = Cursor{q: q} }

// fill puts bytes into the empty rest; false: there are none.
func (c *Cursor) fill() bool {
	if c.seg == nil {
		if c.seg = c.q.head; c.seg == nil {
			return false
		}
	}
	for {
		if view := c.seg.Bytes(); c.seen < len(view) {
			c.rest = view[c.seen:]
			c.seen = len(view)
			return true
		}
		next := c.seg.Next()
		if next == nil {
			return false
		}
		c.seg, c.seen = next, 0
	}
}

// Next gives the byte at the cursor and moves behind it; false at the end.
func (c *Cursor) Next() (byte, bool) {
	if len(c.rest) == 0 && !c.fill() {
		return 0, false
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	c.off++
	return b, true
}

// Peek gives the byte at the cursor; false at the end.
func (c *Cursor) Peek() (byte, bool) {
	if len(c.rest) == 0 && !c.fill() {
		return 0, false
	}
	return c.rest[0], true
}

// Offset gives how many bytes lie between the start of the sequence and the cursor.
func (c *Cursor) Offset() int { return c.off }

// Seek moves to off bytes from the start of the sequence. Forward it walks on; backward it starts again at the first
// segment. It panics when off is negative or beyond the end.
func (c *Cursor) Seek(off int) {
	if off < 0 || off > c.q.bytes {
		panic(fmt.Sprintf("buffers: Seek(%d) in a sequence of %d bytes", off, c.q.bytes))
	}
	if off < c.off {
		c.Init(c.q)
	}
	for n := off - c.off; n > 0; {
		if len(c.rest) == 0 && !c.fill() {
			panic("buffers: the sequence changed under a cursor")
		}
		m := min(n, len(c.rest))
		c.rest = c.rest[m:]
		n -= m
		c.off += m
	}
}

// Rest gives the bytes from the cursor to the end of its segment; empty only at the end of the sequence. Seek moves
// behind what was used of them.
func (c *Cursor) Rest() []byte {
	if len(c.rest) == 0 {
		c.fill()
	}
	return c.rest
}

// Index gives how many bytes lie between the cursor and the next b at or behind it, as bytes.IndexByte does on all that
// is left; -1: none. The cursor stays.
func (c *Cursor) Index(b byte) int {
	if len(c.rest) == 0 && !c.fill() {
		return -1
	}
	if i := bytes.IndexByte(c.rest, b); i >= 0 {
		return i
	}
	before := len(c.rest)
	for s, seen := c.seg, c.seen; s != nil; s, seen = s.Next(), 0 {
		view := s.Bytes()[seen:]
		if i := bytes.IndexByte(view, b); i >= 0 {
			return before + i
		}
		before += len(view)
	}
	return -1
}
