package tlstest

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

func testRefusedChains(t *testing.T, w *world) {
	old := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = Today.AddDate(-2, 0, 0), Today.AddDate(0, 0, -1)
	}
	oldRoot := Authority(t, "Old Root", nil, old)
	notCA := issue(t, "Not an Authority", w.root, nil, nil)
	narrow := Authority(t, "Narrow Middle", w.root, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.example"}
	})
	short := Authority(t, "Short Middle", w.root, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
	selfSigned := Leaf(t, nil, nil)
	hidden := Leaf(t, w.middle, nil).TLS()
	hidden.Certificate = hidden.Certificate[:1]
	for _, c := range []struct {
		name   string
		shown  tls.Certificate
		host   string
		reason wire.Reason
		says   []string
	}{
		{"expired", Leaf(t, w.root, old).TLS(), Host, wire.CertificateExpired, []string{Host, "expired on 2026-05-31", "2026-06-01", "renew"}},
		{"not yet", Leaf(t, w.root, func(c *x509.Certificate) { c.NotBefore = Today.AddDate(0, 0, 1) }).TLS(), Host,
			wire.CertificateNotYet, []string{"2026-06-02", "clock"}},
		{"an authority expired", Leaf(t, Authority(t, "Old Middle", w.root, old), nil).TLS(), Host,
			wire.CertificateExpired, []string{"Old Middle", "expired"}},
		{"the root expired", Leaf(t, oldRoot, nil).TLS(), Host, wire.CertificateExpired, []string{"Old Root"}},
		{"host", w.leaf.TLS(), "wrong.example", wire.CertificateHost, []string{"wrong.example", Host, "127.0.0.1"}},
		{"address", w.leaf.TLS(), "127.0.0.2", wire.CertificateHost, []string{"127.0.0.2"}},
		{"no name", Leaf(t, w.root, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }).TLS(), Host,
			wire.CertificateHost, []string{"subject alternative name"}},
		{"self-signed", selfSigned.TLS(), Host, wire.CertificateUntrusted, []string{"itself", "roots_pem"}},
		{"another root", Leaf(t, w.others, nil).TLS(), Host, wire.CertificateUntrusted, []string{"Other Root", "roots_pem"}},
		{"another root is sent", Leaf(t, w.others, nil).TLS(w.others), Host, wire.CertificateUntrusted, []string{"Other Root"}},
		{"the authority in between is not sent", hidden, Host, wire.CertificateUntrusted, []string{"whole chain"}},
		{"signed by no authority", Leaf(t, notCA, nil).TLS(), Host, wire.CertificateConstraint, []string{"Not an Authority"}},
		{"name constraint", Leaf(t, narrow, nil).TLS(), Host, wire.CertificateConstraint, []string{"constraint", "Narrow Middle", "another authority"}},
		{"path too long", Leaf(t, Authority(t, "Below Short", short, nil), nil).TLS(), Host, wire.CertificateConstraint, []string{"Short Middle"}},
		{"weak", WeakLeaf(t, w.root, nil).TLS(), Host, wire.CertificateWeak, []string{"1024"}},
		{"usage", Leaf(t, w.root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }).TLS(), Host,
			wire.CertificateUsage, []string{"serverAuth"}},
		{"usage of an authority", Leaf(t, Authority(t, "Client Middle", w.root, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), nil).TLS(), Host, wire.CertificateUsage, []string{"Client Middle", "serverAuth"}},
		{"an extension that nobody knows", Leaf(t, Authority(t, "Strange Middle", w.root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
		}), nil).TLS(), Host, wire.CertificateOther, []string{"Strange Middle", "1.2.3.4", "must use another"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := w.client(t, func(cfg *tlsprov.Config) { cfg.RootsPEM = append(cfg.RootsPEM, oldRoot.PEM()...) })
			config := w.server()
			config.Certificates = []tls.Certificate{c.shown}
			p := client.connect(t, c.host, config, echo)
			fault := p.refused(wire.StatusCertificate, c.reason)
			for _, say := range append(c.says, "certificate", c.host) {
				assert.Contains(t, fault.Text, say)
			}
			assert.ErrorContains(t, p.serverError(), "bad certificate", "the server is told why")
		})
	}
}

func testAcceptedChains(t *testing.T, w *world) {
	deep := Authority(t, "Third", Authority(t, "Second", w.middle, nil), nil)
	for name, c := range map[string]struct {
		shown tls.Certificate
		host  string
	}{
		"by name":                 {w.leaf.TLS(), Host},
		"by name in capitals":     {w.leaf.TLS(), "GAME.example"},
		"with the root's dot":     {w.leaf.TLS(), Host + "."},
		"by address":              {w.leaf.TLS(), "127.0.0.1"},
		"by another name":         {w.leaf.TLS(), "localhost"},
		"four certificates":       {Leaf(t, deep, nil).TLS(), Host},
		"the root is sent, too":   {w.leaf.TLS(w.root), Host},
		"a stranger is sent, too": {w.leaf.TLS(w.others), Host},
		"a wildcard":              {Leaf(t, w.root, func(c *x509.Certificate) { c.DNSNames = []string{"*.example"} }).TLS(), Host},
	} {
		t.Run(name, func(t *testing.T) {
			config := w.server()
			config.Certificates = []tls.Certificate{c.shown}
			w.client(t, nil).connect(t, c.host, config, echo).established()
		})
	}
}

func testInsecure(t *testing.T, w *world) {
	config := w.server()
	config.Certificates = []tls.Certificate{Leaf(t, w.others, func(c *x509.Certificate) { c.NotAfter = Today.AddDate(0, 0, -1) }).TLS()}
	c := w.client(t, func(cfg *tlsprov.Config) { cfg.Insecure = true })
	assert.Contains(t, c.logged(), "insecure", "it is logged when the client is made")
	c.connect(t, "wrong.example", config, echo).established()
}

func testNoRoots(t *testing.T, w *world) {
	c := w.client(t, func(cfg *tlsprov.Config) {
		cfg.RootsPEM = nil
		cfg.SystemRoots = func() (*x509.CertPool, *wire.Fault) {
			return nil, wire.Faultf(wire.StatusCertificate, wire.CertificateUntrusted, "tls", "this system has no root certificates")
		}
	})
	fault := c.connect(t, Host, w.server(), echo).refused(wire.StatusCertificate, wire.CertificateUntrusted)
	assert.Contains(t, fault.Text, "no root certificates")

	c = w.client(t, func(cfg *tlsprov.Config) {
		cfg.RootsPEM = nil
		cfg.SystemRoots = func() (*x509.CertPool, *wire.Fault) {
			roots := x509.NewCertPool()
			roots.AddCert(w.root.Certificate)
			return roots, nil
		}
	})
	c.connect(t, Host, w.server(), echo).established()
}

func testPins(t *testing.T, w *world) {
	good, above, top := tlsprov.Pin(w.leaf.Certificate), tlsprov.Pin(w.middle.Certificate), tlsprov.Pin(w.root.Certificate)
	bad, stranger := [32]byte{1}, tlsprov.Pin(w.others.Certificate)
	for _, c := range []struct {
		name     string
		insecure bool
		shown    tls.Certificate
		pins     [][32]byte
		ok       bool
	}{
		{"of the server", false, w.leaf.TLS(), [][32]byte{good}, true},
		{"of an authority", false, w.leaf.TLS(), [][32]byte{above}, true},
		{"of the root, which is not sent", false, w.leaf.TLS(), [][32]byte{top}, true},
		{"a backup", false, w.leaf.TLS(), [][32]byte{bad, good}, true},
		{"none fits", false, w.leaf.TLS(), [][32]byte{bad, {2}}, false},
		{"of a certificate that is only sent along", false, w.leaf.TLS(w.others), [][32]byte{stranger}, false},
		{"insecure, of the server", true, w.leaf.TLS(), [][32]byte{good}, true},
		{"insecure, of an authority that is only sent along", true, w.leaf.TLS(), [][32]byte{above}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := w.client(t, func(cfg *tlsprov.Config) { cfg.Pins, cfg.Insecure = c.pins, c.insecure })
			config := w.server()
			config.Certificates = []tls.Certificate{c.shown}
			p := client.connect(t, Host, config, echo)
			if c.ok {
				p.established()
				return
			}
			fault := p.refused(wire.StatusCertificate, wire.CertificatePin)
			assert.Contains(t, fault.Text, Host)
			assert.Contains(t, fault.Text, "pin")
		})
	}
	t.Run("a pin does not make an untrusted chain good", func(t *testing.T) {
		client := w.client(t, func(cfg *tlsprov.Config) { cfg.RootsPEM, cfg.Pins = w.others.PEM(), [][32]byte{good} })
		client.connect(t, Host, w.server(), echo).refused(wire.StatusCertificate, wire.CertificateUntrusted)
	})
	t.Run("report only", func(t *testing.T) {
		client := w.client(t, func(cfg *tlsprov.Config) { cfg.Pins, cfg.PinsReportOnly = [][32]byte{bad}, true })
		client.connect(t, Host, w.server(), echo).established()
		require.Contains(t, client.logged(), "report only")
		require.Contains(t, client.logged(), Host)
	})
}
