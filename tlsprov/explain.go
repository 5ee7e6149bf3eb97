package tlsprov

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"turbohttp/wire"
)

// explainer finds out why a chain is not accepted, in words that help: which certificate, why, and what to do. The
// library's own error often hides the reason, because it names the last thing that it tried.
type explainer struct {
	sent    []*x509.Certificate
	host    string
	now     time.Time
	options x509.VerifyOptions
}

// explain turns the error of a verification into a fault.
func (x *explainer) explain(err error) *wire.Fault {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	if !ok {
		return x.unknown(err)
	}
	cert := invalid.Cert
	if cert == nil {
		cert = x.sent[0]
	}
	switch invalid.Reason {
	case x509.Expired:
		return x.dated(cert)
	case x509.IncompatibleUsage, x509.CANotAuthorizedForExtKeyUsage:
		return x.fault(wire.CertificateUsage, x.notForServers(cert), "is not made for servers (its extended key usage does not say serverAuth): "+
			"the server's owner must use another")
	case x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
		return x.fault(wire.CertificateConstraint, cert, "has a name that %s may not give, because of a name constraint (%s): "+
			"the server's owner must have it issued by another authority", x.constrained(), plain(err))
	case x509.NotAuthorizedToSign, x509.TooManyIntermediates, x509.NameMismatch:
		return x.fault(wire.CertificateConstraint, cert, "signed what it may not sign (%s): "+
			"the server's owner must have a certificate issued by another authority", plain(err))
	}
	return x.other(cert, err)
}

// other is for what is none of the reasons. The library says of an extension neither which it is nor whose.
func (x *explainer) other(cert *x509.Certificate, err error) *wire.Fault {
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		for _, c := range x.sent {
			if len(c.UnhandledCriticalExtensions) > 0 {
				return x.fault(wire.CertificateOther, c, "must not be accepted by anybody who does not understand its extension %v, as nobody does here: "+
					"the server's owner must use another", c.UnhandledCriticalExtensions[0])
			}
		}
	}
	return x.fault(wire.CertificateOther, cert, "was not accepted (%s): the server's owner must use another", plain(err))
}

// Unreadable is the fault for certificates of host that cannot even be looked at; why says what is wrong with them.
func Unreadable(host, why string) *wire.Fault {
	return wire.Faultf(wire.StatusCertificate, wire.CertificateOther, "tls",
		"a certificate that was sent for %s cannot be used (%s): the server's owner must have it issued anew", host, printable(why))
}

// plain is an error's text without the name of the package that made it.
func plain(err error) string { return printable(strings.TrimPrefix(err.Error(), "x509: ")) }

// notForServers finds the certificate whose extended key usage leaves servers out: the error always names the leaf.
func (x *explainer) notForServers(leaf *x509.Certificate) *x509.Certificate {
	for _, c := range x.sent {
		if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) > 0 && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) &&
			!slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return c
		}
	}
	return leaf
}

// constrained names the authorities that are bound to some names: the error does not.
func (x *explainer) constrained() string {
	var names []string
	for _, c := range x.sent {
		if len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges) > 0 {
			names = append(names, name(c))
		}
	}
	if len(names) == 0 { // the root, or by names of other kinds
		return "an authority above it"
	}
	return strings.Join(names, " or ")
}

// unknown explains that no chain to a root was found. One may have been found but for something that the error hides.
func (x *explainer) unknown(err error) *wire.Fault {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		return x.other(x.sent[0], err)
	}
	for i, cert := range x.sent {
		if weakSignature(cert) && !bytes.Equal(cert.RawIssuer, cert.RawSubject) {
			return x.fault(wire.CertificateWeak, cert, "is signed with %v, which can be forged: the server's owner must have it issued anew",
				cert.SignatureAlgorithm)
		}
		if i > 0 && bytes.Equal(x.sent[i-1].RawIssuer, cert.RawSubject) && !(cert.BasicConstraintsValid && cert.IsCA) {
			return x.fault(wire.CertificateConstraint, cert, "is not an authority, but %s claims to be signed by it: "+
				"the server's owner must have it issued by one", name(x.sent[i-1]))
		}
	}
	if cert := x.outOfDate(); cert != nil {
		return x.dated(cert)
	}
	leaf := x.sent[0]
	switch last := x.sent[len(x.sent)-1]; {
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return x.fault(wire.CertificateUntrusted, leaf, "is signed by itself and by nobody who is trusted: if the server is yours, "+
			"give its certificate in roots_pem; if it is not, somebody may sit in between")
	case len(x.sent) == 1:
		return x.fault(wire.CertificateUntrusted, leaf, "was issued by \"%s\", which is no trusted root, and the server sent no certificate in between: "+
			"the server must send its whole chain, or the root is missing in roots_pem", printable(leaf.Issuer.String()))
	default:
		return x.fault(wire.CertificateUntrusted, leaf, "leads to \"%s\", which is no trusted root: if it is yours, give it in roots_pem; "+
			"if it is not, somebody may sit in between", printable(last.Issuer.String()))
	}
}

// outOfDate finds the certificate above the leaf, sent or a root, without whose dates the chain would have been accepted.
func (x *explainer) outOfDate() *x509.Certificate {
	options := x.options
	for _, cert := range x.sent { // a moment at which all that was sent had begun
		if cert.NotBefore.After(options.CurrentTime) || options.CurrentTime.Equal(x.now) {
			options.CurrentTime = cert.NotBefore
		}
	}
	chains, err := x.sent[0].Verify(options)
	if err != nil {
		return nil
	}
	for _, cert := range chains[0] {
		if x.now.Before(cert.NotBefore) || x.now.After(cert.NotAfter) {
			return cert
		}
	}
	return nil
}

func (x *explainer) dated(cert *x509.Certificate) *wire.Fault {
	today := x.now.UTC().Format("2006-01-02 15:04")
	if x.now.Before(cert.NotBefore) {
		return x.fault(wire.CertificateNotYet, cert, "is valid from %s UTC, and the clock here says %s: set the clock right, or wait",
			cert.NotBefore.UTC().Format("2006-01-02 15:04"), today)
	}
	return x.fault(wire.CertificateExpired, cert, "expired on %s UTC, and the clock here says %s: "+
		"the server's owner must renew it, unless the clock is wrong", cert.NotAfter.UTC().Format("2006-01-02 15:04"), today)
}

func (x *explainer) otherHost() *wire.Fault {
	leaf := x.sent[0]
	var names []string
	for _, text := range leaf.DNSNames {
		if _, err := netip.ParseAddr(text); err == nil { // a mistake of who made it; as a bare name it would seem to fit
			text = "the DNS name " + text + " (an address counts only as an IP address)"
		}
		names = append(names, text)
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	const most = 8 // names: some certificates have hundreds
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	for i := range names {
		names[i] = printable(names[i])
	}
	list := strings.Join(names, ", ")
	if list == "" {
		list = "nobody (it has no subject alternative name; the common name alone has not counted for years)"
	}
	return x.fault(wire.CertificateHost, leaf, "is not made for %s, but for %s: ask for the host by a name that it has", x.host, list)
}

// fault names the certificate and the host.
func (x *explainer) fault(reason wire.Reason, cert *x509.Certificate, format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusCertificate, reason, "tls", "the certificate %s, sent for %s, "+format,
		append([]any{name(cert), x.host}, args...)...)
}

// name tells a certificate from the others, for people.
func name(cert *x509.Certificate) string {
	text := cert.Subject.CommonName
	if text == "" && len(cert.DNSNames) > 0 {
		text = cert.DNSNames[0]
	}
	if text == "" {
		text = cert.Subject.String()
	}
	if text == "" {
		text = "serial " + cert.SerialNumber.Text(16)
	}
	return `"` + printable(text) + `"`
}

// printable shows what a stranger wrote to whoever reads logs and terminals: only what strconv.IsPrint calls printable gets
// through. Control octets, C1 controls, marks that turn the direction of text and those without width come out as \x1b,
// \u009b, \u202e: they could hide a name or steer a terminal.
func printable(text string) string {
	const most = 100 // octets; a name of more is no name
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..." // not half a character
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
