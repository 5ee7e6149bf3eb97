package core

import (
	"sync"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// upload is the request body of an exchange on its way out.
//
// What Client.Write brings waits in the inbox until the exchange's connection takes it into Exchange.Body. From there the
// engine is given second views of it. Body keeps what the system has not taken yet, so that a repeat can send it again;
// of a body that is there from the start it keeps everything.
type upload struct {
	mu       sync.Mutex
	inbox    buffers.Sequence // written, not yet taken
	ended    bool             // no more is written
	closed   bool             // Done is told: what is written now is released
	trailers *wire.Fields     // nil: none; unchanged until Done

	// Guarded by the mutex of the connection.
	given    int64 // bytes of the body that the engine was given
	dropped  int64 // bytes that have left Body
	told     int64 // bytes told by Sink.Sent
	finished bool  // the engine was given the end
	stopped  bool  // Sink.Stopped was told
}

func (u *upload) start() {
	u.ended, u.closed, u.trailers = false, false, nil
	u.given, u.dropped, u.told, u.finished, u.stopped = 0, 0, 0, false, false
}

// Write moves more of the body of an Upload exchange to core; end: it was the last, and trailers (or nil), which stay
// unchanged until Done, follow it. One call at a time for an exchange, between Submit and Done; later it releases body.
// More than Head.BodySize promises, or less at the end, fails the exchange with INVALID.
func (c *Client) Write(x *Exchange, body *buffers.Sequence, end bool, trailers *wire.Fields) {
	if !x.put(body, end, trailers) {
		return
	}
	c.mu.Lock()
	k, ticket := x.conn, x.ticket
	c.mu.Unlock()
	if k != nil {
		now := c.clock.Now()
		k.after(k.more(ticket, now), false, now)
	}
}

func (u *upload) put(body *buffers.Sequence, end bool, trailers *wire.Fields) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || u.ended {
		body.Release()
		return false
	}
	body.Move(&u.inbox)
	u.ended = end
	u.trailers = trailers
	return true
}

// shut releases what was not taken, and all that comes later.
func (u *upload) shut() {
	u.mu.Lock()
	u.closed = true
	u.inbox.Release()
	u.mu.Unlock()
}

// take moves the inbox to the end of the body. end: nothing will follow.
func (x *Exchange) take() (end bool, trailers *wire.Fields) {
	if !x.Upload {
		return true, nil
	}
	x.upload.mu.Lock()
	defer x.upload.mu.Unlock()
	x.inbox.Move(&x.Body)
	return x.ended, x.trailers
}

// more gives the engine what was written for the exchange of the ticket.
func (k *conn) more(ticket uint64, now wire.Instant) verdict {
	k.mu.Lock()
	defer k.unlock()
	if k.x == nil || k.ticket != ticket || k.closing {
		return verdict{} // it takes all when it begins
	}
	k.give()
	k.advance(now)
	return k.settle(now)
}

// give hands the engine what it was not given yet.
func (k *conn) give() {
	x := k.x
	end, trailers := x.take()
	n := int64(x.Body.Len()) + x.dropped - x.given
	if n == 0 && (!end || x.finished) {
		return
	}
	x.Body.SliceTo(&k.given, int(x.given-x.dropped), int(n))
	x.given += n
	x.finished = end
	fault := k.engine.Send(k.stream, &k.given, end && trailers == nil)
	if fault == nil && end && trailers != nil {
		fault = k.engine.Finish(k.stream, trailers)
	}
	if fault != nil {
		k.fail(fault)
	}
}

// left tells that all that was given to the link has left.
func (k *conn) left(now wire.Instant) {
	x := k.x
	if x == nil {
		return
	}
	if n := k.filled - x.told; n > 0 {
		x.told += n
		if x.Upload {
			x.Body.Skip(int(n))
			x.dropped += n
		}
		k.client.sink.Sent(x, int(n))
	}
	if x.finished && !k.rest && x.told == x.given && x.Times.Sent == 0 {
		x.Times.Sent = now
	}
}

// hear notes how much of the body is on its way, and tells once when no more is wanted.
func (k *conn) hear() {
	if k.x == nil {
		return
	}
	taken, stopped := k.engine.Progress(k.stream)
	k.filled = taken
	if stopped && k.x.Upload && !k.x.upload.stopped {
		k.x.upload.stopped = true
		k.client.sink.Stopped(k.x)
	}
}
