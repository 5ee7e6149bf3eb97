package buffers

const (
	wasteFactor = 4        // a block is wasteful when it pins more than 4 times what is shown of it
	wasteFloor  = 1 << 10  // below 1 KiB copying costs more than the memory is worth
	compactMost = 16 << 10 // bytes of one new block at most: what is small stays easy to place
)

// Compact frees big blocks from the few bytes that hold them. Views whose block pins at least 1 KiB and more than 4
// times what q shows of it are copied into small blocks of p, neighbours together; everything else, borrowed memory
// above all, stays as it is. When nothing is wasteful it copies nothing. Segments that were taken before are invalid.
func (q *Sequence) Compact(p *Pool) {
	var before *Segment
	for s := q.head; s != nil; {
		end, used, count := run(s)
		if !wasteful(s.block, used) {
			before, s = end, end.next
			continue
		}
		for end.next != nil {
			e, u, c := run(end.next)
			if !wasteful(end.next.block, u) {
				break
			}
			end, used, count = e, used+u, count+c
		}
		after := end.next
		first, last, made := copyOut(p, s, used)
		if before == nil {
			q.head = first
		} else {
			before.next = first
		}
		last.next = after
		if after == nil {
			q.tail = last
		}
		q.count += made - count
		releaseChain(s, count)
		before, s = last, after
	}
}

// run finds the last of the neighbours of s that show the same block as s does, and what they show together.
func run(s *Segment) (end *Segment, used, count int) {
	end, used, count = s, s.to-s.from, 1
	for end.next != nil && end.next.block == s.block {
		end = end.next
		used += end.to - end.from
		count++
	}
	return end, used, count
}

func wasteful(b *Block, used int) bool {
	pins := b.Cap()
	return pins >= wasteFloor && pins > wasteFactor*used && !b.borrowed
}

// copyOut copies n bytes from s on into new blocks and gives the chain of their segments.
func copyOut(p *Pool, s *Segment, n int) (first, last *Segment, count int) {
	src := s.Bytes()
	for n > 0 {
		b := p.Get(min(n, compactMost))
		dst := b.Bytes()
		n -= len(dst)
		for fill := dst; len(fill) > 0; {
			if len(src) == 0 {
				s = s.next
				src = s.Bytes()
			}
			m := copy(fill, src)
			fill, src = fill[m:], src[m:]
		}
		t := p.segment(b, 0, len(dst))
		if first == nil {
			first = t
		} else {
			last.next = t
		}
		last = t
		count++
	}
	return first, last, count
}
