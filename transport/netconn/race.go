package netconn

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"turbohttp/transport"
	"turbohttp/wire"
)

const (
	// attemptDelay is how long an address is tried alone before the next one joins it. RFC 8305 §5 recommends it.
	attemptDelay = 250 * time.Millisecond
	// attemptsMost bounds the sockets that one connection can cost, and what a name server can make us do.
	attemptsMost = 12
)

// race connects to whichever of several addresses accepts first: happy eyeballs (RFC 8305). An address joins when the
// one before it has failed, or has not answered for a while; none is given up before one has won or time is over.
type race struct {
	dial  func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error)
	delay time.Duration

	mu      sync.Mutex
	over    bool // whoever connects now has lost
	results chan *attempt
}

// attempt is one address that is being tried.
type attempt struct {
	race *race
	ctx  context.Context
	task transport.Task
	to   netip.AddrPort
	nc   *net.TCPConn
	err  error
}

// run gives the first connection. Otherwise it gives the fault of the address that says most, or of time.
func (r *race) run(ctx context.Context, host string, addresses []netip.AddrPort) (*net.TCPConn, *wire.Fault) {
	if len(addresses) == 1 { // needs no goroutine of its own
		nc, err := r.dial(ctx, addresses[0])
		if err == nil {
			return nc, nil
		}
		return nil, connectFault(host, addresses[0].String(), err, ctx.Err() == context.DeadlineExceeded)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.results = make(chan *attempt, len(addresses))
	defer r.end()
	timer := time.NewTimer(r.delay)
	defer timer.Stop()
	begun := 0
	next := func() {
		if begun < len(addresses) {
			r.start(ctx, addresses[begun])
			begun++
			timer.Reset(r.delay)
		}
	}
	next()
	var fault *wire.Fault
	for failed := 0; failed < len(addresses); {
		select {
		case a := <-r.results:
			if a.err == nil {
				return a.nc, nil
			}
			failed++
			if ctx.Err() == nil {
				fault = moreUseful(fault, connectFault(host, a.to.String(), a.err, false))
				next() // at once: RFC 8305 §5
			}
		case <-timer.C:
			next()
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return nil, connectFault(host, addresses[0].String(), err, err == context.DeadlineExceeded)
		}
	}
	return nil, fault
}

func (r *race) start(ctx context.Context, to netip.AddrPort) {
	a := &attempt{race: r, ctx: ctx, to: to}
	a.task.Init(a.run, func(p *transport.Panic) { a.err = p.Fault; a.tell() })
	transport.Start(&a.task)
}

func (a *attempt) run() {
	a.nc, a.err = a.race.dial(a.ctx, a.to)
	a.tell()
}

// tell hands in a result. Who connects when the race is over hangs up.
func (a *attempt) tell() {
	r := a.race
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.results <- a // there is room for every address
	} else if a.nc != nil {
		a.nc.Close()
	}
}

// end closes what connected and was not given out.
func (r *race) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for {
		select {
		case a := <-r.results:
			if a.nc != nil {
				a.nc.Close()
			}
		default:
			return
		}
	}
}

// inTurn puts addresses into the order in which they are tried: the families take turns, beginning with that of the
// first, which the system's resolver prefers (RFC 8305 §4).
func inTurn(addresses []netip.Addr, port uint16) []netip.AddrPort {
	var families [2][]netip.AddrPort
	first := addresses[0].Unmap().Is4()
	for _, a := range addresses {
		a = a.Unmap()
		i := 0
		if a.Is4() != first {
			i = 1
		}
		families[i] = append(families[i], netip.AddrPortFrom(a, port))
	}
	order := make([]netip.AddrPort, 0, len(addresses))
	for i := range addresses {
		for _, family := range families {
			if i < len(family) {
				order = append(order, family[i])
			}
		}
	}
	return order[:min(len(order), attemptsMost)]
}
