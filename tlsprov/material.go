package tlsprov

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	"turbohttp/wire"
)

// Material is what a Config holds, parsed. Providers with parsers of their own use it to refuse the same things in the
// same words.
type Material struct {
	Roots       *x509.CertPool   // nil: the system's
	Certificate *tls.Certificate // nil: none
}

// Parse looks at everything in c. The fault (INVALID) names the field.
func (c *Config) Parse() (*Material, *wire.Fault) {
	m := &Material{}
	switch c.MinVersion {
	case 0, Version12, Version13:
	default:
		return nil, invalid("min_version is %#04x: write 0x0303 for TLS 1.2 or 0x0304 for TLS 1.3; older ones are broken and not built in",
			c.MinVersion)
	}
	if len(c.RootsPEM) > 0 {
		roots, fault := parseRoots(c.RootsPEM)
		if fault != nil {
			return nil, fault
		}
		m.Roots = roots
	}
	switch {
	case len(c.CertificatePEM) == 0 && len(c.KeyPEM) == 0:
		return m, nil
	case len(c.KeyPEM) == 0:
		return nil, invalid("certificate_pem was given without key_pem: a client certificate needs its private key")
	case len(c.CertificatePEM) == 0:
		return nil, invalid("key_pem was given without certificate_pem: a private key alone shows nothing to a server")
	}
	if _, fault := certificates("certificate_pem", c.CertificatePEM); fault != nil {
		return nil, fault
	}
	if bytes.Contains(c.KeyPEM, []byte("ENCRYPTED")) {
		return nil, invalid("key_pem is encrypted: decrypt it first (openssl pkey -in key.pem)")
	}
	pair, err := tls.X509KeyPair(c.CertificatePEM, c.KeyPEM)
	if err != nil {
		return nil, invalid("certificate_pem and key_pem do not fit together: %v", err)
	}
	m.Certificate = &pair
	return m, nil
}

func parseRoots(text []byte) (*x509.CertPool, *wire.Fault) {
	list, fault := certificates("roots_pem", text)
	if fault != nil {
		return nil, fault
	}
	roots := x509.NewCertPool()
	for _, c := range list {
		roots.AddCert(c)
	}
	return roots, nil
}

// certificates parses every certificate of a PEM text. One that is broken makes all of it broken: who gave it wants to
// know, and half of a root store is a riddle for somebody later.
func certificates(field string, text []byte) ([]*x509.Certificate, *wire.Fault) {
	var list []*x509.Certificate
	rest := text
	for {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		rest = after
		if block.Type != "CERTIFICATE" {
			continue // keys and parameters may stand beside it
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, invalid("certificate %d in %s is broken: %v", len(list)+1, field, err)
		}
		list = append(list, c)
	}
	if bytes.Contains(rest, []byte("-----BEGIN")) {
		return nil, invalid("certificate %d in %s is broken: its PEM block does not end, or holds what is not base64", len(list)+1, field)
	}
	if len(list) == 0 {
		return nil, invalid("%s holds no certificate: give the text of a PEM file, which begins with -----BEGIN CERTIFICATE-----", field)
	}
	return list, nil
}

func invalid(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusInvalid, 0, "tls", format, args...)
}
