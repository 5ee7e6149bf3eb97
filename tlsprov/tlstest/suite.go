package tlstest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// Run is the suite.
func Run(t *testing.T, provider tlsprov.Provider) {
	w := newWorld(t, provider)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"talks however the bytes are cut", testTalk},
		{"the beginning of a record is seen", testMidway},
		{"moves much both ways", testBulk},
		{"a head and a small body share a record", testJoined},
		{"ALPN and SNI", testNames},
		{"min_version", testMinVersion},
		{"something that is not TLS", testNotTLS},
		{"alerts of the server", testAlerts},
		{"a cut connection is told from one that ended", testTruncation},
		{"release at any moment", testRelease},
		{"key updates", testKeyUpdates},
		{"records that say nothing are bounded", testFlood},
		{"a peer that asks and never reads is made to wait", testUnreadAnswers},
		{"one read is bounded", testReads},
		{"records that come together are all read", testTogether},
		{"a record that comes a byte at a time costs its bytes", testDrip},
		{"handshake messages have a largest size", testHugeMessages},
		{"a forged record", testForged},
		{"chains that are not accepted", testRefusedChains},
		{"chains that are accepted", testAcceptedChains},
		{"insecure", testInsecure},
		{"a system without roots", testNoRoots},
		{"pins", testPins},
		{"client certificates", testClientCertificate},
		{"nothing of the client leaves before the server was judged", testOrder},
		{"broken files are found when the context is made", testMaterial},
		{"resumption", testResumption},
		{"an expired chain is not resumed", testResumptionEnds},
		{"answers", testAsk},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, w) })
	}
}

// echo answers lines until the client has ended, and ends then, too.
func echo(c *tls.Conn, p *Peer) error {
	var b [4096]byte
	for {
		n, err := c.Read(b[:])
		if err == io.EOF {
			return c.CloseWrite()
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(b[:n]); err != nil {
			return err
		}
	}
}

// versions runs a test under TLS 1.2 and 1.3.
func versions(t *testing.T, run func(t *testing.T, version uint16)) {
	for _, v := range []uint16{tlsprov.Version12, tlsprov.Version13} {
		t.Run(tls.VersionName(v), func(t *testing.T) { run(t, v) })
	}
}

func testTalk(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		for _, cut := range []int{0, 1, 7, 300} {
			t.Run(fmt.Sprintf("cut %d", cut), func(t *testing.T) {
				config := w.server()
				config.MaxVersion = version
				p := w.client(t, nil).connect(t, Host, config, echo)
				p.cut = cut
				require.Nil(t, p.Info())
				q := sequence(p.pool, []byte("early"))
				n, fault := p.Write(q)
				require.Zero(t, n, "nothing is written before the handshake has ended")
				require.Nil(t, fault)
				q.Release()
				p.established()
				require.Equal(t, version, p.Info().Version)
				require.NotEmpty(t, p.Info().Cipher)
				require.Equal(t, w.leaf.Certificate.Raw, p.Info().Chain[0])
				require.Len(t, p.Info().Chain, 2)
				require.False(t, p.Info().Resumed)
				for i := range 3 {
					text := fmt.Sprintf("line %d", i)
					p.got = nil
					p.write([]byte(text))
					require.Equal(t, text, string(p.got))
				}
				require.False(t, p.Ended())
				p.CloseNotify()
				p.pump()
				require.True(t, p.Ended())
				require.Nil(t, p.fault)
				require.NoError(t, p.serverError())
				p.feed([]byte("what follows close_notify counts for nothing"))
				require.Nil(t, p.fault)
				require.Nil(t, p.FeedEOF(1))
			})
		}
	})
}

func testMidway(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		config := w.server()
		config.MaxVersion = version
		p := w.client(t, nil).connect(t, Host, config, echo)
		p.established()
		p.write([]byte("a whole one"))
		require.Equal(t, "a whole one", string(p.got))
		require.False(t, p.Midway())
		for _, b := range []byte{23, 3, 3, 0, 40, 1, 2} { // RFC 8446 §5.1: of 45 bytes
			p.feed([]byte{b})
			require.True(t, p.Midway())
			require.Nil(t, p.fault)
		}
	})
}

func testBulk(t *testing.T, w *world) {
	versions(t, func(t *testing.T, version uint16) {
		data := make([]byte, 3<<20+1)
		for i := range data {
			data[i] = byte(i * i >> 3)
		}
		config := w.server()
		config.MaxVersion = version
		p := w.client(t, nil).connect(t, Host, config, func(c *tls.Conn, _ *Peer) error {
			got := make([]byte, len(data))
			if _, err := io.ReadFull(c, got); err != nil {
				return err
			}
			if !bytes.Equal(got, data) {
				return errors.New("the server got something else")
			}
			_, err := c.Write(got)
			return err
		})
		p.established()
		q := sequence(p.pool, data)
		n, fault := p.Write(q)
		require.Nil(t, fault)
		require.Less(t, n, 256<<10, "Write takes what it can encrypt and hold, not all")
		require.NotZero(t, n)
		rest := make([]byte, q.Len())
		q.CopyTo(rest, 0)
		q.Release()
		p.pump()
		p.write(rest)
		p.pump()
		require.NoError(t, p.serverError())
		require.True(t, bytes.Equal(data, p.got), "%d bytes came", len(p.got))
	})
}

// Two packets for one small request cost a round trip where the server waits for the body, and tell an onlooker sizes.
func testJoined(t *testing.T, w *world) {
	secrets := &Secrets{}
	p, toClient, toServer := w.raw(t, secrets)
	_ = toClient
	q := sequence(p.pool, []byte("head"))
	sequence(p.pool, []byte("body")).Move(q)
	require.Equal(t, 2, q.Segments())
	n, fault := p.Write(q)
	require.Nil(t, fault)
	require.Equal(t, 8, n)
	kind, content, rest, err := toServer.Open(p.filled())
	require.NoError(t, err)
	require.EqualValues(t, TypeApplication, kind)
	require.Equal(t, "headbody", string(content))
	require.Empty(t, rest)
}

func testNames(t *testing.T, w *world) {
	alpn := func(c *tlsprov.Config) { c.ALPN = []string{"http/1.1"} }
	name := ""
	config := w.server()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name = hello.ServerName
		return nil, nil
	}
	p := w.client(t, alpn).connect(t, Host, config, echo)
	p.established()
	assert.Equal(t, Host, name)
	assert.Empty(t, p.Info().ALPN, "a server that chooses none is fine")
	assert.NotContains(t, p.Info().String(), "http")

	config.NextProtos = []string{"h2", "http/1.1"}
	p = w.client(t, alpn).connect(t, Host, config, echo)
	p.established()
	assert.Equal(t, "http/1.1", p.Info().ALPN)
	assert.Contains(t, p.Info().String(), "TLS1.3 TLS_")
	assert.Contains(t, p.Info().String(), " http/1.1")

	config.NextProtos = []string{"h3"}
	p = w.client(t, alpn).connect(t, Host, config, echo)
	assert.Contains(t, p.refused(wire.StatusTLS, 120).Text, "ALPN")

	config.NextProtos = nil
	p = w.client(t, nil).connect(t, "127.0.0.1", config, echo)
	p.established()
	assert.Empty(t, name, "an address is not sent as a name (RFC 6066 §3)")
}

func testMinVersion(t *testing.T, w *world) {
	config := w.server()
	config.MaxVersion = tls.VersionTLS12
	c := w.client(t, func(c *tlsprov.Config) { c.MinVersion = tlsprov.Version13 })
	p := c.connect(t, Host, config, echo)
	assert.Contains(t, p.refused(wire.StatusTLS, 70).Text, "versions")

	config = w.server()
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	p = w.client(t, nil).connect(t, Host, config, echo)
	p.refused(wire.StatusTLS, 70)
}

func testNotTLS(t *testing.T, w *world) {
	for _, text := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "\x00\x00\x00\x00\x00\x00", "220 mail.example ESMTP\r\n"} {
		for _, cut := range []int{0, 1} {
			p := w.client(t, nil).connect(t, Host, w.server(), func(*tls.Conn, *Peer) error { return nil })
			p.cut = cut
			p.filled()
			p.feed([]byte(text))
			require.NotNil(t, p.fault)
			require.Equal(t, wire.StatusTLS, p.fault.Status)
			require.Contains(t, p.fault.Text, "did not answer with TLS")
			require.Contains(t, p.fault.Text, Host)
		}
	}
}

func testAlerts(t *testing.T, w *world) {
	p := w.client(t, nil).connect(t, Host, w.server(), func(*tls.Conn, *Peer) error { return nil })
	p.filled()
	p.feed([]byte{TypeAlert, 3, 3, 0, 2, 2, 40})
	require.Equal(t, wire.StatusTLS, p.fault.Status)
	require.EqualValues(t, 40, p.fault.Code)
	require.Contains(t, p.fault.Text, "cipher")

	p, toClient, _ := w.raw(t, &Secrets{})
	p.feed(toClient.Seal(nil, TypeApplication, []byte("before")))
	p.feed(toClient.Seal(nil, TypeAlert, []byte{2, 80}))
	require.Equal(t, "before", string(p.got))
	require.Equal(t, wire.StatusTLS, p.fault.Status)
	require.EqualValues(t, 80, p.fault.Code)
	p.feed(toClient.Seal(nil, TypeApplication, []byte("after")))
	require.Equal(t, "before", string(p.got), "a fault is final")

	p, toClient, _ = w.raw(t, &Secrets{})
	both := toClient.Seal(nil, TypeApplication, []byte("before"))
	p.feed(toClient.Seal(both, TypeAlert, []byte{2, 80}))
	require.Equal(t, "before", string(p.got), "what came before the fault is read, also in one piece with it")
	require.EqualValues(t, 80, p.fault.Code)
}

func testTruncation(t *testing.T, w *world) {
	p := w.client(t, nil).connect(t, Host, w.server(), echo)
	fault := p.FeedEOF(1)
	require.NotNil(t, fault, "in the handshake")
	require.Equal(t, wire.StatusClosed, fault.Status)
	require.Equal(t, fault, p.FeedEOF(1))

	for what, tail := range map[string]func(d *Direction) []byte{
		"between records":    func(*Direction) []byte { return nil },
		"in a record":        func(d *Direction) []byte { return d.Seal(nil, TypeApplication, []byte("lost"))[:20] },
		"in a record header": func(d *Direction) []byte { return d.Seal(nil, TypeApplication, []byte("lost"))[:3] },
		"in close_notify":    func(d *Direction) []byte { return d.Seal(nil, TypeAlert, []byte{1, 0})[:20] },
	} {
		p, toClient, _ := w.raw(t, &Secrets{})
		p.feed(append(toClient.Seal(nil, TypeApplication, []byte("body")), tail(toClient)...))
		require.Equal(t, "body", string(p.got), what)
		require.Nil(t, p.fault, what)
		fault := p.FeedEOF(1)
		require.NotNil(t, fault, what)
		require.Equal(t, wire.StatusClosed, fault.Status, what)
		require.Contains(t, fault.Text, "close_notify", what)
		require.False(t, p.Ended(), what)
	}

	p, toClient, _ := w.raw(t, &Secrets{})
	b := toClient.Seal(nil, TypeApplication, []byte("body"))
	p.feed(toClient.Seal(b, TypeAlert, []byte{1, 0}))
	require.Equal(t, "body", string(p.got))
	require.True(t, p.Ended())
	require.Nil(t, p.FeedEOF(1))

	// The last byte comes before anybody has read: what was sent is read all the same, and then judged.
	for _, closing := range []bool{true, false} {
		p, toClient, _ := w.raw(t, &Secrets{})
		b := toClient.Seal(nil, TypeApplication, []byte("body"))
		if closing {
			b = toClient.Seal(b, TypeAlert, []byte{1, 0})
		}
		require.Nil(t, p.Feed(sequence(p.pool, b), 1))
		require.Nil(t, p.FeedEOF(1))
		p.read()
		require.Equal(t, "body", string(p.got))
		require.Equal(t, closing, p.Ended())
		require.Equal(t, closing, p.fault == nil)
	}
}

func testRelease(t *testing.T, w *world) {
	for at := range 40 {
		p := w.client(t, nil).connect(t, Host, w.server(), echo)
		p.cut = 97
		for range at {
			p.peer.Give(p.filled())
			p.peer.Settle()
			b := p.peer.Take()
			if len(b) == 0 {
				break
			}
			p.feed(b[:min(97, len(b))])
			p.peer.mu.Lock()
			p.peer.out = append(b[min(97, len(b)):], p.peer.out...)
			p.peer.mu.Unlock()
		}
		p.Release()
		q := sequence(p.pool, []byte("late"))
		p.Feed(q, 1)
		p.CloseNotify()
		p.Release()
	}
}

// raw connects to a server that falls silent after the handshake, and takes its place.
func (w *world) raw(t *testing.T, secrets *Secrets) (p *pair, toClient, toServer *Direction) {
	t.Helper()
	config := w.server()
	config.MinVersion, config.SessionTicketsDisabled, config.KeyLogWriter = tls.VersionTLS13, true, secrets
	p = w.client(t, nil).connect(t, Host, config, func(c *tls.Conn, _ *Peer) error { return c.Handshake() })
	p.established()
	require.Contains(t, p.Info().Cipher, "TLS_AES_128_GCM_SHA256", "the raw records know this one")
	return p, secrets.ToClient(), secrets.ToServer()
}

func testKeyUpdates(t *testing.T, w *world) {
	for _, cut := range []int{0, 1} {
		p, toClient, toServer := w.raw(t, &Secrets{})
		p.cut = cut
		p.feed(toClient.Seal(nil, TypeApplication, []byte("one ")))
		p.feed(toClient.Seal(nil, TypeHandshake, Message(KeyUpdate, 0)))
		toClient.Update()
		p.feed(toClient.Seal(nil, TypeApplication, []byte("two ")))
		require.Empty(t, p.filled(), "no answer was asked for")

		b := toClient.Seal(nil, TypeHandshake, Message(KeyUpdate, 1))
		toClient.Update()
		p.feed(toClient.Seal(b, TypeApplication, []byte("three")))
		require.Equal(t, "one two three", string(p.got))
		require.Nil(t, p.fault)

		kind, content, rest, err := toServer.Open(p.filled())
		require.NoError(t, err, "the answer comes under the old key")
		require.EqualValues(t, TypeHandshake, kind)
		require.Equal(t, Message(KeyUpdate, 0), append(content, make([]byte, 5-len(content))...))
		require.Empty(t, rest)
		toServer.Update()
		var q buffers.Sequence
		sequence(p.pool, []byte("four")).Move(&q)
		_, fault := p.Write(&q)
		require.Nil(t, fault)
		_, content, _, err = toServer.Open(p.filled())
		require.NoError(t, err)
		require.Equal(t, "four", string(content))
	}
}

func testFlood(t *testing.T, w *world) {
	p, toClient, _ := w.raw(t, &Secrets{})
	var b []byte
	for range 1000 {
		b = toClient.Seal(b, TypeApplication, nil)
	}
	p.feed(b)
	require.NotNil(t, p.fault, "a thousand empty records in a row keep a thread busy for nothing")
	require.Equal(t, wire.StatusTLS, p.fault.Status)
}

func testForged(t *testing.T, w *world) {
	p, toClient, _ := w.raw(t, &Secrets{})
	b := toClient.Seal(nil, TypeApplication, []byte("body"))
	b[len(b)-1] ^= 1
	p.feed(b)
	require.NotNil(t, p.fault)
	require.Equal(t, wire.StatusTLS, p.fault.Status)
	require.EqualValues(t, 20, p.fault.Code, "bad_record_mac")
	require.Empty(t, p.got)
	require.NotEmpty(t, p.filled(), "the server is told")
}
