package buffertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"turbohttp/buffers"
)

// record is a testing.TB that notes errors instead of failing.
type record struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *record) Helper()          {}
func (r *record) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *record) Error(args ...any) {
	r.errors = append(r.errors, fmt.Sprint(args...))
}
func (r *record) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// run gives what a test that does f with its pool would be told.
func run(t *testing.T, mode buffers.Mode, f func(p *buffers.Pool)) string {
	t.Setenv(Variable, mode.String())
	r := &record{TB: t}
	f(Pool(r))
	for _, c := range r.cleanups {
		c()
	}
	return strings.Join(r.errors, "\n")
}

func leakHere(p *buffers.Pool) *buffers.Block { return p.Get(100) }

func TestACleanTestIsToldNothing(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		assert.Empty(t, run(t, mode, func(p *buffers.Pool) {
			assert.Equal(t, mode, p.Mode())
			p.Get(10).Release()
			p.Borrow(nil, nil).Release()
		}))
	}
}

func TestALeakFailsTheTestInEveryMode(t *testing.T) {
	for _, mode := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		told := run(t, mode, func(p *buffers.Pool) { leakHere(p); p.Borrow(make([]byte, 1), nil) })
		assert.Contains(t, told, "1 blocks rented, 0 returned", mode)
		assert.Contains(t, told, "1 spans borrowed, 0 went home", mode)
		if mode == buffers.Guarded {
			assert.Contains(t, told, "leak: 100 bytes rented by buffertest.leakHere (buffertest/buffertest_test.go:")
		} else {
			assert.Contains(t, told, "TURBO_TEST_MEMORY=guarded names the places")
		}
	}
}

func TestAFaultFailsTheTest(t *testing.T) {
	told := run(t, buffers.Guarded, func(p *buffers.Pool) {
		b := leakHere(p)
		late := b.Bytes()
		b.Release()
		late[3] = 1
	})
	assert.Contains(t, told, "use after return: byte 3 was written after the return; 100 bytes rented by buffertest.leakHere")
}

func TestThePooledModeIsTheDefaultAndAWrongWordPanics(t *testing.T) {
	t.Setenv(Variable, "")
	assert.Equal(t, buffers.Pooled, Mode())
	t.Setenv(Variable, "quick")
	assert.Panics(t, func() { Mode() })
}
