package core

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// transfer is the exchange that is open on a connection, and how far it got. conn.mu guards it.
type transfer struct {
	x      *Exchange // nil: none
	ticket uint64    // of the last exchange that was begun
	stream wire.StreamID

	out     buffers.Sequence // on its way from engine to link
	given   buffers.Sequence // on its way to the engine
	sending bool             // the link has bytes: Sendable follows
	base    uint64           // link.Written when it began
	rest    bool             // the engine has more of the request, head or framing
	doubt   bool             // not a byte of the request was sent, and the connection must be looked at before: see unasked
	filled  int64            // bytes of the request body taken from the engine

	event     wire.Event
	body      buffers.Sequence // received, not yet told
	bodySize  int64            // bytes told
	held      int              // bytes told and not Consumed
	paused    bool
	over      bool // EventEnd came: the response is complete
	stopped   bool // and the request was not sent to its end
	noReuse   bool // EventClosing or EOF came
	toldEnd   bool
	linger    wire.Instant // over, but the link still holds bytes: how long to wait for them
	truncated bool         // the body exceeded MaxBody
}

const (
	// sendLimit is how much is taken from the engine for one Send, bytes.
	sendLimit = 256 << 10
	// lingerTime is how long a server that has answered may take to read the rest of the request, ns.
	lingerTime = 1e9
)

// begin opens an exchange on k. A verdict that is over: it was not sent at all.
func (k *conn) begin(j job, now wire.Instant) (v verdict) {
	k.mu.Lock()
	defer k.unlock()
	if k.closing {
		return verdict{} // Closed gives it to another connection
	}
	x := j.x
	k.ticket = j.ticket
	k.waited = j.waited
	if s := wire.Status(x.stop.Load()); s != 0 {
		k.settled = j.ticket
		return verdict{x: x, fault: stopFault(x, s, wire.PhaseQueue), over: true, reuse: true}
	}
	x.Times.Sent = 0
	x.Reused = k.served > 0
	x.Address, x.TLS = k.address, k.tls
	if k.served == 0 && !k.waited {
		k.stampNew(x)
	}
	k.doubt = k.served > 0 || k.waited
	k.served++
	k.x = x
	k.base = k.link.Written()
	k.filled = 0
	k.bodySize, k.held = 0, 0
	k.over, k.stopped, k.toldEnd, k.truncated, k.linger = false, false, false, false, 0
	if x.told != 0 {
		k.client.sink.Sent(x, -int(x.told))
	}
	x.given, x.told, x.finished = 0, 0, false
	step(x, "begin")
	id, fault := k.engine.Open(&x.Head, !x.Upload && x.Body.Len() == 0, now)
	if fault != nil {
		if fault.Status == wire.StatusClosed || fault.Status == wire.StatusInternal {
			k.fail(fault)
			return verdict{}
		}
		k.x = nil
		k.settled = j.ticket
		v = verdict{x: x, fault: fault, over: true, reuse: k.engine.Room() > 0}
		if !v.reuse {
			k.close()
		}
		return v
	}
	k.stream = id
	if x.finished = !x.Upload && x.Body.Len() == 0; !x.finished {
		k.give()
	}
	k.advance(now)
	return k.settle(now)
}

func (k *conn) stampNew(x *Exchange) {
	s := x.Times.Started
	x.Times.Connecting = max(k.dialed.Connecting, s)
	x.Times.Resolved = max(k.dialed.Resolved, s)
	x.Times.Connected = max(k.dialed.Connected, s)
	if k.secure != nil {
		x.Times.Secured = max(k.dialed.Secured, s)
	}
}

// advance moves everything that can move: events to the sink, bytes to the link.
func (k *conn) advance(now wire.Instant) {
	for !k.closing {
		k.tell()
		if !k.pump(now) {
			return
		}
	}
}

// pump gives bytes of the engine to the link; true: there may be more to do.
func (k *conn) pump(now wire.Instant) bool {
	if k.sending || k.closing {
		return false
	}
	k.rest = k.engine.Fill(&k.out, sendLimit)
	if k.out.Len() == 0 {
		return false
	}
	if k.doubt && k.unasked() {
		return false
	}
	k.hear()
	if k.link.Send(&k.out) {
		k.left(now)
	} else {
		k.sending = true
	}
	return true
}

// unasked looks, right before the first byte of a request is written, whether the peer of a connection that served before or
// waited has ended it, or has sent something that nobody asked for: that is never the answer (RFC 9112 §9.2). Then the
// exchange has not begun, and Closed gives it to another connection; it was not sent, so that is no retry.
//
// The look costs a system call for each request, whatever the time that the connection was idle: what lies in the socket may
// have come a microsecond ago. It is the last thing before the write, but not one with it: what arrives behind the look
// cannot be told from an answer, as all that arrives behind the write cannot.
//
// A connection that was just made is not looked at: there is no earlier request whose second answer it could be, a server
// that is too busy to read may say so at once, and if each new connection were given up for it, dialing would never end.
func (k *conn) unasked() bool {
	k.doubt = false
	if k.link.Alive(k.taken) {
		return false
	}
	k.x.Reused, k.x.Address, k.x.TLS = false, "", ""
	k.x = nil
	k.close()
	return true
}

// tell takes what the engine has to tell.
func (k *conn) tell() {
	for !k.closing && k.engine.Next(&k.event) {
		ev := &k.event
		if k.x == nil {
			ev.Body.Release()
			k.noReuse = k.noReuse || ev.Kind == wire.EventClosing
			continue
		}
		switch ev.Kind {
		case wire.EventInformational:
			if ev.Head.Status != 100 {
				k.x.Interim = append(k.x.Interim, ev.Head.Status)
			}
		case wire.EventHead:
			k.tellHead(ev.Head)
		case wire.EventBody:
			k.takeBody(&ev.Body)
		case wire.EventTrailers:
			k.client.sink.Trailers(k.x, ev.Trailers)
		case wire.EventEnd:
			k.over, k.stopped = true, ev.Stopped
		case wire.EventReset:
			k.fail(ev.Fault)
		case wire.EventClosing:
			k.noReuse = true
		}
	}
	k.hear()
	k.tellBody()
}

func (k *conn) tellHead(head *wire.ResponseHead) {
	x := k.x
	x.Status = head.Status
	step(x, "head")
	k.client.sink.Head(x, head)
	if x.MaxBody > 0 && head.ContentLength > x.MaxBody && head.Status != 304 && string(x.Head.Method) != "HEAD" {
		k.fail(wire.Faultf(wire.StatusLimit, 0, "core", "the response body has %d bytes, more than the %d that are allowed",
			head.ContentLength, x.MaxBody))
	}
}

// takeBody moves received bytes into k.body, up to what is allowed.
func (k *conn) takeBody(in *buffers.Sequence) {
	limit := k.x.MaxBody
	got := k.bodySize + int64(k.body.Len())
	if limit == 0 || got+int64(in.Len()) <= limit {
		in.Move(&k.body)
		return
	}
	in.MoveFront(&k.body, int(limit-got))
	in.Release()
	k.truncated = true
	k.fail(wire.Faultf(wire.StatusLimit, 0, "core", "the response body has more than the %d bytes that are allowed", limit))
}

// tellBody gives the sink what one step of the engine brought, in one call.
func (k *conn) tellBody() {
	x := k.x
	n := k.body.Len()
	if x == nil || n == 0 && (!k.over || k.toldEnd) {
		return
	}
	if k.closing && !k.truncated && !k.over {
		return // released when it is gone
	}
	k.toldEnd = k.over
	k.bodySize += int64(n)
	step(x, "body")
	used := k.client.sink.Body(x, &k.body, k.over)
	if x.Stream && !k.over && !k.closing {
		k.held += n - used
		if k.held > k.client.cfg.Window && !k.paused {
			k.paused = true
			k.link.PauseReading()
		}
	}
}

// settle ends every step: it sets the timer, and takes off an exchange that is over and borrows nothing any more.
func (k *conn) settle(now wire.Instant) verdict {
	if k.x == nil {
		return verdict{}
	}
	if k.over && k.sending {
		// The response is complete, but the link still holds bytes of the request. The exchange is over when they have
		// left, when a server that does not want them has had its time, or at once when it said that it does not.
		if k.stopped || k.noReuse {
			k.close()
			return verdict{}
		}
		if k.linger == 0 {
			k.linger = now + lingerTime
		}
		k.arm()
		return verdict{}
	}
	if k.over && k.closing {
		return verdict{} // Closed tells
	}
	k.arm()
	if !k.over {
		return verdict{}
	}
	x := k.x
	k.x = nil
	k.settled = k.ticket
	if k.link.Written() != k.base {
		x.Facts |= wire.FactSent
	}
	reuse := !k.noReuse && k.engine.Room() > 0
	if !reuse {
		k.close()
	} else if k.paused {
		k.paused = false
		k.link.ResumeReading()
	}
	return verdict{x: x, over: true, reuse: reuse}
}

// arm sets the timer to what comes first: the engine's deadline, or the end of the linger.
func (k *conn) arm() {
	at := k.engine.Deadline()
	if k.linger != 0 && (at == 0 || k.linger < at) {
		at = k.linger
	}
	if at == k.armed {
		return
	}
	k.armed = at
	if at == 0 {
		k.client.timers.Disarm(&k.engineTimer)
	} else {
		k.client.timers.Arm(&k.engineTimer, at)
	}
}

// consumed notes that n body bytes of the exchange of the ticket were disposed of.
func (k *conn) consumed(ticket uint64, n int) {
	now := k.client.clock.Now()
	k.after(k.credit(ticket, n, now), false, now)
}

func (k *conn) credit(ticket uint64, n int, now wire.Instant) verdict {
	k.mu.Lock()
	defer k.unlock()
	if k.x == nil || k.ticket != ticket || k.closing {
		return verdict{}
	}
	k.engine.Credit(k.stream, n)
	k.held -= n
	if k.paused && k.held <= k.client.cfg.Window/2 {
		k.paused = false
		k.link.ResumeReading()
	}
	k.advance(now)
	return k.settle(now)
}
