package core_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/tlstest"
	"turbohttp/wire"
)

// flooded is an exchange whose server is the test's, record by record.
type flooded struct {
	*secured
	x        *call
	l        *link
	toClient *tlstest.Direction
	toServer *tlstest.Direction
}

// flood answers with a head whose body has no end yet.
func flood(t *testing.T, cfg core.Config) *flooded {
	f := &flooded{secured: newSecured(t, cfg, nil)}
	secrets := &tlstest.Secrets{}
	f.server.MinVersion, f.server.SessionTicketsDisabled, f.server.KeyLogWriter = tls.VersionTLS13, true, secrets
	f.x = newCall("GET", safe)
	f.x.Stream = true
	f.Submit(&f.x.Exchange)
	f.l = f.live()
	f.shaken(t, f.l, func(c *tls.Conn, _ *tlstest.Peer) error {
		if err := c.Handshake(); err != nil {
			return err
		}
		_, err := c.Read(make([]byte, 1000))
		return err
	})
	f.toClient, f.toServer = secrets.ToClient(), secrets.ToServer()
	f.toServer.Skip() // the request
	f.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
	return f
}

func (f *flooded) say(text string) {
	f.l.receive(string(f.toClient.Seal(nil, tlstest.TypeApplication, []byte(text))))
}

// updates sends n chunks of a byte, each behind a KeyUpdate that asks for an answer, in one piece.
func (f *flooded) updates(n int) {
	var b []byte
	for range n {
		b = f.toClient.Seal(b, tlstest.TypeHandshake, tlstest.Message(tlstest.KeyUpdate, 1))
		f.toClient.Update()
		b = f.toClient.Seal(b, tlstest.TypeApplication, []byte("1\r\na\r\n"))
	}
	f.l.receive(string(b))
}

// answered takes what the client sent, and gives how many KeyUpdates that were.
func (f *flooded) answered() (n int) {
	for len(f.l.sent) > 0 {
		kind, content, rest, err := f.toServer.Open(f.l.sent)
		require.NoError(f.t, err)
		require.EqualValues(f.t, tlstest.TypeHandshake, kind)
		require.EqualValues(f.t, tlstest.KeyUpdate, content[0])
		f.toServer.Update()
		f.l.sent = rest
		n++
	}
	return n
}

func (f *flooded) rented() int64 {
	s := f.pool.Stats()
	return s.Rents - s.Returns
}

func TestAServerThatNeverReadsIsMadeToWait(t *testing.T) {
	const together, total = 50, 5000
	f := flood(t, core.Config{})
	f.l.full = true
	sent := 0
	for sent < total && !f.l.paused {
		f.updates(together)
		sent += together
		f.x.keep.Release()
	}
	require.True(t, f.l.paused, "%d key updates came and nobody took an answer", sent)
	require.LessOrEqual(t, sent, 3*tlsprov.MostAnswers)
	require.LessOrEqual(t, f.rented(), int64(2*tlsprov.MostAnswers+40), "blocks")
	told := len(f.x.body)
	require.Less(t, told, sent, "records wait")

	// Now it reads, a little first, and the transfer goes on.
	answers := 0
	for round := 0; answers < total; round++ {
		require.Less(t, round, total)
		f.l.drain()
		answers += f.answered()
		f.l.full = round%2 == 0
		for sent < total && !f.l.paused {
			f.updates(together)
			sent += together
		}
		f.x.keep.Release()
		require.LessOrEqual(t, f.rented(), int64(2*tlsprov.MostAnswers+40), "blocks")
	}
	f.l.drain()
	require.False(t, f.l.paused)
	f.say("0\r\n\r\n")
	f.x.keep.Release()
	f.x.ok(t, 200, strings.Repeat("a", total))
}

// The window and the answers are two reasons to wait: neither ends because the other does.
func TestALinkReadsOnlyWhenNobodyWantsAPause(t *testing.T) {
	f := flood(t, core.Config{Window: 100})
	f.l.full = true
	for range 50 {
		if f.l.paused {
			break
		}
		f.updates(50)
	}
	require.True(t, f.l.paused)
	f.updates(2 * tlsprov.MostAnswers) // on its way when the link was paused
	held := f.x.keep.Len()
	require.Greater(t, held, 100, "the window is closed")
	f.l.drain()
	f.answered()
	require.True(t, f.l.paused, "the host has not consumed")
	held = f.x.keep.Len()
	f.x.keep.Release()
	f.Consumed(&f.x.Exchange, held)
	require.False(t, f.l.paused)

	f.l.full = true
	for range 50 {
		if f.x.keep.Len() > 100 {
			break
		}
		f.updates(tlsprov.MostAnswers)
	}
	f.updates(2 * tlsprov.MostAnswers)
	held = f.x.keep.Len()
	f.x.keep.Release()
	f.Consumed(&f.x.Exchange, held)
	require.True(t, f.l.paused, "the server has not read")
	f.l.drain()
	held = f.x.keep.Len()
	f.x.keep.Release()
	f.Consumed(&f.x.Exchange, held)
	require.False(t, f.l.paused)
}

func TestCancelEndsAnExchangeWhoseServerDoesNotRead(t *testing.T) {
	f := flood(t, core.Config{})
	f.l.full = true
	f.updates(4 * tlsprov.MostAnswers)
	require.True(t, f.l.paused)
	f.x.keep.Release()
	f.Cancel(&f.x.Exchange, wire.StatusCancelled)
	f.settle()
	f.x.failed(t, wire.StatusCancelled)
	assert.Zero(t, f.Stats().ConnectionsOpen)
}
