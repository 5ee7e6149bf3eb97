package gotls_test

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/gotls"
	"turbohttp/tlsprov/tlstest"
)

// A server may say anything at any moment: a session ends in one fault, gives everything back, and never panics.
func FuzzAServerThatSaysAnything(f *testing.F) {
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), false, uint8(3))
	f.Add([]byte{22, 3, 3, 0, 4, 2, 0, 0, 0, 21, 3, 3, 0, 2, 2, 40}, false, uint8(1))
	f.Add([]byte{tlstest.KeyUpdate, 0, 0, 1, 1}, true, uint8(7))
	f.Add([]byte{4, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0}, true, uint8(255))
	root := tlstest.Authority(f, "Root", nil, nil)
	leaf := tlstest.Leaf(f, root, nil).TLS()
	f.Fuzz(func(t *testing.T, said []byte, after bool, cut uint8) {
		pool := buffertest.Pool(t)
		cfg := tlsprov.Config{Pool: pool, RootsPEM: root.PEM(), Now: func() time.Time { return tlstest.Today }}
		context, fault := gotls.Provider{}.NewContext(&cfg)
		require.Nil(t, fault)
		var s tlsprov.Session
		if after { // as handshake messages under the right keys
			secrets := &tlstest.Secrets{}
			s = tlstest.Handshake(t, context, pool, &tls.Config{Certificates: []tls.Certificate{leaf},
				MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, KeyLogWriter: secrets})
			said = secrets.ToClient().Seal(nil, tlstest.TypeHandshake, said)
		} else {
			s, fault = context.NewSession(tlstest.Host, 443, 1)
			require.Nil(t, fault)
		}
		defer s.Release()
		for len(said) > 0 {
			n := min(int(cut)+1, len(said))
			var in, out buffers.Sequence
			b := pool.Get(n)
			copy(b.Bytes(), said)
			said = said[n:]
			in.Append(b, 0, n)
			first := s.Feed(&in, 1)
			require.Zero(t, in.Len())
			for more := true; more; {
				more, fault = s.Read(&out, out.Len()+1<<20)
			}
			s.Fill(&out, out.Len()+1<<20)
			out.Release()
			if first != nil {
				require.Equal(t, first, fault, "the first fault is final")
			}
		}
		if s.FeedEOF(1) == nil {
			require.True(t, s.Ended())
		}
	})
}
