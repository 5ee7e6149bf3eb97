// Package core is the client: exchanges, connections, and the pool that brings them together. It reports to a [Sink] and
// knows nothing of C.
//
// # The life of an exchange
//
//	Submit ──► idle connection there? ──yes──► active: conn.begin ──► Head, Body… ──► complete ──► Done(nil)
//	              │ no                            ▲        │
//	              ▼                               │        ├─ stop (cancel, time, LIMIT), fault, peer gone
//	           waiting, FIFO of its origin ───────┘        ▼
//	              │    a connection was made,           conn.Close ──► Closed ──► stale and safe to repeat:
//	              │    or came back                                       │         waiting again, first in line
//	              └─ stop, no connection possible ──► Done(fault)         └─► Done(fault)
//
// An active exchange that fails is told Done only when its connection was told Closed: then nothing that it borrowed is in
// use by anybody, whatever happened. A waiting one borrows nothing yet and is told at once.
//
// # Locks
//
//	Client.mu   exchanges' phases, origins, waiters, idle lists, who owns which connection
//	   │        never held over a system call, never over the Sink
//	   ▼
//	conn.mu     the engine and the transfer of the exchange that is open on it; held over Sink.Head, Body and Sent and
//	   │        over non-blocking writes
//	   ▼
//	secure.mu   with TLS: the session; held over non-blocking writes. secure.order, above conn.mu, makes one of the calls that
//	   │        tell a connection something
//	   ▼
//	the transport's own, and the lock of Timers (leaf)
//
// Downwards only. Client.mu takes conn.mu only of a connection that nobody else can know yet. Sink.Done is called with
// neither held. So whoever must act on a connection by what the pool knows (cancel, timeouts) notes the connection and
// the ticket under Client.mu, lets go, and takes conn.mu: the ticket, a number that every assignment counts up, says
// whether the connection still works for the same exchange.
//
// # Files
//
// client.go the calls; origin.go the pool; conn.go what the transport tells a connection, transfer.go what the engine
// does with it; secure*.go TLS between a connection and its link; stop.go cancel and time; network.go what a host knows of
// its network, resolve.go of other hosts; outcome.go how an exchange ends, retry.go whether it may start again; exchange.go,
// sink.go, config.go the contract with the caller.
package core
