//go:build unix

package transport

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The time of day is fifty years ahead of it.
func TestInstantsAreThoseOfTheMonotonicClock(t *testing.T) {
	before := Now()
	now := Real.Now()
	assert.Positive(t, before)
	assert.LessOrEqual(t, before, now)
	assert.LessOrEqual(t, int64(now), monotonic())
}
