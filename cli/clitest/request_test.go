package clitest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

const nothing = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// sent is the request that a command line makes.
func sent(t *testing.T, arguments ...string) string {
	t.Helper()
	s := script(t, false, nothing)
	turbotest.One(t, append(arguments, s.url+"/p?q")...)
	return s.only(t)
}

func TestMethods(t *testing.T) {
	assert.True(t, strings.HasPrefix(sent(t), "GET /p?q HTTP/1.1\r\n"))
	assert.True(t, strings.HasPrefix(sent(t, "-d", "x"), "POST "))
	assert.True(t, strings.HasPrefix(sent(t, "-d", ""), "POST "))
	assert.True(t, strings.HasPrefix(sent(t, "-d", "x", "-X", "PUT"), "PUT "))
	assert.True(t, strings.HasPrefix(sent(t, "-X", "PROPFIND"), "PROPFIND "))
	assert.True(t, strings.HasPrefix(sent(t, "-X", "get"), "get "), "case matters")
}

func TestHeadersAreSentInTheirOrder(t *testing.T) {
	head := sent(t, "-H", "X-One: 1", "-H", "x-two:2", "-H", "X-One:\t3 ", "-H", "X-Empty:", "-H", "User-Agent: me: myself",
		"-H", "X-Octets: \xe9\xff")
	assert.Contains(t, head, "\r\nX-One: 1\r\nx-two: 2\r\nX-One: 3\r\nX-Empty: \r\nUser-Agent: me: myself\r\nX-Octets: \xe9\xff\r\n")
}

func TestBodiesOfKnownLength(t *testing.T) {
	assert.Regexp(t, `(?s)\r\nContent-Length: 5\r\n.*\r\nhello$`, sent(t, "-d", "hello"))
	assert.Regexp(t, `(?s)\r\nContent-Length: 0\r\n.*\r\n$`, sent(t, "-d", ""))
	assert.Regexp(t, `(?s)\r\nContent-Length: 0\r\n.*\r\n$`, sent(t, "--data-size", "0"))
	body := strings.SplitN(sent(t, "--data-size", "70000"), "\r\n\r\n", 2)[1]
	assert.Equal(t, strings.Repeat("a", 70000), body)
}

func TestChunkedBodiesAndTrailers(t *testing.T) {
	request := sent(t, "-d", "hello", "--chunked", "--trailer", "X-A: 1", "--trailer", "X-B: 2")
	assert.Contains(t, request, "\r\nTransfer-Encoding: chunked\r\n")
	assert.NotContains(t, request, "Content-Length")
	assert.True(t, strings.HasSuffix(request, "\r\n\r\n5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"), request)
	assert.True(t, strings.HasSuffix(sent(t, "-d", "", "--chunked"), "\r\n\r\n0\r\n\r\n"))
}

func TestExpectWaitsForTheServersWord(t *testing.T) {
	r := turbotest.One(t, "--expect100", "-d", "hello", "-X", "PUT", "--http1", serverURL+"/echo")
	assert.Equal(t, int64(5), *r.BodyLen, "a server that says nothing gets the body after a second")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	got := make(chan string, 1)
	go func() { // answers the head alone, and then shows that no body came before the client closed
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		in := bufio.NewReader(c)
		for line := ""; line != "\r\n" && err == nil; {
			line, err = in.ReadString('\n')
		}
		_, _ = io.WriteString(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		rest, _ := io.ReadAll(in)
		got <- string(rest)
	}()
	r = turbotest.One(t, "--expect100", "-d", "hello", "http://"+l.Addr().String())
	assert.Equal(t, 417, *r.Status)
	assert.Empty(t, <-got)
}

func TestBigUploadsNeedLittleMemory(t *testing.T) {
	for _, how := range [][]string{nil, {"--chunked"}} {
		arguments := append([]string{"--data-size", "600000000", "--timeout-ms", "45000", serverURL + "/sum"}, how...)
		r := turbotest.Turbo(t, arguments...)
		assert.Equal(t, 0, r.Exit, r.Stderr)
		assert.Regexp(t, `^600000000 [0-9a-f]{16}\n$`, r.Stdout)
		assert.Less(t, r.MaxRSS, int64(100_000_000), "bytes of memory at most")
	}
}

func TestBigDownloadsNeedLittleMemory(t *testing.T) {
	r := turbotest.Turbo(t, "-o", "/dev/null", "--timeout-ms", "45000", serverURL+"/bytes?n=600000000")
	assert.Equal(t, 0, r.Exit, r.Stderr)
	assert.Less(t, r.MaxRSS, int64(100_000_000), "bytes of memory at most")
}

func TestAServerThatDoesNotWantTheBodyIsHeard(t *testing.T) {
	for _, how := range [][]string{nil, {"--chunked"}} {
		r := turbotest.One(t, append([]string{"--data-size", "100000000", serverURL + "/refuse?ms=10"}, how...)...)
		assert.Equal(t, 413, *r.Status, *r.Error)
		assert.True(t, *r.OK)
	}
}

func TestResolveConnectsElsewhere(t *testing.T) {
	s := script(t, false, nothing)
	port := s.url[strings.LastIndex(s.url, ":")+1:]
	r := turbotest.One(t, "--resolve", fmt.Sprintf("no.such.example:%s:127.0.0.1", port), "--resolve", "other.example:1:[::1]",
		"http://no.such.example:"+port+"/")
	assert.True(t, *r.OK, *r.Error)
	assert.Contains(t, s.only(t), "\r\nHost: no.such.example:"+port+"\r\n")
}
