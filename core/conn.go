package core

import (
	"sync"
	"sync/atomic"

	"turbohttp/buffers"
	"turbohttp/h1"
	"turbohttp/transport"
	"turbohttp/wire"
)

// conn is one connection: the link that moves its bytes, the engine that understands them, and the exchange that is open.
// It is the link's Handler. A connection object is used once; its engine is recycled.
type conn struct {
	client *Client
	origin *origin

	// Guarded by Client.mu.
	state      connState
	owner      *Exchange // from assign to complete or buried
	serial     uint64    // tickets given
	index      int       // in Client.conns
	next, prev *conn     // in origin.idle
	idleAt     wire.Instant
	born       wire.Instant // connected
	number     uint64       // of its dial among those of the origin
	again      bool         // it was given up while it was dialed: another takes its place
	idleTimer  transport.Timer

	secure      *secure // nil: without TLS
	secureTimer transport.Timer
	shaking     atomic.Bool // the TLS handshake is under way

	bytesIn  atomic.Uint64
	resolved atomic.Bool

	// mu guards what follows. link is set once, under both locks.
	mu      sync.Mutex
	link    transport.Conn
	engine  *h1.Engine
	address string
	tls     string // "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1"
	dialed  Times  // Connecting, Resolved, Connected, Secured

	taken   uint64 // bytes that Received brought
	served  int    // exchanges begun
	waited  bool   // the last one found it idle
	settled uint64 // ticket of the last exchange whose verdict said that it is over: complete tells its Done, nobody else
	closing bool   // link.Close was called: nothing is begun any more
	gone    bool   // the link was told Closed
	cause   *wire.Fault
	transfer

	engineTimer transport.Timer
	armed       wire.Instant // what engineTimer is set to
}

type connState uint8

const (
	stateDialing connState = iota
	stateIdle
	stateBusy
	stateLeaving // neither: between two of them, or on the way out
	stateBuried  // told Closed: nothing is begun on it any more
)

func (k *conn) init(now wire.Instant) {
	k.engine = k.client.engines.Get()
	k.engine.Init(k.client.cfg.Pool, h1.Limits{MaxHeadBytes: k.client.cfg.MaxHeadBytes})
	k.idleTimer.Owner, k.idleTimer.Kind = k, kindIdle
	k.engineTimer.Owner, k.engineTimer.Kind = k, kindEngine
	k.secureTimer.Owner, k.secureTimer.Kind = k, kindSecure
	k.dialed.Connecting = now
}

// unlock ends every step that was taken under mu: a panic in it, ours or the sink's, is the end of this connection and
// of its exchange, and of nothing else.
func (k *conn) unlock() {
	if v := recover(); v != nil {
		p := transport.Recovered(v)
		k.client.log(logError, p.String())
		k.over = false
		k.cause = p.Fault
		k.close()
	}
	k.mu.Unlock()
}

// close lets the link go; what becomes of the exchange is decided when Closed is told.
func (k *conn) close() {
	if !k.closing {
		k.closing = true
		k.link.Close()
	}
}

// fail closes with a fault for the exchange; the first counts.
func (k *conn) fail(fault *wire.Fault) {
	if k.cause == nil && !k.over {
		k.cause = fault
	}
	k.close()
}

// Resolved is told by the link.
func (k *conn) Resolved(now wire.Instant) {
	k.resolved.Store(true)
	k.mu.Lock()
	k.dialed.Resolved = now
	k.mu.Unlock()
}

// Connected is told by the link.
func (k *conn) Connected(address string, now wire.Instant) {
	k.mu.Lock()
	k.address = address
	if k.dialed.Connected == 0 {
		k.dialed.Connected = now
	}
	k.mu.Unlock()
	k.client.connected(k, now)
}

// securing tells that the link is there and the TLS handshake begins; it shares its time with resolving and connecting.
func (k *conn) securing(now wire.Instant) {
	k.shaking.Store(true)
	k.mu.Lock()
	k.dialed.Connected = now
	begun := k.dialed.Connecting
	k.mu.Unlock()
	if limit := k.client.cfg.ConnectTimeout; limit > 0 {
		k.client.timers.Arm(&k.secureTimer, begun+wire.Instant(limit))
	}
}

// secured tells that it has ended; Connected follows.
func (k *conn) secured(tls string, now wire.Instant) {
	k.shaking.Store(false)
	k.client.timers.Disarm(&k.secureTimer)
	k.mu.Lock()
	k.tls = tls
	k.dialed.Secured = now
	k.mu.Unlock()
}

// Received is told by the link.
func (k *conn) Received(in *buffers.Sequence, now wire.Instant) {
	if k.secure == nil { // else it counts what comes from the network
		k.bytesIn.Add(uint64(in.Len()))
	}
	v, idle := k.received(in, now)
	k.after(v, idle, now)
}

// ReceivedEOF is told by the link.
func (k *conn) ReceivedEOF(now wire.Instant) {
	v, idle := k.receivedEOF(now)
	k.after(v, idle, now)
}

// Sendable is told by the link.
func (k *conn) Sendable(now wire.Instant) {
	k.after(k.sendable(now), false, now)
}

// after does what a step found, without mu.
func (k *conn) after(v verdict, idle bool, now wire.Instant) {
	if v.over {
		k.client.run(k, k.client.complete(k, v, now), now)
	} else if idle {
		k.client.leave(k)
	}
}

func (k *conn) received(in *buffers.Sequence, now wire.Instant) (v verdict, idle bool) {
	k.mu.Lock()
	defer k.unlock()
	k.taken += uint64(in.Len())
	if k.closing || k.x == nil {
		in.Release()
		k.close() // nobody asked for these bytes
		return verdict{}, true
	}
	if k.x.Times.FirstByte == 0 {
		k.x.Times.FirstByte = now
	}
	step(k.x, "received")
	fault := k.engine.Feed(in, now)
	k.advance(now)
	if fault != nil {
		k.fail(fault)
	}
	return k.settle(now), false
}

func (k *conn) receivedEOF(now wire.Instant) (v verdict, idle bool) {
	k.mu.Lock()
	defer k.unlock()
	if k.closing || k.x == nil {
		k.close()
		return verdict{}, true
	}
	k.noReuse = true
	fault := k.engine.FeedEOF(now)
	k.advance(now)
	if fault != nil {
		k.fail(fault)
	}
	return k.settle(now), false
}

func (k *conn) sendable(now wire.Instant) verdict {
	k.mu.Lock()
	defer k.unlock()
	k.sending = false
	if k.closing {
		return verdict{}
	}
	k.left(now)
	k.advance(now)
	return k.settle(now)
}

// Closed is told by the link, last.
func (k *conn) Closed(fault *wire.Fault, now wire.Instant) {
	e := k.bury(fault)
	k.client.buried(k, e, now)
}

// bury takes everything out of k that it holds, and says what it leaves behind.
func (k *conn) bury(fault *wire.Fault) ending {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone, k.closing = true, true
	x := k.x
	k.x = nil
	e := ending{fault: k.cause, begun: x != nil, complete: x != nil && k.over, settled: k.settled}
	if e.fault == nil {
		e.fault = fault
	}
	if x != nil {
		e.unsent = k.link.Written() == k.base
		if !e.unsent {
			x.Facts |= wire.FactSent
		}
		e.stale = (k.served > 1 || k.waited) && x.Times.FirstByte == 0 && e.fault != nil && e.fault.Status == wire.StatusClosed
	}
	engine := k.engine
	k.engine = nil
	if p := transport.Guard(func() {
		k.out.Release()
		k.body.Release()
		k.given.Release()
		k.event.Body.Release()
		engine.Release()
		k.client.engines.Put(engine)
	}); p != nil {
		k.client.log(logError, p.String())
	}
	return e
}

// shut closes k for the client's own reasons.
func (k *conn) shut() {
	k.mu.Lock()
	defer k.unlock()
	if k.x != nil {
		k.fail(stopFault(k.x, wire.StatusCancelled, 0))
		return
	}
	k.close()
}

// stop ends the exchange of the ticket, if it is still the one that is open.
func (k *conn) stop(ticket uint64, why wire.Status) {
	k.mu.Lock()
	defer k.unlock()
	if k.x == nil || k.ticket != ticket {
		return // over, or it will see for itself when it begins
	}
	k.fail(stopFault(k.x, why, k.phase()))
}

// phase says what the exchange is waiting for.
func (k *conn) phase() wire.Phase {
	switch {
	case k.x.Status != 0:
		return wire.PhaseBody
	case k.x.Times.Sent == 0:
		return wire.PhaseSend
	}
	return wire.PhaseWait
}

// tick is called when engineTimer rang.
func (k *conn) tick(now wire.Instant) {
	k.after(k.ticked(now), false, now)
}

func (k *conn) ticked(now wire.Instant) verdict {
	k.mu.Lock()
	defer k.unlock()
	k.armed = 0
	if k.closing || k.x == nil {
		return verdict{}
	}
	if k.linger != 0 && now >= k.linger {
		k.close() // the response is complete: Closed tells so
		return verdict{}
	}
	if fault := k.engine.Tick(now); fault != nil {
		k.fail(fault)
	}
	k.advance(now)
	return k.settle(now)
}

// stamp gives x the times of the dial that was made for it.
func (k *conn) stamp(x *Exchange) {
	k.mu.Lock()
	t := k.dialed
	k.mu.Unlock()
	x.Times.Connecting = max(t.Connecting, x.Times.Started)
	if t.Resolved != 0 {
		x.Times.Resolved = max(t.Resolved, x.Times.Started)
	}
	if t.Connected != 0 {
		x.Times.Connected = max(t.Connected, x.Times.Started)
	}
	if t.Secured != 0 {
		x.Times.Secured = max(t.Secured, x.Times.Started)
	}
}

// step lets tests interfere: see export_test.go.
func step(x *Exchange, where string) {
	if stepHook != nil {
		stepHook(x, where)
	}
}

var stepHook func(x *Exchange, where string)
