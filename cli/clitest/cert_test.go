package clitest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
	"turbohttp/tlsprov/tlstest"
)

type change = func(c *x509.Certificate)

// today makes a certificate of tlstest valid now, which is not always when tlstest's tests happen, and then what more says.
func today(more ...change) change {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(48*time.Hour)
		for _, m := range more {
			m(c)
		}
	}
}

// showing runs an https server on localhost, and gives its URL.
func showing(t *testing.T, config *tls.Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &http.Server{TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "https://localhost:" + port + "/"
}

func file(t *testing.T, content []byte) string {
	name := filepath.Join(t.TempDir(), "f.pem")
	require.NoError(t, os.WriteFile(name, content, 0o600))
	return name
}

// negative makes the serial number of a certificate negative, which some authorities of appliances do and x509 does not read.
func negative(t *testing.T, by *tlstest.Entity) tls.Certificate {
	c := tlstest.Leaf(t, by, today(func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x7f) })).TLS()
	c.Certificate[0] = bytes.Replace(c.Certificate[0], []byte{2, 1, 0x7f}, []byte{2, 1, 0xff}, 1)
	return c
}

// Every reason but those that need options (pin) or a question to the host, which turbo never asks. The words say which
// certificate, why, and what to do.
func TestEveryReasonOfACertificateIsToldWithWordsThatHelp(t *testing.T) {
	root := tlstest.Authority(t, "Test Root", nil, today())
	below := func(name string, more ...change) *tlstest.Entity {
		return tlstest.Authority(t, name, root, today(more...))
	}
	leaf := func(by *tlstest.Entity, more ...change) tls.Certificate {
		return tlstest.Leaf(t, by, today(more...)).TLS()
	}
	forClients := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	future := func(c *x509.Certificate) { c.NotBefore = time.Now().Add(24 * time.Hour) }
	past := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-24 * time.Hour) }
	unknown := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
	}
	for _, c := range []struct {
		name, reason string
		shown        tls.Certificate
		says         []string
	}{
		{"expired", "expired", leaf(root, past), []string{tlstest.Host, "expired on ", "renew"}},
		{"an authority expired", "expired", leaf(below("Old Middle", past)), []string{"Old Middle", "expired on ", "renew"}},
		{"not yet valid", "notyet", leaf(root, future), []string{tlstest.Host, "valid from ", "set the clock right"}},
		{"an authority is not yet valid", "notyet", leaf(below("New Middle", future)), []string{"New Middle", "valid from ", "set the clock right"}},
		{"another host", "host", leaf(root, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }),
			[]string{tlstest.Host, "not made for localhost, but for other.example", "ask for the host by a name"}},
		{"another root", "untrusted", leaf(tlstest.Authority(t, "Other Root", nil, today())),
			[]string{tlstest.Host, "Other Root", "no trusted root", "roots_pem"}},
		{"signed by itself", "untrusted", leaf(nil), []string{tlstest.Host, "signed by itself", "roots_pem"}},
		{"a name that the authority may not give", "constraint", leaf(below("Narrow Middle", func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"only.example"}
		})), []string{"Narrow Middle", "may not", "the server's owner must"}},
		{"a name that the authority is denied", "constraint", leaf(below("Denied Middle", func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.ExcludedDNSDomains = true, []string{"localhost"}
		})), []string{"Denied Middle", "may not", "the server's owner must"}},
		{"too long a path", "constraint", leaf(tlstest.Authority(t, "Below Short", below("Short Middle", func(c *x509.Certificate) {
			c.MaxPathLen, c.MaxPathLenZero = 0, true
		}), today())), []string{"Short Middle", "may not", "the server's owner must"}},
		{"signed by what is no authority", "constraint", leaf(below("Not an Authority", func(c *x509.Certificate) { c.IsCA = false })),
			[]string{"Not an Authority", "is not an authority", "the server's owner must"}},
		{"a key that is too short", "weak", tlstest.WeakLeaf(t, root, today()).TLS(), []string{tlstest.Host, "1024", "must make a new one"}},
		{"an authority's key that is too short", "weak", leaf(tlstest.WeakAuthority(t, "Short Middle", root, today())),
			[]string{"Short Middle", "1024", "must make a new one"}},
		{"SHA-1", "weak", leaf(root, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }),
			[]string{tlstest.Host, "SHA1", "issued anew"}},
		{"SHA-1 above", "weak", leaf(below("Weak Middle", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })),
			[]string{"Weak Middle", "SHA1", "issued anew"}},
		{"made for clients", "usage", leaf(root, forClients), []string{tlstest.Host, "serverAuth", "must use another"}},
		{"an authority for clients", "usage", leaf(below("Client Middle", forClients)), []string{"Client Middle", "serverAuth", "must use another"}},
		{"what nobody knows and must be understood", "other", leaf(root, unknown), []string{tlstest.Host, "1.2.3.4", "the server's owner must"}},
		{"and in an authority", "other", leaf(below("Strange Middle", unknown)), []string{"Strange Middle", "1.2.3.4", "the server's owner must"}},
		{"what cannot be read", "other", negative(t, root), []string{"localhost", "negative serial number", "the server's owner must"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := showing(t, &tls.Config{Certificates: []tls.Certificate{c.shown}})
			r := turbotest.One(t, "--cacert", file(t, root.PEM()), url)
			assert.Equal(t, "tls_cert", *r.ErrorClass, *r.Error)
			assert.Equal(t, c.reason, r.CertReason, *r.Error)
			assert.Nil(t, r.Status)
			for _, say := range append(c.says, "certificate", "localhost", "(GET "+url+")") {
				assert.Contains(t, *r.Error, say)
			}
		})
	}
}

// A server's wish for a certificate is no reason to fail. What it thinks of the one it gets is told as its alert.
func TestServersThatAskForAClientCertificate(t *testing.T) {
	root := tlstest.Authority(t, "Test Root", nil, today())
	trusted := x509.NewCertPool()
	trusted.AddCert(root.Certificate)
	roots := file(t, root.PEM())
	stranger := tlstest.Client(t, "Stranger", tlstest.Authority(t, "Other Root", nil, today()), today())
	player := tlstest.Client(t, "Player One", root, today())
	with := func(e *tlstest.Entity) []string {
		return []string{"--cert", file(t, append(e.ChainPEM(), e.KeyPEM(t)...))}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			name  string
			asks  tls.ClientAuthType
			given []string
			class string
			says  string
		}{
			{"asked and not given", tls.RequestClientCert, nil, "", ""},
			{"asked and given", tls.VerifyClientCertIfGiven, with(player), "", ""},
			{"required and given", tls.RequireAndVerifyClientCert, with(player), "", ""},
			{"required and not given", tls.RequireAndVerifyClientCert, nil, "tls", "client certificate"},
			{"required, but that of a stranger", tls.RequireAndVerifyClientCert, with(stranger), "tls", "client certificate"},
		} {
			t.Run(tls.VersionName(version)+" "+c.name, func(t *testing.T) {
				url := showing(t, &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, today()).TLS()}, MinVersion: version,
					MaxVersion: version, ClientAuth: c.asks, ClientCAs: trusted})
				r := turbotest.One(t, append(c.given, "--cacert", roots, url)...)
				assert.Equal(t, c.class, *r.ErrorClass, *r.Error)
				assert.Contains(t, *r.Error, c.says)
				assert.Empty(t, r.CertReason, "the server's certificate was not the reason")
			})
		}
	}
}
