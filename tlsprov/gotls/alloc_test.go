//go:build !race

package gotls_test

import (
	"crypto/tls"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/gotls"
	"turbohttp/tlsprov/tlstest"
)

// steady is a session after its handshake, with a server that is only keys: it makes records without allocating.
type steady struct {
	tlsprov.Session
	pool   *buffers.Pool
	server *tlstest.Direction
	record []byte
	in     buffers.Sequence // here, because what goes through an interface is taken for escaping
	out    buffers.Sequence
}

func newSteady(t *testing.T) *steady {
	pool := buffertest.Pool(t)
	if pool.Mode() != buffers.Pooled {
		t.Skip("only pooled memory promises no allocation")
	}
	root := tlstest.Authority(t, "Root", nil, nil)
	secrets := &tlstest.Secrets{}
	context, fault := gotls.Provider{}.NewContext(&tlsprov.Config{Pool: pool, RootsPEM: root.PEM(), Now: func() time.Time { return tlstest.Today }})
	require.Nil(t, fault)
	s := &steady{pool: pool, record: make([]byte, 0, 64<<10)}
	s.Session = tlstest.Handshake(t, context, pool, &tls.Config{Certificates: []tls.Certificate{tlstest.Leaf(t, root, nil).TLS()},
		MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, KeyLogWriter: secrets})
	t.Cleanup(s.Release)
	s.server = secrets.ToClient()
	return s
}

// receive is one read of a socket: records of plaintext, in pooled memory, and all that comes out of them.
func (s *steady) receive(plain []byte, records int) int {
	s.record = s.record[:0]
	for range records {
		s.record = s.server.Seal(s.record, tlstest.TypeApplication, plain)
	}
	b := s.pool.Get(len(s.record))
	copy(b.Bytes(), s.record)
	s.in.Append(b, 0, len(s.record))
	if fault := s.Feed(&s.in, 1); fault != nil {
		panic(fault)
	}
	for more := true; more; {
		more, _ = s.Read(&s.out, s.out.Len()+64<<10)
	}
	n := s.out.Len()
	s.out.Release()
	return n
}

func (s *steady) send(plain *buffers.Block) {
	s.in.AppendSlice(plain, 0, len(plain.Bytes()))
	if _, fault := s.Write(&s.in); fault != nil {
		panic(fault)
	}
	s.Fill(&s.out, 1<<20)
	s.out.Release()
	s.in.Release()
}

// cost gives bytes and objects of one run: the least of five times 500 of them, because the runtime allocates too, when it
// pleases.
func cost(run func()) (bytes, objects float64) {
	const runs = 500
	bytes, objects = 1e9, 1e9
	for range 5 {
		for range 20 {
			run()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			run()
		}
		runtime.ReadMemStats(&after)
		bytes = min(bytes, float64(after.TotalAlloc-before.TotalAlloc)/runs)
		objects = min(objects, float64(after.Mallocs-before.Mallocs)/runs)
	}
	return bytes, objects
}

// crypto/tls makes a reader of 24 bytes each time it fills its buffer; nothing else is allocated.
const refill = 24

func TestReceivingAllocatesNothingButTheReaderOfCryptoTLS(t *testing.T) {
	for _, c := range []struct {
		name           string
		plain, records int
		refills        float64
	}{
		{"a small answer", 300, 1, 1},
		{"a full record", 16 << 10, 1, 1},
		{"ten small records in one piece", 200, 10, 1},
		{"three full records in one piece", 16 << 10, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSteady(t)
			s.receive(make([]byte, 16<<10), 1) // crypto/tls's buffer has its size for good
			plain := make([]byte, c.plain)
			require.Equal(t, c.plain*c.records, s.receive(plain, c.records))
			bytes, objects := cost(func() { s.receive(plain, c.records) })
			require.LessOrEqual(t, bytes, c.refills*refill+1, "bytes")
			require.LessOrEqual(t, objects, c.refills+0.02, "objects")
		})
	}
}

func TestSendingAllocatesNothing(t *testing.T) {
	s := newSteady(t)
	for _, size := range []int{200, 16 << 10, 60 << 10} {
		b := s.pool.Get(size)
		_, objects := cost(func() { s.send(b) })
		b.Release()
		require.Less(t, objects, 0.05, "%d bytes", size)
	}
}
