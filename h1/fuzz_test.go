package h1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/wire"
)

// fuzzConn is a conn for one run of a fuzz target: the pool lives on, and each run must give everything back.
func fuzzConn(t *testing.T, pool *buffers.Pool) *conn {
	c := &conn{TB: t, Engine: New(pool, Limits{}), pool: pool, now: 1}
	before := pool.Stats()
	t.Cleanup(func() {
		c.Release()
		after := pool.Stats()
		require.Equal(t, after.Rents-before.Rents, after.Returns-before.Returns, "blocks that were not given back")
	})
	return c
}

// cutsOf makes places to cut n octets at out of the octets of pattern: distances.
func cutsOf(pattern []byte, n int) (cuts []int) {
	for at, i := 0, 0; len(pattern) > 0; i++ {
		if at += int(pattern[i%len(pattern)])%97 + 1; at >= n {
			break
		}
		cuts = append(cuts, at)
	}
	return cuts
}

// small limits, so that fuzzing reaches them.
var fuzzLimits = Limits{MaxHeadBytes: 200, MaxTrailerBytes: 60, MaxChunkExtension: 20, MaxInformational: 3}

func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		typicalAnswer, answerOK,
		"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2, 2\r\n\r\nab", "HTTP/1.1 200\r\n\r\nuntil the end",
		"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA:\x01\tb \r\n c\r\n\r\n",
	} {
		for flags := range byte(8) {
			f.Add([]byte(s), []byte{1}, flags)
			f.Add([]byte(s), []byte{0, 30, 5}, flags)
		}
	}
	pool := buffertest.Pool(f)
	f.Fuzz(func(t *testing.T, answer, pattern []byte, flags byte) {
		if len(answer) > 1<<12 {
			return
		}
		c := fuzzConn(t, pool)
		x := exchange{answer: string(answer), method: "GET", open: flags&2 != 0}
		if flags&1 != 0 {
			x.method = "HEAD"
		}
		if flags&4 != 0 {
			x.limits = fuzzLimits
		}
		whole := x.run(c, nil, false)
		cuts := cutsOf(pattern, len(answer))
		require.Equal(t, whole, x.run(c, cuts, false), "cut at %v", cuts)
		require.Equal(t, whole, x.run(c, cuts, true), "segments cut at %v", cuts)
		if !strings.Contains(whole, "fault") {
			compareWithNetHTTP(t, c, x.method, answer, whole)
		}
	})
}

// compareWithNetHTTP lets net/http read the same octets: where both take them, both take them alike.
func compareWithNetHTTP(t *testing.T, c *conn, method string, answer []byte, story string) {
	if !strings.Contains(story, "end\n") {
		return
	}
	r := bufio.NewReader(bytes.NewReader(answer))
	for {
		response, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return
		}
		if response.StatusCode < 200 {
			continue
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return
		}
		want := ""
		if len(body) > 0 {
			want = "body " + strings.ReplaceAll(string(body), "\n", "␊") + "\n"
		}
		require.Contains(t, story, fmt.Sprintf("%d ", response.StatusCode))
		at := strings.LastIndex(story, "\nbody ") + 1
		if want == "" {
			require.Zero(t, at, "net/http reads no body: %q", story)
			return
		}
		require.True(t, strings.HasPrefix(story[at:], want), "net/http reads %q: %q", body, story)
		return
	}
}

func FuzzChunked(f *testing.F) {
	for _, s := range []string{"0\r\n\r\n", "3\r\nabc\r\n0\r\nA: b\r\n\r\n", "a;x=\"y\"\r\n0123456789\r\n00 \r\n\r\n", "1\r\nab", "FFFFFFFFFFFFFFFFF\r\n", "7fffffffffffffff\r\nabc", "1\n", "\r\n"} {
		f.Add([]byte(s), []byte{0}, 10)
		f.Add([]byte(s), []byte{3, 1}, 1000)
	}
	pool := buffertest.Pool(f)
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	f.Fuzz(func(t *testing.T, data, pattern []byte, limit int) {
		if len(data) > 1<<12 || limit < 1 {
			return
		}
		c := fuzzConn(t, pool)

		// As the coded body of a response.
		x := exchange{answer: head + string(data), limits: Limits{MaxTrailerBytes: 60, MaxChunkExtension: 20}}
		whole := x.run(c, nil, false)
		cuts := cutsOf(pattern, len(x.answer))
		require.Equal(t, whole, x.run(c, cuts, false), "cut at %v", cuts)
		if !strings.Contains(whole, "fault") {
			compareWithNetHTTP(t, c, "GET", []byte(x.answer), whole)
		}

		// As the bytes of a request body: what we code, others decode.
		c.Release()
		c.Init(pool, Limits{})
		id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
		var sent strings.Builder
		from := 0
		for _, to := range append(cutsOf(pattern, len(data)), len(data)) {
			require.Nil(t, c.send(id, string(data[from:to]), false))
			from = to
			if limit%3 != 0 {
				sent.WriteString(c.sentBy(limit))
			}
		}
		require.Nil(t, c.Finish(id, nil))
		sent.WriteString(c.sentBy(limit))
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent.String())))
		require.NoError(t, err)
		got, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, string(data), string(got))
	})
}

func FuzzRequestHead(f *testing.F) {
	f.Add("GET", "http://a.example/x?y=z#f", "Accept: */*\nX-A:  b ", "agent/1", int64(0), true)
	f.Add("POST", "https://[::1]:8443?q", "Host: other\nuser-agent: x\nConnection: Close", "", int64(12), false)
	f.Add("PUT", "http://a", "Content-Length: 3", "u", int64(3), true)
	f.Add("PATCH", "http://a/%20", "A: \nB: c\xff", "u", int64(-1), true)
	f.Add("DELETE", "http://a/\"<>|[]", "Transfer-Encoding: chunked", "u", int64(0), false)
	pool := buffertest.Pool(f)
	f.Fuzz(func(t *testing.T, method, url, fields, agent string, size int64, expect bool) {
		c := fuzzConn(t, pool)
		head := &wire.RequestHead{Method: []byte(method), UserAgent: []byte(agent), BodySize: size, Expect: expect}
		if head.Target.Parse([]byte(url)) != nil {
			return
		}
		want := http.Header{}
		host := string(head.Target.Authority)
		for line := range strings.SplitSeq(fields, "\n") {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			head.Fields.Add([]byte(name), []byte(value))
			value = strings.Trim(value, " \t")
			switch {
			case strings.EqualFold(name, "host"):
				host = value
			case !strings.EqualFold(name, "content-length"):
				want.Add(name, value)
			}
		}
		id, fault := c.Open(head, size == 0, c.now)
		if fault != nil {
			require.Contains(t, []wire.Status{wire.StatusInvalid, wire.StatusUnsupported}, fault.Status)
			require.Empty(t, c.sent())
			return
		}
		if agent = strings.Trim(agent, " \t"); agent != "" && want.Get("User-Agent") == "" && len(want["User-Agent"]) == 0 {
			want.Set("User-Agent", agent)
		}
		if expect && size != 0 {
			want.Set("Expect", "100-continue")
		}
		sent := c.sent()
		if size < 0 {
			require.Nil(t, c.Finish(id, nil))
			require.Nil(t, c.Tick(c.now+expectPatience))
			sent += c.sent()
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent)))
		require.NoError(t, err, "%q", sent)
		require.Equal(t, method, r.Method)
		require.Equal(t, host, r.Host)
		uri := string(head.Target.Path)
		if !strings.HasPrefix(uri, "/") {
			uri = "/" + uri
		}
		require.Equal(t, uri, r.RequestURI)
		require.Equal(t, size, r.ContentLength)
		r.Header.Del("Content-Length")
		if len(want["Pragma"]) > 0 { // net/http makes a Cache-Control of it
			want.Del("Cache-Control")
			r.Header.Del("Cache-Control")
		}
		require.Equal(t, want, r.Header)
		if strings.EqualFold(want.Get("Connection"), "close") {
			require.True(t, r.Close)
		}
		require.Equal(t, strings.Count(sent[:strings.Index(sent, "\r\n\r\n")], "\r\n"), strings.Count(sent[:strings.Index(sent, "\r\n\r\n")], "\n"))
	})
}
