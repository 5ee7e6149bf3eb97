package gotls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRecordsAreFoundHoweverTheBytesAreCut(f *testing.F) {
	f.Add([]byte{22, 3, 3, 0, 2, 1, 2, 23, 3, 3, 0, 0, 21, 3}, uint8(3))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"), uint8(1))
	f.Add([]byte{23, 3, 3, 0x48, 0x01, 0}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		var whole, pieces records
		whole.scan(b)
		for rest := b; len(rest) > 0; {
			n := min(int(cut)+1, len(rest))
			pieces.scan(rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, whole, pieces)
		require.LessOrEqual(t, whole.whole+whole.part, len(b))
		if whole.broken {
			require.Equal(t, len(b), whole.whole, "what is no TLS is handed on to be judged")
		} else {
			require.Equal(t, len(b), whole.whole+whole.part)
		}
	})
}

func TestRecordsKnowWhatIsWhole(t *testing.T) {
	var r records
	r.scan([]byte{22, 3, 3, 0, 2, 1})
	require.Zero(t, r.whole)
	r.scan([]byte{2})
	require.Equal(t, 7, r.whole)
	r.scan([]byte{23, 3, 3, 0})
	require.Equal(t, 7, r.whole)
	r.scan([]byte{0, 23})
	require.Equal(t, 12, r.whole)
}
