package buffers

// Stats are the counters of a pool since it was made. At rest Rents equals Returns and Borrows equals BorrowReturns.
// They are not read at one instant: while others rent, take them as near.
type Stats struct {
	Rents   int64 // blocks that Get gave
	Returns int64 // blocks whose last reference went
	Misses  int64 // rents that had to ask the system for memory; in Plain every one

	IdleBytes   int64 // bytes kept for reuse, the quarantine of guard mode included
	MappedBytes int64 // bytes that the system gave us, rented or idle

	Borrows       int64 // spans that Borrow took
	BorrowReturns int64 // spans that went home

	Faults int64 // faults that guard mode found
}

// Stats gives the counters.
func (p *Pool) Stats() Stats {
	s := Stats{BorrowReturns: p.borrowReturns.Load()}
	s.Borrows = p.borrows.Load()
	s.Rents, s.Returns, s.Misses = p.arena.counts()
	s.IdleBytes = p.arena.idleBytes()
	s.MappedBytes = p.arena.mapped.Load()
	if p.guard != nil {
		p.guard.stats(&s)
	}
	return s
}
