package clitest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

func TestTheLineOfAGoodAnswerIsExact(t *testing.T) {
	s := script(t, false, "HTTP/1.1 200 OK\r\nA: 1\r\nb: \r\nA: 2\r\nConnection: close\r\n\r\nhello")
	r := turbotest.Turbo(t, "--json", s.url+"/x?y=z")
	assert.Equal(t, 0, r.Exit)
	assert.Empty(t, r.Stderr)
	assert.Equal(t, `{"n":0,"ok":true,"status":200,"reason":"OK","version":"1.1",`+
		`"headers":[["A","1"],["b",""],["A","2"],["Connection","close"]],"trailers":[],"informational":[],"body_len":5,`+
		`"body_sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","final_url":"`+s.url+
		`/x?y=z","redirects":0,"error_class":"","error":""}`+"\n", r.Stdout)
}

func TestTheLineOfAFailureIsExact(t *testing.T) {
	s := script(t, false, "HTTP/1.1 200 Fine\r\nContent-Length: 10\r\n\r\nabc")
	r := turbotest.Turbo(t, "--json", s.url+"/x")
	assert.Equal(t, 1, r.Exit)
	assert.Empty(t, r.Stderr)
	assert.Equal(t, `{"n":0,"ok":false,"status":200,"reason":"Fine","version":"1.1","headers":[["Content-Length","10"]],`+
		`"trailers":[],"informational":[],"body_len":3,`+
		`"body_sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","final_url":"`+s.url+
		`/x","redirects":0,"error_class":"closed","error":"h1: the server closed the connection after 3 of 10 promised bytes `+
		`(GET `+s.url+`/x)"}`+"\n", r.Stdout)
}

func TestAFailureWithoutAHeadLeavesOutWhatWasNotDelivered(t *testing.T) {
	r := turbotest.One(t, serverURL+"/drop")
	assert.Nil(t, r.Status)
	assert.Nil(t, r.Version)
	assert.Nil(t, r.Headers)
	assert.Nil(t, r.BodyLen)
	assert.Nil(t, r.BodySHA256)
	assert.Equal(t, serverURL+"/drop", *r.FinalURL)
}

// latin1 undoes what --json does to octets.
func latin1(t *testing.T, text string) string {
	t.Helper()
	var octets []byte
	for _, r := range text {
		require.Less(t, r, rune(256), text)
		octets = append(octets, byte(r))
	}
	return string(octets)
}

func TestOctetsComeBackWhateverTheyAre(t *testing.T) {
	value := "\"quoted\" \\ back\tslash / </script> "
	for octet := 0x80; octet < 0x100; octet++ {
		value += string([]byte{byte(octet)})
	}
	value += "\xe2\x82\xac \xed\xa0\x80 \xf4\x90\x80\x80 ." // a valid sequence is octets too; others would not be valid
	s := script(t, false, "HTTP/1.1 299 sch\xf6n \"so\" \\\r\nX-Octets: "+value+"\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"1\r\n\x00\r\n0\r\nX-Trailer: \xff\"\r\n\r\n")
	r := turbotest.One(t, s.url)
	assert.Equal(t, "sch\xf6n \"so\" \\", latin1(t, *r.Reason))
	assert.Equal(t, value, latin1(t, r.Header("x-octets")))
	require.Len(t, r.Trailers, 1)
	assert.Equal(t, "\xff\"", latin1(t, r.Trailers[0][1]))
	assert.Equal(t, int64(1), *r.BodyLen)
}

func TestURLsAreTextAndStayValidUTF8(t *testing.T) {
	for _, url := range []string{"nonsense \" \\ \x01 \x7f \u20ac \U0001f600", "nonsense \xff\xc0\x80\xed\xa0\x80\xe2\x82"} {
		r := turbotest.One(t, url)
		assert.Equal(t, "other", *r.ErrorClass)
		if strings.Contains(url, "\u20ac") {
			assert.Equal(t, url, *r.FinalURL)
		} else {
			assert.Equal(t, url, latin1(t, *r.FinalURL))
		}
	}
}

// The server's content, as capi/ctest/server makes it.
func content(seed, n int) string {
	octets := make([]byte, n)
	for i := range octets {
		octets[i] = byte(seed + i*7 + i>>8*13)
	}
	return string(octets)
}

func sha(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func TestBodySHA256OfEverySmallSizeAndSomeLarge(t *testing.T) {
	var arguments []string
	var bodies []string
	add := func(path string, seed, n int) {
		arguments = append(arguments, fmt.Sprintf("%s%s&n=%d&seed=%d", serverURL, path, n, seed))
		bodies = append(bodies, content(seed, n))
	}
	for n := range 200 {
		add("/bytes?", n, n)
	}
	for _, size := range []int{1, 7, 63, 64, 65, 1000} { // pieces that end anywhere in a block
		add(fmt.Sprintf("/chunked?size=%d", size), size, 3000+size)
	}
	add("/bytes?", 5, 10_000_019)
	all, _ := turbotest.Results(t, arguments...)
	require.Len(t, all, len(bodies))
	for i, r := range all {
		assert.Equal(t, int64(len(bodies[i])), *r.BodyLen, arguments[i])
		assert.Equal(t, sha(bodies[i]), *r.BodySHA256, arguments[i])
	}
}

func TestInformationalHeadsAndTrailersAreTold(t *testing.T) {
	all, _ := turbotest.Results(t, serverURL+"/hints", serverURL+"/chunked?n=3", serverURL+"/status/204", serverURL+"/status/999")
	assert.Equal(t, []int{103, 102}, all[0].Informational)
	assert.Equal(t, []int{}, all[1].Informational)
	assert.Equal(t, [][]string{{"X-Trailer", "yes"}}, all[1].Trailers)
	assert.Equal(t, 204, *all[2].Status)
	assert.Equal(t, int64(0), *all[2].BodyLen)
	assert.Equal(t, 999, *all[3].Status, "any status is ok")
}

func TestVersion10IsTold(t *testing.T) {
	s := script(t, false, "HTTP/1.0 404 \r\n\r\ngone")
	r := turbotest.One(t, s.url)
	assert.Equal(t, "1.0", *r.Version)
	assert.Equal(t, "", *r.Reason)
	assert.Equal(t, 404, *r.Status)
	assert.True(t, *r.OK)
}
