package buffers

import (
	"fmt"
	"sync"
	"unsafe"
)

// Objects is a bounded pool of Go objects, last in first out. Unlike sync.Pool a collection does not empty it, it
// counts, and it can be guarded. All methods may be called from any goroutine.
type Objects[T any] struct {
	make  func() *T
	reset func(*T)
	max   int

	mu     sync.Mutex
	idle   []*T
	stats  ObjectStats
	report func(GuardFault)
	known  map[*T]objectRent // guarded: what is out or idle; nil: not guarded
}

// objectRent is what a guarded pool knows of an object.
type objectRent struct {
	at  *place // where it was rented last
	out bool
}

// ObjectStats are the counters of an Objects. At rest Rents equals Returns.
type ObjectStats struct {
	Rents   int64 // objects that Get gave
	Returns int64 // objects that Put took
	Misses  int64 // rents for which an object had to be made
	Dropped int64 // returns beyond the bound, left to the collector
	Idle    int64 // objects kept for reuse
	Faults  int64 // double returns found
}

// NewObjects makes a pool that keeps at most max objects idle. make makes one when none is idle (nil: new(T)); reset,
// which may be nil, clears one at its return. Neither is called with a lock held.
func NewObjects[T any](max int, make func() *T, reset func(*T)) *Objects[T] {
	if make == nil {
		make = func() *T { return new(T) }
	}
	return &Objects[T]{make: make, reset: reset, max: max}
}

// Guard makes the pool note what is rented from now on, and where, so that an object that is put back twice, or that
// was never rented, is found: report (nil: only counted) is told from the goroutine that did it, with no lock held, and
// the object is not taken. Call it before the first Get: what is already out would be taken for a double return.
func (o *Objects[T]) Guard(report func(GuardFault)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.report = report
	if o.known == nil {
		o.known = map[*T]objectRent{}
	}
}

// Get gives an object that belongs to the caller until Put: a recycled one if there is one, else a new one.
func (o *Objects[T]) Get() *T {
	o.mu.Lock()
	o.stats.Rents++
	var v *T
	if n := len(o.idle); n > 0 {
		v = o.idle[n-1]
		o.idle[n-1] = nil
		o.idle = o.idle[:n-1]
	} else {
		o.stats.Misses++
	}
	guarded := o.known != nil
	o.mu.Unlock()
	if v == nil {
		v = o.make()
	}
	if guarded {
		at := new(place)
		at.here()
		o.mu.Lock()
		o.known[v] = objectRent{at, true}
		o.mu.Unlock()
	}
	return v
}

// Put resets v and keeps it for the next Get; beyond the bound it is left to the collector. The caller must not use v
// afterwards. v must not be nil.
func (o *Objects[T]) Put(v *T) {
	if v == nil {
		panic("buffers: Put of a nil object")
	}
	if !o.taken(v) {
		return
	}
	if o.reset != nil {
		o.reset(v)
	}
	o.mu.Lock()
	o.stats.Returns++
	if len(o.idle) < o.max {
		o.idle = append(o.idle, v)
	} else {
		o.stats.Dropped++
		delete(o.known, v) // the collector may give its address to another object
	}
	o.mu.Unlock()
}

// taken notes, when guarded, that v came back; false: it was not out, which is reported.
func (o *Objects[T]) taken(v *T) bool {
	o.mu.Lock()
	if o.known == nil {
		o.mu.Unlock()
		return true
	}
	rent := o.known[v]
	if rent.out {
		rent.out = false
		o.known[v] = rent
		o.mu.Unlock()
		return true
	}
	o.stats.Faults++
	report := o.report
	o.mu.Unlock()
	if report != nil {
		rented := "an unknown function, or dropped beyond the bound"
		if rent.at != nil {
			rented = rent.at.String()
		}
		var at place
		at.here()
		report(GuardFault{
			Kind: FaultDoubleReturn, Size: int(unsafe.Sizeof(*v)),
			What:   fmt.Sprintf("a %T was put back that was not out", v),
			Rented: rented, Found: "Put in " + at.String(),
		})
	}
	return false
}

// Stats gives the counters.
func (o *Objects[T]) Stats() ObjectStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.stats
	s.Idle = int64(len(o.idle))
	return s
}

// Leaks lists what is out, and where it was rented, in no order. It gives nil when the pool is not guarded.
func (o *Objects[T]) Leaks() []Leak {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []Leak
	for v, rent := range o.known {
		if !rent.out {
			continue
		}
		l := Leak{Size: int(unsafe.Sizeof(*v)), Tag: fmt.Sprintf("%T", v)}
		l.Function, l.Place = rent.at.where()
		list = append(list, l)
	}
	return list
}
