// Package netconn moves bytes by Go's net.Conn: a reader goroutine for each connection, and a writer goroutine only
// while a socket is full.
//
// # Connecting
//
// Names are looked up by a resolver that all connections share: one lookup for a name at a time, eight at once, answers
// kept for a minute. A lookup cannot be stopped, so it is never waited for by anybody who could not leave. Several addresses
// race (RFC 8305).
//
// # Reading
//
// The reader waits inside one syscall.RawConn.Read whose callback reads and calls the handler itself. A block is rented
// when bytes are there and given back before it waits, so an idle connection holds none. What is small is copied out
// of its 16 KiB block: a response of 1 KiB that a host looks at for a while must not pin sixteen.
//
// After every read, also a short one, it reads again until the socket says EAGAIN. The runtime's poller is
// edge-triggered and does not say whether the peer's FIN came with the bytes: without the second read a connection that
// the server closed right behind its response would look alive, and a body without length would never end. The
// second read costs 0.12 µs by itself (recv of an empty socket, Linux 6.18) and some 4 % of a small keep-alive GET
// (medians of 6 interleaved rounds at 64 connections: 5.4 µs CPU with it, 5.2 without); each stale connection that it
// does not find costs a failed request.
//
// What is taken from the socket is counted under the same lock as it is read. Alive, which core calls before each request but
// a connection's first, takes that lock, compares the count with what its caller was given, and peeks: a byte that has
// arrived is seen wherever it is. Lock, peek and count cost 3 % of a small keep-alive GET (medians of 25 interleaved rounds
// at 64 connections: 5.5 µs CPU with them, 5.4 without).
//
// # Writing
//
// Send writes at once on the caller's goroutine, without blocking: for a small request that saves a hand-over. What
// the socket does not take is written by a goroutine started for it. Writes are send and sendmsg with MSG_NOSIGNAL: a
// SIGPIPE is the host's business and must never be caused here.
//
// # Ending
//
// Close only marks and wakes; the goroutine that leaves last closes the socket and tells Closed. net.Conn.Close must not
// be called elsewhere: it waits for the callbacks of RawConn to end, and those may wait for a lock of Close's caller.
//
// When writing fails because the peer went away, the reader first reads what the peer had sent: a server that refuses an
// upload answers, closes, and its answer is still in our socket.
//
// A peer that vanished says nothing. Probe finds it: keep-alive asks each second, and on Linux we count for ourselves
// whether any segment came back, because the system's own limits look at other things (see probe).
package netconn
