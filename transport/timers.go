package transport

import (
	"sync"

	"turbohttp/wire"
)

// Timer is a moment at which something is due. It lies inside the thing that waits: arming it allocates nothing once the
// heap has its size. The zero value is not armed.
type Timer struct {
	Owner any // set once by whoever embeds it; what Due's caller acts upon
	Kind  int // tells several timers of one owner apart

	at    wire.Instant
	index int // 1-based place in the heap; 0: not armed
}

// At is when t is due; 0: it is not armed. For the owner of the timers' lock discipline only.
func (t *Timer) At() wire.Instant { return t.at }

// Timers is a set of timers over one [Alarm]: a heap indexed by its elements. When nothing is armed nothing ticks; an
// alarm set for a timer that was disarmed since rings once in vain, which is cheaper than to set it anew each time.
//
// Its lock is a leaf: it may be taken under any other. Due only hands timers out: the caller decides, under the lock that
// guards the owners, what is still true of them.
type Timers struct {
	mu    sync.Mutex
	heap  []*Timer
	alarm Alarm
	set   wire.Instant // what the alarm is set to; 0: not set
}

// Init makes the timers ready. ring of the alarm shall call Due until it gives nil.
func (s *Timers) Init(clock Clock, ring func()) { s.alarm = clock.Alarm(ring) }

// Arm makes t due at the moment at, in place of one before.
func (s *Timers) Arm(t *Timer, at wire.Instant) {
	s.mu.Lock()
	t.at = at
	if t.index == 0 {
		s.heap = append(s.heap, t)
		t.index = len(s.heap)
		s.up(t.index - 1)
	} else {
		s.fix(t.index - 1)
	}
	s.schedule()
	s.mu.Unlock()
}

// Disarm takes t out. It may be called at any time, also when t is not armed.
func (s *Timers) Disarm(t *Timer) {
	s.mu.Lock()
	if t.index != 0 {
		s.remove(t.index - 1)
	}
	s.mu.Unlock()
}

// Due takes out the earliest timer whose moment is not after now, and sets the alarm for the rest when there is none.
func (s *Timers) Due(now wire.Instant) *Timer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heap) > 0 && s.heap[0].at <= now {
		t := s.heap[0]
		s.remove(0)
		return t
	}
	if s.set != 0 && s.set <= now {
		s.set = 0
	}
	s.schedule()
	return nil
}

// Armed is the number of timers that are armed.
func (s *Timers) Armed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heap)
}

// Stop silences the alarm.
func (s *Timers) Stop() {
	s.mu.Lock()
	s.set = 0
	s.alarm.Set(0)
	s.mu.Unlock()
}

func (s *Timers) schedule() {
	if len(s.heap) == 0 {
		return
	}
	if first := s.heap[0].at; s.set == 0 || first < s.set {
		s.set = first
		s.alarm.Set(first)
	}
}

func (s *Timers) remove(i int) {
	t := s.heap[i]
	last := len(s.heap) - 1
	moved := s.heap[last]
	s.heap[last] = nil
	s.heap = s.heap[:last]
	if i != last {
		s.heap[i] = moved
		moved.index = i + 1
		s.fix(i)
	}
	t.index = 0
	t.at = 0
}

func (s *Timers) fix(i int) {
	if !s.down(i) {
		s.up(i)
	}
}

func (s *Timers) up(i int) {
	h := s.heap
	t := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= t.at {
			break
		}
		h[i] = h[parent]
		h[i].index = i + 1
		i = parent
	}
	h[i] = t
	t.index = i + 1
}

func (s *Timers) down(i int) bool {
	h := s.heap
	t := h[i]
	start := i
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if t.at <= h[child].at {
			break
		}
		h[i] = h[child]
		h[i].index = i + 1
		i = child
	}
	h[i] = t
	t.index = i + 1
	return i > start
}
