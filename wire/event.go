package wire

import "turbohttp/buffers"

// EventKind says what an [Event] tells.
type EventKind uint8

// The kinds of events, in the order in which one exchange tells them. Every exchange ends in exactly one EventEnd or
// EventReset, unless a Fault of the engine or a Reset by the caller ended it.
const (
	EventInformational EventKind = iota + 1 // Head: a 1xx head other than 101
	EventHead                               // Head: the final head
	EventBody                               // Body: bytes of the response body, never empty
	EventTrailers                           // Trailers: after the last body byte
	EventEnd                                // the response is complete; Stopped tells about the request
	EventReset                              // Fault: this exchange failed, the connection goes on (HTTP/2)
	EventClosing                            // the connection takes no new exchanges (Connection: close, GOAWAY)
)

// Event is what an engine tells. One value is reused from call to call.
type Event struct {
	Kind     EventKind
	ID       StreamID
	Head     *ResponseHead    // EventInformational, EventHead
	Body     buffers.Sequence // EventBody: the receiver owns it
	Trailers *Fields          // EventTrailers
	Fault    *Fault           // EventReset
	Stopped  bool             // EventEnd: the request body was not sent to its end
	Unseen   bool             // EventReset: the peer certainly did not act on the request
}
