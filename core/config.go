package core

import (
	"turbohttp/buffers"
	"turbohttp/tlsprov"
	"turbohttp/transport"
)

// Config says what a client works with. The zero value of a number means the default; NewClient copies what it needs.
type Config struct {
	Transport transport.Transport // not owned: its owner closes it, after the client's Close has finished
	Pool      *buffers.Pool
	TLS       tlsprov.Context // for https; nil: there is none
	UserAgent []byte          // sent unless a request has its own; may be empty

	ConnectionsPerHost int   // for each origin; default 8
	ConnectTimeout     int64 // nanoseconds for resolving, connecting and the TLS handshake together; default 10 s; negative: none
	RequestTimeout     int64 // nanoseconds for exchanges whose Timeout is 0; default, and negative: none
	IdleTimeout        int64 // nanoseconds that a connection may wait in the pool; default 60 s; negative: for ever
	Lifetime           int64 // nanoseconds after which a connection serves no further exchange; default, and negative: none
	MaxRetries         int   // how often an exchange is sent again after a stale connection; default 1; negative: never
	MaxHeadBytes       int   // of a response head; default 64 KiB
	Window             int   // bytes of a streamed body held unconsumed before the peer is made to wait; default 256 KiB

	Resolve Resolve // where hosts are, whatever the name servers say; not changed afterwards

	// Log takes one line; level is 1 error, 2 warn, 3 info, 4 trace. May be nil. It is called on library goroutines,
	// also with locks held: it must not block and not call core.
	Log func(level int, text string)

	Clock transport.Clock // nil: transport.Real
}

func (cfg *Config) fill() {
	if cfg.ConnectionsPerHost <= 0 {
		cfg.ConnectionsPerHost = 8
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10e9
	}
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = 60e9
	}
	if cfg.MaxRetries == 0 {
		cfg.MaxRetries = 1
	}
	if cfg.Window <= 0 {
		cfg.Window = 256 << 10
	}
	if cfg.Clock == nil {
		cfg.Clock = transport.Real
	}
}

// Stats are counters of one client since NewClient. They are not read at one instant.
type Stats struct {
	RequestsStarted, RequestsDone      uint64
	ConnectionsOpened, ConnectionsOpen uint64
	BytesSent, BytesReceived           uint64 // of the connections: heads and framing included
}
