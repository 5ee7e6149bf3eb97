package buffers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
)

func TestEveryModeIsParsedFromItsWord(t *testing.T) {
	for _, m := range []buffers.Mode{buffers.Pooled, buffers.Plain, buffers.Guarded} {
		got, err := buffers.ParseMode(m.String())
		require.NoError(t, err)
		assert.Equal(t, m, got)
	}
}

func TestAnUnknownModeIsAnErrorThatListsTheWords(t *testing.T) {
	_, err := buffers.ParseMode("Pooled ")
	assert.EqualError(t, err, `buffers: unknown memory mode "Pooled ": use pooled, plain or guarded`)
}
