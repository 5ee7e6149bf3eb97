package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFieldsKeepOrderCaseAndMemory(t *testing.T) {
	var f Fields
	f.Add([]byte("X-A"), []byte("1"))
	f.Add([]byte("x-a"), []byte("2"))
	f.Add([]byte("Empty"), nil)
	require.Equal(t, 3, f.Len())
	require.Equal(t, "x-a", string(f.Name(1)))
	require.Equal(t, "2", string(f.Value(1)))
	value, ok := f.Get("x-a")
	require.True(t, ok)
	require.Equal(t, "1", string(value))
	value, ok = f.Get("empty")
	require.True(t, ok)
	require.Empty(t, value)
	_, ok = f.Get("b")
	require.False(t, ok)
	_ = append(f.Name(0), '!') // a view does not reach its neighbour
	require.Equal(t, "1", string(f.Value(0)))
	before := cap(f.Octets)
	f.Reset()
	require.Zero(t, f.Len())
	require.Equal(t, before, cap(f.Octets))
}

func TestRequestFieldsAreSortedByWhoDecidesOnThem(t *testing.T) {
	for name, want := range map[string]FieldKind{
		"Host": FieldHost, "USER-AGENT": FieldUserAgent, "content-length": FieldContentLength, "Connection": FieldConnection,
		"Te": FieldFraming, "Expect": FieldFraming, "Upgrade": FieldFraming, "Trailer": FieldFraming, "Keep-Alive": FieldFraming,
		"Proxy-Connection": FieldFraming, "Transfer-Encoding": FieldFraming,
		"": FieldOrdinary, "Accept": FieldOrdinary, "Hosts": FieldOrdinary, "Content-Lengtt": FieldOrdinary, "Cookie": FieldOrdinary,
	} {
		require.Equal(t, want, KindOf([]byte(name)), name)
	}
}

func TestAGoodHeadIsDescribed(t *testing.T) {
	h := RequestHead{Method: []byte("POST"), BodySize: 3, UserAgent: []byte("u")}
	require.Nil(t, h.Target.Parse([]byte("http://a/")))
	for _, f := range []string{"A", "host", "Content-Length", "Connection"} {
		value := map[string]string{"A": " b ", "host": "other:1", "Content-Length": "3", "Connection": "close"}[f]
		h.Fields.Add([]byte(f), []byte(value))
	}
	var g Given
	require.Nil(t, h.Check(&g, false))
	require.Equal(t, Given{Host: 1, Close: true, HasLength: true, BodySize: 3, Octets: len("AbConnectionclose"), Lines: 2}, g)
}
