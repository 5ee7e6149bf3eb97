package buffers_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
)

func TestGrowingLinksAnotherBlockAndNeverCopies(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 256)
	w.WriteString("first")
	first := &q.First().Bytes()[0]
	for range 100 {
		w.WriteString("and more text behind it")
	}
	w.Close()
	assert.Same(t, first, &q.First().Bytes()[0])
	assert.Equal(t, 10, q.Segments(), "2305 bytes in blocks of 256: every block is filled before the next")
	assert.Equal(t, "first"+strings.Repeat("and more text behind it", 100), string(content(t, &q)))
	q.Release()
}

func TestCommitGrowsTheLastSegmentInPlace(t *testing.T) {
	p := buffertest.Pool(t)
	var q, other buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 0)
	copy(w.Reserve(3), "abc")
	w.Commit(3)
	copy(w.Reserve(3), "def")
	w.Commit(2)
	assert.Equal(t, 1, q.Segments())
	q.Move(&other) // what was written may leave while the writer goes on
	w.WriteString("xyz")
	assert.Equal(t, "abcde", string(content(t, &other)))
	assert.Equal(t, "xyz", string(content(t, &q)))
	assert.Equal(t, int64(1), p.Stats().Rents)
	w.Close()
	q.Release()
	other.Release()
}

func TestWhatIsNotCommittedIsNotWritten(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 512)
	copy(w.Reserve(5), "trash")
	w.WriteByte('a')
	w.Reserve(600)
	w.Commit(0)
	w.WriteByte('b')
	w.Close()
	w.Close()
	assert.Equal(t, "ab", string(content(t, &q)))
	q.Release()
}

func TestReserveGivesAtLeastWhatWasAskedFor(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 256)
	assert.NotEmpty(t, w.Reserve(0))
	assert.GreaterOrEqual(t, len(w.Reserve(100_000)), 100_000)
	assert.Panics(t, func() { w.Reserve(-1) })
	w.Close()
	assert.Zero(t, q.Len())
}

func TestCommitBeyondTheReservationPanics(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 256)
	assert.Panics(t, func() { w.Commit(1) })
	room := w.Reserve(1)
	assert.Panics(t, func() { w.Commit(len(room) + 1) })
	assert.Panics(t, func() { w.Commit(-1) })
	w.Commit(1)
	assert.Panics(t, func() { w.Commit(1) }, "a reservation is committed once")
	w.Close()
	q.Release()
}

func TestAFullBlockBelongsToTheSequenceAlone(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 256)
	w.Commit(len(w.Reserve(1)))
	q.Skip(256)
	assert.Equal(t, int64(1), p.Stats().Returns, "the writer does not hold it any more")
	w.Write(make([]byte, 256))
	q.Release()
	assert.Equal(t, int64(2), p.Stats().Returns)
	w.Close()
}

func TestAppendIntWritesEveryBase(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 256)
	w.AppendInt(-42, 10)
	w.WriteByte(' ')
	w.AppendInt(0xbeef, 16)
	w.WriteByte(' ')
	w.AppendInt(math.MinInt64, 2)
	w.Close()
	assert.Equal(t, "-42 beef -1"+strings.Repeat("0", 63), string(content(t, &q)))
	q.Release()
}

func TestALargeWriteTakesFewBlocks(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 0)
	n, err := w.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	assert.Equal(t, 1<<20, n)
	assert.Equal(t, 16, q.Segments())
	w.Close()
	q.Release()
}

func TestInitGivesBackWhatAnEarlierUseLeft(t *testing.T) {
	p := buffertest.Pool(t)
	var q buffers.Sequence
	var w buffers.Writer
	w.Init(p, &q, 0)
	w.WriteByte('a')
	w.Init(p, &q, 0)
	w.WriteByte('b')
	w.Close()
	assert.Equal(t, "ab", string(content(t, &q)))
	q.Release()
}
