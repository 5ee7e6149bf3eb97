package core

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// Sink is told what becomes of the exchanges of a client. Its methods are called on library goroutines (Done also inside
// Submit and Cancel), one at a time and in order for each exchange, with locks of core held: they never block and never
// call core. A panic in one of them is a panic of that exchange's connection.
type Sink interface {
	// Head tells the final head. It and all it points to is a view for the length of the call.
	Head(x *Exchange, head *wire.ResponseHead)
	// Body moves received body bytes to the sink; end: these were the last (in may then be empty). A response without
	// a body has one Body with end and nothing in it. used is how many of the bytes the sink has disposed of already:
	// the rest of a Stream exchange is told by Client.Consumed.
	Body(x *Exchange, in *buffers.Sequence, end bool) (used int)
	// Trailers tells the trailers of the response, behind the last Body and before Done. A view for the length of the
	// call.
	Trailers(x *Exchange, trailers *wire.Fields)
	// Sent tells that n more bytes of the request body have been handed to the system. After a retry it counts anew:
	// n is then negative first, taking back what was told.
	Sent(x *Exchange, n int)
	// Stopped tells, at most once, that the server answered without waiting for all of the body: no more of it is sent.
	Stopped(x *Exchange)
	// Done is the last call, exactly once: nothing that the exchange borrowed is in use. fault is nil after a
	// complete response. Afterwards core does not touch x again.
	Done(x *Exchange, fault *wire.Fault)
	// Verify tells that a handshake waits for v.Answer, and once more, with v.Over, when it has failed without one.
	Verify(v *Verify)
}
