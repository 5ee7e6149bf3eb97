package clitest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"turbohttp/cli/turbotest"
)

func TestNonsenseExitsWith2AndUsageOnStderr(t *testing.T) {
	url := serverURL + "/hello"
	for _, arguments := range [][]string{
		{}, {"--json"}, {""}, {"--nonsense", url}, {"-z", url}, {"--jso", url}, {"-iv", url},
		{"-H", "no colon", url}, {"-H", ": no name", url}, {url, "-H"}, {"--trailer", "x", "-d", "", "--chunked", url},
		{"--trailer", "X: y", url}, {"--trailer", "X: y", "-d", "a", url}, {"--chunked", url}, {"--expect100", url},
		{"-d", "a", "--data-size", "1", url}, {"--data-size", "-1", url}, {"--data-size", "1x", url}, {"--data-size", "", url},
		{"--data-size", "99999999999999999999999", url}, {"--timeout-ms", "4294967295", url}, {"--timeout-ms", "1.5", url},
		{"--delay-ms", "x", url}, {"--repeat", "0", url}, {"--repeat", "many", url}, {"--max-body", "all", url},
		{"--json=yes", url}, {"--follow", "x", url}, {"--tls", "openssl", url}, {"--transport", "carrier-pigeon", url},
		{"--auth", "ntlm", url}, {"--user", "nobody", url}, {"--http1", "--http2", url}, {"--ws-close", "1", url},
		{"--pin", "abcd", url}, {"--pin", strings.Repeat("g", 64), url}, {"--pin", strings.Repeat("a", 66), url},
		{"--key", "f", url}, {"-X", "", url}, {"-o", "", url},
		{"--resolve", "", url}, {"--resolve", "host", url}, {"--resolve", "host:80:nowhere", url}, {"--resolve", "a:1:127.0.0.1\nb:1:127.0.0.1", url},
	} {
		r := turbotest.Turbo(t, arguments...)
		assert.Equal(t, 2, r.Exit, "%q", arguments)
		assert.Empty(t, r.Stdout, "%q", arguments)
		assert.Regexp(t, `(?s)^turbo: .*\nusage: turbo `, r.Stderr, "%q", arguments)
	}
}

func TestWhatIsNotInThisBuildExitsWith3(t *testing.T) {
	url := serverURL + "/hello"
	for _, option := range []string{
		"--http2", "--h2c", "--tls system-only", "--transport poll", "--proxy http://127.0.0.1:1", "--follow 5", "--user a:b",
		"--auth basic", "--cookies", "--decompress", "--cache", "--ws", "--ws-deflate", "--ws-protocol a,b", "--ws-send hi",
		"--ws-close 1000", "--ws-max 10",
	} {
		r := turbotest.Turbo(t, append(strings.Fields(option), "--json", url)...)
		assert.Equal(t, 3, r.Exit, option)
		assert.Empty(t, r.Stdout, option)
		assert.Regexp(t, `^turbo: `+strings.Fields(option)[0]+`.* is not in this build\n$`, r.Stderr, option)
	}
}

func TestWhatNeedsNothingIsTaken(t *testing.T) {
	for _, option := range []string{"--http1", "--transport net", "--tls go", "--tls system", "--follow 0", "--no-pool", "--guard",
		"--timeout-ms 0", "--timeout-ms=5000", "-XGET", "--delay-ms 0"} {
		r := turbotest.One(t, append(strings.Fields(option), serverURL+"/hello")...)
		assert.Equal(t, int64(13), *r.BodyLen, option)
	}
}

func TestHelpAndVersionGoToStdout(t *testing.T) {
	r := turbotest.Turbo(t, "--help")
	assert.Equal(t, 0, r.Exit)
	assert.True(t, strings.HasPrefix(r.Stdout, "usage: turbo "))
	assert.Empty(t, r.Stderr)
	r = turbotest.Turbo(t, "--version")
	assert.Equal(t, 0, r.Exit)
	assert.Regexp(t, `^turbo \d+\.\d+\.\d+ go.*\n$`, r.Stdout)
}

func TestAfterTwoDashesAllAreURLs(t *testing.T) {
	all, _ := turbotest.Results(t, "--", "--json", "-i")
	assert.Equal(t, "--json", *all[0].FinalURL)
	assert.Equal(t, "-i", *all[1].FinalURL)
}
