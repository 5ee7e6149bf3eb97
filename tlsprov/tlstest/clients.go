package tlstest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers/buffertest"
	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// asksForClients is a server that accepts only clients of its own authority. seen counts the certificates it was shown.
func (w *world) asksForClients(authority *Entity, version uint16, seen *int) *tls.Config {
	config := w.server()
	config.MaxVersion = version
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		*seen++
		c, err := x509.ParseCertificate(raw[0])
		if err != nil {
			return err
		}
		return c.CheckSignatureFrom(authority.Certificate)
	}
	return config
}

func testClientCertificate(t *testing.T, w *world) {
	mine := Client(t, "Player One", w.others, nil)
	versions(t, func(t *testing.T, version uint16) {
		seen := 0
		show := func(cfg *tlsprov.Config) { cfg.CertificatePEM, cfg.KeyPEM = mine.ChainPEM(), mine.KeyPEM(t) }
		p := w.client(t, show).connect(t, Host, w.asksForClients(w.others, version, &seen), echo)
		p.established()
		p.write([]byte("hello"))
		require.Equal(t, "hello", string(p.got))
		require.Equal(t, 1, seen)

		p = w.client(t, nil).connect(t, Host, w.asksForClients(w.others, version, &seen), echo)
		p.pump() // under TLS 1.3 the client's handshake has ended when the server says no
		require.NotNil(t, p.fault)
		require.Equal(t, wire.StatusTLS, p.fault.Status)
		require.Contains(t, p.fault.Text, "certificate")

		p = w.client(t, show).connect(t, Host, w.asksForClients(w.root, version, &seen), echo)
		p.pump()
		require.NotNil(t, p.fault)
		require.EqualValues(t, 42, p.fault.Code, p.fault.Text)
	})
}

// A client certificate names the player: it is shown only to a server that passed everything, pins and answer included.
func testOrder(t *testing.T, w *world) {
	mine := Client(t, "Player One", w.others, nil)
	versions(t, func(t *testing.T, version uint16) {
		for name, change := range map[string]func(cfg *tlsprov.Config){
			"pin":       func(cfg *tlsprov.Config) { cfg.Pins = [][32]byte{{1}} },
			"untrusted": func(cfg *tlsprov.Config) { cfg.RootsPEM = w.others.PEM() },
			"answer":    func(cfg *tlsprov.Config) { cfg.Ask = true },
			"insecure":  func(cfg *tlsprov.Config) { cfg.Insecure, cfg.Pins = true, [][32]byte{{1}} },
		} {
			seen := 0
			client := w.client(t, func(cfg *tlsprov.Config) {
				cfg.CertificatePEM, cfg.KeyPEM = mine.ChainPEM(), mine.KeyPEM(t)
				change(cfg)
			})
			p := client.connect(t, Host, w.asksForClients(w.others, version, &seen), echo)
			p.pump()
			if name == "answer" {
				require.NotNil(t, p.Asking())
				require.Zero(t, seen, "while the answer is awaited")
				p.fault = p.Answer(false, 1)
				p.pump()
			}
			require.NotNil(t, p.fault, name)
			require.Equal(t, wire.StatusCertificate, p.fault.Status, name)
			require.Zero(t, seen, name)
		}
	})
}

func testMaterial(t *testing.T, w *world) {
	mine, other := Client(t, "Player One", w.others, nil), Client(t, "Player Two", w.others, nil)
	certificate, key := mine.ChainPEM(), mine.KeyPEM(t)
	for name, c := range map[string]struct {
		change func(cfg *tlsprov.Config)
		says   []string
	}{
		"roots are no PEM":     {func(cfg *tlsprov.Config) { cfg.RootsPEM = []byte("/etc/ssl/cert.pem") }, []string{"roots_pem", "BEGIN CERTIFICATE"}},
		"roots are cut off":    {func(cfg *tlsprov.Config) { cfg.RootsPEM = cfg.RootsPEM[:len(cfg.RootsPEM)-40] }, []string{"roots_pem", "certificate 1"}},
		"the second is broken": {func(cfg *tlsprov.Config) { cfg.RootsPEM = append(cfg.RootsPEM, broken(w.others.PEM())...) }, []string{"certificate 2"}},
		"certificate alone":    {func(cfg *tlsprov.Config) { cfg.CertificatePEM = certificate }, []string{"key_pem"}},
		"key alone":            {func(cfg *tlsprov.Config) { cfg.KeyPEM = key }, []string{"certificate_pem"}},
		"they do not fit":      {func(cfg *tlsprov.Config) { cfg.CertificatePEM, cfg.KeyPEM = certificate, other.KeyPEM(t) }, []string{"fit"}},
		"the key is no key":    {func(cfg *tlsprov.Config) { cfg.CertificatePEM, cfg.KeyPEM = certificate, certificate }, []string{"key_pem"}},
		"the key is encrypted": {func(cfg *tlsprov.Config) {
			cfg.CertificatePEM, cfg.KeyPEM = certificate, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")
		}, []string{"encrypted", "openssl"}},
		"the chain is broken":   {func(cfg *tlsprov.Config) { cfg.CertificatePEM, cfg.KeyPEM = broken(certificate), key }, []string{"certificate_pem"}},
		"an old version of TLS": {func(cfg *tlsprov.Config) { cfg.MinVersion = tls.VersionTLS11 }, []string{"min_version", "0x0303"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tlsprov.Config{Pool: buffertest.Pool(t), RootsPEM: w.root.PEM()}
			c.change(&cfg)
			made, fault := w.provider.NewContext(&cfg)
			require.Nil(t, made)
			require.NotNil(t, fault)
			require.Equal(t, wire.StatusInvalid, fault.Status)
			for _, say := range c.says {
				assert.Contains(t, fault.Text, say)
			}
		})
	}
}

// broken has a letter of its base64 changed.
func broken(text []byte) []byte {
	b := append([]byte(nil), text...)
	copy(b[strings.Index(string(b), "\n")+9:], "AAAA")
	return b
}

func testResumption(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		config := w.server()
		config.MaxVersion = version
		c := w.client(t, func(cfg *tlsprov.Config) { cfg.Pins, cfg.PinsReportOnly = [][32]byte{{1}}, true })
		visit := func(host string) *pair {
			p := c.connect(t, host, config, echo)
			p.established()
			p.write([]byte("x")) // with the answer come the tickets of TLS 1.3
			require.Equal(t, "x", string(p.got))
			return p
		}
		require.False(t, visit(Host).Info().Resumed)
		require.Equal(t, 1, strings.Count(c.logged(), "report only"))
		again := visit(Host)
		require.True(t, again.Info().Resumed)
		require.NotEmpty(t, again.Info().Chain)
		require.Equal(t, 2, strings.Count(c.logged(), "report only"), "pins hold for a resumed session, too")
		require.False(t, visit("localhost").Info().Resumed, "another host is another server")
		require.True(t, visit("localhost").Info().Resumed)

		p := w.client(t, nil).connect(t, Host, config, echo)
		p.established()
		require.False(t, p.Info().Resumed, "another context may trust others")

		s, fault := c.NewSession(Host, 444, 1) // no ticket is shown at another port: the first flight is shorter
		require.Nil(t, fault)
		other := &pair{Session: s, t: t, pool: c.pool}
		without := len(other.filled())
		s.Release()
		s, fault = c.NewSession(Host, 443, 1)
		require.Nil(t, fault)
		other.Session = s
		require.Greater(t, len(other.filled()), without)
		s.Release()
	})
}

func testResumptionEnds(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		hour := func(c *x509.Certificate) { c.NotAfter = Today.Add(time.Hour) }
		config := w.server()
		config.MaxVersion = version
		config.Certificates = []tls.Certificate{Leaf(t, w.root, hour).TLS()}
		c := w.client(t, nil)
		visit := func() *pair {
			p := c.connect(t, Host, config, echo)
			p.established()
			p.write([]byte("x"))
			return p
		}
		visit()
		require.True(t, visit().Info().Resumed)
		c.now = Today.Add(2 * time.Hour)
		config.Certificates = []tls.Certificate{w.leaf.TLS()} // it was renewed
		p := visit()
		require.False(t, p.Info().Resumed, "what has expired since is not resumed, and the new chain is asked for")
		require.Equal(t, w.leaf.Certificate.Raw, p.Info().Chain[0])
	})
}

func testAsk(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		config := w.server()
		config.MaxVersion = version
		c := w.client(t, func(cfg *tlsprov.Config) { cfg.Ask = true })
		ask := func() *pair {
			p := c.connect(t, Host, config, func(c *tls.Conn, p *Peer) error {
				err := echo(c, p)
				if err == io.EOF {
					return nil
				}
				return err
			})
			p.pump()
			require.Nil(t, p.fault)
			require.False(t, p.Handshaken())
			return p
		}
		p := ask()
		q := p.Asking()
		require.NotNil(t, q)
		require.Equal(t, Host, q.Host)
		require.True(t, q.Verified)
		require.Equal(t, [][]byte{w.leaf.Certificate.Raw, w.middle.Certificate.Raw, w.root.Certificate.Raw}, q.Chain)
		require.Nil(t, p.Answer(true, 1))
		require.Nil(t, p.Asking())
		p.established()
		p.write([]byte("x"))
		require.Equal(t, "x", string(p.got))

		p = c.connect(t, Host, config, echo)
		p.established()
		require.True(t, p.Info().Resumed, "a resumed session was asked about before")

		c = w.client(t, func(cfg *tlsprov.Config) { cfg.Ask = true })
		p = ask()
		fault := p.Answer(false, 1)
		require.NotNil(t, fault)
		require.Equal(t, wire.StatusCertificate, fault.Status)
		require.EqualValues(t, wire.CertificateAnswer, fault.Code)
		require.Equal(t, fault, p.Answer(true, 1), "the first answer counts")
		p.pump()
		require.Error(t, p.serverError(), "the server is told")

		p = ask()
		require.Equal(t, wire.StatusClosed, p.FeedEOF(1).Status, "the server loses patience")

		p = ask()
		p.Release() // and so do we
		require.NotPanics(t, func() { p.Answer(true, 1) })
		require.False(t, p.Handshaken())

		c = w.client(t, func(cfg *tlsprov.Config) { cfg.Ask, cfg.Insecure = true, true })
		p = ask()
		require.False(t, p.Asking().Verified)
		require.Equal(t, [][]byte{w.leaf.Certificate.Raw, w.middle.Certificate.Raw}, p.Asking().Chain)
	})
}
