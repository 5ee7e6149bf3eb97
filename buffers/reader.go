package buffers

import "io"

// Reader reads a Sequence and consumes it: memory goes back as soon as its bytes were read. It is an io.Reader, an
// io.ByteReader and an io.WriterTo (the SegmentedReadStream shape). At the end of what is there it says io.EOF; when
// more was appended it reads on. Init comes first; nothing has to be closed.
type Reader struct {
	q *Sequence
}

// Init makes r read from q, which stays the caller's: he releases what is not read.
func (r *Reader) Init(q *Sequence) { r.q = q }

// Len gives how many bytes are left.
func (r *Reader) Len() int { return r.q.bytes }

// Read copies the next bytes into p, as many as there are. It gives io.EOF when there are none.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n := r.q.CopyTo(p, 0)
	if n == 0 {
		return 0, io.EOF
	}
	r.q.Skip(n)
	return n, nil
}

// ReadByte gives the next byte, or io.EOF.
func (r *Reader) ReadByte() (byte, error) {
	if r.q.head == nil {
		return 0, io.EOF
	}
	c := r.q.head.Bytes()[0]
	r.q.Skip(1)
	return c, nil
}

// WriteTo writes everything to w, segment by segment and without a copy. What w did not take stays to be read.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for r.q.head != nil {
		view := r.q.head.Bytes()
		n, err := w.Write(view)
		if n < 0 || n > len(view) {
			panic("buffers: a Write gave an impossible count")
		}
		r.q.Skip(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
		if n < len(view) {
			return total, io.ErrShortWrite
		}
	}
	return total, nil
}
