package h1

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/wire"
)

func TestRequestHeadsAreWrittenInOneOrder(t *testing.T) {
	with := func(h *wire.RequestHead, agent string, expect bool) *wire.RequestHead {
		h.UserAgent, h.Expect = []byte(agent), expect
		return h
	}
	for _, x := range []struct {
		name string
		head *wire.RequestHead
		want string
	}{
		{"empty path", request(t, "GET", "http://a.example", 0), "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"},
		{"query without path", request(t, "GET", "http://a.example?q=1#f", 0), "GET /?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n"},
		{"port that is not the default", request(t, "GET", "http://A.example:8080/b?c", 0), "GET /b?c HTTP/1.1\r\nHost: A.example:8080\r\n\r\n"},
		{"default port", request(t, "GET", "https://a.example:443/", 0), "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"},
		{"IPv6", request(t, "GET", "http://[::1]:81/", 0), "GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n"},
		{"names keep their case, values lose outer space, Host comes first", with(request(t, "GET", "http://a.example/", 0, "x-A:  1 \t", "HOST: other:80", "X-a: "), "us/1", false),
			"GET / HTTP/1.1\r\nHOST: other:80\r\nx-A: 1\r\nX-a: \r\nUser-Agent: us/1\r\n\r\n"},
		{"own User-Agent", with(request(t, "GET", "http://a/", 0, "user-agent: me", "B: c"), "us/1", false),
			"GET / HTTP/1.1\r\nHost: a\r\nuser-agent: me\r\nB: c\r\n\r\n"},
		{"body of known length", with(request(t, "PUT", "http://a/", 12, "A: b"), "us", true),
			"PUT / HTTP/1.1\r\nHost: a\r\nA: b\r\nUser-Agent: us\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n"},
		{"body of unknown length", with(request(t, "QUERY", "http://a/", wire.BodyUnknown), "us", true),
			"QUERY / HTTP/1.1\r\nHost: a\r\nUser-Agent: us\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"},
		{"own Content-Length", request(t, "POST", "http://a/", 12, "content-length: 12", "A: b", "Content-Length: 12"),
			"POST / HTTP/1.1\r\nHost: a\r\nA: b\r\nContent-Length: 12\r\n\r\n"},
		{"own Content-Length of nothing", request(t, "GET", "http://a/", 0, "Content-Length: 0"), "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"POST without body", with(request(t, "POST", "http://a/", 0), "", true), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"PUT without body", request(t, "PUT", "http://a/", 0), "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"PATCH without body", request(t, "PATCH", "http://a/", 0), "PATCH / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
		{"DELETE without body", request(t, "DELETE", "http://a/", 0), "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"Connection: close", request(t, "GET", "http://a/", 0, "Connection: close"), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, limit := range []int{1 << 20, 1, 7} {
				c := newConn(t)
				c.open(x.head, x.head.BodySize == 0)
				require.Equal(t, x.want, c.sentBy(limit))
			}
		})
	}
}

func TestAUnknownBodyThatEndsAtOnceIsEmpty(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "POST", "http://a/", wire.BodyUnknown), true)
	require.Equal(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", c.sent())
}

func TestWhatTheCallerGivesIsCheckedBeforeAByteLeaves(t *testing.T) {
	get := func(fields ...string) *wire.RequestHead { return request(t, "GET", "http://a/", 0, fields...) }
	post := func(size int64, fields ...string) *wire.RequestHead {
		return request(t, "POST", "http://a/", size, fields...)
	}
	method := func(m string) *wire.RequestHead { h := get(); h.Method = []byte(m); return h }
	target := func(path, authority string) *wire.RequestHead {
		h := get()
		h.Target.Path, h.Target.Authority = []byte(path), []byte(authority)
		return h
	}
	agent := get()
	agent.UserAgent = []byte("a\r\nB: c")
	for _, x := range []struct {
		head *wire.RequestHead
		end  bool
		want string
	}{
		{method(""), true, `request: the method is not a token (after ""): letters like GET or POST, no spaces`},
		{method("GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"), true, `request: the method is not a token (after "GET"): letters like GET or POST, no spaces`},
		{method("CONNECT"), true, `request: the method CONNECT is not built yet: it needs a proxy`},
		{target("/a b", "a"), true, `url: the URL has a space at octet 2: write %20`},
		{target("/a\r\nX: y", "a"), true, `url: the URL has a line break at octet 2: a URL is one line; write %0D%0A if you mean one`},
		{target("a", "a"), true, `url: the path does not begin with '/'`},
		{target("/a#b", "a"), true, `url: the URL has a '#' at octet 2: write %23`},
		{target("/", "a\r\nX: y"), true, `url: the host has '\r', which no host name has`},
		{target("/", ""), true, `url: the host is empty`},
		{agent, true, `request: the user agent has a control octet; a field value is one line of text`},
		{get(": b"), true, `request: a field has no name`},
		{get("A b: c"), true, `request: a field name has an octet that names cannot have (0x20 after "A")`},
		{get("A\r\nB: c"), true, `request: a field name has an octet that names cannot have (0x0D after "A")`},
		{get("A: b\r\nX: y"), true, `request: the field A has a line break in its value, at octet 1: a value is one line`},
		{get("A: b\n"), true, `request: the field A has a line break in its value, at octet 1: a value is one line`},
		{get("A: 0123456789\rb"), true, `request: the field A has a line break in its value, at octet 10: a value is one line`},
		{get("A: \x00"), true, `request: the field A has a NUL in its value, at octet 0`},
		{get("A: abcdefgh\x7fijkl"), true, `request: the field A has a control octet (0x7F) in its value, at octet 8`},
		{get("Host: a", "host: a"), true, `request: the field Host is given twice`},
		{get("Host: "), true, `request: the field Host does not hold a host and perhaps a port: the host is empty`},
		{get("Host: a/b"), true, `request: the field Host does not hold a host and perhaps a port: the host has '/', which no host name has`},
		{get("Host: u@a"), true, `request: the field Host does not hold a host and perhaps a port: there is a user name or password before the host: take it out and send an Authorization field instead`},
		{get("Host: a:b"), true, `request: the field Host does not hold a host and perhaps a port: the port b is not a number from 1 to 65535`},
		{get("Transfer-Encoding: chunked"), true, `request: the field Transfer-Encoding is TurboHTTP's own: leave it out`},
		{get("TRAILER: X"), true, `request: the field TRAILER is TurboHTTP's own: leave it out`},
		{get("te: trailers"), true, `request: the field te is TurboHTTP's own: leave it out`},
		{get("Upgrade: h2c"), true, `request: the field Upgrade is TurboHTTP's own: leave it out`},
		{get("Expect: 100-continue"), true, `request: the field Expect is TurboHTTP's own: leave it out`},
		{get("Keep-Alive: 1"), true, `request: the field Keep-Alive is TurboHTTP's own: leave it out`},
		{get("Proxy-Connection: close"), true, `request: the field Proxy-Connection is TurboHTTP's own: leave it out`},
		{get("Connection: keep-alive"), true, `request: the field Connection may only say close; everything else in it is TurboHTTP's own`},
		{get("Connection: close, X"), true, `request: the field Connection may only say close; everything else in it is TurboHTTP's own`},
		{post(5, "Content-Length: 6"), false, `request: the field Content-Length says 6, but the body has 5 bytes: leave the field out, it is made from the body`},
		{post(5, "Content-Length: +5"), false, `request: the field Content-Length is not a number: "+5"`},
		{post(0, "Content-Length: 6"), true, `request: the field Content-Length says 6, but the body has 0 bytes: leave the field out, it is made from the body`},
		{post(wire.BodyUnknown, "Content-Length: 6"), false, `request: the field Content-Length says 6, but the body's size was not given: give it, or leave the field out`},
		{post(5), true, `request: the head promises a body of 5 bytes, but none follows`},
		{post(-2), false, `request: the body's size is -2`},
	} {
		t.Run(x.want, func(t *testing.T) {
			c := newConn(t)
			_, fault := c.Open(x.head, x.end, c.now)
			require.NotNil(t, fault)
			require.Equal(t, x.want, fault.Error())
			if !strings.Contains(x.want, "CONNECT") {
				require.Equal(t, wire.StatusInvalid, fault.Status)
			} else {
				require.Equal(t, wire.StatusUnsupported, fault.Status)
			}
			require.Empty(t, c.sent())
			require.Equal(t, 1, c.Room(), "the engine is as it was")
			require.EqualValues(t, 1, c.open(get(), true))
		})
	}
}

func TestOneExchangeAtATime(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	_, fault := c.Open(request(t, "GET", "http://a/", 0), true, c.now)
	require.Same(t, faultNoRoom, fault)
}
