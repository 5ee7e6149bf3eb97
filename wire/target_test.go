package wire

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTargetsAreTakenApart(t *testing.T) {
	for _, x := range []struct {
		url                           string
		scheme                        Scheme
		authority, host, path, parsed string
		port                          uint16
		ipv6                          bool
	}{
		{url: "http://a.example", scheme: SchemeHTTP, authority: "a.example", host: "a.example", port: 80},
		{url: "HTTPS://A.Example/", scheme: SchemeHTTPS, authority: "A.Example", host: "A.Example", path: "/", port: 443},
		{url: "http://a:8080/b?c=d&e#f?g", scheme: SchemeHTTP, authority: "a:8080", host: "a", path: "/b?c=d&e", port: 8080, parsed: "http://a:8080/b?c=d&e"},
		{url: "http://a?b/c:d@e", scheme: SchemeHTTP, authority: "a", host: "a", path: "?b/c:d@e", port: 80},
		{url: "http://a#b", scheme: SchemeHTTP, authority: "a", host: "a", port: 80, parsed: "http://a"},
		{url: "http://a:80/", scheme: SchemeHTTP, authority: "a", host: "a", path: "/", port: 80},
		{url: "http://a:080/", scheme: SchemeHTTP, authority: "a", host: "a", path: "/", port: 80},
		{url: "http://a:/", scheme: SchemeHTTP, authority: "a", host: "a", path: "/", port: 80},
		{url: "http://a:443/", scheme: SchemeHTTP, authority: "a:443", host: "a", path: "/", port: 443},
		{url: "wss://a:443/", scheme: SchemeWSS, authority: "a", host: "a", path: "/", port: 443},
		{url: "ws://127.0.0.1:65535", scheme: SchemeWS, authority: "127.0.0.1:65535", host: "127.0.0.1", port: 65535},
		{url: "http://[::1]/", scheme: SchemeHTTP, authority: "[::1]", host: "::1", path: "/", port: 80, ipv6: true},
		{url: "https://[2001:DB8::ff:1.2.3.4]:8443/", scheme: SchemeHTTPS, authority: "[2001:DB8::ff:1.2.3.4]:8443", host: "2001:DB8::ff:1.2.3.4", path: "/", port: 8443, ipv6: true},
		{url: "http://my_host.-x.example./%41/~%c3%a9;a=b,c/!$&'()*+\"<>\\^`{|}[]", scheme: SchemeHTTP, authority: "my_host.-x.example.", host: "my_host.-x.example.", path: "/%41/~%c3%a9;a=b,c/!$&'()*+\"<>\\^`{|}[]", port: 80},
		{url: "http://xn--bcher-kva.example//x//", scheme: SchemeHTTP, authority: "xn--bcher-kva.example", host: "xn--bcher-kva.example", path: "//x//", port: 80},
	} {
		t.Run(x.url, func(t *testing.T) {
			var got Target
			require.Nil(t, got.Parse([]byte(x.url)))
			if x.parsed == "" {
				x.parsed = x.url
			}
			require.Equal(t, x.parsed, string(got.URL))
			require.Equal(t, x.scheme, got.Scheme)
			require.Equal(t, x.authority, string(got.Authority))
			require.Equal(t, x.host, string(got.Host))
			require.Equal(t, x.path, string(got.Path))
			require.Equal(t, x.port, got.Port)
			require.Equal(t, x.ipv6, got.IsIPv6)
		})
	}
}

func TestARefusedTargetSaysHowToWriteIt(t *testing.T) {
	const cut = "the URL has no host or port that makes sense, and an '@' later: if that ends a user name or password, take it out and send an Authorization field instead"
	const dots = "the host has an empty label: dots stand between names"
	for _, x := range []struct{ url, want string }{
		{"", "the URL is empty"},
		{"http://a/b c", "the URL has a space at octet 10: write %20"},
		{" http://a/", "the URL has a space at octet 0: write %20"},
		{"http://a/\r\nX: y", "the URL has a line break at octet 9: a URL is one line; write %0D%0A if you mean one"},
		{"http://a/#\n", "the URL has a line break at octet 10: a URL is one line; write %0D%0A if you mean one"},
		{"http://a/\x00", "the URL has a control octet (0x00 at octet 9): percent-encode it as %00"},
		{"http://a/\t", "the URL has a control octet (0x09 at octet 9): percent-encode it as %09"},
		{"http://a/\x7f", "the URL has a control octet (0x7F at octet 9): percent-encode it as %7F"},
		{"http://bücher.example/", "the URL has an octet outside ASCII (0xC3 at octet 8): percent-encode it in the path (é is %C3%A9) and write a host in punycode (bücher.example is xn--bcher-kva.example)"},
		{"http://a/\xff", "the URL has an octet outside ASCII (0xFF at octet 9): percent-encode it in the path (é is %C3%A9) and write a host in punycode (bücher.example is xn--bcher-kva.example)"},
		{"a.example/b", "the URL has no scheme: begin it with http:// or https://"},
		{"/b", "the URL has no scheme: begin it with http:// or https://"},
		{"//a/b", "the URL has no scheme: begin it with http:// or https://"},
		{"://a", "the URL has no scheme: begin it with http:// or https://"},
		{"1http://a", "the URL has no scheme: begin it with http:// or https://"},
		{"localhost:8080/x", "the URL has no scheme that is known: begin it with http:// or https://"},
		{"ftp://a/", "the URL's scheme ftp is not one of http, https, ws, wss"},
		{"http:/a", "the URL has no // after its scheme: write http://host/path"},
		{"https:a", "the URL has no // after its scheme: write https://host/path"},
		{"http://", "the host is empty"}, {"http:///x", "the host is empty"}, {"http://?x", "the host is empty"}, {"http://#x", "the host is empty"}, {"http://:80/", "the host is empty"},
		{"http://me:secret@a/", "there is a user name or password before the host: take it out and send an Authorization field instead"},
		{"http://@a/", "there is a user name or password before the host: take it out and send an Authorization field instead"},
		{"http://good\\@evil/", "there is a user name or password before the host: take it out and send an Authorization field instead"},
		{"http://me:secret@a:b/", "there is a user name or password before the host: take it out and send an Authorization field instead"},
		{"http://me:sec/ret@a/", cut}, {"http://me:sec?ret@a/", cut}, {"http://me:sec#ret@a/", cut}, {"http://m$e:sec/ret@a/", cut},
		{"http://a:0/", "the port 0 is not a number from 1 to 65535"}, {"http://a:65536/", "the port 65536 is not a number from 1 to 65535"},
		{"http://a:-1/", "the port -1 is not a number from 1 to 65535"}, {"http://a:80x/", "the port 80x is not a number from 1 to 65535"},
		{"http://a:99999999999999999999/", "the port 99999999999999999999 is not a number from 1 to 65535"},
		{"http://a:80:80/", "the port 80:80 is not a number from 1 to 65535"},
		{"http://::1/", "the host is empty"},
		{"http://[::1/", "the host begins with '[' but has no ']'"},
		{"http://[::1]x/", "the host has text behind its ']'"}, {"http://[::1]80/", "the host has text behind its ']'"},
		{"http://[fe80::1%25eth0]/", "the host has a zone (%…): an address with a zone has no meaning to a server; leave the zone out"},
		{"http://[fe80::1%eth0]/", "the host has a zone (%…): an address with a zone has no meaning to a server; leave the zone out"},
		{"http://[]/", "the host in brackets is not an IPv6 address"}, {"http://[v1.x]/", "the host in brackets is not an IPv6 address"}, {"http://[1.2.3.4]/", "the host in brackets is not an IPv6 address"},
		{"http://a]/", "the host has a bracket inside: brackets go around an IPv6 address"},
		{"http://a%41/", "the host is percent-encoded: write its letters, or punycode (xn--…)"},
		{"http://a\\b/", "the host has '\\\\', which no host name has"}, {"http://a,b/", "the host has ',', which no host name has"}, {"http://a!b/", "the host has '!', which no host name has"},
		{"http://./", dots}, {"http://.a/", dots}, {"http://a..b/", dots}, {"http://a../", dots},
		{"http://" + strings.Repeat("a", 254) + "/", "the host has 254 octets; a host name has at most 253"},
		{"http://a/%", "the URL has a '%' that no two hex digits follow: write %25 for the sign itself"},
		{"http://a/%4", "the URL has a '%' that no two hex digits follow: write %25 for the sign itself"},
		{"http://a/?q=100%&", "the URL has a '%' that no two hex digits follow: write %25 for the sign itself"},
	} {
		t.Run(x.url, func(t *testing.T) {
			got := Target{Port: 1}
			fault := got.Parse([]byte(x.url))
			require.NotNil(t, fault)
			require.Equal(t, "url: "+x.want, fault.Error())
			require.Equal(t, StatusInvalid, fault.Status)
			require.Equal(t, Target{}, got)
		})
	}
}

func TestIPv6TextIsJudgedAsNetipDoes(t *testing.T) {
	pieces := []string{"", ":", "::", "1", "ffff", "10000", "g", ":1", "1:", "1.2.3.4", "1.2.3", "01.2.3.4", "256.1.1.1", "1:2:3:4:5:6", ":1.2.3.4", "1:2:3:4:5:6:7:8"}
	for _, a := range pieces {
		for _, b := range pieces {
			for _, c := range pieces {
				text := a + b + c
				addr, err := netip.ParseAddr(text)
				require.Equal(t, err == nil && addr.Is6(), isIPv6([]byte(text)), "%q: %v", text, err)
			}
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"http://a.example/b?c#d", "https://[::1]:443", "wss://a:1?x", "http://a%/", "HTTP://1.2.3.4:080/%41", "http://[1::1.2.3.4]:/", "x://", "http://a:80@b/", "http://u@h/"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got Target
		if fault := got.Parse(text); fault != nil {
			require.Equal(t, StatusInvalid, fault.Status)
			require.NotEmpty(t, fault.Text)
			return
		}
		u, err := url.Parse(string(got.URL)) // another reader must find the same server
		require.NoError(t, err)
		require.Equal(t, got.Scheme.String(), u.Scheme)
		require.Equal(t, string(got.Host), u.Hostname())
		require.Nil(t, u.User)
		if u.Port() != "" {
			n, err := strconv.Atoi(u.Port())
			require.NoError(t, err)
			require.EqualValues(t, got.Port, n)
		} else {
			require.Equal(t, got.Scheme.DefaultPort(), got.Port)
		}
		if got.IsIPv6 {
			require.True(t, netip.MustParseAddr(string(got.Host)).Is6())
		}
		for _, c := range got.URL {
			require.True(t, c > ' ' && c < 0x7F && c != '#')
		}
		// Its parts make the same target again.
		var again Target
		require.Nil(t, again.Parse([]byte(got.Scheme.String()+"://"+string(got.Authority)+string(got.Path))))
		require.Equal(t, string(got.Authority), string(again.Authority))
		require.Equal(t, string(got.Path), string(again.Path))
		require.Equal(t, got.Port, again.Port)
		require.Nil(t, CheckAuthority(got.Authority))
		require.Nil(t, CheckPath(got.Path))
	})
}
