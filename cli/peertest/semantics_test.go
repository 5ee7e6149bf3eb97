package peertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

// How the end of a body is known.
const (
	byLength = "length"  // Content-Length
	byChunks = "chunked" // Transfer-Encoding: chunked
	byClose  = "close"   // the connection ends
)

// semantic is a question that every server in its list answers in the same way.
type semantic struct {
	name    string
	servers string // of nginx, apache, node, python3 and python3-1.0
	options string
	path    string
	status  int
	body    []byte
	framing string // "": it does not matter
	check   func(t *testing.T, r turbotest.Result)
}

const (
	everyone = "nginx apache node python3 python3-1.0"
	modern   = "nginx apache node python3" // HTTP/1.1
)

var a2M = bytes.Repeat([]byte("a"), 2_000_000)

func semantics() []semantic {
	large, small := files["large.bin"], files["small.txt"]
	named := func(name, value string) func(t *testing.T, r turbotest.Result) {
		return func(t *testing.T, r turbotest.Result) { assert.Equal(t, value, r.Header(name), name) }
	}
	return []semantic{
		{"small", everyone, "", "/small.txt", 200, small, byLength, named("Content-Length", "13")},
		{"empty", everyone, "", "/empty.bin", 200, nil, byLength, named("Content-Length", "0")},
		{"large", everyone, "", "/large.bin", 200, large, byLength, nil},
		{"chunks", modern, "", "/stream/large.bin", 200, large, byChunks, nil},
		{"small chunks", "nginx node python3", "", "/stream/small.txt", 200, small, byChunks, nil},
		{"no chunk but the last", "node python3", "", "/stream/empty.bin", 200, nil, byChunks, nil},
		{"chunks passed on by a proxy", "nginx", "", "/node/stream/large.bin", 200, large, byChunks, nil},
		{"no chunk but the last by a proxy", "nginx", "", "/node/stream/empty.bin", 200, nil, byChunks, nil},
		{"to the end of the connection", "nginx node python3 python3-1.0", "", "/unsized/large.bin", 200, large, byClose, nil},
		{"little to the end of the connection", "nginx node python3 python3-1.0", "", "/unsized/small.txt", 200, small, byClose, nil},
		{"nothing to the end of the connection", "node python3 python3-1.0", "", "/unsized/empty.bin", 200, nil, byClose, nil},
		{"HEAD", everyone, "-X HEAD", "/large.bin", 200, nil, byLength, named("Content-Length", "3145728")},
		{"HEAD of chunks", "nginx apache", "-X HEAD", "/stream/large.bin", 200, nil, "", nil},
		{"204", everyone, "", "/none", 204, nil, "", nil},
		{"304 by date", everyone, "-H If-Modified-Since:_" + strings.ReplaceAll(modified, " ", "_"), "/large.bin", 304, nil, "", nil},
		{"404", everyone, "", "/missing", 404, nil, "", nil},
		{"HEAD of 404", everyone, "-X HEAD", "/missing", 404, nil, "", nil},
		{"range", "nginx apache node", "-H Range:bytes=1000-9999", "/large.bin", 206, large[1000:10000], byLength,
			named("Content-Range", "bytes 1000-9999/3145728")},
		{"range of a server without ranges", "python3 python3-1.0", "-H Range:bytes=1000-9999", "/large.bin", 200, large, byLength, nil},
		{"POST", everyone, "-d hello", "/echo", 200, []byte("hello"), "", nil},
		{"large POST", everyone, "--data-size 2000000", "/echo", 200, a2M, "", nil},
		{"POST of nothing", everyone, "--data-size 0", "/echo", 200, nil, "", nil},
		{"POST in chunks", modern, "-d hello --chunked", "/echo", 200, []byte("hello"), "", nil},
		{"large POST in chunks", modern, "--data-size 2000000 --chunked", "/echo", 200, a2M, "", nil},
		{"POST of no chunk but the last", modern, "--data-size 0 --chunked", "/echo", 200, nil, "", nil},
		{"trailers that nobody wants", modern, "-d hello --chunked --trailer X-A:1", "/echo", 200, []byte("hello"), "", nil},
		{"trailers", "node", "-d hello --chunked --trailer X-A:1 --trailer X-B:2", "/trailers", 200, []byte("first last"), byChunks,
			trailers("back-x-a", "1", "back-x-b", "2", "X-Count", "2")},
		{"trailers of a GET", "node", "", "/trailers", 200, []byte("first last"), byChunks, trailers("X-Count", "0")},
		{"trailers", "nginx", "", "/trailers/large.bin", 200, large, byChunks, trailers("X-Trailer", "at the end")},
		{"expect", modern, "-d hello --expect100", "/echo", 200, []byte("hello"), "", nil},
		{"large expect", modern, "--data-size 2000000 --expect100", "/echo", 200, a2M, "", nil},
		{"expect in chunks", modern, "--data-size 2000000 --expect100 --chunked", "/echo", 200, a2M, "", nil},
		{"expectation not met", "node", "-d hello --expect100", "/refuse", 417, nil, "", nil},
		{"refused while it goes out", "nginx apache", "--data-size 50000000", "/limited", 413, nil, "", nil},
		{"refused in front of it", "nginx apache", "--data-size 50000000 --expect100", "/limited", 413, nil, "", nil},
		{"refused chunks", "nginx", "--data-size 50000000 --chunked", "/limited", 413, nil, "", nil},
		{"answered early", "node", "--data-size 2000000", "/early", 403, []byte("no\n"), byLength, nil},
		{"answered early in chunks", "node", "--data-size 2000000 --chunked", "/early", 403, []byte("no\n"), byLength, nil},
		{"early hints", "node", "", "/hints", 200, []byte("hinted"), "", func(t *testing.T, r turbotest.Result) {
			assert.Equal(t, []int{103}, r.Informational)
		}},
	}
}

func trailers(want ...string) func(t *testing.T, r turbotest.Result) {
	return func(t *testing.T, r turbotest.Result) {
		var got []string
		for _, field := range r.Trailers {
			got = append(got, field...)
		}
		assert.True(t, slices.EqualFunc(want, got, strings.EqualFold), "%q, not %q", got, want)
	}
}

func sum(body []byte) string {
	s := sha256.Sum256(body)
	return hex.EncodeToString(s[:])
}

func TestServersAreUnderstood(t *testing.T) {
	t.Parallel()
	for _, p := range everybody(t) {
		asked := 0
		for _, s := range semantics() {
			if slices.Contains(strings.Fields(s.servers), p.name) {
				asked++
				t.Run(p.name+"/"+s.name, func(t *testing.T) { s.run(t, p) })
			}
		}
		assert.Greater(t, asked, 14, p.name)
	}
}

func (s semantic) run(t *testing.T, p *peer) {
	arguments := []string{"--repeat", "2"} // the second shows what state the first left the connection in
	for _, word := range strings.Fields(s.options) {
		arguments = append(arguments, strings.ReplaceAll(word, "_", " "))
	}
	all := ask(t, append(arguments, p.at("plain", s.path))...)
	require.Len(t, all, 2)
	for _, r := range all {
		require.True(t, *r.OK, *r.Error)
		require.Equal(t, s.status, *r.Status)
		version := "1.1"
		if p.name == "python3-1.0" {
			version = "1.0"
		}
		assert.Equal(t, version, *r.Version)
		if s.status < 400 || s.body != nil {
			assert.Equal(t, int64(len(s.body)), *r.BodyLen)
			assert.Equal(t, sum(s.body), *r.BodySHA256)
		}
		if s.framing != "" {
			assert.Equal(t, s.framing == byLength, r.Header("Content-Length") != "", "%q", r.Headers)
			assert.Equal(t, s.framing == byChunks, r.Header("Transfer-Encoding") == "chunked", "%q", r.Headers)
		}
		if s.check != nil {
			s.check(t, r)
		}
	}
	want := 1
	if s.framing == byClose || p.name == "python3-1.0" {
		want = 2
	}
	if s.status < 400 { // whether a connection survives an error is the server's choice
		assert.Equal(t, want, connections(all))
	}
}

func TestEntityTagsAreUnderstood(t *testing.T) {
	t.Parallel()
	n := node(t)
	for _, p := range []*peer{n, nginx(t, n), apache(t)} {
		first := ask(t, p.at("plain", "/large.bin"))[0]
		tag := first.Header("ETag")
		require.NotEmpty(t, tag, p.name)
		for _, r := range ask(t, "--repeat", "2", "-H", "If-None-Match: "+tag, p.at("plain", "/large.bin")) {
			require.True(t, *r.OK, "%s: %s", p.name, *r.Error)
			assert.Equal(t, 304, *r.Status, p.name)
			assert.Equal(t, int64(0), *r.BodyLen, p.name)
			assert.Equal(t, tag, r.Header("ETag"), p.name)
		}
		r := ask(t, "-H", `If-None-Match: "another"`, p.at("plain", "/large.bin"))[0]
		assert.Equal(t, sum(files["large.bin"]), *r.BodySHA256, p.name)
	}
}

// The client may grow tired of waiting: after a second it sends the body anyway, and on a machine that stands still a
// second passes unseen. So it has five tries, of which one that never waits would fail each.
func TestTheBodyWaitsForContinue(t *testing.T) {
	t.Parallel()
	p := node(t)
	for _, c := range []struct {
		options []string
		path    string
		status  int
	}{
		{nil, "/echo", 200}, {[]string{"--chunked"}, "/echo", 200}, {nil, "/refuse", 417}, {[]string{"--chunked"}, "/refuse", 417},
	} {
		var early string
		for try := 0; try < 5 && early != "0"; try++ {
			r := ask(t, append(c.options, "-d", "hello", "--expect100", p.at("plain", c.path))...)[0]
			require.True(t, *r.OK, *r.Error)
			require.Equal(t, c.status, *r.Status)
			early = r.Header("X-Too-Early")
		}
		assert.Equal(t, "0", early, "%q: bytes that came before the server had said anything", c)
	}
}
