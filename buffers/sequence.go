package buffers

import "fmt"

// noCopy makes go vet find copies of a struct that must have one owner.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Sequence is a list of segments: bytes in order, in as many pieces as they came in. The zero value is empty and
// ready. It has one owner, is not safe for concurrent use and must not be copied; Move hands its content on. Whatever
// it holds it has a reference to, and gives back by Skip, Release or a move.
type Sequence struct {
	_          noCopy
	head, tail *Segment // both nil when empty
	bytes      int      // sum over the segments; no segment is empty
	count      int      // segments
}

// Len gives the number of bytes.
func (q *Sequence) Len() int { return q.bytes }

// Segments gives the number of segments.
func (q *Sequence) Segments() int { return q.count }

// First gives the first segment, or nil when the sequence is empty.
func (q *Sequence) First() *Segment { return q.head }

// Append moves the caller's reference of b into q, which shows b.Bytes()[from:to] at its end. With an empty range b is
// released at once. It panics on a range outside of b, and the reference stays the caller's then.
func (q *Sequence) Append(b *Block, from, to int) {
	checkRange(b, from, to)
	if from == to {
		b.Release()
		return
	}
	q.link(b.pool.segment(b, from, to))
}

// AppendSlice shows b.Bytes()[from:to] at the end of q by a reference of its own; the caller keeps his. With an empty
// range it does nothing. It panics on a range outside of b.
func (q *Sequence) AppendSlice(b *Block, from, to int) {
	checkRange(b, from, to)
	if from == to {
		return
	}
	q.link(b.pool.segment(b.Retain(), from, to))
}

func checkRange(b *Block, from, to int) {
	if n := len(b.Bytes()); from < 0 || from > to || to > n {
		panic(fmt.Sprintf("buffers: range [%d:%d] of a block of %d bytes", from, to, n))
	}
}

// link puts s, with a view that is not empty, at the end.
func (q *Sequence) link(s *Segment) {
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
	q.bytes += s.to - s.from
	q.count++
}

// Move appends all of q to the end of to; q is empty afterwards. It takes the same time for any length.
func (q *Sequence) Move(to *Sequence) {
	if q == to {
		panic("buffers: a sequence moved into itself")
	}
	if q.head == nil {
		return
	}
	if to.tail == nil {
		to.head = q.head
	} else {
		to.tail.next = q.head
	}
	to.tail = q.tail
	to.bytes += q.bytes
	to.count += q.count
	q.head, q.tail, q.bytes, q.count = nil, nil, 0, 0
}

// MoveFront moves exactly the first n bytes of q to the end of to. A segment that lies across the border stays in q
// with its rest, and to gets a second view of its first part. It panics when n is negative or beyond Len.
func (q *Sequence) MoveFront(to *Sequence, n int) {
	if q == to {
		panic("buffers: a sequence moved into itself")
	}
	if n == q.bytes {
		q.Move(to)
		return
	}
	q.checkLen("MoveFront", n)
	last, count, whole := q.walk(n)
	if count > 0 {
		first := q.head
		q.head = last.next // not nil: n < Len
		last.next = nil
		if to.tail == nil {
			to.head = first
		} else {
			to.tail.next = first
		}
		to.tail = last
		to.bytes += whole
		to.count += count
		q.bytes -= whole
		q.count -= count
	}
	if part := n - whole; part > 0 {
		s := q.head
		to.link(s.block.pool.segment(s.block.Retain(), s.from, s.from+part))
		s.from += part
		q.bytes -= part
	}
}

// SliceTo appends second views of the n bytes at from to the end of to; q stays as it is. It panics when the range is
// not within q.
func (q *Sequence) SliceTo(to *Sequence, from, n int) {
	if from < 0 || n < 0 || from > q.bytes-n {
		panic(fmt.Sprintf("buffers: SliceTo of %d bytes at %d in a sequence of %d", n, from, q.bytes))
	}
	s := q.head
	for n > 0 {
		if size := s.to - s.from; from >= size {
			from -= size
			s = s.next
			continue
		}
		part := min(n, s.to-s.from-from)
		to.link(s.block.pool.segment(s.block.Retain(), s.from+from, s.from+from+part))
		n -= part
		from = 0
		s = s.next
	}
}

// Skip releases the first n bytes. It panics when n is negative or beyond Len.
func (q *Sequence) Skip(n int) {
	if n == q.bytes {
		q.Release()
		return
	}
	q.checkLen("Skip", n)
	last, count, whole := q.walk(n)
	first := q.head
	if count > 0 {
		q.head = last.next
		q.count -= count
	}
	q.head.from += n - whole
	q.bytes -= n
	// The sequence is in order again before anything goes home: a Home may look at it.
	releaseChain(first, count)
}

// Release releases everything; q is empty afterwards and can be used again.
func (q *Sequence) Release() {
	first, count := q.head, q.count
	q.head, q.tail, q.bytes, q.count = nil, nil, 0, 0
	releaseChain(first, count)
}

// CopyTo copies bytes at from into dst without consuming them, and gives how many: less than len(dst) when q ends
// before. It panics when from is negative or beyond Len.
func (q *Sequence) CopyTo(dst []byte, from int) int {
	q.checkLen("CopyTo", from)
	done := 0
	for s := q.head; s != nil && done < len(dst); s = s.next {
		if size := s.to - s.from; from >= size {
			from -= size
			continue
		}
		done += copy(dst[done:], s.Bytes()[from:])
		from = 0
	}
	return done
}

// walk finds the segments that lie wholly within the first n bytes: the last of them, how many, and their bytes.
func (q *Sequence) walk(n int) (last *Segment, count, whole int) {
	for s := q.head; s != nil; s = s.next {
		size := s.to - s.from
		if whole+size > n {
			break
		}
		last = s
		count++
		whole += size
	}
	return last, count, whole
}

func (q *Sequence) checkLen(call string, n int) {
	if n < 0 || n > q.bytes {
		panic(fmt.Sprintf("buffers: %s(%d) on a sequence of %d bytes", call, n, q.bytes))
	}
}
