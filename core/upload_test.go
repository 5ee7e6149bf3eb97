package core_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/core"
	"turbohttp/wire"
)

// upload makes a call whose body follows; size is wire.BodyUnknown or what it will have.
func newUpload(method, url string, size int64) *call {
	x := newCall(method, url)
	x.Upload = true
	x.Head.BodySize = size
	return x
}

// write lends a piece of body.
func (x *call) write(c *core.Client, pool *buffers.Pool, piece string, end bool, trailers *wire.Fields) {
	var q buffers.Sequence
	if piece != "" {
		q.Append(pool.Borrow([]byte(piece), x), 0, len(piece))
	}
	c.Write(&x.Exchange, &q, end, trailers)
}

// echo answers with the request as net/http understood it: body, then trailers.
func echo(t *testing.T) string {
	s := newHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Sum")
		b, err := io.ReadAll(r.Body)
		if err != nil {
			b = []byte(err.Error())
		}
		w.Header().Set("Length", r.Header.Get("Content-Length"))
		io.WriteString(w, string(b)+"|"+r.Trailer.Get("Check"))
		w.Header().Set("Sum", "42")
	})
	return s
}

func TestBodyOfUnknownLengthFollowsInPieces(t *testing.T) {
	url := echo(t)
	f := newFixture(t, core.Config{})
	for range 2 {
		x := newUpload("POST", url, wire.BodyUnknown)
		f.Submit(&x.Exchange)
		x.write(f.Client, f.pool, "hello ", false, nil)
		x.wait(t, "the first piece", func() bool { return x.sent == 6 && x.homes == 1 })
		x.write(f.Client, f.pool, "big ", false, nil)
		x.write(f.Client, f.pool, "world", false, nil)
		var trailers wire.Fields
		trailers.Add([]byte("Check"), []byte("yes"))
		x.write(f.Client, f.pool, "", true, &trailers)
		x.ok(t, 200, "hello big world|yes")
		assert.Equal(t, "Sum: 42\n", x.trailers)
		assert.Equal(t, 15, x.sent)
		assert.Equal(t, 3, x.homed)
		assert.Zero(t, x.stops)
		assert.NotZero(t, x.Times.Sent)
	}
	assert.EqualValues(t, 1, f.Stats().ConnectionsOpened)
}

func TestBodyOfKnownLengthFollowsInPieces(t *testing.T) {
	url := echo(t)
	f := newFixture(t, core.Config{})
	x := newUpload("PUT", url, 11)
	f.Submit(&x.Exchange)
	x.write(f.Client, f.pool, "hello ", false, nil)
	x.write(f.Client, f.pool, "world", true, nil)
	x.ok(t, 200, "hello world|")
	assert.Contains(t, x.fields, "Length: 11\n")
}

func TestUploadIsWrittenBeforeThereIsAConnection(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newUpload("POST", there, 4)
	v.Submit(&x.Exchange)
	x.write(v.Client, v.pool, "bo", false, nil)
	x.write(v.Client, v.pool, "dy", true, nil)
	assert.Zero(t, x.homes)
	v.live().connect()
	assert.Len(t, v.live().requests, 1)
	assert.Equal(t, 4, x.sent)
	assert.Equal(t, 2, x.homes)
	v.live().answer("ok")
	x.ok(t, 200, "ok")
}

func TestUploadThatIsLongerOrShorterThanPromisedIsInvalid(t *testing.T) {
	for _, piece := range []string{"12345", "123"} {
		v := newVirtual(t, core.Config{})
		x := newUpload("POST", there, 4)
		v.Submit(&x.Exchange)
		v.live().connect()
		x.write(v.Client, v.pool, piece, true, nil)
		v.settle()
		x.failed(t, wire.StatusInvalid)
		assert.Equal(t, 1, x.homed)
	}
}

func TestEmptyUploadIsABodyWithoutBytes(t *testing.T) {
	url := echo(t)
	f := newFixture(t, core.Config{})
	x := newUpload("POST", url, wire.BodyUnknown)
	f.Submit(&x.Exchange)
	x.write(f.Client, f.pool, "", true, nil)
	x.ok(t, 200, "|")
}

func TestTrailersWithoutChunksAreInvalid(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newUpload("POST", there, 4)
	v.Submit(&x.Exchange)
	v.live().connect()
	var trailers wire.Fields
	trailers.Add([]byte("Check"), []byte("yes"))
	x.write(v.Client, v.pool, "body", true, &trailers)
	v.settle()
	x.failed(t, wire.StatusInvalid)
}

func TestRefusalStopsAnUpload(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newUpload("POST", there, wire.BodyUnknown)
	v.Submit(&x.Exchange)
	l := v.live()
	l.connect()
	x.write(v.Client, v.pool, "some", false, nil)
	l.receive("HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nto")
	assert.Equal(t, 1, x.stops)
	x.write(v.Client, v.pool, "more", false, nil)
	assert.Equal(t, 4, x.sent)
	l.receive("o big"[:3])
	l.receive("ig"[:1])
	v.settle()
	x.ok(t, 413, "too bi")
	assert.True(t, l.closing, "not used again: the request was not sent to its end")
	assert.Equal(t, 2, x.homed)
}

func TestEarlyAnswerLetsAnUploadGoOn(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newUpload("POST", there, 8)
	v.Submit(&x.Exchange)
	l := v.live()
	l.connect()
	x.write(v.Client, v.pool, "some", false, nil)
	l.answer("early")
	assert.Zero(t, x.dones)
	assert.Zero(t, x.stops)
	x.write(v.Client, v.pool, "more", true, nil)
	x.ok(t, 200, "early")
	assert.Equal(t, 8, x.sent)
	assert.False(t, l.closing)
}

func TestWriteBeyondDoneIsReleased(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := newUpload("POST", there, 8)
	v.Submit(&x.Exchange)
	v.Cancel(&x.Exchange, wire.StatusCancelled)
	x.failed(t, wire.StatusCancelled)
	x.write(v.Client, v.pool, "late", true, nil)
	assert.Equal(t, 1, x.homes)
}

func TestUploadOnAStaleConnectionIsRepeatedWhileItsBeginningIsThere(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	l.full = true // takes nothing before the reset
	x := newUpload("POST", there, 8)
	v.Submit(&x.Exchange)
	x.write(v.Client, v.pool, "some", false, nil)
	l.gone(reset)
	assert.Zero(t, x.dones)
	x.write(v.Client, v.pool, "more", true, nil)
	v.live().connect()
	v.live().answer("ok")
	x.ok(t, 200, "ok")
	assert.Equal(t, 8, x.sent)
	assert.Equal(t, 2, x.homed)
}

func TestUploadWhoseBeginningIsGoneIsNotRepeated(t *testing.T) {
	v := newVirtual(t, core.Config{})
	v.submit("GET", there)
	l := v.live()
	l.connect()
	l.answer("")
	x := newUpload("GET", there, 8)
	v.Submit(&x.Exchange)
	x.write(v.Client, v.pool, "some", false, nil)
	l.gone(reset)
	x.failed(t, wire.StatusClosed)
	assert.NotZero(t, x.Facts&wire.FactSent)
}

func TestInformationalStatusesAreKept(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	l := v.live()
	l.connect()
	l.receive("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
	l.receive("HTTP/1.1 102 Processing\r\n\r\n")
	l.answer("ok")
	x.ok(t, 200, "ok")
	assert.Equal(t, []uint16{103, 102}, x.Interim)
}

func TestTrailersOfTheResponseAreTold(t *testing.T) {
	v := newVirtual(t, core.Config{})
	x := v.submit("GET", there)
	l := v.live()
	l.connect()
	l.receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: 1\r\nB: 2\r\n\r\n")
	x.ok(t, 200, "hi")
	assert.Equal(t, "A: 1\nB: 2\n", x.trailers)
}

func TestManyPiecesArriveWhole(t *testing.T) {
	url := echo(t)
	f := newFixture(t, core.Config{})
	x := newUpload("POST", url, wire.BodyUnknown)
	f.Submit(&x.Exchange)
	var want strings.Builder
	for i := range 2000 {
		piece := strings.Repeat(string(rune('a'+i%26)), i%97+1)
		want.WriteString(piece)
		x.write(f.Client, f.pool, piece, i == 1999, nil)
	}
	x.ok(t, 200, want.String()+"|")
	require.Equal(t, want.Len(), x.sent)
	assert.Equal(t, 2000, x.homed)
}
