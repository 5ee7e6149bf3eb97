package transporttest

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
	"testing"
	"time"

	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// patience is how long the suite waits for what must happen. Far more than it takes: it is the length of a failure.
const patience = 20 * time.Second

// Recorder is a Handler that notes what it is told. Hooks run on the transport's goroutine, before the note is made.
type Recorder struct {
	OnConnected func()
	OnReceived  func(in *buffers.Sequence)
	OnSendable  func()
	Keep        bool // keep received bytes in Bytes; otherwise they are only counted and hashed

	t    testing.TB
	mu   sync.Mutex
	cond *sync.Cond
	busy bool // inside a call of the handler

	Resolves, Connects, EOFs, Sendables, Closes, Receives int
	Address                                               string
	Got                                                   int
	Bytes                                                 []byte
	Hash                                                  hash.Hash
	Fault                                                 *wire.Fault
	After                                                 string // what was told after Closed
}

// NewRecorder makes a recorder.
func NewRecorder(t testing.TB) *Recorder {
	r := &Recorder{t: t, Hash: sha256.New()}
	r.cond = sync.NewCond(&r.mu)
	return r
}

func (r *Recorder) enter(what string) {
	r.mu.Lock()
	if r.busy {
		r.t.Errorf("%s while another call of the handler is under way", what)
	}
	if r.Closes > 0 {
		r.After = what
		r.t.Errorf("%s after Closed", what)
	}
	r.busy = true
	r.mu.Unlock()
}

func (r *Recorder) leave(note func()) {
	r.mu.Lock()
	note()
	r.busy = false
	r.cond.Broadcast()
	r.mu.Unlock()
}

// Wait waits until ok, which is called with the recorder's lock held, gives true.
func (r *Recorder) Wait(what string, ok func() bool) {
	r.t.Helper()
	alarm := time.AfterFunc(patience, func() { r.cond.Broadcast() })
	defer alarm.Stop()
	end := time.Now().Add(patience)
	r.mu.Lock()
	defer r.mu.Unlock()
	for !ok() {
		if !time.Now().Before(end) {
			r.t.Fatalf("waited too long for %s: connects %d, got %d in %d, EOFs %d, sendables %d, closes %d, fault %v",
				what, r.Connects, r.Got, r.Receives, r.EOFs, r.Sendables, r.Closes, r.Fault)
		}
		r.cond.Wait()
	}
}

// WaitConnected waits for Connected.
func (r *Recorder) WaitConnected() {
	r.t.Helper()
	connected := false
	r.Wait("Connected", func() bool { connected = r.Connects > 0; return connected || r.Closes > 0 })
	if !connected {
		r.t.Fatalf("closed instead of connected: %v", r.Fault)
	}
}

// WaitClosed waits for Closed and gives its fault.
func (r *Recorder) WaitClosed() *wire.Fault {
	r.t.Helper()
	r.Wait("Closed", func() bool { return r.Closes > 0 })
	return r.Fault
}

func (r *Recorder) closes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.Closes
}

// Resolved is told by the transport.
func (r *Recorder) Resolved(wire.Instant) {
	r.enter("Resolved")
	r.leave(func() { r.Resolves++ })
}

// Connected is told by the transport.
func (r *Recorder) Connected(address string, _ wire.Instant) {
	r.enter("Connected")
	if r.OnConnected != nil {
		r.unbusy(r.OnConnected)
	}
	r.leave(func() { r.Connects++; r.Address = address })
}

// unbusy runs a hook that may panic.
func (r *Recorder) unbusy(hook func()) {
	defer func() {
		if v := recover(); v != nil {
			r.leave(func() {})
			panic(v)
		}
	}()
	hook()
}

// Received is told by the transport.
func (r *Recorder) Received(in *buffers.Sequence, _ wire.Instant) {
	r.enter("Received")
	if in.Len() == 0 {
		r.t.Error("Received without bytes")
	}
	var kept []byte
	n := in.Len()
	for s := in.First(); s != nil; s = s.Next() {
		r.Hash.Write(s.Bytes())
		if r.Keep {
			kept = append(kept, s.Bytes()...)
		}
	}
	if r.OnReceived != nil {
		r.unbusy(func() { r.OnReceived(in) })
	}
	in.Release()
	r.leave(func() { r.Receives++; r.Got += n; r.Bytes = append(r.Bytes, kept...) })
}

// ReceivedEOF is told by the transport.
func (r *Recorder) ReceivedEOF(wire.Instant) {
	r.enter("ReceivedEOF")
	r.leave(func() { r.EOFs++ })
}

// Sendable is told by the transport.
func (r *Recorder) Sendable(wire.Instant) {
	r.enter("Sendable")
	r.mu.Lock()
	r.Sendables++
	r.mu.Unlock()
	if r.OnSendable != nil {
		r.unbusy(r.OnSendable)
	}
	r.leave(func() {})
}

// Closed is told by the transport.
func (r *Recorder) Closed(fault *wire.Fault, _ wire.Instant) {
	r.enter("Closed")
	r.leave(func() { r.Closes++; r.Fault = fault })
}

var _ transport.Handler = (*Recorder)(nil)

func (r *Recorder) String() string { return fmt.Sprintf("got %d, fault %v", r.Got, r.Fault) }
