package transport

import (
	"fmt"
	"runtime/debug"

	"turbohttp/wire"
)

// Task is a function that runs on goroutines of its own, as often as it is started. Starting it allocates nothing.
type Task struct {
	entry  func()
	run    func()
	failed func(*Panic)
}

// Init makes t ready for Start. failed is told, on the same goroutine, when run panicked; nil: nobody is.
func (t *Task) Init(run func(), failed func(*Panic)) {
	t.run = run
	t.failed = failed
	t.entry = t.main
}

// Start runs t on a goroutine of its own. It holds the only go statement of the library: whatever runs, runs under a
// recover, and a fault on memory that a host unmapped is a panic there and not the end of the process.
func Start(t *Task) { go t.entry() }

func (t *Task) main() {
	p := Guard(t.run)
	if p != nil && t.failed != nil {
		Guard(func() { t.failed(p) })
	}
}

// Panic is a panic that was caught.
type Panic struct {
	Fault *wire.Fault // what the host is told
	Value any
	Stack []byte // for the log
}

// String is the story for a log.
func (p *Panic) String() string { return p.Fault.Error() + "\n" + string(p.Stack) }

// Guard runs step and catches its panic. A goroutine that serves many (a loop, a service) runs the step of each of them
// under a Guard of its own, so that one fails and the others go on.
//
// Faults on memory outside the Go heap are panics from here on for this goroutine (debug.SetPanicOnFault).
func Guard(step func()) (p *Panic) {
	debug.SetPanicOnFault(true)
	defer func() {
		if v := recover(); v != nil {
			p = caught(v)
		}
	}()
	step()
	return nil
}

// Recovered makes a Panic of what recover() gave, for deferred functions of other packages. It must be called on the
// goroutine that panicked, before the deferred function returns, for the stack to be that of the panic.
func Recovered(v any) *Panic { return caught(v) }

func caught(v any) *Panic {
	p := &Panic{Value: v, Stack: debug.Stack()}
	// A runtime error with an address is a fault on memory that is not Go's (nil dereferences have none): what a
	// host lent and took back, in all likelihood.
	if at, ok := v.(interface{ Addr() uintptr }); ok {
		p.Fault = wire.Faultf(wire.StatusInvalid, 0, "core", "memory at %#x could not be accessed: "+
			"memory that is lent to the library must stay mapped until the event that gives it back", at.Addr())
		return p
	}
	p.Fault = wire.Faultf(wire.StatusInternal, 0, "core", "a bug in TurboHTTP was caught, please report it: %v", v)
	if e, ok := v.(error); ok {
		p.Fault.Text = fmt.Sprintf("a bug in TurboHTTP was caught, please report it: %v", e)
	}
	return p
}
