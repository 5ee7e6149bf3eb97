package core_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

func TestResolveLinesAreRead(t *testing.T) {
	r, fault := core.ParseResolve([]byte("A.example:80:192.0.2.1\r\n\nb.example:443:[2001:db8::1]\n[::1]:8080:192.0.2.2\na.example:80:192.0.2.3"))
	require.Nil(t, fault)
	assert.Equal(t, core.Resolve{
		"a.example:80":  netip.MustParseAddr("192.0.2.3"),
		"b.example:443": netip.MustParseAddr("2001:db8::1"),
		"::1:8080":      netip.MustParseAddr("192.0.2.2"),
	}, r)
	r, fault = core.ParseResolve(nil)
	require.Nil(t, fault)
	assert.Empty(t, r)
}

func TestBrokenResolveLineIsNamed(t *testing.T) {
	for _, line := range []string{
		"a.example", "a.example:80", "a.example:80:", "a.example:80:nowhere", "a.example:0:192.0.2.1", "a.example:99999:192.0.2.1",
		"a.example:x:192.0.2.1", "a.example::192.0.2.1", ":80:192.0.2.1", "a b:80:192.0.2.1", "a.example:80:2001:db8::1",
		"a.example:80:[192.0.2.1]", "a.example:80:[2001:db8::1", "[::1:80:192.0.2.1", "[::1]80:192.0.2.1", "[", "]", ":", "::", "*:80:192.0.2.1",
		"a.example:80:192.0.2.1 ", "a.example:80:192.0.2.1,192.0.2.2",
	} {
		_, fault := core.ParseResolve([]byte("ok.example:80:192.0.2.1\n" + line + "\n"))
		if assert.NotNil(t, fault, line) {
			assert.Equal(t, wire.StatusInvalid, fault.Status)
			assert.Contains(t, fault.Text, "line 2 ("+line+")")
		}
	}
}

func FuzzParseResolve(f *testing.F) {
	f.Add([]byte("a.example:80:192.0.2.1\n[::1]:443:[2001:db8::1]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, fault := core.ParseResolve(text)
		if (r == nil) != (fault != nil) {
			t.Fatalf("%v and %v", r, fault)
		}
		for key, a := range r {
			if !a.IsValid() || a.Zone() != "" && !a.Is6() {
				t.Fatalf("%s is at %v", key, a)
			}
		}
	})
}
