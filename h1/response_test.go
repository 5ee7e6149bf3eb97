package h1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/wire"
)

func TestResponsesEndWhereRFC9112SaysTheyEnd(t *testing.T) {
	for name, x := range map[string]exchange{
		"Content-Length": {open: true,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:b\r\n\r\nhello",
			want:   "200 \"OK\" 11 length 5 [Content-Length|5] [X-A|b]\nbody hello\nend\nroom 1\n"},
		"no body": {open: true,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			want:   "200 \"OK\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
		"chunked": {open: true,
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
			want:   "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\nbody abc0123456789\nend\nroom 1\n"},
		"chunked in capitals": {open: true,
			answer: "HTTP/1.1 200 OK\r\ntransfer-encoding:\tCHUNKED \r\n\r\n000a\r\n0123456789\r\n00\r\n\r\n",
			want:   "200 \"OK\" 11 length -1 [transfer-encoding|CHUNKED]\nbody 0123456789\nend\nroom 1\n"},
		"chunked with extensions, padding and trailers": {open: true,
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b;c\";d\r\nabc\r\n2 \r\nde\r\n0\t ;x\r\nDigest: 1 \r\nEmpty:\r\n\r\n",
			want:   "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\nbody abcde\ntrailers [Digest|1] [Empty|]\nend\nroom 1\n"},
		"chunked without bytes": {open: true,
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			want:   "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\nend\nroom 1\n"},
		"until the connection ends": {
			answer: "HTTP/1.1 200 OK\r\nServer: old\r\n\r\nall of\r\nit",
			want:   "200 \"OK\" 11 length -1 [Server|old]\nbody all of\r␊it\nend\nclosing\nroom 0\n"},
		"until the connection ends, empty": {
			answer: "HTTP/1.1 200 OK\r\n\r\n",
			want:   "200 \"OK\" 11 length -1\nend\nclosing\nroom 0\n"},
		"HEAD": {method: "HEAD", open: true,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
			want:   "200 \"OK\" 11 length 1000 [Content-Length|1000]\nend\nroom 1\n"},
		"HEAD of a chunked one": {method: "HEAD", open: true,
			answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			want:   "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\nend\nroom 1\n"},
		"204": {open: true,
			answer: "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
			want:   "204 \"No Content\" 11 length 0 [Content-Length|7]\nend\nroom 1\n"},
		"304": {open: true,
			answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
			want:   "304 \"Not Modified\" 11 length 1000 [Content-Length|1000]\nend\nroom 1\n"},
		"equal lengths in two lines": {open: true,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nab",
			want:   "200 \"OK\" 11 length 2 [Content-Length|2] [content-length|2]\nbody ab\nend\nroom 1\n"},
		"equal lengths in a list": {open: true,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 2, 2 ,2\r\n\r\nab",
			want:   "200 \"OK\" 11 length 2 [Content-Length|2, 2 ,2]\nbody ab\nend\nroom 1\n"},
		"no reason, not even a space": {open: true,
			answer: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
			want:   "200 \"\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
		"no reason but the space": {open: true,
			answer: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
			want:   "200 \"\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
		"octets outside ASCII and odd controls": {open: true,
			answer: "HTTP/1.1 299 \xfcber\r\nX: a\x01\tb\xff\x7f c\r\n!#$%&'*+-.^_`|~9: \t y \t\r\nContent-Length: 0\r\n\r\n",
			want:   "299 \"\\xfcber\" 11 length 0 [X|a\x01\tb\xff\x7f c] [!#$%&'*+-.^_`|~9|y] [Content-Length|0]\nend\nroom 1\n"},
		"status 999 of a bot hater": {open: true,
			answer: "HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n",
			want:   "999 \"Request denied\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
		"a version we do not know yet": {open: true,
			answer: "HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n",
			want:   "200 \"OK\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
	} {
		t.Run(name, func(t *testing.T) { x.check(t) })
	}
}

func TestInterimAnswersAreToldAndTheFinalOneFollows(t *testing.T) {
	exchange{open: true,
		answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: " +
			strings.Repeat("y", 300) + "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		want: "103 \"Early Hints\" 11 length -1 [Link|</a>]\n100 \"Continue\" 11 length -1\n102 \"Processing\" 11 length -1 [X|" +
			strings.Repeat("y", 300) + "]\n200 \"OK\" 11 length 2 [Content-Length|2]\nbody ok\nend\nroom 1\n"}.check(t)
}

func TestTheConnectionIsReusedOnlyWhenBothSidesSaySo(t *testing.T) {
	const ok = "Content-Length: 2\r\n\r\nab"
	for name, x := range map[string]exchange{
		"1.1":                             {answer: "HTTP/1.1 200 OK\r\n" + ok, want: "room 1\n"},
		"1.1, keep-alive":                 {answer: "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n" + ok, want: "room 1\n"},
		"1.1, close":                      {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\n" + ok, want: "closing\nroom 0\n"},
		"1.1, close in a list":            {answer: "HTTP/1.1 200 OK\r\nConnection: x, CLOSE ,y\r\n" + ok, want: "closing\nroom 0\n"},
		"1.1, close in a second line":     {answer: "HTTP/1.1 200 OK\r\nConnection: x\r\nConnection: close\r\n" + ok, want: "closing\nroom 0\n"},
		"1.1, closed is another word":     {answer: "HTTP/1.1 200 OK\r\nConnection: closed\r\n" + ok, want: "room 1\n"},
		"1.0":                             {answer: "HTTP/1.0 200 OK\r\n" + ok, want: "closing\nroom 0\n"},
		"1.0, keep-alive":                 {answer: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + ok, want: "room 1\n"},
		"1.0, keep-alive and close":       {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n" + ok, want: "closing\nroom 0\n"},
		"1.0, keep-alive, without length": {answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nab", want: "closing\nroom 0\n"},
		"close asked for":                 {fields: []string{"Connection: Close"}, answer: "HTTP/1.1 200 OK\r\n" + ok, want: "closing\nroom 0\n"},
		"an octet behind the response":    {answer: "HTTP/1.1 200 OK\r\n" + ok + "x", want: "closing\nroom 0\n"},
		"a second response":               {answer: "HTTP/1.1 200 OK\r\n" + ok + "HTTP/1.1 200 OK\r\n" + ok, want: "closing\nroom 0\n"},
		"a body behind a 204":             {answer: "HTTP/1.1 204 OK\r\n" + ok, want: "closing\nroom 0\n"},
		"CR LF behind chunks":             {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n\r\n", want: "closing\nroom 0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			x.open = true
			whole := x.run(newConn(t), nil, false)
			if strings.HasSuffix(x.answer, "\r\n\r\nab") && !strings.Contains(x.answer, "Content-Length") {
				x.open = false
				whole = x.run(newConn(t), nil, false)
			}
			require.Equal(t, x.want, whole[strings.Index(whole, "end\n")+4:])
			x.want = whole
			x.check(t)
		})
	}
}

func TestManyExchangesFollowOneAnotherOnOneConnection(t *testing.T) {
	c := newConn(t)
	for i := range 5 {
		require.Equal(t, 1, c.Room())
		id := c.open(request(t, "GET", "http://a.example/", 0), true)
		require.EqualValues(t, i+1, id)
		require.Zero(t, c.Room())
		require.Equal(t, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", c.sent())
		require.Nil(t, c.feed(fmt.Sprintf("HTTP/1.1 200 OK\r\nN: %d\r\nContent-Length: 1\r\n\r\n%d", i, i)))
		require.Equal(t, fmt.Sprintf("200 \"OK\" 11 length 1 [N|%d] [Content-Length|1]\nbody %d\nend\n", i, i), c.story())
	}
}

func TestEOFTellsHowFarTheAnswerGot(t *testing.T) {
	const who = " (GET http://a.example/x)\n" // without the query
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	const toldHead = "200 \"OK\" 11 length 10 [Content-Length|10]\n"
	const toldChunked = "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\n"
	for _, x := range []exchange{
		{answer: "", want: "fault CLOSED the server closed the connection without an answer" + who},
		{answer: "HTTP/1.1 200", want: "fault CLOSED the server closed the connection in the middle of the response head" + who},
		{answer: head[:len(head)-1], want: "fault CLOSED the server closed the connection in the middle of the response head" + who},
		{answer: "HTTP/1.1 103 Hi\r\n\r\n", want: "103 \"Hi\" 11 length -1\nfault CLOSED the server closed the connection after an interim answer, without the final one" + who},
		{answer: head, want: toldHead + "fault CLOSED the server closed the connection after 0 of 10 promised bytes" + who},
		{answer: head + "abc", want: toldHead + "body abc\nfault CLOSED the server closed the connection after 3 of 10 promised bytes" + who},
		{answer: chunked, want: toldChunked + "fault CLOSED the server closed the connection in the middle of a chunked body, after 0 bytes" + who},
		{answer: chunked + "5\r\nabc", want: toldChunked + "body abc\nfault CLOSED the server closed the connection in the middle of a chunked body, after 3 bytes" + who},
		{answer: chunked + "3\r\nabc\r\n0\r\n", want: toldChunked + "body abc\nfault CLOSED the server closed the connection in the middle of a chunked body, after 3 bytes" + who},
		{answer: chunked + "3\r\nabc\r\n0\r\nA: b\r\n", want: toldChunked + "body abc\nfault CLOSED the server closed the connection in the middle of a chunked body, after 3 bytes" + who},
	} {
		x.want += "room 0\n"
		x.check(t)
	}
}

func TestEOFOnAnIdleConnectionIsNoFault(t *testing.T) {
	c := newConn(t)
	require.Nil(t, c.eof())
	require.Nil(t, c.eof())
	require.Equal(t, "closing\n", c.story())
	require.Zero(t, c.Room())
	_, fault := c.Open(request(t, "GET", "http://a/", 0), true, c.now)
	require.Same(t, faultNoRoom, fault)
}

func TestOctetsOnAnIdleConnectionEndIt(t *testing.T) {
	c := newConn(t)
	require.Nil(t, c.feed("HTTP/1.1 408 Request Timeout\r\n\r\n"))
	require.Equal(t, "closing\n", c.story())
	require.Zero(t, c.Room())
	require.Nil(t, c.eof())
	require.Empty(t, c.story())
}

func TestOctetsThatComeBeforeTheRequestWentOutAreNotItsAnswer(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	c.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	require.Contains(t, c.story(), "fault CLOSED the server sent bytes before it was asked for anything")
}

func TestBodiesMayBeLongerThanFourGigabytes(t *testing.T) {
	const size = 5<<30 + 3
	c := newConn(t)
	block := c.pool.Get(1 << 20)
	defer block.Release()
	for _, chunked := range []bool{false, true} {
		c.open(request(t, "GET", "http://a/", 0), true)
		c.sent()
		if chunked {
			c.feed(fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", int64(size)))
		} else {
			c.feed(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", int64(size)))
		}
		var got int64
		var ev wire.Event
		for left := int64(size); left > 0; {
			n := min(left, 1<<20)
			var q buffers.Sequence
			q.AppendSlice(block, 0, int(n))
			require.Nil(t, c.Feed(&q, c.now))
			left -= n
			for got < size-left && c.Next(&ev) {
				if ev.Kind == wire.EventBody {
					got += int64(ev.Body.Len())
					ev.Body.Release()
				}
			}
		}
		require.EqualValues(t, size, got)
		if chunked {
			require.Nil(t, c.feed("\r\n0\r\n\r\n"))
		}
		c.drain()
		require.Contains(t, c.story(), "end\n")
		require.Equal(t, 1, c.Room())
	}
}

func TestLimitsEndTheConnectionWithTheirNumber(t *testing.T) {
	who := " (GET http://a.example/x)\nroom 0\n"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	told := "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\n"
	for name, x := range map[string]exchange{
		"head": {limits: Limits{MaxHeadBytes: 100}, answer: "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 100),
			want: "fault LIMIT the response head is larger than 100 bytes" + who},
		"head of just that size": {limits: Limits{MaxHeadBytes: 38}, answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", open: true,
			want: "200 \"OK\" 11 length 0 [Content-Length|0]\nend\nroom 1\n"},
		"head one beyond": {limits: Limits{MaxHeadBytes: 37}, answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			want: "fault LIMIT the response head is larger than 37 bytes" + who},
		"interim": {limits: Limits{MaxInformational: 1}, answer: "HTTP/1.1 103 A\r\n\r\nHTTP/1.1 103 B\r\n\r\n",
			want: "103 \"A\" 11 length -1\nfault LIMIT the server sent more than 1 interim (1xx) answers" + who},
		"trailers": {limits: Limits{MaxTrailerBytes: 20}, answer: chunked + "1\r\na\r\n0\r\nA: " + strings.Repeat("b", 20) + "\r\n\r\n",
			want: told + "body a\nfault LIMIT the response's trailers are larger than 20 bytes" + who},
		"extensions": {limits: Limits{MaxChunkExtension: 10}, answer: chunked + "1;" + strings.Repeat("b", 11) + "\r\na\r\n0\r\n\r\n",
			want: told + "fault LIMIT the server sent chunk extensions of more than 10 bytes" + who},
		"extensions of many chunks": {limits: Limits{MaxChunkExtension: 10}, answer: chunked + strings.Repeat("1;123\r\na\r\n", 4) + "0\r\n\r\n",
			want: told + "body aaa\nfault LIMIT the server sent chunk extensions of more than 10 bytes" + who},
		"extensions beside much body": {limits: Limits{MaxChunkExtension: 10}, answer: chunked + strings.Repeat("6;12345\r\nabcdef\r\n", 5) + "0\r\n\r\n", open: true,
			want: told + "body " + strings.Repeat("abcdef", 5) + "\nend\nroom 1\n"},
	} {
		t.Run(name, func(t *testing.T) { x.check(t) })
	}
}

func TestResetEndsTheExchangeAndTheConnection(t *testing.T) {
	c := newConn(t)
	id := c.open(request(t, "PUT", "http://a/", 10), false)
	c.sent()
	require.Nil(t, c.send(id, "12345", false))
	c.feed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	c.story()
	c.Reset(id+1, wire.StatusCancelled)
	require.Nil(t, c.feed("d"))
	require.Equal(t, "body d\n", c.story())
	c.Reset(id, wire.StatusCancelled)
	c.Reset(id, wire.StatusCancelled)
	require.Nil(t, c.send(id, "67890", true))
	require.Nil(t, c.feed("efghijk"))
	require.Nil(t, c.eof())
	require.Empty(t, c.sent())
	require.Equal(t, "closing\n", c.story())
	require.Zero(t, c.Room())
}

func TestARecycledEngineIsAFreshOne(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	c.sent()
	require.NotNil(t, c.feed("nonsense"))
	c.Release()
	c.Init(c.pool, Limits{})
	c.story()
	require.Equal(t, 1, c.Room())
	require.EqualValues(t, 1, c.open(request(t, "GET", "http://a/", 0), true))
	c.sent()
	require.Nil(t, c.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	require.Equal(t, "200 \"OK\" 11 length 0 [Content-Length|0]\nend\n", c.story())
}

func TestBodyEventsAreSlicesOfWhatCame(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	c.sent()
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
	block := c.pool.Get(len(answer))
	copy(block.Bytes(), answer)
	var q buffers.Sequence
	q.AppendSlice(block, 0, len(answer))
	require.Nil(t, c.Feed(&q, c.now))
	var ev wire.Event
	for c.Next(&ev) {
		if ev.Kind == wire.EventBody {
			require.Same(t, block, ev.Body.First().Block())
			ev.Body.Release()
		}
	}
	block.Release()
}

func TestEachAnswerIsJudgedByItsOwnVersion(t *testing.T) {
	c := newConn(t)
	for _, answer := range []string{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", answerOK, answerOK} {
		require.Equal(t, 1, c.Room())
		c.open(request(t, "GET", "http://a/", 0), true)
		c.sent()
		require.Nil(t, c.feed(answer))
	}
	require.Equal(t, 1, c.Room())
	require.Equal(t, "200 \"OK\" 10 length 0 [Connection|keep-alive] [Content-Length|0]\nend\n"+toldOK+toldOK, c.story())
}

func TestManyChunksAreOneBody(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	c.sent()
	require.Nil(t, c.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat("1\r\nx\r\n", 1000)+"0\r\n\r\n"))
	require.Contains(t, c.story(), "body "+strings.Repeat("x", 1000)+"\nend\n")
}

func TestALargeHeadLeavesNoLargeMemoryBehind(t *testing.T) {
	c := newConn(t)
	for _, answer := range []string{
		"HTTP/1.1 103 A\r\n" + strings.Repeat("a:\r\n", 10_000) + "\r\n" + strings.Repeat("HTTP/1.1 103 B\r\n\r\n", 20) +
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + strings.Repeat("a:\r\n", 10_000) + "\r\n0\r\n" + strings.Repeat("a:\r\n", 4000) + "\r\n",
		answerOK,
	} {
		c.open(request(t, "GET", "http://a/", 0), true)
		c.sent()
		require.Nil(t, c.feed(answer))
		require.Equal(t, 1, c.Room())
	}
	for _, s := range []*section{&c.in.section.section, &c.in.trailers} {
		require.LessOrEqual(t, cap(s.octets), keptOctets)
		require.LessOrEqual(t, cap(s.fields.Lines), keptLines)
	}
	require.LessOrEqual(t, cap(c.in.interim), keptBoxes)

	// The rest of a head is not copied together with the body behind it.
	c.open(request(t, "GET", "http://a/", 0), true)
	c.sent()
	require.Nil(t, c.feed("HTTP/1.1 200"))
	require.Nil(t, c.feed(" OK\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100_000)))
	require.LessOrEqual(t, cap(c.in.section.octets), keptOctets)
}

func TestWhatCameBeforeAFaultIsTold(t *testing.T) {
	c := newConn(t)
	c.open(request(t, "GET", "http://a/", 0), true)
	c.sent()
	q := c.sequence("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx")
	fault := c.Feed(q, c.now)
	require.NotNil(t, fault)
	require.Same(t, fault, c.Tick(c.now))
	require.Same(t, fault, c.FeedEOF(c.now))
	require.Same(t, fault, c.Send(1, c.sequence("x"), true))
	require.Same(t, fault, c.Feed(c.sequence("x"), c.now))
	c.Credit(1, 3)
	c.drain()
	require.Equal(t, "200 \"OK\" 11 length -1 [Transfer-Encoding|chunked]\nbody abc\n", c.story())
	_, again := c.Open(request(t, "GET", "http://a/", 0), true, c.now)
	require.Same(t, fault, again)
}
