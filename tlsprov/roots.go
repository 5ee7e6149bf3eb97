package tlsprov

import (
	"crypto/x509"
	"sync"

	"turbohttp/wire"
)

var system struct {
	mu    sync.Mutex
	roots *x509.CertPool
}

// SystemRoots gives the roots of the system. They are read once, by the first handshake that needs them: it costs some
// 20 ms and the memory of a few hundred certificates, which a game that speaks only http does not pay. A system that has
// none is asked again by the next handshake.
func SystemRoots() (*x509.CertPool, *wire.Fault) {
	system.mu.Lock()
	defer system.mu.Unlock()
	if system.roots != nil {
		return system.roots, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, noRoots(err.Error())
	}
	if roots.Equal(x509.NewCertPool()) {
		return nil, noRoots("none were found in the usual places, nor where SSL_CERT_FILE and SSL_CERT_DIR point to")
	}
	system.roots = roots
	return roots, nil
}

func noRoots(why string) *wire.Fault {
	return untrusted("this system has no root certificates (%s), so no server can be trusted: install them "+
		"(the package is called ca-certificates on most systems), or give your own in roots_pem of turbo_tls_config", why)
}

func untrusted(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusCertificate, wire.CertificateUntrusted, "tls", format, args...)
}
