package core

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"turbohttp/wire"
)

// Resolve says where hosts are, in place of the name servers: an address for each host and port.
type Resolve map[string]netip.Addr

// ParseResolve reads lines "host:port:address", the form of curl's --resolve. IPv6 is in brackets, as a host and as an
// address. Empty lines mean nothing; of two lines for one host and port the later counts.
func ParseResolve(text []byte) (Resolve, *wire.Fault) {
	r := Resolve{}
	for n := 1; len(text) > 0; n++ {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			continue
		}
		if wrong := r.add(line); wrong != "" {
			return nil, wire.Faultf(wire.StatusInvalid, 0, "core", "resolve, line %d (%s): %s; write host:port:address, IPv6 in brackets",
				n, wire.Excerpt(line), wrong)
		}
	}
	return r, nil
}

// add reads one line, or says what is wrong with it.
func (r Resolve) add(line []byte) string {
	at := 0
	if line[0] == '[' {
		at = max(0, bytes.IndexByte(line, ']'))
	}
	colon := bytes.IndexByte(line[at:], ':')
	if colon < 0 {
		return "it has no port"
	}
	at += colon
	digits, address, ok := bytes.Cut(line[at+1:], []byte(":"))
	if !ok {
		return "it has no address"
	}
	if fault := wire.CheckAuthority(line[:at+1+len(digits)]); fault != nil {
		return fault.Text
	}
	port, err := strconv.ParseUint(string(digits), 10, 16)
	if err != nil {
		return "it has no port"
	}
	text := string(address)
	inside, bracket := strings.CutPrefix(text, "[")
	if bracket {
		inside, ok = strings.CutSuffix(inside, "]")
	}
	a, err := netip.ParseAddr(inside)
	if err != nil || !ok || bracket != a.Is6() {
		return "its address is none"
	}
	host := strings.ToLower(string(line[:at]))
	r[resolveKey(strings.Trim(host, "[]"), uint16(port))] = a
	return ""
}

// of gives the address for a host in lower case, without brackets; not a valid one: there is no line for it.
func (r Resolve) of(host string, port uint16) netip.Addr {
	if len(r) == 0 {
		return netip.Addr{}
	}
	return r[resolveKey(host, port)]
}

func resolveKey(host string, port uint16) string { return host + ":" + strconv.Itoa(int(port)) }
