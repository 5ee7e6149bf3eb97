// Package transport says how bytes of connections move, and holds what every mover of bytes needs: the one place where
// goroutines begin ([Start]), the clock ([Clock]), and timers ([Timers], [Alarm]).
//
// The contract ([Transport], [Conn], [Handler]) is completion-shaped: a handler is given bytes that have arrived and is
// told when bytes have left, and never asked to read or write itself. An event loop can imitate that over readiness,
// IOCP offers nothing else, and a goroutine per connection does it naturally.
//
// Locks. A Conn may be called while its handler's lock is held, so it never calls the handler and never waits for a
// call of the handler to end. Order: the handler's locks, then the transport's own.
//
// Implementations live in rooms of their own: netconn over Go's net.Conn, poll (later) over epoll, kqueue or IOCP.
// Every one passes the suite in transporttest.
package transport
