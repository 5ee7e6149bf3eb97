package core

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// Exchange is one request and its response. The caller fills the exported fields of the first group and leaves everything
// alone from Client.Submit until Sink.Done; then it may Reset and submit it again. It is meant to be embedded or recycled.
type Exchange struct {
	Head    wire.RequestHead
	Body    buffers.Sequence // moved to core by Submit; released before Done
	Timeout int64            // nanoseconds from Submit to Done; 0: none
	MaxBody int64            // bytes of response body; more ends the exchange with LIMIT. 0: no limit
	Stream  bool             // the sink calls Client.Consumed: reading stops while more than the window is unconsumed
	Ref     any              // the submitter's

	// What core tells; stable from Sink.Done on, and readable inside Sink calls.
	Facts   wire.Facts
	Status  uint16 // of the final head; 0: none came
	Reused  bool   // the connection had served before
	Address string // of the peer: "192.0.2.1:80"
	Times   Times

	// private state follows
}

// Times are moments of an exchange; 0: did not happen.
type Times struct {
	Started, Connecting, Resolved, Connected, Sent, FirstByte, Done wire.Instant
}
