//go:build unix && !race

package core_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"turbohttp/core"
	"turbohttp/wire"
)

// Without the race detector, which needs descriptors of its own at any moment.
func TestNoDescriptorsLeftFailsWhatNeedsOneAndNothingElse(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{})
	f.get(s.url+"/before").ok(t, 200, "/before")
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 3
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	x := f.get("http://127.0.0.1:9/")
	named := f.get("http://never.example/")
	x.done(t)
	named.done(t)
	alive := f.get(s.url + "/alive")
	alive.done(t)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	assert.EqualValues(t, unix.EMFILE, x.failed(t, wire.StatusIO).Code)
	assert.NotZero(t, x.Facts&wire.FactUnseen)
	assert.Contains(t, []wire.Status{wire.StatusIO, wire.StatusResolve}, named.fault.Status, named.fault.Text)
	assert.Nil(t, alive.fault)
	f.get(s.url+"/after").ok(t, 200, "/after")
}
