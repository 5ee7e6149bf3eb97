package wire

import "encoding/binary"

// What an octet may be part of. One table serves every check: a load and a mask an octet.
const (
	classToken  = 1 << iota // tchar, RFC 9110 §5.6.2: methods and field names
	classValue              // what we send in a field value: VCHAR, obs-text, SP, HTAB (RFC 9110 §5.5)
	classPath               // what we send in a path or query: visible ASCII but '#'
	className               // a host name as DNS carries it: letters, digits, '-', '.', '_'
	classHex                // HEXDIG
	classDigit              // DIGIT
	classLetter             // ALPHA
)

var classes = func() (t [256]byte) {
	for c := range 256 {
		lower := byte(c | 0x20)
		letter := c < 0x80 && 'a' <= lower && lower <= 'z'
		digit := '0' <= c && c <= '9'
		if letter {
			t[c] |= classToken | className | classLetter
		}
		if digit {
			t[c] |= classToken | className | classHex | classDigit
		}
		if letter && lower <= 'f' {
			t[c] |= classHex
		}
		if c == '\t' || (c >= ' ' && c != 0x7F) {
			t[c] |= classValue
		}
		if c > ' ' && c < 0x7F && c != '#' {
			t[c] |= classPath
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		t[c] |= classToken
	}
	for _, c := range []byte("-._") {
		t[c] |= className
	}
	return t
}()

// IsTokenOctet tells whether c may be part of a token (RFC 9110 §5.6.2).
func IsTokenOctet(c byte) bool { return classes[c]&classToken != 0 }

// IsToken tells whether b is a token: a method or a field name. The empty one is none.
func IsToken(b []byte) bool { return len(b) > 0 && spanOf(b, classToken) == len(b) }

// TokenSize is how many octets at the front of b are token octets.
func TokenSize(b []byte) int { return spanOf(b, classToken) }

// IsFieldValue tells whether b may be sent as a field value: no control octet but HTAB. What peers send is judged more
// mildly, see h1.
func IsFieldValue(b []byte) bool { return BadValueOctet(b) < 0 }

// BadValueOctet is the index of the first octet of b that must not be sent in a field value, or -1.
func BadValueOctet(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if ControlsIn(w)|zerosIn(w^(0x7F*ones)) != 0 {
			if n := spanOf(b[i:i+8], classValue); n < 8 { // it may be a HTAB
				return i + n
			}
		}
	}
	if n := spanOf(b[i:], classValue); n < len(b)-i {
		return i + n
	}
	return -1
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// ControlsIn flags the top bit of octets of w below 0x20. The lowest flag is exact; flags above it may be false.
func ControlsIn(w uint64) uint64 { return (w - 0x20*ones) &^ w & tops }

// zerosIn flags the top bit of octets of w that are 0. The lowest flag is exact; flags above it may be false.
func zerosIn(w uint64) uint64 { return (w - ones) &^ w & tops }

// TrimSpace cuts SP and HTAB, which RFC 9110 calls OWS, from both ends of b.
func TrimSpace(b []byte) []byte {
	for len(b) > 0 && IsSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && IsSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// IsSpace tells whether c is SP or HTAB.
func IsSpace(c byte) bool { return c == ' ' || c == '\t' }

// NextMember takes the first member from a comma-separated list (RFC 9110 §5.6.1): the member without the white space
// around it, which may be empty, and what follows the comma. more is false behind the last member.
func NextMember(list []byte) (member, rest []byte, more bool) {
	for i, c := range list {
		if c == ',' {
			return TrimSpace(list[:i]), list[i+1:], true
		}
	}
	return TrimSpace(list), nil, false
}

// HasMember tells whether a comma-separated list of tokens has the lower-case word, in any case.
func HasMember(list []byte, lower string) bool {
	for more := true; more; {
		var member []byte
		if member, list, more = NextMember(list); EqualFold(member, lower) {
			return true
		}
	}
	return false
}

// ParseLength reads decimal digits and nothing else: the strict number of Content-Length (RFC 9110 §8.6). ok is false
// for an empty text, for signs, spaces and anything else, and for more than 2^63-1.
func ParseLength(b []byte) (n int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (1<<63-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// spanOf is how many octets at the front of b are of the class.
func spanOf(b []byte, class byte) int {
	for i, c := range b {
		if classes[c]&class == 0 {
			return i
		}
	}
	return len(b)
}
