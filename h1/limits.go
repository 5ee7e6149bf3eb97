package h1

// Limits bound what a server can make the engine keep or chew. 0 means the default.
type Limits struct {
	// MaxHeadBytes bounds one head, the status line and the empty line included. Default 64 KiB: more than any server
	// sends by default, and little enough to keep for a moment on every connection.
	MaxHeadBytes int
	// MaxTrailerBytes bounds the trailers of one response, the empty line included. Default 16 KiB.
	MaxTrailerBytes int
	// MaxChunkExtension bounds chunk extensions: octets of extensions may outnumber octets of body by so many.
	// Counted like this, a long download whose every chunk is signed stays within. Default 16 KiB.
	MaxChunkExtension int
	// MaxInformational bounds the 1xx heads of one exchange. Default 64: enough for a 102 every second of a slow
	// minute.
	MaxInformational int
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.MaxHeadBytes, 64<<10)
	set(&l.MaxTrailerBytes, 16<<10)
	set(&l.MaxChunkExtension, 16<<10)
	set(&l.MaxInformational, 64)
	return l
}
