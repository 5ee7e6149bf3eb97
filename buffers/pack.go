package buffers

const (
	// packBelow: a shorter piece is copied beside its neighbours. What a piece costs whatever its size, a segment here and
	// a record of it at the host, is some 80 bytes.
	packBelow = 256
	// packWaste: so is what pins more than twice its size.
	packWaste = 2
	packLeast = 512      // bytes of a block to copy into: grows with what is held, so that little costs little
	packMost  = 16 << 10 // beyond this nothing is gained
)

// Packer keeps the memory of bytes that pile up near their number, whatever the pieces they come in: it copies small and
// wasteful pieces, of one arrival and of many, side by side into blocks of its own. What comes in large pieces, or finds
// nothing piled up, is not copied. The zero value is ready; it has one owner, and must not be copied.
//
// What is held stays within three times its bytes, and packMost and one block more.
type Packer struct {
	w      Writer
	packed Sequence // empty between calls
}

// Pack packs in, which is to be appended to what holds held bytes. Its first piece may continue the last one of the call
// before, in the same block: Join makes one segment of the two. Segments that were taken before are invalid.
func (k *Packer) Pack(p *Pool, in *Sequence, held int) {
	if in.count == 0 || in.count == 1 && held == 0 {
		return
	}
	if k.w.pool == nil {
		k.w.Init(p, &k.packed, packLeast)
	}
	for in.head != nil {
		_, used, count := run(in.head)
		wasteful := in.head.block.Cap() > packWaste*used
		if in.head.block.borrowed || !wasteful && count == 1 && used >= packBelow {
			in.MoveFront(&k.packed, used) // as a rule
			continue
		}
		for left := used; left > 0; {
			n := in.head.to - in.head.from
			left -= n
			if wasteful || n < packBelow {
				k.w.chunk = min(max(held+k.packed.bytes, packLeast), packMost)
				k.w.Write(in.head.Bytes())
				in.Skip(n)
			} else {
				in.MoveFront(&k.packed, n)
			}
		}
	}
	k.packed.Move(in)
}

// Close gives the room back that is left in the last block. The Packer can be used again.
func (k *Packer) Close() { k.w.Close() }

// Join appends all of q to the end of to, as Move does, and makes one segment of the last of to and the first of q where
// the second continues the first in the same block. Segments of q that were taken before are invalid.
func (q *Sequence) Join(to *Sequence) {
	if q == to {
		panic("buffers: a sequence joined to itself")
	}
	if s, t := q.head, to.tail; s != nil && t != nil && s.block == t.block && s.from == t.to {
		n := s.to - s.from
		t.to += n
		to.bytes += n
		q.Skip(n)
	}
	q.Move(to)
}
