package wire

// Line is one field line: two ranges of the octets of its [Fields]. It has the layout of the FlatBuffers struct Field.
type Line struct {
	NameAt, NameSize, ValueAt, ValueSize uint32
}

// Fields is a list of field lines (RFC 9110 §6.3) in the order received or given: ranges of one block of octets.
// Names keep the case they came in. The zero value is empty; Reset keeps the memory.
type Fields struct {
	Octets []byte
	Lines  []Line
}

// Reset empties f and keeps its memory.
func (f *Fields) Reset() {
	f.Octets = f.Octets[:0]
	f.Lines = f.Lines[:0]
}

// Len is the number of lines.
func (f *Fields) Len() int { return len(f.Lines) }

// Name is the name of line i: a view.
func (f *Fields) Name(i int) []byte {
	l := f.Lines[i]
	return f.Octets[l.NameAt : l.NameAt+l.NameSize : l.NameAt+l.NameSize]
}

// Value is the value of line i: a view.
func (f *Fields) Value(i int) []byte {
	l := f.Lines[i]
	return f.Octets[l.ValueAt : l.ValueAt+l.ValueSize : l.ValueAt+l.ValueSize]
}

// Add appends a line; name and value are copied.
func (f *Fields) Add(name, value []byte) {
	at := uint32(len(f.Octets))
	f.Octets = append(f.Octets, name...)
	f.Octets = append(f.Octets, value...)
	f.Lines = append(f.Lines, Line{at, uint32(len(name)), at + uint32(len(name)), uint32(len(value))})
}

// Get returns the first value of name, compared without case.
func (f *Fields) Get(name string) (value []byte, ok bool) {
	for i := range f.Lines {
		if EqualFold(f.Name(i), name) {
			return f.Value(i), true
		}
	}
	return nil, false
}

// EqualFold compares a token with a lower-case word, ignoring the case of ASCII letters in token.
func EqualFold(token []byte, lower string) bool {
	if len(token) != len(lower) {
		return false
	}
	for i, c := range token {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		l := lower[i]
		if 'A' <= l && l <= 'Z' {
			l |= 0x20
		}
		if c != l {
			return false
		}
	}
	return true
}
