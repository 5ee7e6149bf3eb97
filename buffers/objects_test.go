package buffers_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
)

type thing struct{ words []string }

func newThings(max int) *buffers.Objects[thing] {
	return buffers.NewObjects(max, nil, func(x *thing) { x.words = x.words[:0] })
}

func rentThing(o *buffers.Objects[thing]) *thing { return o.Get() }

func TestObjectsAreResetAtTheirReturnAndUsedAgain(t *testing.T) {
	o := newThings(4)
	a := o.Get()
	a.words = append(a.words, "x")
	o.Put(a)
	assert.Empty(t, a.words)
	assert.Same(t, a, o.Get())
	assert.Equal(t, buffers.ObjectStats{Rents: 2, Returns: 1, Misses: 1}, o.Stats())
	assert.Panics(t, func() { o.Put(nil) })
}

func TestObjectsBeyondTheBoundAreDropped(t *testing.T) {
	o := newThings(1)
	o.Guard(nil)
	a, b := o.Get(), o.Get()
	o.Put(a)
	o.Put(b)
	assert.Equal(t, buffers.ObjectStats{Rents: 2, Returns: 2, Misses: 2, Dropped: 1, Idle: 1}, o.Stats())
	assert.Same(t, a, o.Get())
}

func TestAGuardedObjectPutTwiceIsReportedAndNotTaken(t *testing.T) {
	o := newThings(4)
	var found []buffers.GuardFault
	o.Guard(func(f buffers.GuardFault) { found = append(found, f) })
	a := rentThing(o)
	o.Put(a)
	o.Put(a)
	require.Len(t, found, 1)
	assert.Regexp(t, `^buffers: double return: a \*buffers_test.thing was put back that was not out; \d+ bytes rented by `+
		`buffers_test.rentThing \(buffers/objects_test.go:\d+\); found by Put in buffers_test.TestAGuardedObjectPutTwice`, found[0].String())
	assert.NotSame(t, o.Get(), o.Get())
	o.Put(new(thing))
	require.Len(t, found, 2)
	assert.Contains(t, found[1].String(), "rented by an unknown function")
	assert.Equal(t, int64(2), o.Stats().Faults)
}

func TestGuardedObjectsNameTheirLeaks(t *testing.T) {
	o := newThings(4)
	assert.Nil(t, o.Leaks())
	o.Guard(nil)
	a := rentThing(o)
	leaks := o.Leaks()
	require.Len(t, leaks, 1)
	assert.Regexp(t, `^\d+ bytes \("\*buffers_test.thing"\) rented by buffers_test.rentThing \(buffers/objects_test.go:\d+\)$`, leaks[0].String())
	o.Put(a)
	assert.Empty(t, o.Leaks())
}

func TestManyGoroutinesShareObjects(t *testing.T) {
	for _, guard := range []bool{false, true} {
		o := newThings(3)
		if guard {
			o.Guard(func(f buffers.GuardFault) { t.Error(f) })
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 500 {
					x := o.Get()
					if len(x.words) != 0 {
						t.Error("an object came with someone's words")
					}
					x.words = append(x.words, "mine")
					o.Put(x)
				}
			})
		}
		all.Wait()
		s := o.Stats()
		assert.Equal(t, int64(4000), s.Rents)
		assert.Equal(t, int64(4000), s.Returns)
		assert.LessOrEqual(t, s.Idle, int64(3))
	}
}
