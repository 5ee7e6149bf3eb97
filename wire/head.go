package wire

import "bytes"

// Version of HTTP, as in the FlatBuffers schema.
type Version uint8

// The versions.
const (
	VersionUnknown Version = 0
	Version10      Version = 10
	Version11      Version = 11
	Version20      Version = 20
)

// BodyUnknown is the BodySize of a request body whose length is not known beforehand.
const BodyUnknown int64 = -1

// RequestHead is what an engine needs to start an exchange. Whoever made it keeps it, and what it points to, unchanged
// until the exchange has ended.
type RequestHead struct {
	Method    []byte // a token, case-sensitive
	Target    Target
	Fields    Fields // what the caller gave
	UserAgent []byte // sent unless Fields has a User-Agent; may be empty
	BodySize  int64  // bytes; 0: none; BodyUnknown
	Expect    bool   // send Expect: 100-continue and hold the body until an answer or a second has passed
}

// Name tells the exchange from others, for stories and logs: "GET http://a.example/x". The query stays out: it may hold
// secrets. Userinfo cannot be there, because Parse refuses it.
func (h *RequestHead) Name() string {
	url, _, _ := bytes.Cut(h.Target.URL, []byte("?"))
	const most = 300 // octets, enough to know it again
	if len(url) > most {
		return string(h.Method) + " " + string(url[:most]) + "..."
	}
	return string(h.Method) + " " + string(url)
}

// ResponseHead is a final or informational head. It is a view: whoever shows it says until when.
type ResponseHead struct {
	Status        uint16
	Version       Version
	Reason        []byte // HTTP/1.x only, octets as received
	Fields        Fields
	ContentLength int64 // of the body that follows or, for HEAD and 304, would have followed; -1: not said
}
