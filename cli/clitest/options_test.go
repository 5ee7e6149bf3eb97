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

// The line says what would be right, in the words of the command line and not of the library's configuration.
func TestNonsenseIsToldWithWhatWouldBeRight(t *testing.T) {
	url := serverURL + "/hello"
	noPEM := file(t, []byte("nothing"))
	for _, c := range []struct {
		arguments []string
		says      string
	}{
		{[]string{"--repeat", "0"}, `--repeat wants a number from 1 to 1073741824, not "0"`},
		{[]string{"--timeout-ms", "4294967295"}, `--timeout-ms wants a number of milliseconds from 0 to 4294967294, not "4294967295"`},
		{[]string{"--delay-ms", "1s"}, `--delay-ms wants a number of milliseconds from 0 to 4294967294, not "1s"`},
		{[]string{"--data-size", "-1"}, `--data-size wants a number from 0 to 1099511627776, not "-1"`},
		{[]string{"--max-body", ""}, `--max-body wants a number from 0 to 4611686018427387904, not ""`},
		{[]string{"--follow", "x"}, `--follow wants a number from 0 to 1000000, not "x"`},
		{[]string{"--pin", "abcd"}, `--pin wants 64 hexadecimal digits, not "abcd"`},
		{[]string{"--ws-close", "1"}, `--ws-close wants a number from 1000 to 4999, not "1"`},
		{[]string{"--tls", "x"}, `--tls wants system|system-only|go, not "x"`},
		{[]string{"--cacert", noPEM}, `--cacert holds no certificate: give the text of a PEM file, which begins with -----BEGIN CERTIFICATE-----`},
		{[]string{"--cert", noPEM}, `--cert holds no certificate: give the text of a PEM file, which begins with -----BEGIN CERTIFICATE-----`},
		{[]string{"--resolve", "a:1:127.0.0.1", "--resolve", "b"}, `--resolve 2 (b): it has no port; write host:port:address, IPv6 in brackets`},
		{[]string{"--json=yes"}, `--json takes no value`},
		{[]string{"--help=yes"}, `--help takes no value`},
		{[]string{"-H", "Authorization Basic c2VjcmV0"}, `-H wants 'Name: value', not "Authorization..."`},
		{[]string{"-H", ": value"}, `-H wants 'Name: value', not "..."`},
		{[]string{"--user", "secret"}, `--user wants U:P, not "..."`},
	} {
		r := turbotest.Turbo(t, append(c.arguments, url)...)
		assert.Equal(t, 2, r.Exit, "%q", c.arguments)
		line, usage, _ := strings.Cut(r.Stderr, "\n")
		assert.Equal(t, "turbo: "+c.says, line)
		assert.True(t, strings.HasPrefix(usage, "usage: turbo "))
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
