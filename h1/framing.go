package h1

import "turbohttp/wire"

// framing is what a final head says about what follows it.
type framing struct {
	state    reading // readDone, readLength, readSize or readUntilEOF
	left     int64   // readLength: bytes
	length   int64   // for ResponseHead.ContentLength
	close    bool    // Connection: close was said
	persists bool    // the connection may carry another exchange afterwards
}

// frame decides how the body of a response to method ends (RFC 9112 §6.3) and whether the connection goes on
// (§9.3). What two readers might decide differently is a fault.
func frame(h *wire.ResponseHead, method []byte) (f framing, fault *wire.Fault) {
	f.length = -1
	chunked, keepAlive := false, false
	for i, line := range h.Fields.Lines {
		switch line.NameSize {
		case 10:
			if wire.EqualFold(h.Fields.Name(i), "connection") {
				value := h.Fields.Value(i)
				f.close = f.close || wire.HasMember(value, "close")
				keepAlive = keepAlive || wire.HasMember(value, "keep-alive")
			}
		case 14:
			if wire.EqualFold(h.Fields.Name(i), "content-length") {
				if f.length, fault = sameLength(h.Fields.Value(i), f.length); fault != nil {
					return f, fault
				}
			}
		case 17:
			if wire.EqualFold(h.Fields.Name(i), "transfer-encoding") {
				if value := h.Fields.Value(i); chunked || !wire.EqualFold(value, "chunked") {
					return f, protocolf("the server sent a Transfer-Encoding that is not exactly chunked (%q), which nobody asked for", wire.Excerpt(value))
				}
				chunked = true
			}
		}
	}
	switch {
	case chunked && f.length >= 0:
		return f, faultBothLengths
	case chunked && h.Version == wire.Version10:
		return f, faultCodingIn10
	}
	f.persists = !f.close && (keepAlive || h.Version != wire.Version10)
	switch {
	case wire.HasNoBody(method, h.Status):
		f.state = readDone
		if h.Status == 204 {
			f.length = 0 // whatever it says
		}
	case chunked:
		f.state = readSize
	case f.length > 0:
		f.state, f.left = readLength, f.length
	case f.length == 0:
		f.state = readDone
	default:
		f.state, f.persists = readUntilEOF, false
	}
	return f, nil
}

// sameLength reads a Content-Length: a number, or a list of equal ones, as proxies make it when they join two equal
// lines (RFC 9110 §8.6). before is what an earlier line said, or -1.
func sameLength(value []byte, before int64) (int64, *wire.Fault) {
	for more := true; more; {
		var member []byte
		member, value, more = wire.NextMember(value)
		n, ok := wire.ParseLength(member)
		if !ok {
			return 0, faultLength
		}
		if before >= 0 && n != before {
			return 0, faultTwoLengths
		}
		before = n
	}
	return before, nil
}
