package wire

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func request(t *testing.T, method, url string) *RequestHead {
	t.Helper()
	h := &RequestHead{Method: []byte(method)}
	require.Nil(t, h.Target.Parse([]byte(url)))
	return h
}

func TestTraceHasNoBody(t *testing.T) {
	var g Given
	h := request(t, "TRACE", "http://a/")
	require.Nil(t, h.Check(&g, true))
	for _, size := range []int64{0, 3, BodyUnknown} { // a stream of no octets is framed as content, too
		h.BodySize = size
		fault := h.Check(&g, false)
		require.NotNil(t, fault)
		require.Equal(t, StatusInvalid, fault.Status)
		require.Contains(t, fault.Text, "TRACE")
	}
	h = request(t, "Trace", "http://a/") // methods are case-sensitive: another one
	h.BodySize = 3
	require.Nil(t, h.Check(&g, false))
}

func TestAWrongHostFieldDoesNotShowAPassword(t *testing.T) {
	var g Given
	h := request(t, "GET", "http://a/")
	h.Fields.Add([]byte("Host"), []byte("me:secret@a"))
	fault := h.Check(&g, true)
	require.NotNil(t, fault)
	require.NotContains(t, fault.Text, "secret")
}

func TestAWholeLineGivenForANameDoesNotShowItsValue(t *testing.T) {
	for _, name := range []string{"Authorization: Basic c2VjcmV0", "Cookie: session=c2VjcmV0"} {
		fault := CheckField([]byte(name), nil)
		require.NotNil(t, fault)
		require.NotContains(t, fault.Text, "c2VjcmV0")
	}
	h := request(t, "GET", "http://a/")
	h.Method = []byte("GET /login?token=c2VjcmV0 HTTP/1.1")
	fault := h.Check(new(Given), true)
	require.NotNil(t, fault)
	require.NotContains(t, fault.Text, "c2VjcmV0")
}

func TestTheNameOfAnExchangeLeavesOutItsQuery(t *testing.T) {
	require.Equal(t, "GET http://a/login", request(t, "GET", "http://a/login?token=S3CRET").Name())
	require.Equal(t, "GET http://a", request(t, "GET", "http://a?token=S3CRET").Name())
	require.Equal(t, "GET ", (&RequestHead{Method: []byte("GET")}).Name(), "before its URL was understood")
	long := request(t, "GET", "http://a/"+strings.Repeat("b", 1000)).Name()
	require.Len(t, long, len("GET ")+300+len("..."))
}
