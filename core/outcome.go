package core

import (
	"strings"
	"time"

	"turbohttp/wire"
)

// verdict is what a step found out about the exchange of a connection.
type verdict struct {
	x     *Exchange
	fault *wire.Fault
	over  bool // it has ended and borrows nothing any more
	reuse bool // the connection may serve another
}

// leaveLine makes x over, for why or for what the caller will tell, and puts it into the list of those to be told. mu is
// held; x is in no other list.
func (c *Client) leaveLine(x *Exchange, why wire.Status, over *exchanges) {
	if why != 0 {
		x.stop.Store(int32(why))
	}
	x.phase = phaseOver
	x.conn = nil
	if x.timer.At() != 0 {
		c.timers.Disarm(&x.timer)
	}
	over.pushBack(x)
}

// doneAll tells Done to all in the list: fault, or what they were stopped for.
func (c *Client) doneAll(over *exchanges, fault *wire.Fault, now wire.Instant) {
	for x := over.pop(); x != nil; x = over.pop() {
		why := fault
		if why == nil {
			why = stopFault(x, wire.Status(x.stop.Load()), x.waitedIn)
		}
		c.done(x, why, now)
	}
}

// done tells the end of x. No lock is held, and nobody else knows x any more.
func (c *Client) done(x *Exchange, fault *wire.Fault, now wire.Instant) {
	x.upload.shut()
	x.Body.Release()
	x.Times.Done = now
	if x.Reused {
		x.Facts |= wire.FactReused
	}
	if fault != nil {
		if x.Facts&wire.FactSent == 0 {
			x.Facts |= wire.FactUnseen
		}
		fault = named(fault, x)
	}
	defer c.told()
	c.ended.Add(1)
	c.sink.Done(x, fault)
}

func (c *Client) told() {
	c.finished.Add(1)
	c.checkClosed()
}

// named gives the fault with method and URL behind it: "(GET http://a.example/x)".
func named(fault *wire.Fault, x *Exchange) *wire.Fault {
	if strings.HasSuffix(fault.Text, ")") && strings.Contains(fault.Text, " ("+string(x.Head.Method)+" ") {
		return fault // the engine knew
	}
	f := *fault
	f.Text += " (" + x.Head.Name() + ")"
	return &f
}

// stopFault says why x was stopped by its owner or by time; phase is where it was.
func stopFault(x *Exchange, why wire.Status, phase wire.Phase) *wire.Fault {
	switch why {
	case wire.StatusCancelled:
		return &wire.Fault{Status: why, Stage: "core", Text: "cancelled"}
	case wire.StatusTimeout:
		return wire.Faultf(why, phase, "core", "the request took longer than the %v it was given, %s",
			time.Duration(x.allowed), during(phase))
	}
	if fault := x.reason.Load(); fault != nil {
		return fault
	}
	return wire.Faultf(why, 0, "core", "stopped")
}

func during(phase wire.Phase) string {
	switch phase {
	case wire.PhaseQueue:
		return "and was still waiting for a free connection"
	case wire.PhaseResolve:
		return "and the host's name had no address yet"
	case wire.PhaseConnect:
		return "and the server had not accepted the connection"
	case wire.PhaseTLS:
		return "and the TLS handshake had not ended"
	case wire.PhaseSend:
		return "and was still being sent"
	case wire.PhaseWait:
		return "and the server had not answered"
	}
	return "and the body was not complete"
}
