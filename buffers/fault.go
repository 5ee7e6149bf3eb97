package buffers

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// FaultKind is a kind of mistake that guard mode finds.
type FaultKind uint8

const (
	// FaultOverrun: bytes in front of the block or behind the size that was asked for were written.
	FaultOverrun FaultKind = iota
	// FaultDoubleReturn: a block or an object was given back more often than it was rented.
	FaultDoubleReturn
	// FaultLateUse: memory was written, or a block or segment used, after its return.
	FaultLateUse
	// FaultLeak: something was still out when the pool was closed.
	FaultLeak
)

// String names the kind in words.
func (k FaultKind) String() string {
	switch k {
	case FaultOverrun:
		return "overrun"
	case FaultDoubleReturn:
		return "double return"
	case FaultLateUse:
		return "use after return"
	case FaultLeak:
		return "leak"
	}
	return fmt.Sprintf("FaultKind(%d)", uint8(k))
}

// GuardFault is one mistake that guard mode found.
type GuardFault struct {
	Kind   FaultKind
	Size   int    // bytes that were asked for; of an object its Go size
	Tag    string // what SetTag said, or ""
	What   string // what was seen, as a clause: "byte 104 was written, 4 behind the end"
	Rented string // function (file:line) that rented it
	Found  string // what found the mistake, and where it was called
}

// String says it in one line of English that names the place of the rent.
func (f GuardFault) String() string {
	return fmt.Sprintf("buffers: %s: %s; %d bytes%s rented by %s; found by %s",
		f.Kind, f.What, f.Size, quoted(f.Tag), f.Rented, f.Found)
}

// Leak is something that is out, and where it was rented.
type Leak struct {
	Size     int    // bytes that were asked for
	Borrowed bool   // memory of a host that has not gone home
	Tag      string // what SetTag said, or ""
	Function string // who rented it, as package.function
	Place    string // file:line
}

// String says it in one line of English.
func (l Leak) String() string {
	what := "bytes"
	if l.Borrowed {
		what = "borrowed bytes"
	}
	return fmt.Sprintf("%d %s%s rented by %s (%s)", l.Size, what, quoted(l.Tag), l.Function, l.Place)
}

func quoted(tag string) string {
	if tag == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", tag)
}

// place is a stack at the moment of a rent or a find. Names are looked up only when a report is written.
type place struct {
	pcs [16]uintptr // the deepest way through this package takes eight frames
	n   int
}

// here notes the stack of its caller.
func (p *place) here() { p.n = runtime.Callers(3, p.pcs[:]) }

// where names the innermost function outside of this package, and its file:line.
func (p *place) where() (function, at string) {
	if p.n == 0 {
		return "unknown", "?"
	}
	frames := runtime.CallersFrames(p.pcs[:p.n])
	for {
		f, more := frames.Next()
		if !ours(f) || !more {
			dir, file := path.Split(f.File)
			return path.Base(f.Function), fmt.Sprintf("%s/%s:%d", path.Base(dir), file, f.Line)
		}
	}
}

// String gives "function (file:line)".
func (p *place) String() string {
	function, at := p.where()
	return function + " (" + at + ")"
}

// ours says whether a frame belongs to this package and not to its tests.
func ours(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, "turbohttp/buffers.") && !strings.HasSuffix(f.File, "_test.go")
}
