package netconn

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"turbohttp/transport"
	"turbohttp/wire"
)

const (
	// nameLifetime is how long an answer is used, ns. The system's resolver does not tell the record's own lifetime.
	nameLifetime = 60e9
	// namesKept bounds the cache: more hosts than a game talks to within a lifetime.
	namesKept = 256
	// lookupsAtOnce: each may hold a thread of the process until the system gives up, however long that is.
	lookupsAtOnce = 8
)

// resolver looks names up for all connections of a transport. It keeps answers for a while and failures not at all. A
// name is looked up once however many wait for it. Nothing can stop the system while it looks a name up: so whoever no
// longer wants to wait leaves, and the lookup ends alone.
type resolver struct {
	lookup func(system *net.Resolver, name string) ([]netip.Addr, error) // may take as long as it likes
	now    func() wire.Instant

	mu     sync.Mutex
	system *net.Resolver // a new one after forget: each joins questions for one name, also with one asked of a dead network
	known  map[string]known
	asked  map[string]*lookup // under way or in line, at most one for each name
	line   []*lookup
	busy   int // lookups under way, those included that nobody waits for
}

type known struct {
	addresses []netip.Addr
	until     wire.Instant
}

func (r *resolver) init() {
	r.lookup = func(system *net.Resolver, name string) ([]netip.Addr, error) {
		return system.LookupNetIP(context.Background(), "ip", name)
	}
	r.now = transport.Now
	r.system = &net.Resolver{}
	r.known = map[string]known{}
	r.asked = map[string]*lookup{}
}

// resolve waits for the addresses of name, or for the end of ctx.
func (r *resolver) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.mu.Lock()
		if k, ok := r.known[name]; ok && r.now() < k.until {
			r.mu.Unlock()
			return k.addresses, nil
		}
		l := r.join(name)
		r.mu.Unlock()
		select {
		case <-l.done:
			if !l.forgotten {
				return l.addresses, l.err
			}
		case <-ctx.Done():
			r.leave(l)
		}
	}
}

// learn keeps an answer. The one that would end first makes room. mu is held.
func (r *resolver) learn(name string, addresses []netip.Addr) {
	if _, ok := r.known[name]; !ok && len(r.known) >= namesKept {
		oldest, until := "", wire.Instant(1<<63-1)
		for other, k := range r.known {
			if k.until < until {
				oldest, until = other, k.until
			}
		}
		delete(r.known, oldest)
	}
	r.known[name] = known{addresses, r.now() + nameLifetime}
}

// doubt drops the answer for a name none of whose addresses could be reached.
func (r *resolver) doubt(name string) {
	r.mu.Lock()
	delete(r.known, name)
	r.mu.Unlock()
}

// forget drops every answer. Those who wait for a lookup that is under way ask anew.
func (r *resolver) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.known)
	r.system = &net.Resolver{}
	for name, l := range r.asked {
		if l.started {
			delete(r.asked, name)
			l.forgotten = true
			close(l.done)
		}
	}
}
