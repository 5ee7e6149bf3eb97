package tlsprov

import (
	"crypto/rsa"
	"crypto/x509"

	"turbohttp/wire"
)

// weakBits: an RSA key below 2048 bits is refused (NIST SP 800-131A, and what OpenSSL's level 2 refuses).
const weakBits = 2048

// Verify checks what a server sent, leaf first, and gives the chain from the leaf to a root. roots gives the trusted ones
// and is asked only when they are needed. Under Insecure nothing but the pins is checked, on the leaf, and the chain is
// nil.
func (c *Config) Verify(sent []*x509.Certificate, host string, roots func() (*x509.CertPool, *wire.Fault)) ([]*x509.Certificate, *wire.Fault) {
	if len(sent) == 0 {
		return nil, wire.Faultf(wire.StatusCertificate, wire.CertificateOther, "tls", "%s sent no certificate", host)
	}
	if c.Insecure {
		return nil, c.checkPins(sent[:1], host)
	}
	trusted, fault := roots()
	if fault != nil {
		return nil, fault
	}
	x := &explainer{sent: sent, host: host, now: c.Time()}
	x.options = x509.VerifyOptions{Roots: trusted, Intermediates: x509.NewCertPool(), CurrentTime: x.now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, cert := range sent[1:] {
		x.options.Intermediates.AddCert(cert)
	}
	chains, err := sent[0].Verify(x.options)
	if err != nil {
		return nil, x.explain(err)
	}
	if err := sent[0].VerifyHostname(host); err != nil {
		return nil, x.otherHost()
	}
	var chain []*x509.Certificate
	for _, found := range chains { // the same leaf may lead to several roots
		weak := x.weak(found)
		if weak == nil {
			chain = found
			break
		}
		fault = weak
	}
	if chain == nil {
		return nil, fault
	}
	fault = nil
	for _, found := range chains {
		if x.weak(found) != nil {
			continue
		}
		if fault = c.checkPins(found, host); fault == nil {
			return found, nil
		}
	}
	return nil, fault
}

// weak says what in a chain is not strong enough. Keys count up to the root: whoever breaks the root's can sign everything.
// Its signature does not, because it is trusted by being there and nobody looks who signed it. OpenSSL decides likewise
// (SSL_CTX_set_security_level(3)).
func (x *explainer) weak(chain []*x509.Certificate) *wire.Fault {
	for i, cert := range chain {
		root := i == len(chain)-1
		if weakSignature(cert) && !root {
			return x.fault(wire.CertificateWeak, cert, "is signed with %v, which can be forged: the server's owner must have it issued anew",
				cert.SignatureAlgorithm)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < weakBits {
			advice := "the server's owner must make a new one"
			if root && i > 0 {
				advice = "who trusts it must trust another root, and the server's owner have it issued by that"
			}
			return x.fault(wire.CertificateWeak, cert, "has an RSA key of %d bits, and fewer than %d can be broken: %s",
				key.N.BitLen(), weakBits, advice)
		}
	}
	return nil
}

func weakSignature(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}
