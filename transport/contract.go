package transport

import (
	"net/netip"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// Transport moves bytes of connections. Implementations: netconn (Go's net.Conn), poll (an event loop).
type Transport interface {
	// Dial resolves the host and connects. It returns at once; h is told Connected or Closed, never before Dial has
	// returned. d is copied.
	Dial(d *Dial, h Handler) Conn
	// Close waits for nothing: it refuses new dials and closes every connection. Wait until each is told Closed.
	Close()
	// Open is the number of connections that were dialed and not yet told Closed.
	Open() int
	// Forget drops what is known of names: the network changed. Dials that wait for a name ask anew.
	Forget()
}

// Dial says where to connect to.
type Dial struct {
	Host           string     // a name, or an IP address without brackets
	Address        netip.Addr // if valid, the host is there: it is not looked up
	Port           uint16
	ConnectTimeout int64 // nanoseconds, for resolving and connecting together; 0: none
	Pool           *buffers.Pool
}

// Handler is told what happens to one connection. Its methods are called on library goroutines, one at a time for each
// connection, never from inside a call of Conn; they never block for long. A panic in one of them closes this connection
// with an INTERNAL fault; the rest goes on.
type Handler interface {
	// Resolved tells that the name has an address. A dial tells it once.
	Resolved(now wire.Instant)
	// Connected tells that bytes can be sent. address is "192.0.2.1:80".
	Connected(address string, now wire.Instant)
	// Received moves bytes to the handler. What it leaves in in is released.
	Received(in *buffers.Sequence, now wire.Instant)
	// ReceivedEOF tells that the peer sent its last byte. Sending may still work.
	ReceivedEOF(now wire.Instant)
	// Sendable tells that everything given to Send has left, after a Send that said false.
	Sendable(now wire.Instant)
	// Closed is the last call, exactly once: nothing borrowed is in use by the transport any more. fault tells why;
	// nil after Conn.Close.
	Closed(fault *wire.Fault, now wire.Instant)
}

// Conn is one connection. Its methods may be called from any goroutine, also while the caller holds the lock that its
// handler takes: they never call the handler.
type Conn interface {
	// Send moves all of out to the transport, which writes what the socket takes now and keeps the rest. True: all of
	// it has left, every segment was released. False: Sendable follows once; until then the caller holds back.
	// A failure to write is told by Closed, after what the peer had sent was received. One Send at a time.
	Send(out *buffers.Sequence) bool
	// PauseReading lets the peer wait: no Received is begun until ResumeReading. But when writing has failed, what the peer
	// had sent by then is received all the same, and then Closed is told: whoever paused until something has left would
	// wait for ever.
	PauseReading()
	ResumeReading()
	// Written is the number of bytes that the system has taken so far.
	Written() uint64
	// Alive looks whether a connection on which nothing is expected can be used: false when the peer has closed it, has
	// reset it, or has sent more than the received bytes that the caller was given. It looks at all that has arrived: what
	// still lies in the system's buffer, what the transport has taken from there, and what it is about to give or is giving
	// to the handler at this moment; that is why the caller says how far it has come. It takes nothing, and waits no longer
	// than for a system call that does not block. True is no promise: what is on its way is not seen, nor is a peer that has
	// vanished.
	Alive(received uint64) bool
	// Probe asks the peer for a sign of life, after a change of the network: unless its system is heard from, if only by an
	// acknowledgement, the connection is told Closed with CLOSED within 6 s (later where the peer has not read for minutes
	// and bytes wait for it: then systems ask seldom). A connection not yet made is left alone.
	Probe()
	// Close ends the connection; Closed follows with fault nil. Calls after that do nothing. It never blocks.
	Close()
}
