package buffers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

func TestCursorWalksOverSegmentBordersWithoutConsuming(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "ab", "c", "de")
	var c buffers.Cursor
	c.Init(&q)
	var got []byte
	for {
		ahead, ok := c.Peek()
		b, ok2 := c.Next()
		require.Equal(t, ok, ok2)
		if !ok {
			break
		}
		require.Equal(t, ahead, b)
		got = append(got, b)
	}
	assert.Equal(t, "abcde", string(got))
	assert.Equal(t, 5, c.Offset())
	assert.Equal(t, 5, q.Len())
	assert.Empty(t, c.Rest())
	assert.Equal(t, -1, c.Index('a'))
	c.Seek(1)
	assert.Equal(t, "b", string(c.Rest()))
	assert.Equal(t, 0, c.Index('b'))
	assert.Equal(t, 3, c.Index('e'))
	assert.Equal(t, -1, c.Index('a'), "what lies before the cursor is not looked at")
	assert.Equal(t, 1, c.Offset())
	assert.Panics(t, func() { c.Seek(6) })
	assert.Panics(t, func() { c.Seek(-1) })
	q.Release()
}

func TestCursorSeesWhatIsAppendedBehindIt(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var c buffers.Cursor
	c.Init(&q)
	_, ok := c.Next()
	assert.False(t, ok)
	assert.Equal(t, -1, c.Index('a'))
	var w buffers.Writer
	w.Init(p, &q, 0)
	w.WriteByte('a')
	b, ok := c.Next()
	assert.True(t, ok)
	assert.Equal(t, byte('a'), b)
	_, ok = c.Next()
	assert.False(t, ok)
	w.WriteString("bc") // into the same segment
	assert.Equal(t, 1, c.Index('c'))
	b, _ = c.Next()
	assert.Equal(t, byte('b'), b)
	w.WriteString("de") // the segment grows beyond what the cursor had seen of it
	w.Close()
	chain(p, &q, "fg")
	assert.Equal(t, 3, c.Index('f'))
	c.Seek(6)
	assert.Equal(t, "g", string(c.Rest()))
	q.Release()
}
