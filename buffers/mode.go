package buffers

import "fmt"

// Mode says how a pool treats memory between a return and the next rent.
type Mode uint8

const (
	// Pooled keeps returned memory for the next Get.
	Pooled Mode = iota
	// Plain maps fresh memory for every Get and gives it back to the system at the last Release (TURBO_NO_POOL).
	Plain
	// Guarded is Pooled with canaries, poison, quarantine and a record of where every block was rented.
	Guarded
)

// String gives the word that ParseMode takes.
func (m Mode) String() string {
	switch m {
	case Pooled:
		return "pooled"
	case Plain:
		return "plain"
	case Guarded:
		return "guarded"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode turns "pooled", "plain" or "guarded" into a Mode. Any other word is an error that lists the three.
func ParseMode(s string) (Mode, error) {
	for _, m := range []Mode{Pooled, Plain, Guarded} {
		if s == m.String() {
			return m, nil
		}
	}
	return Pooled, fmt.Errorf("buffers: unknown memory mode %q: use pooled, plain or guarded", s)
}
