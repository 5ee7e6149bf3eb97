package h1

import "turbohttp/wire"

// expectPatience is how long a body waits for 100 (Continue). Many servers never send it, and RFC 9110 §10.1.1 has the
// client go on then. One second is what curl waits.
const expectPatience wire.Instant = 1e9

// An Expect: 100-continue is answered by one of these, each a test in expect_test.go:
//
//	100                      the body goes out at once
//	another 1xx              told, the body waits on
//	final, 400 or above,     the body never goes out: Stopped, no reuse. 417 is such a one; whether the request is
//	or Connection: close     tried again without Expect is policy, and not decided here
//	another final status     the body goes out, as after any early answer: a server that ignores Expect may need it
//	                         to finish its response, and the connection stays usable
//	nothing                  after a second the body goes out; a late 100 is told and changes nothing

// heard is told of every head that came whole.
func (s *sending) heard(status uint16, final, close bool) {
	switch {
	case status == 100:
		s.held = false
	case !final:
	case s.done():
	case close || status >= 400:
		s.stop()
	default:
		s.held = false
	}
}
