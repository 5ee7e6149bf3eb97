package wire

import "bytes"

// Scheme of a URL.
type Scheme uint8

// The schemes that the parser knows.
const (
	SchemeHTTP Scheme = iota + 1
	SchemeHTTPS
	SchemeWS
	SchemeWSS
)

// Target is an absolute URL taken apart. Its slices are views of the octets that were parsed.
type Target struct {
	URL       []byte // all of it, without the fragment
	Scheme    Scheme
	Authority []byte // what Host and :authority carry: host and port as given, but without userinfo and default port
	Host      []byte // without brackets; case as given
	Port      uint16 // given, or the scheme's default
	Path      []byte // path and query, begins with '/', '?' or is empty
	IsIPv6    bool   // the host was an address in brackets
}

// schemes are the words of the URL and their default ports, by Scheme.
var schemes = [...]struct {
	word string
	port uint16
}{SchemeHTTP: {"http", 80}, SchemeHTTPS: {"https", 443}, SchemeWS: {"ws", 80}, SchemeWSS: {"wss", 443}}

// String is the scheme's word in lower case.
func (s Scheme) String() string {
	if int(s) < len(schemes) {
		return schemes[s].word
	}
	return ""
}

// DefaultPort is the port that a URL without one means.
func (s Scheme) DefaultPort() uint16 {
	if int(s) < len(schemes) {
		return schemes[s].port
	}
	return 0
}

// Parse takes an absolute http, https, ws or wss URL apart (RFC 3986, RFC 9110 §4.2). t is a view of url; the fragment
// is dropped. Parse allocates nothing unless it refuses, and a refusal (INVALID) says how to write it right.
//
// It is strict where a mistake could change who is asked or what is asked for: no octet outside visible ASCII anywhere,
// no userinfo, host names of letters, digits, '-', '.', '_' only, no zone, no broken percent-encoding. It is mild where it cannot:
// path and query may hold visible ASCII that RFC 3986 wants encoded, such as '|' or '[', because real URLs do.
func (t *Target) Parse(url []byte) *Fault {
	*t = Target{}
	var parsed Target
	if fault := parsed.parse(url); fault != nil {
		return fault
	}
	*t = parsed
	return nil
}

func (t *Target) parse(url []byte) *Fault {
	if len(url) == 0 {
		return invalidURL("the URL is empty")
	}
	for i, c := range url {
		if classes[c]&classPath == 0 && c != '#' {
			return badURLOctet(c, i)
		}
	}
	whole := url
	if i := bytes.IndexByte(url, '#'); i >= 0 {
		url = url[:i]
	}
	t.URL = url
	rest, fault := t.parseScheme(url)
	if fault != nil {
		return fault
	}
	end := 0
	for end < len(rest) && rest[end] != '/' && rest[end] != '?' {
		end++
	}
	if fault := t.parseAuthority(rest[:end]); fault != nil {
		if fault != faultUserinfo && bytes.IndexByte(whole, '@') >= 0 { // "http://user:pass/word@host/": what was taken for a port is a secret
			return faultCutUserinfo
		}
		return fault
	}
	t.Path = rest[end:]
	return checkPercents(t.Path)
}

// parseScheme returns what follows "//".
func (t *Target) parseScheme(url []byte) ([]byte, *Fault) {
	colon := bytes.IndexByte(url, ':')
	if colon <= 0 || !isScheme(url[:colon]) {
		return nil, invalidURL("the URL has no scheme: begin it with http:// or https://")
	}
	for s := SchemeHTTP; s <= SchemeWSS; s++ {
		if !EqualFold(url[:colon], schemes[s].word) {
			continue
		}
		t.Scheme = s
		rest := url[colon+1:]
		if len(rest) < 2 || rest[0] != '/' || rest[1] != '/' {
			return nil, invalidURL("the URL has no // after its scheme: write %s://host/path", schemes[s].word)
		}
		return rest[2:], nil
	}
	if !bytes.HasPrefix(url[colon+1:], []byte("//")) { // localhost:8080/x
		return nil, invalidURL("the URL has no scheme that is known: begin it with http:// or https://")
	}
	return nil, invalidURL("the URL's scheme %s is not one of http, https, ws, wss", excerpt(url[:colon]))
}

func isScheme(b []byte) bool { // RFC 3986 §3.1
	for _, c := range b {
		if classes[c]&(classLetter|classDigit) == 0 && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return classes[b[0]]&classLetter != 0
}

// Neither shows anything of the URL: passwords do not belong into logs.
var (
	faultUserinfo = invalidURL("there is a user name or password before the host: take it out and send an Authorization field instead")

	faultCutUserinfo = invalidURL("the URL has no host or port that makes sense, and an '@' later: " +
		"if that ends a user name or password, take it out and send an Authorization field instead")
)

// parseAuthority fills Authority, Host, Port and IsIPv6.
func (t *Target) parseAuthority(b []byte) *Fault {
	host, size, port, hasPort, fault := splitAuthority(b)
	if fault != nil {
		return fault
	}
	t.Host, t.IsIPv6 = host, b[0] == '['
	t.Port = port
	t.Authority = b
	if !hasPort {
		t.Port = schemes[t.Scheme].port
	}
	if t.Port == schemes[t.Scheme].port {
		t.Authority = b[:size:size] // RFC 9110 §4.2.3: the normal form; servers compare Host octet by octet
	}
	return nil
}

// CheckAuthority tells whether b may stand in a Host field: a host and perhaps a port. The fault says what is wrong
// with "the host" or "the port".
func CheckAuthority(b []byte) *Fault {
	_, _, _, _, fault := splitAuthority(b)
	return fault
}

// splitAuthority checks host [":" port] and returns the host without brackets, its size with them, and the port.
func splitAuthority(b []byte) (host []byte, size int, port uint16, hasPort bool, fault *Fault) {
	if bytes.IndexByte(b, '@') >= 0 {
		return nil, 0, 0, false, faultUserinfo
	}
	if len(b) == 0 || b[0] == ':' {
		return nil, 0, 0, false, invalidURL("the host is empty")
	}
	if b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 {
			return nil, 0, 0, false, invalidURL("the host begins with '[' but has no ']'")
		}
		host, size = b[1:end:end], end+1
		if bytes.IndexByte(host, '%') >= 0 {
			return nil, 0, 0, false, invalidURL("the host has a zone (%%…): an address with a zone has no meaning to a server; leave the zone out")
		}
		if !isIPv6(host) {
			return nil, 0, 0, false, invalidURL("the host in brackets is not an IPv6 address")
		}
	} else {
		size = spanOf(b, className)
		host = b[:size:size]
		if size < len(b) && b[size] != ':' {
			return nil, 0, 0, false, badHostOctet(b[size])
		}
		if fault := checkName(host); fault != nil {
			return nil, 0, 0, false, fault
		}
	}
	rest := b[size:]
	if len(rest) <= 1 { // nothing, or a colon without a port, which RFC 3986 §3.2.3 takes for none
		if len(rest) == 1 && rest[0] != ':' {
			return nil, 0, 0, false, invalidURL("the host has text behind its ']'")
		}
		return host, size, 0, false, nil
	}
	if rest[0] != ':' {
		return nil, 0, 0, false, invalidURL("the host has text behind its ']'")
	}
	n, ok := ParseLength(rest[1:])
	if !ok || n < 1 || n > 65535 {
		return nil, 0, 0, false, invalidURL("the port %s is not a number from 1 to 65535", excerpt(rest[1:]))
	}
	return host, size, uint16(n), true, nil
}

// checkName refuses what no resolver takes. 253: RFC 1035's 255 octets without length and root.
func checkName(name []byte) *Fault {
	trimmed := name
	if trimmed[len(trimmed)-1] == '.' { // the root's dot
		trimmed = trimmed[:len(trimmed)-1]
	}
	if len(trimmed) == 0 || trimmed[0] == '.' || bytes.Contains(trimmed, []byte("..")) || trimmed[len(trimmed)-1] == '.' {
		return invalidURL("the host has an empty label: dots stand between names")
	}
	if len(trimmed) > 253 {
		return invalidURL("the host has %d octets; a host name has at most 253", len(trimmed))
	}
	return nil
}

// isIPv6 checks the text form of RFC 4291 §2.2, without a zone.
func isIPv6(b []byte) bool {
	groups, gap := 0, false
	if len(b) >= 2 && b[0] == ':' { // only "::" may begin with a colon
		if b[1] != ':' {
			return false
		}
		gap, b = true, b[2:]
		if len(b) == 0 {
			return true
		}
	}
	for {
		n := spanOf(b, classHex)
		if n < len(b) && b[n] == '.' { // the last 32 bits as IPv4
			return isIPv4(b) && (groups == 6 && !gap || groups < 6 && gap)
		}
		if n == 0 || n > 4 {
			return false
		}
		groups++
		b = b[n:]
		if len(b) == 0 {
			return groups == 8 && !gap || groups < 8 && gap
		}
		if b[0] != ':' || len(b) == 1 {
			return false
		}
		b = b[1:]
		if b[0] == ':' {
			if gap {
				return false
			}
			gap, b = true, b[1:]
			if len(b) == 0 {
				return groups < 8
			}
		}
		if groups >= 8 {
			return false
		}
	}
}

func isIPv4(b []byte) bool {
	for part := 0; ; part++ {
		n := spanOf(b, classDigit)
		if n == 0 || n > 3 || n > 1 && b[0] == '0' {
			return false
		}
		if v, _ := ParseLength(b[:n]); v > 255 {
			return false
		}
		b = b[n:]
		if part == 3 {
			return len(b) == 0
		}
		if len(b) == 0 || b[0] != '.' {
			return false
		}
		b = b[1:]
	}
}

// CheckPath tells whether b may be sent as path and query: empty or beginning with '/' or '?', visible ASCII only.
func CheckPath(b []byte) *Fault {
	if len(b) > 0 && b[0] != '/' && b[0] != '?' {
		return invalidURL("the path does not begin with '/'")
	}
	if i := spanOf(b, classPath); i < len(b) {
		return badURLOctet(b[i], i)
	}
	return nil
}

func checkPercents(b []byte) *Fault {
	for {
		i := bytes.IndexByte(b, '%')
		if i < 0 {
			return nil
		}
		if b = b[i+1:]; len(b) < 2 || spanOf(b[:2], classHex) != 2 {
			return invalidURL("the URL has a '%%' that no two hex digits follow: write %%25 for the sign itself")
		}
	}
}

func badURLOctet(c byte, at int) *Fault {
	switch {
	case c == ' ':
		return invalidURL("the URL has a space at octet %d: write %%20", at)
	case c == '#':
		return invalidURL("the URL has a '#' at octet %d: write %%23", at)
	case c == '\r' || c == '\n':
		return invalidURL("the URL has a line break at octet %d: a URL is one line; write %%0D%%0A if you mean one", at)
	case c >= 0x80:
		return invalidURL("the URL has an octet outside ASCII (0x%02X at octet %d): percent-encode it in the path (é is %%C3%%A9)"+
			" and write a host in punycode (bücher.example is xn--bcher-kva.example)", c, at)
	}
	return invalidURL("the URL has a control octet (0x%02X at octet %d): percent-encode it as %%%02X", c, at, c)
}

func badHostOctet(c byte) *Fault {
	switch {
	case c == '%':
		return invalidURL("the host is percent-encoded: write its letters, or punycode (xn--…)")
	case c >= 0x80:
		return invalidURL("the host has an octet outside ASCII (0x%02X): write punycode (bücher.example is xn--bcher-kva.example)", c)
	case c == '[' || c == ']':
		return invalidURL("the host has a bracket inside: brackets go around an IPv6 address")
	}
	return invalidURL("the host has %q, which no host name has", rune(c))
}

func invalidURL(format string, args ...any) *Fault {
	return Faultf(StatusInvalid, 0, "url", format, args...)
}

// excerpt is b for a message: printable, and not too long.
func excerpt(b []byte) string {
	const most = 40 // octets that a reader of a log line needs to know which one is meant
	text, cut := b, ""
	if len(text) > most {
		text, cut = text[:most], "…"
	}
	out := make([]byte, 0, len(text))
	for _, c := range text {
		if c < ' ' || c >= 0x7F {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out) + cut
}

// Excerpt is b for a message: printable ASCII, at most 40 octets.
func Excerpt(b []byte) string { return excerpt(b) }
