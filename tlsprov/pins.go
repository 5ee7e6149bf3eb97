package tlsprov

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"

	"turbohttp/wire"
)

// Pin is the hash of a certificate's key: SHA-256 of its SubjectPublicKeyInfo (RFC 7469 §2.4). It stays the same when a
// certificate is renewed with the same key.
func Pin(c *x509.Certificate) [32]byte { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

// checkPins looks for a pinned key in chain, which was verified, or holds only the leaf when nothing was. A game ships a
// second pin of a key that lies in a safe, and its certificate need not exist yet: one pin that fits is enough.
func (c *Config) checkPins(chain []*x509.Certificate, host string) *wire.Fault {
	if len(c.Pins) == 0 {
		return nil
	}
	var seen strings.Builder
	for _, cert := range chain {
		pin := Pin(cert)
		for i := range c.Pins {
			if c.Pins[i] == pin {
				return nil
			}
		}
		seen.WriteString("; " + base64.StdEncoding.EncodeToString(pin[:]) + " is " + name(cert))
	}
	fault := wire.Faultf(wire.StatusCertificate, wire.CertificatePin, "tls", "the chain of %s holds none of the %d pinned keys "+
		"(its keys%s): either somebody sits in between, or the server has a new key and the pins are old", host, len(c.Pins),
		strings.Replace(seen.String(), ";", ":", 1))
	if c.PinsReportOnly {
		c.Logf(LogWarn, "report only: "+fault.Text)
		return nil
	}
	return fault
}
