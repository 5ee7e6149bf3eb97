package buffers

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// slab is one piece of memory from the system, cut into blocks of one class. The headers of its blocks live as long
// as the slab, so renting a block creates nothing.
type slab struct {
	mem    []byte
	blocks []Block
	used   int // blocks that are out; guarded by the class's mutex
}

// class holds the free blocks of one size. The list is doubly linked, so that the blocks of a slab can be taken out
// when the slab goes back to the system, and last in first out, so that the next rent finds warm memory.
type class struct {
	mu       sync.Mutex
	free     *Block
	idle     int // blocks in free
	empty    int // slabs of which every block is in free
	rents    int64
	returns  int64
	misses   int64 // rents that had to ask the system
	slabs    []*slab
	size     int // bytes of a block
	slabSize int // bytes of a slab
	_        [32]byte
}

func (c *class) push(b *Block) {
	head := c.free
	b.next = head
	if head != nil {
		head.prev = b
	}
	c.free = b
	c.idle++
	b.slab.used--
	if b.slab.used == 0 {
		c.empty++
	}
}

func (c *class) pop() *Block {
	b := c.free
	next := b.next
	c.free = next
	if next != nil {
		next.prev = nil
		b.next = nil
	}
	c.idle--
	if b.slab.used == 0 {
		c.empty--
	}
	b.slab.used++
	c.rents++
	return b
}

// unlink takes a free block out of the middle of the list.
func (c *class) unlink(b *Block) {
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		c.free = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	}
	b.next, b.prev = nil, nil
	c.idle--
}

// arena rents memory out and takes it back. It knows size classes and slabs, but neither guards nor borrowed memory.
type arena struct {
	pool    *Pool
	classes [numClasses]class
	mapped  atomic.Int64 // bytes that the system gave us
	maxIdle atomic.Int64 // bytes kept for reuse at most

	singleRents   atomic.Int64 // mappings of their own: Plain, and sizes beyond the largest class
	singleReturns atomic.Int64

	trimming sync.Mutex
}

func (a *arena) init(p *Pool, maxIdle int64) {
	a.pool = p
	a.maxIdle.Store(maxIdle)
	for i := range a.classes {
		a.classes[i].size = classBytes(i)
		a.classes[i].slabSize = slabBytes(i)
	}
}

// get gives a block whose full memory holds at least size bytes. The caller sets mem and refs.
func (a *arena) get(size int) *Block {
	if size > maxClassBytes {
		return a.single(size)
	}
	c := &a.classes[classIndex(size)]
	c.mu.Lock()
	if c.free == nil {
		c.mu.Unlock()
		return a.grow(c)
	}
	b := c.pop()
	c.mu.Unlock()
	return b
}

// grow adds a slab to a class that has no free block, and gives the first of its blocks. The system is asked outside
// of the lock; two goroutines at once then bring a slab each, which the bound on idle memory puts right.
func (a *arena) grow(c *class) *Block {
	s := &slab{mem: a.mapBytes(c.slabSize)}
	n := c.slabSize / c.size
	s.blocks = make([]Block, n)
	s.used = n
	for i := range s.blocks {
		b := &s.blocks[i]
		b.pool, b.class, b.slab = a.pool, c, s
		b.full = s.mem[i*c.size : (i+1)*c.size : (i+1)*c.size]
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slabs = append(c.slabs, s)
	for i := n - 1; i >= 0; i-- { // the lowest address is rented first
		c.push(&s.blocks[i])
	}
	c.misses++
	return c.pop()
}

// single gives a block with a mapping of its own.
func (a *arena) single(size int) *Block {
	s := &slab{mem: a.mapBytes((size + pageBytes - 1) &^ (pageBytes - 1)), used: 1}
	a.singleRents.Add(1)
	return &Block{pool: a.pool, slab: s, full: s.mem}
}

// put takes back what get gave.
func (a *arena) put(b *Block) {
	c := b.class
	if c == nil {
		a.singleReturns.Add(1)
		s := b.slab
		b.mem, b.full = nil, nil
		a.unmap(s.mem)
		return
	}
	c.mu.Lock()
	c.push(b)
	c.returns++
	// A slab that just became free may be one too many. Looking also at every 64th return catches the slabs that were
	// free before the rest of the memory came home.
	look := b.slab.used == 0 || c.returns&63 == 0
	c.mu.Unlock()
	// Idle memory cannot exceed the bound unless mapped memory does: in a small process this is the whole price.
	if look && a.mapped.Load() > a.maxIdle.Load() {
		a.trim(c)
	}
}

// trim unmaps wholly free slabs until no more than maxIdle bytes are idle. The class that is in use right now comes
// last.
func (a *arena) trim(hot *class) {
	a.trimming.Lock()
	defer a.trimming.Unlock()
	over := a.idleBytes() - a.maxIdle.Load()
	for i := numClasses - 1; i >= 0 && over > 0; i-- {
		if c := &a.classes[i]; c != hot {
			over -= a.dropSlabs(c, over)
		}
	}
	if hot != nil && over > 0 {
		a.dropSlabs(hot, over)
	}
}

// dropSlabs unmaps wholly free slabs of c until at least over bytes are gone or none is left; it gives how many.
func (a *arena) dropSlabs(c *class, over int64) (gone int64) {
	var drop []*slab
	c.mu.Lock()
	for i := len(c.slabs) - 1; i >= 0 && c.empty > 0 && gone < over; i-- {
		s := c.slabs[i]
		if s.used != 0 {
			continue
		}
		for j := range s.blocks {
			c.unlink(&s.blocks[j])
			s.blocks[j].mem, s.blocks[j].full = nil, nil // a stale header must not show unmapped memory
		}
		c.empty--
		last := len(c.slabs) - 1
		c.slabs[i] = c.slabs[last]
		c.slabs[last] = nil
		c.slabs = c.slabs[:last]
		gone += int64(len(s.blocks) * c.size)
		drop = append(drop, s)
	}
	c.mu.Unlock()
	for _, s := range drop {
		a.unmap(s.mem)
	}
	return gone
}

// idleBytes gives the bytes in the free lists.
func (a *arena) idleBytes() (n int64) {
	for i := range a.classes {
		c := &a.classes[i]
		c.mu.Lock()
		n += int64(c.idle) * int64(c.size)
		c.mu.Unlock()
	}
	return n
}

// counts gives rents, returns and misses of all classes and of single mappings.
func (a *arena) counts() (rents, returns, misses int64) {
	for i := range a.classes {
		c := &a.classes[i]
		c.mu.Lock()
		rents += c.rents
		returns += c.returns
		misses += c.misses
		c.mu.Unlock()
	}
	// Returns are read first: whoever compares must not see more of them than rents.
	back := a.singleReturns.Load()
	out := a.singleRents.Load()
	return rents + out, returns + back, misses + out
}

func (a *arena) mapBytes(n int) []byte {
	mem, err := mapMemory(n)
	if err != nil {
		// No caller could go on; transport.Start and the service make it a failure of one connection.
		panic(fmt.Sprintf("buffers: the system refused %d bytes (%d are mapped): %v", n, a.mapped.Load(), err))
	}
	a.mapped.Add(int64(n))
	return mem
}

func (a *arena) unmap(mem []byte) {
	a.mapped.Add(-int64(len(mem)))
	if err := unmapMemory(mem); err != nil {
		panic(fmt.Sprintf("buffers: cannot unmap %d bytes: %v", len(mem), err))
	}
}
