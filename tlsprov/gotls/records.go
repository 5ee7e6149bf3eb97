package gotls

import "turbohttp/buffers"

const (
	headerSize = 5
	typeFirst  = 20 // change_cipher_spec
	typeAlert  = 21
	typeLast   = 23           // application_data
	alertSize  = 5 + 2        // of a record with an alert in the clear
	mostBody   = 1<<14 + 2048 // RFC 5246 §6.2.3; TLS 1.3 allows less, which crypto/tls checks
	leastExtra = 5 + 16       // header and tag: a record is longer than its plaintext by at least so much (ChaCha20 under TLS 1.2)
)

// records finds where records end in the stream of ciphertext (RFC 8446 §5.1).
type records struct {
	whole  int // bytes at the front of session.in that are whole records
	part   int // bytes behind them
	header [headerSize]byte
	have   int // bytes of header
	left   int // bytes of the record's body that have not come
	broken bool
}

// feed looks at bytes that will be appended to session.in.
func (r *records) feed(in *buffers.Sequence) {
	for seg := in.First(); seg != nil; seg = seg.Next() {
		r.scan(seg.Bytes())
	}
}

func (r *records) scan(b []byte) {
	for len(b) > 0 && !r.broken {
		if r.left > 0 {
			n := min(r.left, len(b))
			r.left -= n
			r.part += n
			b = b[n:]
			if r.left == 0 {
				r.end()
			}
			continue
		}
		r.header[r.have] = b[0]
		r.have++
		r.part++
		b = b[1:]
		if r.have == headerSize {
			r.begin()
		}
	}
	if r.broken {
		r.whole += len(b)
	}
}

// begin knows the header.
func (r *records) begin() {
	r.left = int(r.header[3])<<8 | int(r.header[4])
	switch {
	case r.header[0] < typeFirst || r.header[0] > typeLast || r.left > mostBody:
		// Not TLS. crypto/tls shall see it, and say so.
		r.broken = true
		r.end()
	case r.left == 0:
		r.end()
	}
}

func (r *records) end() {
	r.whole += r.part
	r.part, r.have, r.left = 0, 0, 0
}

func (r *records) reset() { *r = records{} }
