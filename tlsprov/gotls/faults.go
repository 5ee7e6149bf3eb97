package gotls

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

var (
	faultCut = &wire.Fault{Status: wire.StatusClosed, Stage: "tls", Text: "the connection was cut: the server ended it without close_notify, " +
		"so nobody can say whether all that it wanted to send has come"}
	faultClosedEarly = &wire.Fault{Status: wire.StatusClosed, Stage: "tls", Text: "the server closed the connection during the TLS handshake: " +
		"it may not speak TLS on this port, or accept none of what we offer"}
)

// Alerts that have a text of their own (RFC 8446 §6).
const (
	alertHandshakeFailure    = 40
	alertProtocolVersion     = 70
	alertUnknownCA           = 48
	alertBadCertificate      = 42
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
	alertNoApplicationProto  = 120
)

var advice = map[uint32]string{
	alertHandshakeFailure:    ": it accepts no cipher that is offered here, or wants a client certificate",
	alertProtocolVersion:     ": it speaks none of the TLS versions that are allowed here",
	alertUnknownCA:           ": it does not trust the authority of the client certificate",
	alertBadCertificate:      ": it does not accept the client certificate",
	alertUnrecognizedName:    ": it does not serve a host of this name",
	alertCertificateRequired: ": it wants a client certificate: give certificate_pem and key_pem in turbo_tls_config",
	alertNoApplicationProto:  ": it speaks none of the protocols that are offered by ALPN",
}

// unreadable is how crypto/tls's errors begin when it gives up on a certificate before anybody is asked to verify it; a type
// they do not have.
var unreadable = []string{"tls: failed to parse certificate from server: ", "tls: server's certificate contains ",
	"tls: server sent certificate containing "}

// explain turns an error of crypto/tls into a fault.
func (s *session) explain(err error) *wire.Fault {
	if s.fault != nil { // from verify
		return s.fault
	}
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return wire.Faultf(wire.StatusTLS, uint32(s.alert), "tls", "%s did not answer with TLS (%s): perhaps the port is one for http",
			s.host, strings.TrimPrefix(header.Msg, "tls: "))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		number := alertNumber(op.Err)
		text := strings.TrimPrefix(op.Err.Error(), "tls: ")
		if op.Op == "remote error" {
			return wire.Faultf(wire.StatusTLS, number, "tls", "%s ended the connection with the alert %d, %s%s", s.host, number, text, advice[number])
		}
		return wire.Faultf(wire.StatusTLS, number, "tls", "what %s sent broke the rules of TLS; it was told so with the alert %d, %s", s.host, number, text)
	}
	for _, beginning := range unreadable {
		if why, is := strings.CutPrefix(err.Error(), beginning); is {
			return tlsprov.Unreadable(s.host, strings.TrimPrefix(why, "x509: "))
		}
	}
	if err == io.EOF {
		return faultClosedEarly // close_notify in the middle of the handshake
	}
	doing := "a record of"
	if !s.handshaken {
		doing = "the handshake with"
	}
	return wire.Faultf(wire.StatusTLS, uint32(s.alert), "tls", "%s %s failed: %s", doing, s.host, strings.TrimPrefix(err.Error(), "tls: "))
}

// alertNumber gets at the number in crypto/tls's own alert type, which is not exported.
func alertNumber(err error) uint32 {
	if v := reflect.ValueOf(err); v.Kind() == reflect.Uint8 {
		return uint32(v.Uint())
	}
	return 0
}
