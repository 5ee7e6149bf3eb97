// Package gotls is the TLS provider over Go's crypto/tls. It is there on every platform and needs nothing of the system but
// its roots.
//
// crypto/tls wants a net.Conn that it may wait on. It gets one in memory, which never waits: during the handshake its Read
// hands the turn back through a coroutine (iter.Pull; no goroutine of its own runs), because errors are final there;
// afterwards its Read says "temporarily nothing", which crypto/tls passes on and forgets.
//
// # What it allocates
//
// A handshake allocates; connections are few. Afterwards all bytes live in pooled blocks, but for one read buffer inside
// crypto/tls, as large as the largest record that came, and 24 bytes each time that this buffer is filled: crypto/tls makes
// a reader for it. A session asks for plaintext only when whole records are there, and hands over only whole records, so a
// record costs these 24 bytes once at most, and records that came together share them.
//
// provider.go the context; session.go the stage; handshake.go the coroutine and the checks; pipe.go what crypto/tls
// takes for a connection; records.go finds where records end; tickets.go resumption; faults.go errors in words.
package gotls

import (
	"crypto/tls"
	"crypto/x509"
	"strconv"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// Provider makes contexts over crypto/tls.
type Provider struct{}

var _ tlsprov.Provider = Provider{}

// Name is "go".
func (Provider) Name() string { return "go" }

// NewContext parses cfg.
func (Provider) NewContext(cfg *tlsprov.Config) (tlsprov.Context, *wire.Fault) {
	m, fault := cfg.Parse()
	if fault != nil {
		return nil, fault
	}
	c := &context{cfg: *cfg, roots: cfg.SystemRoots}
	c.cfg.Pins = append([][32]byte(nil), cfg.Pins...)
	switch {
	case m.Roots != nil:
		c.roots = func() (*x509.CertPool, *wire.Fault) { return m.Roots, nil }
	case c.roots == nil:
		c.roots = tlsprov.SystemRoots
	}
	c.tls = &tls.Config{
		MinVersion: max(cfg.MinVersion, tlsprov.Version12),
		NextProtos: append([]string(nil), cfg.ALPN...),
		Time:       c.cfg.Time,
		// Small records at first would be for browsers that parse as they read; a request should be one record.
		DynamicRecordSizingDisabled: true,
		// The chain is checked all the same, in session.verify, which crypto/tls calls for new and resumed sessions
		// before anything of ours is sent: its own check neither tells why nor knows of pins.
		InsecureSkipVerify: true,
	}
	if m.Certificate != nil {
		c.tls.Certificates = []tls.Certificate{*m.Certificate}
	}
	if cfg.Insecure {
		c.cfg.Logf(tlsprov.LogWarn, "insecure is set: nobody checks who the server is; for tests only")
	}
	c.cfg.RootsPEM, c.cfg.CertificatePEM, c.cfg.KeyPEM = nil, nil, nil
	return c, nil
}

// context is what the sessions of a client share.
type context struct {
	cfg     tlsprov.Config
	tls     *tls.Config // never used itself, but cloned for each session
	roots   func() (*x509.CertPool, *wire.Fault)
	tickets tickets
}

func (c *context) Name() string { return "go" }

// NewSession makes the first flight.
func (c *context) NewSession(host string, port uint16, now wire.Instant) (tlsprov.Session, *wire.Fault) {
	s := &session{context: c, host: host, key: host + ":" + strconv.Itoa(int(port))}
	s.pipe.s = s
	config := c.tls.Clone()
	config.ServerName = host
	config.VerifyConnection = s.verify
	config.ClientSessionCache = (*cache)(s)
	s.tls = tls.Client(&s.pipe, config)
	s.begin()
	if s.fault != nil {
		s.Release()
		return nil, s.fault
	}
	return s, nil
}
