package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"
)

// entity is a certificate with its key.
type entity struct {
	der []byte
	c   *x509.Certificate
	key *ecdsa.PrivateKey
}

// issue makes one; by nil: signed by itself.
func issue(name string, by *entity, change func(c *x509.Certificate)) *entity {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(err)
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour)}
	change(c)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.c, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	must(err)
	made, err := x509.ParseCertificate(der)
	must(err)
	return &entity{der, made, key}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func authority(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }

func local(c *x509.Certificate) {
	c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
}

func (e *entity) shown() []tls.Certificate {
	return []tls.Certificate{{Certificate: [][]byte{e.der}, PrivateKey: e.key}}
}

// secure holds the listeners with TLS. They and their certificates are made when somebody first asks about them.
var secure struct {
	once  sync.Once
	ports string            // "good 1234 expired 1235 ..."
	files map[string][]byte // "root.pem"
}

func secureStart() {
	root := issue("Test Root", nil, authority)
	good := issue("localhost", root, local)
	player := issue("Player One", root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	key, err := x509.MarshalPKCS8PrivateKey(player.key)
	must(err)
	text := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	pin := sha256.Sum256(good.c.RawSubjectPublicKeyInfo)
	secure.files = map[string][]byte{"root.pem": text("CERTIFICATE", root.der), "client.pem": text("CERTIFICATE", player.der),
		"client.key": text("PRIVATE KEY", key), "pin": pin[:]}
	players := x509.NewCertPool()
	players.AddCert(root.c)
	listen := func(name string, config *tls.Config) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(err)
		secure.ports += fmt.Sprintf("%s %d ", name, l.Addr().(*net.TCPAddr).Port)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				if config == nil {
					go func() { _, _ = io.Copy(io.Discard, c) }()
					continue
				}
				go serve(c.(*net.TCPConn), tls.Server(c, config))
			}
		}()
	}
	listen("good", &tls.Config{Certificates: good.shown()})
	listen("tls12", &tls.Config{Certificates: good.shown(), MaxVersion: tls.VersionTLS12})
	listen("expired", &tls.Config{Certificates: issue("localhost", root, func(c *x509.Certificate) {
		local(c)
		c.NotAfter = time.Now().Add(-24 * time.Hour)
	}).shown()})
	listen("other", &tls.Config{Certificates: issue("other.example", root, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }).shown()})
	listen("untrusted", &tls.Config{Certificates: issue("localhost", issue("Nobody's Root", nil, authority), local).shown()})
	listen("players", &tls.Config{Certificates: good.shown(), ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: players})
	listen("silent", nil)
}

// secureFile answers /tls/NAME.
func (s *session) secureFile(name string) {
	secure.once.Do(secureStart)
	if name == "ports" {
		s.text(200, strings.TrimSpace(secure.ports)+"\n")
		return
	}
	b, known := secure.files[name]
	if !known {
		s.text(404, "no such file\n")
		return
	}
	s.text(200, string(b))
}
