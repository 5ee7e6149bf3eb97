package h1

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/wire"
)

const putHead = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
const chunkedHead = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
const answerOK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
const toldOK = "200 \"OK\" 11 length 0 [Content-Length|0]\nend\n"

func TestABodyOfKnownLengthGoesOutAsItIs(t *testing.T) {
	for _, limit := range []int{1, 3, 50, 1 << 20} {
		c := newConn(t)
		id := c.open(request(t, "PUT", "http://a/", 10), false)
		require.Nil(t, c.send(id, "01234", false))
		require.Equal(t, putHead+"01234", c.sentBy(limit))
		require.Nil(t, c.send(id, "", false))
		require.Nil(t, c.send(id, "56789", true))
		require.Nil(t, c.send(id, "", true))
		require.Equal(t, "56789", c.sentBy(limit))
		require.Nil(t, c.Finish(id, nil))
		require.Nil(t, c.feed(answerOK))
		require.Equal(t, toldOK, c.story())
		require.Equal(t, 1, c.Room())
	}
}

func TestAChunkedBodyIsFramedAsItGoesOut(t *testing.T) {
	c := newConn(t)
	id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
	require.Nil(t, c.send(id, "hello", false))
	require.Equal(t, chunkedHead+"5\r\nhello\r\n", c.sent())
	require.Nil(t, c.send(id, "", false))
	require.Empty(t, c.sent(), "an empty chunk would end the body")
	require.Nil(t, c.send(id, strings.Repeat("x", 20), false))
	require.Nil(t, c.send(id, "yz", true))
	require.Equal(t, "16\r\n"+strings.Repeat("x", 20)+"yz\r\n0\r\n\r\n", c.sent())
	require.Nil(t, c.feed(answerOK))
	require.Equal(t, toldOK, c.story())
}

func TestTheEndOfAChunkIsNotForgottenAtALimit(t *testing.T) {
	for limit := 1; limit < 100; limit++ {
		c := newConn(t)
		id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
		require.Nil(t, c.send(id, "x", false))
		require.Equal(t, chunkedHead+"1\r\nx\r\n", c.sentBy(limit))
	}
}

func TestAChunkedBodyMayEndWithTrailers(t *testing.T) {
	for _, limit := range []int{1, 10, 100, 1 << 20} {
		c := newConn(t)
		id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
		require.Nil(t, c.send(id, strings.Repeat("x", 300), false))
		var trailers wire.Fields
		trailers.Add([]byte("Digest"), []byte(" 1 "))
		trailers.Add([]byte("x"), nil)
		require.Nil(t, c.Finish(id, &trailers))
		require.Nil(t, c.Finish(id, nil), "the end may be said twice")
		sent := c.sentBy(limit)
		require.True(t, strings.HasSuffix(sent, "\r\n0\r\nDigest: 1\r\nx: \r\n\r\n"), sent)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent)))
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Len(t, body, 300)
		require.Nil(t, c.feed(answerOK))
		require.Equal(t, toldOK, c.story())
	}
}

func TestAChunkIsMadeToFitTheLimit(t *testing.T) {
	c := newConn(t)
	id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
	require.Nil(t, c.send(id, strings.Repeat("x", 100_000), true))
	const record = 16 << 10
	fills := 0
	for more := true; more; fills++ {
		var out buffers.Sequence
		more = c.Fill(&out, record)
		require.LessOrEqual(t, out.Len(), record)
		if more {
			require.Greater(t, out.Len(), record-16)
		}
		out.Release()
	}
	require.Equal(t, 7, fills)
}

func TestBodiesGoOutWithoutACopyAndInFewSegments(t *testing.T) {
	for _, size := range []int64{10, wire.BodyUnknown} {
		c := newConn(t)
		id := c.open(request(t, "PUT", "http://a/", size), false)
		block := c.pool.Get(10)
		var q, out buffers.Sequence
		q.AppendSlice(block, 0, 10)
		require.Nil(t, c.Send(id, &q, true))
		require.False(t, c.Fill(&out, 1<<20))
		require.Same(t, block, out.First().Next().Block())
		want := 2
		if size < 0 {
			want = 3 // head and chunk size; body; line end and last chunk
		}
		require.Equal(t, want, out.Segments())
		out.Release()
		block.Release()
	}
}

func TestABodyMustBeWhatTheHeadPromised(t *testing.T) {
	c := newConn(t)
	require.Equal(t, "h1: there is no such exchange", c.send(1, "x", true).Error())
	id := c.open(request(t, "PUT", "http://a/", 10), false)
	require.Equal(t, "h1: the body has 1 bytes more than the head promised", c.send(id, "01234567890", true).Error())
	require.Equal(t, "h1: the body ends 9 bytes before what the head promised", c.send(id, "0", true).Error())
	require.Equal(t, "h1: the body ends 10 bytes before what the head promised", c.Finish(id, nil).Error())
	require.Nil(t, c.send(id, "0123456789", false))
	require.Equal(t, "h1: the body has already ended", c.send(id, "0", true).Error())
	var trailers wire.Fields
	trailers.Add([]byte("A"), []byte("b"))
	require.Equal(t, "h1: trailers need a body of unknown length: with a Content-Length there is no place for them", c.Finish(id, &trailers).Error())
	require.Equal(t, putHead+"0123456789", c.sent(), "after all these mistakes")
}

func TestTrailersAreCheckedToo(t *testing.T) {
	for _, x := range []struct{ name, value, want string }{
		{"A", "b\r\nC: d", "request: the field A has a line break in its value, at octet 1: a value is one line"},
		{"A b", "", `request: a field name has an octet that names cannot have (0x20 after "A")`},
		{"content-length", "1", "request: the field content-length must not come as a trailer: send it in the head"},
		{"Host", "a", "request: the field Host must not come as a trailer: send it in the head"},
		{"Transfer-Encoding", "a", "request: the field Transfer-Encoding must not come as a trailer: send it in the head"},
		{"Authorization", "a", "request: the field Authorization must not come as a trailer: send it in the head"},
		{"Content-Type", "a", "request: the field Content-Type must not come as a trailer: send it in the head"},
	} {
		c := newConn(t)
		id := c.open(request(t, "PUT", "http://a/", wire.BodyUnknown), false)
		var trailers wire.Fields
		trailers.Add([]byte(x.name), []byte(x.value))
		fault := c.Finish(id, &trailers)
		require.NotNil(t, fault)
		require.Equal(t, x.want, fault.Error())
	}
}

func TestAnEarlyGoodAnswerLetsTheBodyGoOn(t *testing.T) {
	c := newConn(t)
	id := c.open(request(t, "PUT", "http://a/", 10), false)
	require.Nil(t, c.send(id, "01234", false))
	require.Equal(t, putHead+"01234", c.sent())
	require.Nil(t, c.feed(answerOK))
	require.Equal(t, "200 \"OK\" 11 length 0 [Content-Length|0]\n", c.story())
	require.Zero(t, c.Room())
	require.Nil(t, c.send(id, "56789", true))
	require.Empty(t, c.story(), "it has not gone out yet")
	require.Equal(t, "56789", c.sent())
	require.Equal(t, "end\n", c.story())
	require.Equal(t, 1, c.Room())
}

func TestAnEarlyRefusalStopsTheBodyAndIsDeliveredWhole(t *testing.T) {
	for answer, told := range map[string]string{
		"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig":                     "413 \"Too Large\" 11 length 3 [Content-Length|3]\nbody big\nend stopped\nclosing\n",
		"HTTP/1.1 400 Bad\r\nContent-Length: 1\r\n\r\nx":                             "400 \"Bad\" 11 length 1 [Content-Length|1]\nbody x\nend stopped\nclosing\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig":       "200 \"OK\" 11 length 3 [Connection|close] [Content-Length|3]\nbody big\nend stopped\nclosing\n",
		"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n0\r\n\r\n": "500 \"No\" 11 length -1 [Transfer-Encoding|chunked]\nbody big\nend stopped\nclosing\n",
	} {
		for _, size := range []int64{10, wire.BodyUnknown} {
			c := newConn(t)
			id := c.open(request(t, "PUT", "http://a/", size), false)
			require.Nil(t, c.send(id, "01234", false))
			c.sent()
			require.Nil(t, c.send(id, "56", false)) // given, not taken
			for _, octet := range []byte(answer[:len(answer)-1]) {
				require.Nil(t, c.feed(string(octet)))
			}
			require.Empty(t, c.sent(), "nothing more goes out")
			require.Nil(t, c.send(id, "789", true), "the caller cannot know yet")
			require.Nil(t, c.Finish(id, nil))
			require.Empty(t, c.sent())
			require.Nil(t, c.feed(answer[len(answer)-1:]))
			require.Equal(t, told, c.story())
			require.Zero(t, c.Room())
			require.Nil(t, c.send(id, "789", true))
		}
	}
}

func TestAnAnswerThatWasCompleteBeforeTheConnectionEndedStands(t *testing.T) {
	c := newConn(t)
	id := c.open(request(t, "PUT", "http://a/", 10), false)
	require.Nil(t, c.send(id, "01234", false))
	c.sent()
	require.Nil(t, c.feed(answerOK))
	require.Nil(t, c.eof())
	require.Equal(t, "200 \"OK\" 11 length 0 [Content-Length|0]\nend stopped\nclosing\n", c.story())
	require.Nil(t, c.send(id, "56789", true))
}

func TestAnEarlyAnswerThatLastsUntilTheConnectionEndsStandsToo(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "PUT", "http://a/", 10), false)
	c.sent()
	require.Nil(t, c.feed("HTTP/1.1 200 OK\r\n\r\nabc"))
	require.Nil(t, c.eof())
	require.Equal(t, "200 \"OK\" 11 length -1\nbody abc\nend stopped\nclosing\n", c.story())
}
