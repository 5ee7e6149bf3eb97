// Package h1 speaks HTTP/1.1 as a client (RFC 9110, RFC 9112), without IO: bytes in, events out; calls in, bytes out.
//
// An [Engine] is one connection and carries one exchange at a time. Whoever owns it calls Open, takes the request out
// with Fill, puts what arrives into Feed, and takes events with Next after each call. Time is what the caller says it is.
//
// What is kept in memory is little: octets of a head until it is whole (one copy into memory that the engine keeps, so
// that no block of 16 KiB is pinned for 300 bytes), and request bytes until Fill takes them. Body bytes of a response
// are told as slices of the blocks that they arrived in; nothing of a body stays here.
//
// Servers are not trusted. Wherever two readers of one stream might disagree on where a message ends (RFC 9112 §11.2)
// the engine refuses the connection instead of guessing: bare CR or LF, folded lines, spaces before a colon, NUL,
// Transfer-Encoding with Content-Length or other than exactly "chunked", lengths that are not plain digits or that differ.
// It is mild only where no two readers disagree: a missing reason phrase, control octets other than NUL, CR and LF in a
// value, white space behind a chunk size (h11 and net/http take it too; old servers pad sizes).
//
// Where to read on: state.go has the states and the story of an exchange; engine.go the calls; request.go, body.go and
// expect.go what goes out; head.go, framing.go and chunk.go what comes in; limits.go and faults.go what is refused.
package h1
