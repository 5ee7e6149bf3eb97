package h1

import "turbohttp/wire"

func protocol(text string) *wire.Fault {
	return &wire.Fault{Status: wire.StatusProtocol, Stage: "h1", Text: text}
}

func protocolf(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusProtocol, 0, "h1", format, args...)
}

func closed(text string) *wire.Fault {
	return &wire.Fault{Status: wire.StatusClosed, Stage: "h1", Text: text}
}

func limitf(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusLimit, 0, "h1", format, args...)
}

func invalid(text string) *wire.Fault {
	return &wire.Fault{Status: wire.StatusInvalid, Stage: "h1", Text: text}
}

func invalidf(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusInvalid, 0, "h1", format, args...)
}

// What a server sends that no two readers would read alike.
var (
	faultFold       = protocol("the server folded a header line over two lines (obs-fold), which is forbidden because readers disagree on it")
	faultBareCR     = protocol("the server sent a CR without LF in its head")
	faultBareLF     = protocol("the server ended a line with LF instead of CR LF")
	faultNUL        = protocol("the server sent a NUL in its head")
	faultNameSpace  = protocol("the server sent a space before the colon of a header field")
	faultNoName     = protocol("the server sent a header line without a name")
	faultNoColon    = protocol("the server sent a header line without a colon")
	faultStatusCode = protocol("the server sent a status code that is not a number of three digits from 100 to 999")
	faultUpgrade    = protocol("the server switched protocols (101) although it was not asked to")

	faultBothLengths   = protocol("the server sent Transfer-Encoding together with Content-Length, which is how responses are smuggled")
	faultCodingIn10    = protocol("the server sent Transfer-Encoding in an HTTP/1.0 response, where it means nothing")
	faultTwoLengths    = protocol("the server sent two different Content-Lengths")
	faultLength        = protocol("the server sent a Content-Length that is not a plain decimal number below 2^63")
	faultChunkSize     = protocol("the server sent a chunk size that is not a hexadecimal number")
	faultChunkHuge     = protocol("the server sent a chunk size beyond 2^63")
	faultChunkEnd      = protocol("the server sent chunk data that no CR LF follows: its size is wrong")
	faultChunkBareLF   = protocol("the server ended a chunk size with LF instead of CR LF")
	faultChunkBareCR   = protocol("the server sent a CR without LF after a chunk size")
	faultChunkNUL      = protocol("the server sent a NUL in a chunk extension")
	faultUnasked       = closed("the server sent bytes before it was asked for anything; the connection was given up and the request not sent")
	faultNoAnswer      = closed("the server closed the connection without an answer")
	faultNoFinal       = closed("the server closed the connection after an interim answer, without the final one")
	faultInHead        = closed("the server closed the connection in the middle of the response head")
	faultNoRoom        = &wire.Fault{Status: wire.StatusClosed, Stage: "h1", Text: "the connection takes no new request"}
	faultUnknownStream = invalid("there is no such exchange")
	faultTrailersKnown = invalid("trailers need a body of unknown length: with a Content-Length there is no place for them")
	faultEnded         = invalid("the body has already ended")
)

// about adds whose exchange it was: " (GET https://a.example/x)".
func about(fault *wire.Fault, head *wire.RequestHead) *wire.Fault {
	if head == nil || len(head.Target.URL) == 0 {
		return fault
	}
	told := *fault
	told.Text += " (" + head.Name() + ")"
	return &told
}
