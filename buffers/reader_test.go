package buffers_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

func TestReaderPassesTheSuiteOfIotest(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "some ", "text ", "in", " ", "pieces")
	var r buffers.Reader
	r.Init(&q)
	// iotest.TestReader needs a reader that may be read to the end once.
	require.NoError(t, iotest.TestReader(&r, []byte("some text in pieces")))
	assert.Zero(t, q.Len())
}

func TestReaderGivesMemoryBackAsItReads(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "ab", "cd")
	var r buffers.Reader
	r.Init(&q)
	c, err := r.ReadByte()
	require.NoError(t, err)
	assert.Equal(t, byte('a'), c)
	n, err := r.Read(make([]byte, 2))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Equal(t, int64(1), p.Stats().Returns)
	assert.Equal(t, 1, r.Len())
	n, err = r.Read(nil)
	require.NoError(t, err)
	assert.Zero(t, n)
	r.ReadByte()
	_, err = r.ReadByte()
	assert.Equal(t, io.EOF, err)
	chain(p, &q, "more")
	rest, err := io.ReadAll(&r)
	require.NoError(t, err)
	assert.Equal(t, "more", string(rest), "after EOF it reads what was appended")
}

func TestWriteToHandsOutSegmentsAndKeepsWhatWasNotTaken(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	chain(p, &q, "abc", "def")
	var r buffers.Reader
	r.Init(&q)
	broken := errors.New("broken")
	n, err := r.WriteTo(writerFunc(func(b []byte) (int, error) {
		if b[0] == 'd' {
			return 1, broken
		}
		return len(b), nil
	}))
	assert.Equal(t, int64(4), n)
	assert.Equal(t, broken, err)
	n, err = r.WriteTo(writerFunc(func(b []byte) (int, error) { return len(b) - 1, nil }))
	assert.Equal(t, int64(1), n)
	assert.Equal(t, io.ErrShortWrite, err)
	var all bytes.Buffer
	n, err = io.Copy(&all, &r)
	require.NoError(t, err)
	assert.Equal(t, int64(1), n)
	assert.Equal(t, "f", all.String())
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
