package h1

import (
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/wire"
)

const expectHead = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
const second = wire.Instant(1e9)

// expecting is a conn whose request waits for 100 since the moment 1.
func expecting(t *testing.T) (*conn, wire.StreamID) {
	c := newConn(t)
	head := request(t, "PUT", "http://a/", 10)
	head.Expect = true
	id := c.open(head, false)
	require.Nil(t, c.send(id, "0123456789", true))
	require.Equal(t, expectHead, c.sent(), "the body is held")
	require.Equal(t, 1+second, c.Deadline())
	return c, id
}

func TestAContinueLetsTheBodyGo(t *testing.T) {
	c, _ := expecting(t)
	require.Nil(t, c.feed("HTTP/1.1 103 Hints\r\n\r\n"))
	require.Empty(t, c.sent(), "103 is another answer")
	require.Nil(t, c.feed("HTTP/1.1 100 Continue\r\n\r\n"))
	require.Zero(t, c.Deadline())
	require.Equal(t, "0123456789", c.sent())
	require.Nil(t, c.feed(answerOK))
	require.Equal(t, "103 \"Hints\" 11 length -1\n100 \"Continue\" 11 length -1\n"+toldOK, c.story())
	require.Equal(t, 1, c.Room())
}

func TestAfterASecondTheBodyGoesWithoutAContinueAndALateOneIsHarmless(t *testing.T) {
	c, _ := expecting(t)
	require.Nil(t, c.Tick(second))
	require.Empty(t, c.sent())
	require.Nil(t, c.Tick(1+second))
	require.Zero(t, c.Deadline())
	require.Equal(t, "0123456789", c.sent())
	require.Nil(t, c.feed("HTTP/1.1 100 Continue\r\n\r\n"+answerOK))
	require.Equal(t, "100 \"Continue\" 11 length -1\n"+toldOK, c.story())
	require.Equal(t, 1, c.Room())
}

func TestARefusalInsteadOfAContinueKeepsTheBodyHome(t *testing.T) {
	for _, line := range []string{"417 Expectation Failed", "401 Who", "503 Busy"} {
		c, id := expecting(t)
		require.Nil(t, c.feed("HTTP/1.1 "+line+"\r\nContent-Length: 0\r\n\r\n"))
		require.Zero(t, c.Deadline())
		require.Empty(t, c.sent())
		require.Contains(t, c.story(), "end stopped\nclosing\n")
		require.Zero(t, c.Room())
		require.Nil(t, c.send(id, "", true))
	}
}

func TestACloseInsteadOfAContinueKeepsTheBodyHome(t *testing.T) {
	c, _ := expecting(t)
	require.Nil(t, c.feed("HTTP/1.1 303 There\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	require.Empty(t, c.sent())
	require.Contains(t, c.story(), "end stopped\nclosing\n")
}

func TestAGoodAnswerInsteadOfAContinueLetsTheBodyGo(t *testing.T) {
	c, _ := expecting(t)
	require.Nil(t, c.feed(answerOK))
	require.Zero(t, c.Deadline())
	require.Equal(t, "0123456789", c.sent())
	require.Equal(t, toldOK, c.story())
	require.Equal(t, 1, c.Room())
}

func TestEOFInsteadOfAContinueIsAFault(t *testing.T) {
	c, _ := expecting(t)
	require.NotNil(t, c.eof())
	require.Contains(t, c.story(), "CLOSED the server closed the connection without an answer")
}

func TestAHeldBodyMayComeLateAndInChunks(t *testing.T) {
	c := newConn(t)
	head := request(t, "PUT", "http://a/", wire.BodyUnknown)
	head.Expect = true
	id := c.open(head, false)
	c.sent()
	require.Nil(t, c.send(id, "", true))
	require.Empty(t, c.sent())
	require.Nil(t, c.feed("HTTP/1.1 100 Continue\r\n\r\n"))
	require.Equal(t, "0\r\n\r\n", c.sent())
	require.Nil(t, c.feed(answerOK))
	require.Contains(t, c.story(), toldOK)
}

func TestNothingIsExpectedForNoBody(t *testing.T) {
	c := newConn(t)
	head := request(t, "PUT", "http://a/", 0)
	head.Expect = true
	c.open(head, true)
	require.Zero(t, c.Deadline())
	require.NotContains(t, c.sent(), "Expect")
}
