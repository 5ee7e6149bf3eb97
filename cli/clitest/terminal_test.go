package clitest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"turbohttp/cli/turbotest"
)

// What a peer sends goes to the terminal of whoever tries it with -v, or sees an error. It must not steer that terminal.
func TestNothingOfAPeerSteersTheTerminal(t *testing.T) {
	const bad = "a\x1b[2Jb\u009bc\u202ed\u200be\x9b\x7ff\tg \u20ac"
	const seen = `a\x1b[2Jb\u009bc\u202ed\u200be\x9b\x7ff` + "\tg \u20ac"
	answer := "HTTP/1.1 299 " + bad + "\r\nX-A: " + bad + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: " + bad + "\r\n\r\n"
	s := script(t, false, answer)
	r := turbotest.Turbo(t, "-v", s.url)
	assert.Equal(t, 0, r.Exit)
	assert.Contains(t, r.Stderr, "< HTTP/1.1 299 "+seen+"\n< X-A: "+seen+"\n")
	assert.Contains(t, r.Stderr, "< (trailer) X-T: "+seen+"\n")
	assert.NotContains(t, r.Stderr, "\x1b")

	// Standard output is data, the head as well as the body: octet for octet.
	s = script(t, false, answer)
	r = turbotest.Turbo(t, "-i", s.url)
	assert.Equal(t, "HTTP/1.1 299 "+bad+"\nX-A: "+bad+"\nTransfer-Encoding: chunked\n\nX-T: "+bad+"\n", r.Stdout)

	// A JSON reader gets the same text from escapes.
	s = script(t, false, answer)
	r = turbotest.Turbo(t, "--json", s.url, "nonsense "+bad)
	for _, octet := range []string{"\x1b", "\u009b", "\u202e", "\u200b", "\x7f"} {
		assert.NotContains(t, r.Stdout, octet)
	}
	s = script(t, false, answer)
	all, _ := turbotest.Results(t, s.url, "nonsense \u009b\u202e\U000e0041\u20ac")
	assert.Equal(t, bad, latin1(t, all[0].Header("X-A")))
	assert.Equal(t, "nonsense \u009b\u202e\U000e0041\u20ac", *all[1].FinalURL)
}

func TestWhatTheCommandLineSaysDoesNotSteerItEither(t *testing.T) {
	for _, arguments := range [][]string{{"\x1b[31m"}, {"--\x1b[31m"}, {"--tls", "\x1b[31m", serverURL}, {"http://127.0.0.1/\x1b[31m"},
		{"-H", "\x1b[31m: a", serverURL}, {"-o", "/no/such/\x1b[31m", serverURL}, {"--cacert", "/no/such/\x1b[31m", serverURL},
		{"--resolve", "\x1b[31m", serverURL}, {"-v", "-H", "X: \x1b[31m", serverURL}} {
		r := turbotest.Turbo(t, arguments...)
		assert.NotEqual(t, 0, r.Exit, "%q", arguments)
		assert.NotContains(t, r.Stderr, "\x1b", "%q", arguments)
	}
}

// The line about a failure may end in the log of a build server.
func TestAnErrorShowsNoSecretOfTheURL(t *testing.T) {
	closed := closedPort(t)
	for _, url := range []string{"http://me:s3/cret@127.0.0.1/", "http://me:s3cret@127.0.0.1/", "http://me:s3#cret@127.0.0.1/", "me:s3cret@127.0.0.1",
		"http://me:s3?cret@127.0.0.1/", "http://me:s3 cret@127.0.0.1/", closed + "/x?token=s3cret", closed + "/x y?token=s3cret", "ftp://me:s3cret@127.0.0.1/"} {
		r := turbotest.Turbo(t, url)
		assert.Equal(t, 1, r.Exit, url)
		assert.NotContains(t, r.Stderr, "s3", url)
		assert.NotContains(t, r.Stderr, "cret", url)
		assert.Equal(t, 1, strings.Count(r.Stderr, "\n"), url)
		assert.NotContains(t, *turbotest.One(t, url).Error, "s3", url)
	}
	r := turbotest.Turbo(t, closed+"/@x?y")
	assert.Contains(t, r.Stderr, "(GET "+closed+"/@x) [connect]\n")
	assert.Equal(t, 1, strings.Count(r.Stderr, closed), "named once: %s", r.Stderr)
}

func TestATraceHasNoBody(t *testing.T) {
	for _, arguments := range [][]string{{"-d", "hello"}, {"-d", "hello", "--chunked"}, {"--data-size", "5"}} {
		r := turbotest.One(t, append(arguments, "-X", "TRACE", serverURL+"/echo")...)
		assert.Equal(t, "other", *r.ErrorClass, "%q", arguments)
		assert.Contains(t, *r.Error, "TRACE", "%q", arguments)
	}
}
