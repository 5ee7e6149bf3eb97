package tlstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Today is when the tests happen.
var Today = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// Host is whom the client wants to talk to.
const Host = "game.example"

// Entity is a certificate with its key, and the authorities above it.
type Entity struct {
	Certificate *x509.Certificate
	key         crypto.Signer
	chain       [][]byte // DER, itself first, without the root
}

var serial struct {
	sync.Mutex
	n int64
}

// issue makes a certificate; by nil: signed by itself. change may be nil.
func issue(t testing.TB, name string, by *Entity, change func(c *x509.Certificate), key crypto.Signer) *Entity {
	t.Helper()
	if key == nil {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		key = k
	}
	serial.Lock()
	serial.n++
	c := &x509.Certificate{SerialNumber: big.NewInt(serial.n), Subject: pkix.Name{CommonName: name},
		NotBefore: Today.AddDate(0, -1, 0), NotAfter: Today.AddDate(0, 1, 0)}
	serial.Unlock()
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	require.NoError(t, err)
	made, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	e := &Entity{Certificate: made, key: key, chain: [][]byte{der}}
	if by != nil && by.Certificate.Subject.String() != by.Certificate.Issuer.String() {
		e.chain = append(e.chain, by.chain...)
	}
	return e
}

// Authority makes one that may sign, at the top or below another.
func Authority(t testing.TB, name string, by *Entity, change func(c *x509.Certificate)) *Entity {
	return issue(t, name, by, authority(change), nil)
}

func authority(change func(c *x509.Certificate)) func(c *x509.Certificate) {
	return func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
		c.KeyUsage = x509.KeyUsageCertSign
		if change != nil {
			change(c)
		}
	}
}

// Leaf makes the certificate of a server called Host, 127.0.0.1 and localhost.
func Leaf(t testing.TB, by *Entity, change func(c *x509.Certificate)) *Entity {
	return issue(t, Host, by, serverLeaf(change), nil)
}

// WeakLeaf is one with an RSA key of 1024 bits.
func WeakLeaf(t testing.TB, by *Entity, change func(c *x509.Certificate)) *Entity {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	return issue(t, Host, by, serverLeaf(change), key)
}

// WeakAuthority is one with an RSA key of 1024 bits.
func WeakAuthority(t testing.TB, name string, by *Entity, change func(c *x509.Certificate)) *Entity {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	return issue(t, name, by, authority(change), key)
}

func serverLeaf(change func(c *x509.Certificate)) func(c *x509.Certificate) {
	return func(c *x509.Certificate) {
		c.DNSNames = []string{Host, "localhost"}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		if change != nil {
			change(c)
		}
	}
}

// Client makes the certificate of a client.
func Client(t testing.TB, name string, by *Entity, change func(c *x509.Certificate)) *Entity {
	return issue(t, name, by, func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		if change != nil {
			change(c)
		}
	}, nil)
}

// PEM gives the certificate alone.
func (e *Entity) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.Certificate.Raw})
}

// ChainPEM gives it and what is above it, without the root.
func (e *Entity) ChainPEM() []byte {
	var text []byte
	for _, der := range e.chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// KeyPEM gives the key.
func (e *Entity) KeyPEM(t testing.TB) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(e.key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// TLS gives what a crypto/tls server shows; more is sent behind the chain.
func (e *Entity) TLS(more ...*Entity) tls.Certificate {
	c := tls.Certificate{PrivateKey: e.key, Certificate: append([][]byte(nil), e.chain...)}
	for _, m := range more {
		c.Certificate = append(c.Certificate, m.Certificate.Raw)
	}
	return c
}
