package core

import "turbohttp/wire"

// fault makes the fault of an exchange: the text names the request.
func fault(x *Exchange, status wire.Status, code uint32, format string, args ...any) *wire.Fault {
	f := wire.Faultf(status, code, "core", format, args...)
	return named(f, x)
}

// named gives a copy of f whose text ends with the request.
func named(f *wire.Fault, x *Exchange) *wire.Fault {
	g := *f
	g.Text += " (" + string(x.Head.Method) + " " + string(x.Head.Target.URL) + ")"
	return &g
}

var phases = [...]string{wire.PhaseQueue: "waiting for a free connection", wire.PhaseResolve: "resolving the host",
	wire.PhaseConnect: "connecting", 4: "", wire.PhaseSend: "sending the request", wire.PhaseWait: "waiting for the response",
	wire.PhaseBody: "receiving the body"}

// stopped makes the fault of an exchange that was asked to stop.
func (c *Client) stopped(x *Exchange, phase uint32) *wire.Fault {
	if wire.Status(x.why.Load()) == wire.StatusTimeout {
		return fault(x, wire.StatusTimeout, phase, "time ran out while %s", phases[phase])
	}
	return fault(x, wire.StatusCancelled, 0, "cancelled while %s", phases[phase])
}
