package buffers

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	canaryByte = 0xFD // outside of the size that was asked for, while the block is out
	poisonByte = 0xDB // everywhere after the return, and in fresh blocks

	frontBytes = 64 // in front: keeps the data on a cache line
	rearBytes  = 64 // behind, at least; in fact all the rest of the class

	// The quarantine holds what was returned last: this many blocks or bytes, whichever is less, but never fewer than
	// quarantineFloor blocks, so that also a huge block is kept from reuse for a while.
	quarantineBlocks = 1024
	quarantineBytes  = 16 << 20
	quarantineFloor  = 4
)

var (
	canaries = bytes.Repeat([]byte{canaryByte}, 4096)
	poisons  = bytes.Repeat([]byte{poisonByte}, 4096)
)

// rent is what the guard knows of one Get or Borrow. Like its Block it is made for one rent and never reused, so a
// stale *Block is known as such for ever: the header is its own generation.
type rent struct {
	raw     *Block // the arena's block around the data; nil: borrowed
	size    int
	tag     string
	place   place
	state   rentState
	scratch []byte // what a late Bytes gives
	told    bool   // a late call was reported
}

type rentState uint8

const (
	rentLive     rentState = iota
	rentGoing              // Home is being called
	rentReturned           // back; the memory may still be in quarantine
)

// blockList is a FIFO of guarded blocks.
type blockList struct {
	first, last *Block
	n, bytes    int
}

func (l *blockList) add(b *Block) {
	b.next, b.prev = nil, l.last
	if l.last == nil {
		l.first = b
	} else {
		l.last.next = b
	}
	l.last = b
	l.n++
	l.bytes += b.rent.weight()
}

func (l *blockList) remove(b *Block) {
	if b.prev == nil {
		l.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		l.last = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.next, b.prev = nil, nil
	l.n--
	l.bytes -= b.rent.weight()
}

func (r *rent) weight() int {
	if r.raw == nil {
		return 0
	}
	return len(r.raw.full)
}

// guard is guard mode: a layer over the arena. Each block lies between canaries in a block of the arena:
//
//	| 64 canaries | size bytes of data | canaries to the end of the class |
//
// At the return the whole is checked, filled with poison and kept in a quarantine; when it leaves, the poison is
// checked, and only then may the arena rent it again.
type guard struct {
	pool    *Pool
	onFault func(GuardFault)
	faults  atomic.Int64

	mu            sync.Mutex
	live          blockList
	quarantine    blockList
	closed        bool
	rents         int64
	returns       int64
	borrows       int64
	borrowReturns int64
}

func newGuard(p *Pool, onFault func(GuardFault)) *guard { return &guard{pool: p, onFault: onFault} }

func (g *guard) get(size int) *Block {
	if size > maxInt-frontBytes-rearBytes-pageBytes {
		panic("buffers: Get of an impossible size")
	}
	raw := g.pool.arena.get(frontBytes + size + rearBytes)
	end := frontBytes + size
	fill(raw.full[:frontBytes], canaries)
	fill(raw.full[frontBytes:end], poisons)
	fill(raw.full[end:], canaries)
	b := &Block{pool: g.pool, mem: raw.full[frontBytes:end:end], rent: &rent{raw: raw, size: size}}
	b.refs.Store(1)
	b.rent.place.here()
	g.mu.Lock()
	g.rents++
	g.live.add(b)
	g.mu.Unlock()
	return b
}

func (g *guard) borrow(mem []byte, home Home) *Block {
	b := &Block{pool: g.pool, mem: mem[:len(mem):len(mem)], borrowed: true, home: home, rent: &rent{size: len(mem)}}
	b.refs.Store(1)
	b.rent.place.here()
	g.mu.Lock()
	g.borrows++
	g.live.add(b)
	g.mu.Unlock()
	return b
}

// take receives a block whose last reference went.
func (g *guard) take(b *Block) {
	if b.borrowed {
		g.goHome(b)
		return
	}
	var found []GuardFault
	var out blockList
	g.mu.Lock()
	found = g.checkCanaries(b, found)
	g.live.remove(b)
	g.returns++
	b.rent.state = rentReturned
	fill(b.rent.raw.full, poisons)
	g.quarantine.add(b)
	for q := &g.quarantine; g.closed && q.n > 0 ||
		q.n > quarantineFloor && (q.n > quarantineBlocks || q.bytes > quarantineBytes); {
		found = g.dismiss(q.first, &out, found)
	}
	g.mu.Unlock()
	g.giveBack(&out)
	g.report(found, "Release")
}

// dismiss checks the poison of a block that leaves the quarantine and puts it on out.
func (g *guard) dismiss(b *Block, out *blockList, found []GuardFault) []GuardFault {
	found = g.checkPoison(b, found)
	g.quarantine.remove(b)
	out.add(b)
	return found
}

// giveBack hands the memory of dismissed blocks to the arena, outside of the guard's lock.
func (g *guard) giveBack(out *blockList) {
	for b := out.first; b != nil; {
		next := b.next
		b.next, b.prev = nil, nil
		raw := b.rent.raw
		g.mu.Lock()
		b.rent.raw, b.mem = nil, nil // the memory is no longer ours to look at
		g.mu.Unlock()
		g.pool.arena.put(raw)
		b = next
	}
}

func (g *guard) goHome(b *Block) {
	g.mu.Lock()
	g.live.remove(b)
	g.borrowReturns++
	b.rent.state = rentGoing
	g.mu.Unlock()
	if b.home != nil {
		b.home.Home(b)
	}
	g.mu.Lock()
	b.rent.state = rentReturned
	b.mem, b.home = nil, nil
	g.mu.Unlock()
}

// lateBytes answers Bytes on a block without references. Whoever asked may write: he gets memory of the Go heap, as
// long as what he expects and full of poison, that nobody else sees.
func (g *guard) lateBytes(b *Block) []byte {
	g.mu.Lock()
	r := b.rent
	if r.state == rentGoing {
		mem := b.mem
		g.mu.Unlock()
		return mem
	}
	if r.scratch == nil {
		r.scratch = make([]byte, r.size)
		fill(r.scratch, poisons)
	}
	mem := r.scratch
	g.mu.Unlock()
	g.lateCall(b, "Bytes was called on a returned block", "Bytes")
	return mem
}

// misused reports Retain or Release on a block without references.
func (g *guard) misused(b *Block, call string) {
	if call == "Release" {
		f := g.fault(FaultDoubleReturn, b, "a block was released after its last reference went")
		g.report([]GuardFault{f}, call)
		return
	}
	g.lateCall(b, call+" was called on a returned block", call)
}

// lateSegment reports a segment that was used after it left its sequence; b is the block that it showed.
func (g *guard) lateSegment(b *Block, call string) {
	g.lateCall(b, "a segment was used after its sequence released it", "Segment."+call)
}

// lateCall reports the first late call on a block; a loop over a stale block must not flood the log.
func (g *guard) lateCall(b *Block, what, call string) {
	g.mu.Lock()
	told := b.rent.told
	b.rent.told = true
	g.mu.Unlock()
	if !told {
		g.report([]GuardFault{g.fault(FaultLateUse, b, what)}, call)
	}
}

func (g *guard) setTag(b *Block, s string) {
	g.mu.Lock()
	b.rent.tag = s
	g.mu.Unlock()
}

// check looks at everything now.
func (g *guard) check() int {
	var found []GuardFault
	g.mu.Lock()
	for b := g.live.first; b != nil; b = b.next {
		found = g.checkCanaries(b, found)
	}
	for b := g.quarantine.first; b != nil; b = b.next {
		found = g.checkPoison(b, found)
	}
	g.mu.Unlock()
	g.report(found, "Check")
	return len(found)
}

// checkCanaries looks for bytes written outside of a live block, and repairs them so that they are reported once.
func (g *guard) checkCanaries(b *Block, found []GuardFault) []GuardFault {
	r := b.rent
	if r.raw == nil {
		return found
	}
	end := frontBytes + r.size
	front, rear := r.raw.full[:frontBytes], r.raw.full[end:]
	if i := differs(front, canaries); i >= 0 {
		found = append(found, g.faultLocked(FaultOverrun, b,
			fmt.Sprintf("memory was written %d bytes in front of the start", frontBytes-i)))
		fill(front, canaries)
	}
	if i := differs(rear, canaries); i >= 0 {
		found = append(found, g.faultLocked(FaultOverrun, b,
			fmt.Sprintf("byte %d was written, %d behind the end", r.size+i, i+1)))
		fill(rear, canaries)
	}
	return found
}

// checkPoison looks for bytes written after the return, and repairs them so that they are reported once.
func (g *guard) checkPoison(b *Block, found []GuardFault) []GuardFault {
	full := b.rent.raw.full
	if i := differs(full, poisons); i >= 0 {
		found = append(found, g.faultLocked(FaultLateUse, b, fmt.Sprintf("byte %d was written after the return", i-frontBytes)))
		fill(full, poisons)
	}
	return found
}

func (g *guard) leaks() []Leak {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]Leak, 0, g.live.n)
	for b := g.live.first; b != nil; b = b.next {
		list = append(list, b.rent.leak(b.borrowed))
	}
	return list
}

func (r *rent) leak(borrowed bool) Leak {
	l := Leak{Size: r.size, Borrowed: borrowed, Tag: r.tag}
	l.Function, l.Place = r.place.where()
	return l
}

// close ends the quarantine and reports what is out.
func (g *guard) close() []Leak {
	g.check()
	var found []GuardFault
	var out blockList
	g.mu.Lock()
	again := g.closed
	g.closed = true
	for g.quarantine.n > 0 {
		found = g.dismiss(g.quarantine.first, &out, found)
	}
	for b := g.live.first; b != nil && !again; b = b.next {
		found = append(found, g.faultLocked(FaultLeak, b, "never released"))
	}
	g.mu.Unlock()
	g.giveBack(&out)
	g.report(found, "Close")
	return g.leaks()
}

func (g *guard) stats(s *Stats) {
	g.mu.Lock()
	s.Rents, s.Returns = g.rents, g.returns
	s.Borrows, s.BorrowReturns = g.borrows, g.borrowReturns
	s.IdleBytes += int64(g.quarantine.bytes)
	g.mu.Unlock()
	s.Faults = g.faults.Load()
}

func (g *guard) fault(kind FaultKind, b *Block, what string) GuardFault {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.faultLocked(kind, b, what)
}

func (g *guard) faultLocked(kind FaultKind, b *Block, what string) GuardFault {
	return GuardFault{Kind: kind, Size: b.rent.size, Tag: b.rent.tag, What: what, Rented: b.rent.place.String()}
}

// report counts faults and tells them; no lock may be held. call is the call of this package that found them.
func (g *guard) report(found []GuardFault, call string) {
	if len(found) == 0 {
		return
	}
	g.faults.Add(int64(len(found)))
	if g.onFault == nil {
		return
	}
	var at place
	at.here()
	where := call + " in " + at.String()
	for _, f := range found {
		f.Found = where
		g.onFault(f)
	}
}

const maxInt = int(^uint(0) >> 1)

// fill writes the pattern, which is one byte repeated, over all of mem.
func fill(mem, pattern []byte) {
	for len(mem) > 0 {
		mem = mem[copy(mem, pattern):]
	}
}

// differs gives where mem first differs from the pattern, or -1.
func differs(mem, pattern []byte) int {
	for at := 0; at < len(mem); at += len(pattern) {
		part := mem[at:min(at+len(pattern), len(mem))]
		if bytes.Equal(part, pattern[:len(part)]) {
			continue
		}
		for i, c := range part {
			if c != pattern[0] {
				return at + i
			}
		}
	}
	return -1
}
