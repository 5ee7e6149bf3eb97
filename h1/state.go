package h1

// The story of an exchange. Both halves run at their own pace; the exchange ends when both have ended.
//
//	request                                      response
//
//	Open ─► head in out                          readHead ◄─┐ 1xx (counted)
//	          │ Expect                               │ ─────┘
//	          ├────────► held ─ 100, a final         │ final: framing.go decides
//	          │            │    status, or 1 s        ├─► readLength ──────────────────────┐ all n bytes
//	          ▼            ▼                          ├─► readSize ► … ► readTrailers ──────┤ empty line
//	        Send, Finish ─► body, frames              ├─► readUntilEOF ─────────────────────┤ FeedEOF
//	          ▼                                       └─► (HEAD, 204, 304, length 0) ───────┤
//	        Fill took the last byte ───────────┐                                           ▼
//	        or stopped: status ≥ 400 or        ├──────────────────────────────────────► readDone
//	        close came first; no reuse         │
//	                                           ▼
//	                          EventEnd; readIdle; Room is 1 again, or EventClosing
//
// Transitions of the reading half; a state that an octet or EOF does not fit fails the connection:
//
//	state           octets                                   EOF
//	readIdle        unasked: no reuse, dropped               no reuse
//	readHead        head lines; LIMIT beyond MaxHeadBytes    CLOSED: without an answer, in the middle of the head
//	readLength      body, counted down                       CLOSED after n of m promised bytes
//	readSize        hex digits, then extension or CR         CLOSED in the middle of a chunked body
//	readPadding     SP HTAB, then ';' or CR                  "
//	readExtension   anything but NUL and LF, counted; CR     "
//	readSizeLF      LF                                       "
//	readData        body, counted down                       "
//	readDataCR, LF  CR LF                                    "
//	readTrailers    field lines; LIMIT                       "
//	readUntilEOF    body                                     the end of the body
//	readDone        extra: no reuse, dropped                 the request is stopped
//	readDead        dropped                                  –
type reading uint8

const (
	readIdle      reading = iota // no exchange is open
	readHead                     // a head, interim or final, of which nothing or a part is there
	readLength                   // a body of known length: left bytes are to come
	readSize                     // a chunk's size
	readPadding                  // white space behind a chunk's size
	readExtension                // a chunk's extensions
	readSizeLF                   // the LF behind a chunk's size
	readData                     // a chunk's data: left bytes are to come
	readDataCR                   // the CR behind a chunk's data
	readDataLF                   // the LF behind it
	readTrailers                 // trailers or the empty line
	readUntilEOF                 // a body that ends with the connection
	readDone                     // the response is complete, the request is still going out
	readDead                     // after a fault, a Reset, or EOF outside of an exchange
)
