package wire

// Given is what Check found out about a request head: what the engines need to know to write it.
type Given struct {
	Host      int   // index of the caller's Host line, which replaces ours; -1: none
	UserAgent bool  // the caller gave a User-Agent
	Close     bool  // the caller gave "Connection: close"
	HasLength bool  // the caller gave a Content-Length, equal to the body's
	BodySize  int64 // as in the head, but 0 when no body follows; BodyUnknown
	Lines     int   // of the caller's that are sent where they stand: all but Host and Content-Length
	Octets    int   // of the names and values of these lines, without the white space around values
}

// Check looks at everything that the caller of an exchange gave, before an octet of it is sent, and describes it in g.
// end: no body follows. The fault (INVALID, or UNSUPPORTED for CONNECT) names the part that is wrong and says how to
// write it right. It protects the caller from request splitting (CR, LF and NUL in any part) and from contradicting the
// framing, which is the engine's alone.
func (h *RequestHead) Check(g *Given, end bool) *Fault {
	*g = Given{Host: -1, BodySize: h.BodySize}
	if !IsToken(h.Method) {
		good := h.Method[:TokenSize(h.Method)] // not what follows: it may be a whole request line, with its query
		return invalidRequest("the method is not a token (after %q): letters like GET or POST, no spaces", Excerpt(good))
	}
	if string(h.Method) == "CONNECT" {
		return faultConnect
	}
	switch {
	case h.BodySize < BodyUnknown:
		return invalidRequest("the body's size is %d", h.BodySize)
	case end && h.BodySize > 0:
		return invalidRequest("the head promises a body of %d bytes, but none follows", h.BodySize)
	case end:
		g.BodySize = 0
	}
	if !end && string(h.Method) == "TRACE" {
		return faultTrace
	}
	if fault := CheckPath(h.Target.Path); fault != nil {
		return fault
	}
	if !IsFieldValue(h.UserAgent) {
		return invalidRequest("the user agent has a control octet; a field value is one line of text")
	}
	for i := range h.Fields.Lines {
		if fault := h.checkField(g, i); fault != nil {
			return fault
		}
	}
	if g.Host < 0 {
		return CheckAuthority(h.Target.Authority)
	}
	return nil
}

func (h *RequestHead) checkField(g *Given, i int) *Fault {
	name, value := h.Fields.Name(i), h.Fields.Value(i)
	if fault := CheckField(name, value); fault != nil {
		return fault
	}
	switch KindOf(name) {
	case FieldHost:
		if g.Host >= 0 {
			return invalidRequest("the field Host is given twice")
		}
		if fault := CheckAuthority(TrimSpace(value)); fault != nil {
			return invalidRequest("the field Host does not hold a host and perhaps a port: %s", fault.Text)
		}
		g.Host = i
		return nil
	case FieldContentLength:
		n, ok := ParseLength(TrimSpace(value))
		switch {
		case !ok:
			return invalidRequest("the field Content-Length is not a number: %q", Excerpt(value))
		case g.BodySize == BodyUnknown:
			return invalidRequest("the field Content-Length says %d, but the body's size was not given: give it, or leave the field out", n)
		case n != g.BodySize:
			return invalidRequest("the field Content-Length says %d, but the body has %d bytes: leave the field out, it is made from the body", n, g.BodySize)
		}
		g.HasLength = true
		return nil
	case FieldUserAgent:
		g.UserAgent = true
	case FieldConnection:
		if !EqualFold(TrimSpace(value), "close") {
			return invalidRequest("the field Connection may only say close; everything else in it is TurboHTTP's own")
		}
		g.Close = true
	case FieldFraming:
		return invalidRequest("the field %s is TurboHTTP's own: leave it out", Excerpt(name))
	}
	g.Lines++
	g.Octets += len(name) + len(TrimSpace(value))
	return nil
}

// CheckField tells whether a field line may be sent at all: its name is a token and its value one line of text.
func CheckField(name, value []byte) *Fault {
	if !IsToken(name) {
		if len(name) == 0 {
			return invalidRequest("a field has no name")
		}
		// No more of it: who gives a whole line for a name gives its value, too, and that may be a secret.
		size := TokenSize(name)
		return invalidRequest("a field name has an octet that names cannot have (0x%02X after %q)", name[size], Excerpt(name[:size]))
	}
	if at := BadValueOctet(value); at >= 0 {
		switch value[at] {
		case '\r', '\n':
			return invalidRequest("the field %s has a line break in its value, at octet %d: a value is one line", Excerpt(name), at)
		case 0:
			return invalidRequest("the field %s has a NUL in its value, at octet %d", Excerpt(name), at)
		}
		return invalidRequest("the field %s has a control octet (0x%02X) in its value, at octet %d", Excerpt(name), value[at], at)
	}
	return nil
}

// CheckTrailers tells whether f may be sent as trailers: no field that frames, routes, authenticates or describes the
// body (RFC 9110 §6.5.1), because receivers may merge trailers into a head that was judged long before.
func CheckTrailers(f *Fields) *Fault {
	for i := range f.Lines {
		name := f.Name(i)
		if fault := CheckField(name, f.Value(i)); fault != nil {
			return fault
		}
		kind := KindOf(name)
		if kind == FieldOrdinary || kind == FieldUserAgent {
			for _, word := range headOnly {
				if EqualFold(name, word) {
					kind = FieldFraming
				}
			}
		}
		if kind != FieldOrdinary {
			return invalidRequest("the field %s must not come as a trailer: send it in the head", Excerpt(name))
		}
	}
	return nil
}

var headOnly = [...]string{"authorization", "cookie", "user-agent", "content-type", "content-encoding", "content-range",
	"range", "cache-control", "max-forwards", "proxy-authorization", "set-cookie"}

// FieldKind sorts request fields by who decides on them.
type FieldKind uint8

// The kinds.
const (
	FieldOrdinary      FieldKind = iota // the caller's
	FieldHost                           // at most one, replaces ours
	FieldUserAgent                      // replaces ours
	FieldContentLength                  // must equal the body
	FieldConnection                     // only "close"
	FieldFraming                        // the engine's alone: framing, hop-by-hop
)

// KindOf sorts a field name.
func KindOf(name []byte) FieldKind {
	switch len(name) { // most names are told by their length alone
	case 2:
		if EqualFold(name, "te") {
			return FieldFraming
		}
	case 4:
		if EqualFold(name, "host") {
			return FieldHost
		}
	case 6:
		if EqualFold(name, "expect") {
			return FieldFraming
		}
	case 7:
		if EqualFold(name, "upgrade") || EqualFold(name, "trailer") {
			return FieldFraming
		}
	case 10:
		switch {
		case EqualFold(name, "connection"):
			return FieldConnection
		case EqualFold(name, "user-agent"):
			return FieldUserAgent
		case EqualFold(name, "keep-alive"):
			return FieldFraming
		}
	case 14:
		if EqualFold(name, "content-length") {
			return FieldContentLength
		}
	case 16:
		if EqualFold(name, "proxy-connection") {
			return FieldFraming
		}
	case 17:
		if EqualFold(name, "transfer-encoding") {
			return FieldFraming
		}
	}
	return FieldOrdinary
}

// WantsLength tells whether requests of method usually carry a body, so that an empty one is said to be empty
// (RFC 9110 §8.6).
func WantsLength(method []byte) bool {
	return string(method) == "POST" || string(method) == "PUT" || string(method) == "PATCH"
}

// HasNoBody tells whether a response with status to a request of method ends with its head whatever its fields say
// (RFC 9112 §6.3).
func HasNoBody(method []byte, status uint16) bool {
	return status < 200 || status == 204 || status == 304 || string(method) == "HEAD"
}

var faultConnect = &Fault{Status: StatusUnsupported, Stage: "request", Text: "the method CONNECT is not built yet: it needs a proxy"}

// RFC 9110 §9.3.8: a client must not send content in a TRACE request. A stream may turn out to be empty, but it is framed as
// content before anybody knows.
var faultTrace = invalidRequest("a TRACE request has no body: leave it out, and do not stream one")

func invalidRequest(format string, args ...any) *Fault {
	return Faultf(StatusInvalid, 0, "request", format, args...)
}
