package tlsprov_test

import (
	"crypto/x509"
	"testing"

	"turbohttp/tlsprov/tlstest"
)

// What each handshake pays for its checks, a resumed one too.
func BenchmarkVerify(b *testing.B) {
	root := tlstest.Authority(b, "Root", nil, nil)
	middle := tlstest.Authority(b, "Middle", root, nil)
	sent := []*x509.Certificate{tlstest.Leaf(b, middle, nil).Certificate, middle.Certificate}
	c := config()
	for b.Loop() {
		if _, fault := c.Verify(sent, tlstest.Host, trust(root)); fault != nil {
			b.Fatal(fault)
		}
	}
}
