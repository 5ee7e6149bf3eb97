//go:build unix && !race

package core_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"turbohttp/core"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

// Without the race detector, which needs descriptors of its own at any moment.
func TestNoDescriptorsLeftFailsWhatNeedsOneAndNothingElse(t *testing.T) {
	root := tlstest.Authority(t, "Root", nil, nil)
	config := &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()}, Time: func() time.Time { return tlstest.Today }}
	s := serve(t, keepAlive)
	secure := serve(t, func(p *peer) {
		if p.shake(config) {
			keepAlive(p)
		}
	})
	secure.url = strings.Replace(secure.url, "http:", "https:", 1)
	f := overTLS(t, root, core.Config{}, nil)
	f.get(s.url+"/before").ok(t, 200, "/before")
	f.get(secure.url+"/before").ok(t, 200, "/before")
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 3
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	x, y := f.get("http://127.0.0.1:9/"), f.get("https://127.0.0.1:9/")
	named := f.get("http://never.example/")
	x.done(t)
	y.done(t)
	named.done(t)
	alive, aliveToo := f.get(s.url+"/alive"), f.get(secure.url+"/alive")
	alive.done(t)
	aliveToo.done(t)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	for _, x := range []*call{x, y} {
		assert.EqualValues(t, unix.EMFILE, x.failed(t, wire.StatusIO).Code)
		assert.Equal(t, wire.FactUnseen, x.Facts)
	}
	assert.Contains(t, []wire.Status{wire.StatusIO, wire.StatusResolve}, named.fault.Status, named.fault.Text)
	assert.Nil(t, alive.fault)
	assert.Nil(t, aliveToo.fault)
	f.get(s.url+"/after").ok(t, 200, "/after")
	f.get(secure.url+"/after").ok(t, 200, "/after")
}
