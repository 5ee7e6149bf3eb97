package tlstest

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/tlsprov"
	"turbohttp/wire"
)

// out is how many blocks of the pool are rented.
func (p *pair) out() int {
	s := p.pool.Stats()
	return int(s.Rents - s.Returns)
}

// Each byte of body comes behind a KeyUpdate that asks for one, and nobody takes the answers: without a bound they would
// fill memory, as the server wishes.
func testUnreadAnswers(t *testing.T, w *world) {
	const updates = 4*tlsprov.MostAnswers + 7
	p, toClient, toServer := w.raw(t, &Secrets{})
	before := p.out()
	fed, most := 0, 0
	for fed < updates && !p.Full() {
		var b []byte
		for range 20 { // as many as come together
			b = toClient.Seal(b, TypeHandshake, Message(KeyUpdate, 1))
			toClient.Update()
			b = toClient.Seal(b, TypeApplication, []byte{byte(fed)})
			fed++
		}
		p.feed(b)
		require.Nil(t, p.fault)
	}
	require.True(t, p.Full(), "nothing bounds what waits for a peer that does not read")
	require.LessOrEqual(t, fed, 2*tlsprov.MostAnswers)
	got := len(p.got)
	p.read()
	require.Len(t, p.got, got, "Read waits for Fill")

	// Somebody feeds on all the same, and it reads at last.
	answers := 0
	for round := 0; answers < updates; round++ {
		require.Less(t, round, updates, "it does not go on")
		var b []byte
		if fed < updates {
			b = toClient.Seal(b, TypeHandshake, Message(KeyUpdate, 1))
			toClient.Update()
			b = toClient.Seal(b, TypeApplication, []byte{byte(fed)})
			fed++
			p.feed(b)
		}
		most = max(most, p.out()-before)
		for sent := p.filled(); len(sent) > 0; answers++ {
			kind, content, rest, err := toServer.Open(sent)
			require.NoError(t, err)
			require.EqualValues(t, TypeHandshake, kind)
			require.EqualValues(t, KeyUpdate, content[0])
			toServer.Update()
			sent = rest
		}
		require.False(t, p.Full(), "all of it was given away")
		p.read()
		require.Nil(t, p.fault)
	}
	require.Equal(t, updates, answers)
	require.Len(t, p.got, updates)
	for i, b := range p.got {
		require.Equal(t, byte(i), b)
	}
	require.LessOrEqual(t, most, tlsprov.MostAnswers+40, "blocks")
}

// One call of Read must not decrypt all that a peer can put into a piece: others wait for the session meanwhile.
func testReads(t *testing.T, w *world) {
	p, toClient, _ := w.raw(t, &Secrets{})
	const records = 4 * tlsprov.MostReads
	ticket := binary.BigEndian.AppendUint32(nil, 100) // lifetime, age_add, nonce, ticket, no extensions: RFC 8446 §4.6.1
	ticket = append(ticket, 1, 2, 3, 4, 1, 0, 0, 4, 't', 'i', 'c', 'k', 0, 0)
	var b []byte
	for range records {
		b = toClient.Seal(b, TypeHandshake, Message(NewSessionTicket, ticket...))
		b = toClient.Seal(b, TypeApplication, []byte("x"))
	}
	require.Nil(t, p.Feed(sequence(p.pool, b), 1))
	q := sequence(p.pool, nil)
	defer q.Release()
	calls := 0
	for more := true; more; calls++ {
		before := q.Len()
		var fault *wire.Fault
		more, fault = p.Read(q, 1<<30)
		require.Nil(t, fault)
		require.LessOrEqual(t, q.Len()-before, tlsprov.MostReads)
		require.Less(t, calls, 100)
	}
	require.Equal(t, records, q.Len())
	require.GreaterOrEqual(t, calls, records/tlsprov.MostReads)
	require.Empty(t, p.filled())
}

// Records that come together are all read, wherever a provider's own buffers cut them: nothing more may come that would
// make it look again. A response of a head, some body, and a short end, of every size.
func testTogether(t *testing.T, w *world) {
	p, toClient, _ := w.raw(t, &Secrets{})
	content := make([]byte, 20<<10)
	for size := 1; size < 5000; size += 2 {
		var b []byte
		want := 0
		for _, n := range []int{60 + size%3, size, 600, 7} {
			b = toClient.Seal(b, TypeApplication, content[:n])
			want += n
		}
		had := len(p.got)
		p.feed(b)
		require.Nil(t, p.fault)
		require.Equal(t, want, len(p.got)-had, "of a body of %d", size)
	}
}

func testDrip(t *testing.T, w *world) {
	p, toClient, _ := w.raw(t, &Secrets{})
	p.cut = 1
	before := p.out()
	content := make([]byte, 16<<10)
	for i := range content {
		content[i] = byte(i)
	}
	record := toClient.Seal(nil, TypeApplication, content)
	p.feed(record[:len(record)-1])
	require.Empty(t, p.got)
	require.LessOrEqual(t, p.out()-before, 40, "blocks for one record")
	p.feed(record[len(record)-1:])
	require.Equal(t, content, p.got)
}

// The protocol allows messages of 16 MB. No ticket needs them, and no chain that anybody shows.
func testHugeMessages(t *testing.T, w *world) {
	for _, kind := range []byte{NewSessionTicket, 11, KeyUpdate} { // 11: certificate, which may not come here at all
		p, toClient, _ := w.raw(t, &Secrets{})
		content := append([]byte{kind, 0xff, 0xff, 0xff}, make([]byte, 16<<10-4)...)
		fed := 0
		for p.fault == nil {
			require.Less(t, fed, 1<<20, "a message of kind %d", kind)
			p.feed(toClient.Seal(nil, TypeHandshake, content))
			fed += len(content)
			content = make([]byte, 16<<10)
		}
		require.Equal(t, wire.StatusTLS, p.fault.Status)
	}
}
