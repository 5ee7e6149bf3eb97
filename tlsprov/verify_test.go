package tlsprov_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/tlsprov"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

func rootPEM(t *testing.T) []byte { return tlstest.Authority(t, "Root", nil, nil).PEM() }

func config() *tlsprov.Config {
	return &tlsprov.Config{Now: func() time.Time { return tlstest.Today }}
}

func trust(e *tlstest.Entity) func() (*x509.CertPool, *wire.Fault) {
	return func() (*x509.CertPool, *wire.Fault) {
		roots := x509.NewCertPool()
		roots.AddCert(e.Certificate)
		return roots, nil
	}
}

func TestAServerWithoutCertificateIsRefused(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		c := config()
		c.Insecure = insecure
		_, fault := c.Verify(nil, tlstest.Host, nil)
		require.NotNil(t, fault)
		require.Equal(t, wire.StatusCertificate, fault.Status)
	}
}

func TestAnOrdinaryChainIsVerifiedToItsRoot(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	middle := tlstest.Authority(t, "Middle", root, nil)
	leaf := tlstest.Leaf(t, middle, nil)
	chain, fault := config().Verify([]*x509.Certificate{leaf.Certificate, middle.Certificate}, tlstest.Host, trust(root))
	require.Nil(t, fault)
	require.Equal(t, []*x509.Certificate{leaf.Certificate, middle.Certificate, root.Certificate}, chain)
}

func TestATrustedLeafNeedsNoAuthority(t *testing.T) {
	leaf := tlstest.Leaf(t, nil, nil)
	chain, fault := config().Verify([]*x509.Certificate{leaf.Certificate}, tlstest.Host, trust(leaf))
	require.Nil(t, fault)
	require.Len(t, chain, 1)
}

func TestAWeakKeyIsRefusedAnywhereInTheChain(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	weakRoot := tlstest.WeakAuthority(t, "Weak Root", nil, nil)
	weakMiddle := tlstest.WeakAuthority(t, "Weak Middle", root, nil)
	weakLeaf := tlstest.WeakLeaf(t, nil, nil)
	for _, x := range []struct {
		trusted *tlstest.Entity
		sent    []*tlstest.Entity
		who     string
	}{
		{weakRoot, []*tlstest.Entity{tlstest.Leaf(t, weakRoot, nil)}, "Weak Root"},
		{root, []*tlstest.Entity{tlstest.Leaf(t, weakMiddle, nil), weakMiddle}, "Weak Middle"},
		{weakLeaf, []*tlstest.Entity{weakLeaf}, tlstest.Host}, // its own root
	} {
		var sent []*x509.Certificate
		for _, e := range x.sent {
			sent = append(sent, e.Certificate)
		}
		_, fault := config().Verify(sent, tlstest.Host, trust(x.trusted))
		require.NotNil(t, fault, x.who)
		require.EqualValues(t, wire.CertificateWeak, fault.Code)
		require.Contains(t, fault.Text, `the certificate "`+x.who+`"`)
	}
}

func TestWhoSignedARootDoesNotMatter(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })
	_, fault := config().Verify([]*x509.Certificate{tlstest.Leaf(t, root, nil).Certificate}, tlstest.Host, trust(root))
	require.Nil(t, fault)
}

func TestAnAddressAsADNSNameIsToldFromTheAddress(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	leaf := tlstest.Leaf(t, root, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"127.0.0.1", "a.example"}, nil })
	_, fault := config().Verify([]*x509.Certificate{leaf.Certificate}, "127.0.0.1", trust(root))
	require.NotNil(t, fault)
	require.Contains(t, fault.Text, "not made for 127.0.0.1, but for the DNS name 127.0.0.1 (an address counts only as an IP address), a.example: ask")
}

// Names come from strangers and go to terminals. What cannot be seen comes out as its number.
func TestOnlyPrintableCharactersOfANameAreShown(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	for _, r := range "\x00\a\n\r\x1b\x7f\u0080\u0085\u009b\u009f\u00a0\u00ad\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041" {
		_, fault := config().Verify([]*x509.Certificate{namedLeaf(t, root, "a"+string(r)+"b")}, tlstest.Host, trust(root))
		require.NotNil(t, fault)
		require.NotContains(t, fault.Text, string(r), "%U", r)
		require.Contains(t, fault.Text, `"a\`, "%U", r)
	}
	for _, name := range []string{"Bücher GmbH", "株式会社", "مثال"} {
		_, fault := config().Verify([]*x509.Certificate{namedLeaf(t, root, name)}, tlstest.Host, trust(root))
		require.NotNil(t, fault)
		require.Contains(t, fault.Text, `"`+name+`"`)
	}
	_, fault := config().Verify([]*x509.Certificate{namedLeaf(t, root, strings.Repeat("é", 60)+"x")}, tlstest.Host, trust(root))
	require.NotNil(t, fault)
	require.Contains(t, fault.Text, `"`+strings.Repeat("é", 50)+`..."`)
	_, fault = config().Verify([]*x509.Certificate{namedLeaf(t, root, "x"+strings.Repeat("é", 60))}, tlstest.Host, trust(root))
	require.NotNil(t, fault)
	require.Contains(t, fault.Text, `"x`+strings.Repeat("é", 49)+`..."`, "cut between two characters")
}

// namedLeaf is expired, so that its name is told.
func namedLeaf(t *testing.T, by *tlstest.Entity, name string) *x509.Certificate {
	return tlstest.Leaf(t, by, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: name}
		c.NotAfter = tlstest.Today.AddDate(0, 0, -1)
	}).Certificate
}

func TestStrangersNamesDoNotBreakLines(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	leaf := tlstest.Leaf(t, root, func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "evil\n2026 core: all is well \"" + strings.Repeat("x", 5000)}
		c.NotAfter = tlstest.Today.AddDate(0, 0, -1)
	})
	_, fault := config().Verify([]*x509.Certificate{leaf.Certificate}, tlstest.Host, trust(root))
	require.NotNil(t, fault)
	require.NotContains(t, fault.Text, "\n")
	require.Less(t, len(fault.Text), 500)
}

func TestAHostWithManyNamesDoesNotFillTheScreen(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	leaf := tlstest.Leaf(t, root, func(c *x509.Certificate) {
		c.DNSNames = nil
		for range 300 {
			c.DNSNames = append(c.DNSNames, strings.Repeat("a", 30)+".example")
		}
	})
	_, fault := config().Verify([]*x509.Certificate{leaf.Certificate}, "b.example", trust(root))
	require.NotNil(t, fault)
	require.EqualValues(t, wire.CertificateHost, fault.Code)
	require.Contains(t, fault.Text, "more")
	require.Less(t, len(fault.Text), 1000)
}

func TestInfoReadsAsTheResponseHeadSaysIt(t *testing.T) {
	info := tlsprov.Info{Version: tlsprov.Version13, Cipher: "TLS_AES_128_GCM_SHA256", ALPN: "http/1.1"}
	require.Equal(t, "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", info.String())
	info = tlsprov.Info{Version: tlsprov.Version12, Cipher: "TLS_X"}
	require.Equal(t, "TLS1.2 TLS_X", info.String())
}
