package buffers

import "sync/atomic"

// Home is the way back for memory that a host lends. Home is called exactly once per Borrow, on the goroutine that
// released the last reference, with no lock of this package held. b.Bytes() is still the borrowed memory during the
// call; b must not be used afterwards.
type Home interface{ Home(b *Block) }

// Block is reference-counted memory: of a size class, a mapping of its own, or borrowed from a host. Any goroutine
// that holds a reference may use it. Headers are recycled: a *Block means nothing after its last Release.
type Block struct {
	mem   []byte // what was asked for
	refs  atomic.Int32
	pool  *Pool
	class *class // nil: a mapping of its own, or borrowed
	slab  *slab  // nil: borrowed, or a header of guard mode
	full  []byte // all memory of the block

	next, prev *Block // free list; in guard mode the list of live blocks or the quarantine

	borrowed bool
	home     Home
	rent     *rent // guard mode only, never reused
}

// Bytes gives the memory, exactly as long as it was asked for. It may be read and written until the caller's
// reference is released; what it holds after Get is undefined.
func (b *Block) Bytes() []byte {
	if b.rent != nil && b.refs.Load() <= 0 {
		return b.pool.guard.lateBytes(b)
	}
	return b.mem
}

// Cap gives the bytes of memory that the block pins: its class size, the whole pages of a mapping of its own, or the
// length of borrowed memory. It is the same number in every mode, although Plain and Guarded pin more.
func (b *Block) Cap() int {
	if b.borrowed {
		return len(b.mem)
	}
	return pinned(len(b.mem))
}

// Retain adds a reference and returns b. Only who holds a reference may add one: on a block without any it panics,
// and in guard mode it reports FaultLateUse and adds nothing.
func (b *Block) Retain() *Block {
	for {
		n := b.refs.Load()
		if n <= 0 {
			b.misused("Retain")
			return b
		}
		if b.refs.CompareAndSwap(n, n+1) {
			return b
		}
	}
}

// Release gives a reference back; the last one returns the memory to its pool, or home. On a block without a
// reference it panics (it cannot be seen when the memory was rented again in the meantime); in guard mode it reports
// FaultDoubleReturn instead and changes nothing.
func (b *Block) Release() {
	for {
		n := b.refs.Load()
		if n <= 0 {
			b.misused("Release")
			return
		}
		if b.refs.CompareAndSwap(n, n-1) {
			if n == 1 {
				b.pool.take(b)
			}
			return
		}
	}
}

// misused reports a call on a block without references. The count is never changed for it, so the block stays sound.
func (b *Block) misused(call string) {
	if b.rent != nil {
		b.pool.guard.misused(b, call)
		return
	}
	panic("buffers: " + call + " on a block that was already returned (guard mode names the place that rented it)")
}

// Borrowed says whether the memory belongs to a host.
func (b *Block) Borrowed() bool { return b.borrowed }

// SetTag gives the block a word for leak and fault reports. Outside of guard mode it does nothing.
func (b *Block) SetTag(s string) {
	if b.rent != nil {
		b.pool.guard.setTag(b, s)
	}
}
