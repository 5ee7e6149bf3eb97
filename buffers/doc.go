// Package buffers is floor 0: the memory that bytes travel in.
//
// A Block is reference-counted memory of one size class, carved out of a slab that the operating system gave us, so
// the garbage collector neither scans nor moves it and C may keep its address. A block can also stand for memory that
// the host lends (Pool.Borrow); then it has a way Home. A Segment is a view of a part of a block, and a Sequence is a
// list of segments with one owner. Bodies are never copied to grow: another block is linked behind.
//
// Four verbs are used in the whole library, and each means one thing:
//
//   - Get: own a new block (one reference, the caller's).
//   - Move: the callee owns it now, the argument is empty afterwards.
//   - Slice: a second view of the same bytes, with a reference of its own.
//   - Release: give a reference back. The last one returns the memory.
//
// Blocks may be retained and released from any goroutine, and so may everything of a Pool and of Objects. A Sequence,
// and the Writer, Reader or Cursor on it, belongs to one owner at a time.
//
// # Three modes
//
// A pool runs in one of three modes, chosen when it is made, without a rebuild:
//
//   - Pooled keeps released memory for the next Get, up to Options.MaxIdleBytes. Nothing is allocated in steady state.
//   - Plain maps fresh memory for every Get and unmaps it at the last Release (TURBO_NO_POOL): slow and simple. Whoever
//     touches memory after its return is stopped by the system at once.
//   - Guarded finds the mistakes that pooled memory hides, and says where the memory was rented: bytes written outside
//     the block, a return too many, use after return, and leaks. It never crashes on a fault: the memory stays mapped
//     in a quarantine, and a block that was returned hands out a heap copy full of poison.
//
// Tests take their pool from buffertest.Pool, which chooses the mode by the environment and asks at the end of the
// test whether rents equal returns.
//
// # Where to read on
//
// pool.go is the way in; classes.go and arena.go hold size classes and slabs; slab_*.go asks the system for memory;
// block.go, segment.go and sequence.go are what travels; writer.go, reader.go and cursor.go work on a sequence;
// objects.go pools Go objects; guard.go and fault.go are guard mode; stats.go counts.
package buffers
