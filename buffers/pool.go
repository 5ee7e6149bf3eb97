package buffers

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Options are what a pool is made from. The zero value is a pooled pool that keeps at most 64 MiB idle.
type Options struct {
	// Mode is how memory is treated between a return and the next rent.
	Mode Mode
	// MaxIdleBytes is how much memory is kept for reuse at most, in bytes. 0: 64 MiB; below 0: none. Memory goes back
	// to the system slab by slab (64 KiB to 1 MiB), so free blocks of slabs that are partly in use may exceed it.
	// Guarded keeps all memory until Close, so that a late write meets nothing but our own quarantine.
	MaxIdleBytes int64
	// OnFault is told of each fault that guard mode finds, from the goroutine that found it, with no lock held. It may
	// use the pool. nil: faults are only counted.
	OnFault func(GuardFault)
}

// defaultMaxIdle is 64 MiB: a thousand connections with a receive block and a few small ones each, twice over.
const defaultMaxIdle = 64 << 20

// maxSpares bounds recycled segment nodes and headers for borrowed memory: 16,384 of at most 150 bytes are 2.4 MB.
const maxSpares = 16 << 10

// Pool rents out blocks and takes them back. All methods may be called from any goroutine.
type Pool struct {
	mode  Mode
	arena arena
	guard *guard // nil unless Guarded

	borrows       atomic.Int64
	borrowReturns atomic.Int64

	nodes   spareSegments
	headers spareHeaders
}

// NewPool makes a pool. It asks the system for nothing before the first Get.
func NewPool(o Options) *Pool {
	p := &Pool{mode: o.Mode}
	keep := o.MaxIdleBytes
	switch {
	case o.Mode == Guarded:
		keep = 1<<63 - 1
		p.guard = newGuard(p, o.OnFault)
	case keep == 0:
		keep = defaultMaxIdle
	case keep < 0:
		keep = 0
	}
	p.arena.init(p, keep)
	return p
}

// Mode gives the mode that the pool was made with.
func (p *Pool) Mode() Mode { return p.mode }

// Get rents a block of exactly size bytes; its content is undefined. The caller owns the one reference. A size beyond
// the largest class (1 MiB) gets a mapping of its own and counts as a miss. It panics when size is not positive, and
// when the system refuses memory.
func (p *Pool) Get(size int) *Block {
	if size <= 0 {
		panic("buffers: Get needs a size above 0")
	}
	var b *Block
	switch p.mode {
	case Guarded:
		return p.guard.get(size)
	case Plain:
		b = p.arena.single(size)
	default:
		b = p.arena.get(size)
	}
	b.mem = b.full[:size:size]
	b.refs.Store(1)
	return b
}

// Borrow makes a block over memory that belongs to a host (never Go heap). The caller owns the one reference. When the
// last one went, home.Home is called, exactly once; from then on this package does not touch mem. home may be nil.
func (p *Pool) Borrow(mem []byte, home Home) *Block {
	if p.mode == Guarded {
		return p.guard.borrow(mem, home)
	}
	p.borrows.Add(1)
	b := p.headers.get()
	if b == nil {
		b = &Block{pool: p, borrowed: true}
	}
	b.mem, b.home = mem[:len(mem):len(mem)], home
	b.refs.Store(1)
	return b
}

// take receives a block whose last reference went.
func (p *Pool) take(b *Block) {
	switch {
	case b.rent != nil:
		p.guard.take(b)
	case b.borrowed:
		p.borrowReturns.Add(1) // before Home: whoever is told there may count at once
		if h := b.home; h != nil {
			h.Home(b)
		}
		b.mem, b.home = nil, nil
		if p.mode == Pooled {
			p.headers.put(b)
		}
	default:
		p.arena.put(b)
	}
}

// Check looks, in guard mode, at every block in quarantine and at the canaries of every block that is out. It reports
// each fault once and gives how many it found. In other modes it gives 0.
func (p *Pool) Check() int {
	if p.guard == nil {
		return 0
	}
	return p.guard.check()
}

// Leaks lists, in guard mode, what is out at this moment and where it was rented, oldest first. In other modes it
// gives nil.
func (p *Pool) Leaks() []Leak {
	if p.guard == nil {
		return nil
	}
	return p.guard.leaks()
}

// Close gives all idle memory back to the system. If blocks are still out it returns an error that says how many and,
// in guard mode, where they were rented (each is also reported as FaultLeak); their memory stays valid and goes back
// at their last Release. A Get after Close works, but keeps nothing for reuse.
func (p *Pool) Close() error {
	var leaks []Leak
	if p.guard != nil {
		leaks = p.guard.close()
	}
	p.arena.maxIdle.Store(0)
	p.arena.trim(nil)
	p.nodes.drop()
	p.headers.drop()
	s := p.Stats()
	blocks, borrowed := s.Rents-s.Returns, s.Borrows-s.BorrowReturns
	if blocks == 0 && borrowed == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintf(&text, "buffers: closed with %d blocks and %d borrowed spans still out", blocks, borrowed)
	const most = 20 // a leak in a loop must not fill the log
	for i, l := range leaks {
		if i == most {
			fmt.Fprintf(&text, "\n\tand %d more", len(leaks)-most)
			break
		}
		text.WriteString("\n\t" + l.String())
	}
	return errors.New(text.String())
}

// spareHeaders recycles the headers of borrowed blocks.
type spareHeaders struct {
	mu   sync.Mutex
	free *Block
	n    int
}

func (h *spareHeaders) get() *Block {
	h.mu.Lock()
	b := h.free
	if b != nil {
		h.free = b.next
		b.next = nil
		h.n--
	}
	h.mu.Unlock()
	return b
}

func (h *spareHeaders) put(b *Block) {
	h.mu.Lock()
	if h.n < maxSpares {
		b.next = h.free
		h.free = b
		h.n++
	}
	h.mu.Unlock()
}

func (h *spareHeaders) drop() {
	h.mu.Lock()
	h.free, h.n = nil, 0
	h.mu.Unlock()
}
