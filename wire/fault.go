package wire

import "fmt"

// Fault is the one error type of the library. It is made where the knowledge is, passed up untouched, and turned into
// an event once. A peer's mistake is a Fault; our own mistake is a panic.
type Fault struct {
	Status Status // what the host is told
	Code   uint32 // see the statuses in turbohttp.h: an error number, a phase
	Stage  string // who noticed: "h1", "net", "url", "core"
	Text   string // what happened, to whom, and what to do; without the stage
}

// Error gives "stage: text".
func (f *Fault) Error() string {
	if f.Stage == "" {
		return f.Text
	}
	return f.Stage + ": " + f.Text
}

// Faultf makes a Fault. It allocates: faults on a hot path are package variables.
func Faultf(status Status, code uint32, stage, format string, args ...any) *Fault {
	return &Fault{Status: status, Code: code, Stage: stage, Text: fmt.Sprintf(format, args...)}
}
