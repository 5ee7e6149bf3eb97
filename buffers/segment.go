package buffers

import "sync"

// Segment is a view of a part of a block, one link of a Sequence. It belongs to its sequence: it is valid until its
// bytes are skipped, moved or released. Nodes are recycled.
type Segment struct {
	next     *Segment
	block    *Block // nil: not in a sequence
	from, to int    // the view is block.Bytes()[from:to]
	was      *Block // guard mode: the block that it showed before it was released
}

// Bytes gives the bytes of the view. They are never empty while the segment is in a sequence.
func (s *Segment) Bytes() []byte {
	if s.block == nil {
		s.late("Bytes")
		return nil
	}
	return s.block.Bytes()[s.from:s.to:s.to]
}

// Next gives the segment behind this one, or nil.
func (s *Segment) Next() *Segment {
	if s.block == nil {
		s.late("Next")
		return nil
	}
	return s.next
}

// Block gives the block that the view shows; the segment holds a reference to it. Retain it to keep it longer.
func (s *Segment) Block() *Block {
	if s.block == nil {
		s.late("Block")
		return nil
	}
	return s.block
}

// late reports, in guard mode, that a segment was used after it left its sequence.
func (s *Segment) late(call string) {
	if s.was != nil {
		s.was.pool.guard.lateSegment(s.was, call)
	}
}

// spareSegments recycles segment nodes.
type spareSegments struct {
	mu   sync.Mutex
	free *Segment
	n    int
}

// segment gives a node that shows b.Bytes()[from:to] and owns the reference of b that the caller gives.
func (p *Pool) segment(b *Block, from, to int) *Segment {
	l := &p.nodes
	l.mu.Lock()
	s := l.free
	if s == nil {
		l.mu.Unlock()
		return &Segment{block: b, from: from, to: to}
	}
	l.free = s.next
	l.n--
	l.mu.Unlock()
	s.next, s.block, s.from, s.to = nil, b, from, to
	return s
}

// put takes back a chain of n cleared nodes, first to last.
func (l *spareSegments) put(first, last *Segment, n int) {
	l.mu.Lock()
	if l.n < maxSpares {
		last.next = l.free
		l.free = first
		l.n += n
	}
	l.mu.Unlock()
}

func (l *spareSegments) drop() {
	l.mu.Lock()
	l.free, l.n = nil, 0
	l.mu.Unlock()
}

// releaseChain releases the blocks of n segments, s first, and recycles the nodes: one lock for all that belong to one
// pool. Behind the n-th it touches nothing.
func releaseChain(s *Segment, n int) {
	var first, last *Segment // cleared nodes of pool that are not given back yet
	var pool *Pool
	count := 0
	for ; n > 0; n-- {
		next, b := s.next, s.block
		s.block = nil
		if b.rent != nil { // guard mode: never reused, so that a stale segment is known as such for ever
			s.was = b
			s.next = nil
		} else {
			if b.pool != pool {
				if count > 0 {
					pool.nodes.put(first, last, count)
				}
				pool, first, last, count = b.pool, nil, nil, 0
			}
			if last != nil {
				last.next = s
			} else {
				first = s
			}
			last = s
			count++
		}
		b.Release()
		s = next
	}
	if count > 0 {
		pool.nodes.put(first, last, count)
	}
}
