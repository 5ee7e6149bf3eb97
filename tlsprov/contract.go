package tlsprov

import (
	"crypto/x509"
	"time"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// Versions of TLS, as on the wire.
const (
	Version12 uint16 = 0x0303
	Version13 uint16 = 0x0304
)

// Config says what a context accepts. The zero value is right for nearly everybody: TLS 1.2 and 1.3, verified against the
// roots of the system. A provider copies what it needs.
type Config struct {
	Pool           *buffers.Pool
	MinVersion     uint16     // Version12 (0 means it) or Version13
	Insecure       bool       // no check of chain, dates and name; pins then hold for the certificate that was sent
	RootsPEM       []byte     // empty: the system's
	CertificatePEM []byte     // of the client, leaf first; with KeyPEM
	KeyPEM         []byte     // its private key, not encrypted
	Pins           [][32]byte // SHA-256 of accepted SubjectPublicKeyInfos; none: every key
	PinsReportOnly bool       // a chain without a pinned key is logged, not refused
	Ask            bool       // a full handshake whose checks passed waits for Session.Answer
	ALPN           []string   // offered, in order of preference; nil: none

	// Log takes one line; level as core.Config.Log. It is called while sessions work: it must not block. May be nil.
	Log func(level int, text string)
	// Now is the time of day that certificates are held against; nil: time.Now.
	Now func() time.Time
	// SystemRoots gives the roots when RootsPEM is empty; nil: SystemRoots.
	SystemRoots func() (*x509.CertPool, *wire.Fault)
}

// Provider is a TLS library. Implementations: gotls.
type Provider interface {
	// Name says which: "go", "openssl 3.0.15".
	Name() string
	// NewContext parses all of cfg. Faults: INVALID names the field and says what is wrong with it; PROVIDER: this
	// library cannot do what is asked.
	NewContext(cfg *Config) (Context, *wire.Fault)
}

// Context is what the connections of one client share: the parsed configuration, and the tickets of sessions that can be
// resumed. Any goroutine may use it.
type Context interface {
	// Name is the provider's.
	Name() string
	// NewSession begins a handshake with the server of that name, or address without brackets. Fill gives the first
	// flight at once. now is the moment of the call.
	NewSession(host string, port uint16, now wire.Instant) (Session, *wire.Fault)
}

const (
	// MostAnswers is how many answers to what the peer sent may wait for Fill: at some 30 bytes in a block of 256 each,
	// 64 KiB. An honest peer waits for the answer to one.
	MostAnswers = 256
	// MostReads bounds one Read: at some 10 µs for a change of keys, 3 ms.
	MostReads = 256
)

// Session is one connection. Feed, FeedEOF, Fill, Tick, Deadline and Release are those of wire.Stage and are about
// ciphertext; plaintext is read and written beside them. Whoever calls it owns it for the length of the call.
//
// After each call that moves it on (NewSession, Feed, Answer, Read, Write, CloseNotify) ask Fill for bytes; after a fault
// too, because the peer is told why. After Feed and Answer look at Asking and Handshaken, and then Read until there is no
// more.
//
// What the peer can make a session keep is bounded, whatever it sends. A session answers some records by itself (RFC 8446
// §4.6.3: a KeyUpdate that asks for one), and a peer that asks and never reads must not fill memory: while MostAnswers wait
// for Fill, Full is true, and Read takes no further record. The caller then stops feeding, and goes on when Fill has given
// answers away, as a client that blocks in writing would. What it has fed meanwhile the session keeps, also a record
// that comes a byte at a time, in not much more memory than its bytes. Messages of a handshake, tickets and chains have a
// largest size; a renegotiation is refused, for good or with an answer that counts as one.
//
// Nor can a peer make one call work for long: Feed decrypts nothing after the handshake, and Read ends after MostReads
// looks for plaintext, with more, though limit was not reached. Records without content are a fault when too many follow
// each other.
//
// Faults: TLS with the alert, CERTIFICATE with the reason, CLOSED when the connection was cut. The first is final; Read
// still gives what came before it.
type Session interface {
	wire.Stage
	// Handshaken tells that plaintext may be written.
	Handshaken() bool
	// Asking gives what a handshake waits for under Config.Ask; nil: it does not wait. It is a view until Answer.
	Asking() *Question
	// Answer lets the handshake that waits go on, or ends it with the fault that it returns. It does nothing when
	// nothing waits.
	Answer(accept bool, now wire.Instant) *wire.Fault
	// Read appends plaintext to out until out holds about limit bytes, or the session is Full, or it has looked MostReads
	// times. more: there is more now, or will be when the session is not Full any more.
	Read(out *buffers.Sequence, limit int) (more bool, fault *wire.Fault)
	// Midway tells that the beginning of a record has come and its end has not: the peer is saying something.
	Midway() bool
	// Full tells that MostAnswers wait for Fill: Read goes on when it has given some away.
	Full() bool
	// Write takes bytes from the front of in and says how many: not all while much waits for Fill. It takes none before
	// the handshake has ended.
	Write(in *buffers.Sequence) (int, *wire.Fault)
	// Ended tells that the peer said close_notify, and that all that came before it was read.
	Ended() bool
	// CloseNotify tells the peer that nothing more will be written. Before the end of the handshake it does nothing.
	CloseNotify()
	// Info describes the session; nil before the end of the handshake.
	Info() *Info
}

// Info describes a session.
type Info struct {
	Version uint16
	Cipher  string // "TLS_AES_128_GCM_SHA256"
	ALPN    string // empty: the server chose none
	Resumed bool
	Chain   [][]byte // what the server sent, DER, leaf first
}

// String gives "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1".
func (i *Info) String() string {
	version := "TLS1.2"
	if i.Version == Version13 {
		version = "TLS1.3"
	}
	text := version + " " + i.Cipher
	if i.ALPN != "" {
		text += " " + i.ALPN
	}
	return text
}

// Question is a chain that passed the checks and waits for the host's answer.
type Question struct {
	Host     string
	Verified bool     // false: Config.Insecure skipped the checks
	Chain    [][]byte // DER, leaf first: the verified chain, or what was sent when nothing was verified
}

// Levels of Config.Log that this room uses.
const (
	LogWarn = 2
	LogInfo = 3
)

// Logf writes a line, when somebody wants lines.
func (c *Config) Logf(level int, text string) {
	if c.Log != nil {
		c.Log(level, "tls: "+text)
	}
}

// Time is the time of day.
func (c *Config) Time() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
