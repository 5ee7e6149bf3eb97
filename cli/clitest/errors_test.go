package clitest

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return "http://" + l.Addr().String()
}

// Not here because nothing of today's command line leads there: redirect, proxy, auth, decode, ws, refused, cancelled.
func TestEveryErrorClass(t *testing.T) {
	garbage := script(t, false, "SSH-2.0-OpenSSH_9.2\r\n")
	lengths := script(t, false, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
	chunk := script(t, false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX")
	for _, c := range []struct {
		class     string
		arguments []string
		delivered int64 // body bytes; -1: no head
	}{
		{"resolve", []string{"http://nosuch.invalid/"}, -1},
		{"connect", []string{closedPort(t)}, -1},
		{"closed", []string{serverURL + "/drop"}, -1},
		{"closed", []string{serverURL + "/reset"}, -1},
		{"closed", []string{serverURL + "/half"}, 500},
		{"protocol", []string{garbage.url}, -1},
		{"protocol", []string{lengths.url}, -1},
		{"protocol", []string{chunk.url}, 2},
		{"timeout", []string{"--timeout-ms", "150", serverURL + "/never"}, -1},
		{"timeout", []string{"--timeout-ms", "150", serverURL + "/halfhead"}, -1},
		{"timeout", []string{"--timeout-ms", "150", serverURL + "/stall"}, 500},
		{"timeout", []string{"--timeout-ms", "150", "--data-size", "50000000", serverURL + "/noread"}, -1},
		{"limit", []string{"--max-body", "12", serverURL + "/hello"}, 0},
		{"limit", []string{"--max-body", "0", serverURL + "/hello"}, 0},
		{"limit", []string{serverURL + "/head?n=100000"}, -1},
		{"other", []string{"example.com"}, -1},
		{"other", []string{"ftp://127.0.0.1/"}, -1},
		{"other", []string{"-H", "X: a\r\nInjected: b", serverURL + "/hello"}, -1},
		{"other", []string{"-X", "G T", serverURL + "/hello"}, -1},
	} {
		r := turbotest.One(t, c.arguments...)
		assert.Equal(t, c.class, *r.ErrorClass, "%q: %s", c.arguments, *r.Error)
		if c.delivered < 0 {
			assert.Nil(t, r.Status, "%q", c.arguments)
			assert.Nil(t, r.BodyLen, "%q", c.arguments)
		} else if assert.NotNil(t, r.BodyLen, "%q", c.arguments) {
			assert.Equal(t, 200, *r.Status)
			assert.Equal(t, c.delivered, *r.BodyLen, "%q", c.arguments)
			assert.NotNil(t, r.BodySHA256)
		}
		assert.Empty(t, r.CertReason)
	}
}

func TestAPartialBodyIsHashedAsFarAsItCame(t *testing.T) {
	r := turbotest.One(t, serverURL+"/half?seed=9")
	assert.Equal(t, sha(content(9, 500)), *r.BodySHA256)
}

func TestMaxBodyAllowsExactlySoMuch(t *testing.T) {
	all, _ := turbotest.Results(t, "--max-body", "13", serverURL+"/hello", serverURL+"/bytes?n=14", serverURL+"/chunked?n=14&size=7")
	assert.True(t, *all[0].OK)
	assert.Equal(t, "limit", *all[1].ErrorClass)
	assert.Equal(t, "limit", *all[2].ErrorClass)
	assert.LessOrEqual(t, *all[2].BodyLen, int64(13))
}

func TestAFailureDoesNotEndTheRun(t *testing.T) {
	all, r := turbotest.Results(t, serverURL+"/drop", serverURL+"/hello", "nonsense", serverURL+"/hello")
	assert.Equal(t, 1, r.Exit)
	require.Len(t, all, 4)
	assert.False(t, *all[0].OK)
	assert.True(t, *all[1].OK)
	assert.False(t, *all[2].OK)
	assert.True(t, *all[3].OK)
}

func TestPeopleGetOneClearLine(t *testing.T) {
	s := script(t, false, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	r := turbotest.Turbo(t, s.url+"/x")
	assert.Equal(t, 1, r.Exit)
	assert.Equal(t, "abc", r.Stdout, "what came is shown")
	assert.Equal(t, "turbo: h1: the server closed the connection after 3 of 10 promised bytes (GET "+s.url+"/x) [closed]\n", r.Stderr)
	r = turbotest.Turbo(t, "nonsense")
	assert.Equal(t, "turbo: GET nonsense: url: the URL has no scheme: begin it with http:// or https:// [other]\n", r.Stderr)
}

// The same trouble over TLS has the same class; what only TLS can tell is a body that was cut.
func TestErrorClassesOverTLS(t *testing.T) {
	ports, root := tlsPorts(t), tlsFile(t, "root.pem")
	url := "https://localhost:" + ports["good"]
	for _, c := range []struct {
		class     string
		arguments []string
		delivered int64 // body bytes; -1: no head
	}{
		{"closed", []string{url + "/drop"}, -1},
		{"closed", []string{url + "/reset"}, -1},
		{"closed", []string{url + "/half"}, 500},
		{"closed", []string{url + "/close?n=10&cut=1"}, 10},
		{"", []string{url + "/close?n=10"}, 10},
		{"protocol", []string{url + "/garbage"}, -1},
		{"timeout", []string{"--timeout-ms", "150", "https://localhost:" + ports["silent"]}, -1},
		{"timeout", []string{"--timeout-ms", "500", url + "/never"}, -1},
		{"timeout", []string{"--timeout-ms", "500", url + "/halfhead"}, -1},
		{"limit", []string{"--max-body", "12", url + "/hello"}, 0},
		{"limit", []string{url + "/head?n=100000"}, -1},
	} {
		r := turbotest.One(t, append(c.arguments, "--cacert", root)...)
		assert.Equal(t, c.class, *r.ErrorClass, "%q: %s", c.arguments, *r.Error)
		assert.Empty(t, r.CertReason)
		if c.delivered < 0 {
			assert.Nil(t, r.Status, "%q", c.arguments)
		} else if assert.NotNil(t, r.BodyLen, "%q", c.arguments) {
			assert.Equal(t, c.delivered, *r.BodyLen, "%q", c.arguments)
		}
	}
}
