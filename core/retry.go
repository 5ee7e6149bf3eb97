package core

import "turbohttp/wire"

// ending is what a connection leaves behind when it is gone.
type ending struct {
	fault    *wire.Fault // why; nil: we closed it
	begun    bool        // an exchange was begun on it and had not been told over
	complete bool        // that exchange has its whole response
	settled  uint64      // the ticket of the exchange whose Done is told by complete
	stale    bool        // a connection that had served or waited went without a byte of an answer
	unsent   bool        // and without a byte of the request having been taken by the system
}

// mayRepeat decides whether the exchange of a connection that is gone starts again. Only where that is safe:
//
//   - it was not begun: the connection went between being chosen and being used, or was found dead or speaking then;
//   - the connection had served before or had waited in the pool, no byte of an answer came, and either no byte of the
//     request went out or its method is safe (RFC 9110 §9.2.1): the server closed it while it was idle (RFC 9112
//     §9.3.1). That is a retry, and Config.MaxRetries bounds it.
//
// It goes to the head of the line and is served by a new connection. One that just answered somebody, or an idle one, might
// be as stale: they serve it only when no new connection can be made. Client.mu is held.
func (c *Client) mayRepeat(x *Exchange, e ending) bool {
	if x.stop.Load() != 0 || c.closing.Load() {
		return false
	}
	if !e.begun {
		return e.fault == nil || e.fault.Status == wire.StatusClosed
	}
	if x.dropped > 0 {
		return false // the host has the beginning of the body back
	}
	return x.retries < c.cfg.MaxRetries && e.stale && (e.unsent || isSafe(x.Head.Method))
}

func isSafe(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "TRACE":
		return true
	}
	return false
}
