package netconn

import (
	"errors"
	"net"
	"net/netip"
	"slices"

	"turbohttp/transport"
)

// lookup is one question to the system. The resolver's mu guards it until done is closed; then it does not change.
type lookup struct {
	r       *resolver
	name    string
	system  *net.Resolver
	task    transport.Task
	waiters int
	started bool

	done      chan struct{}
	forgotten bool // the answer is about a network that is no more
	addresses []netip.Addr
	err       error
}

// join gives the lookup for name, and asks for it if nobody did. mu is held.
func (r *resolver) join(name string) *lookup {
	l := r.asked[name]
	if l == nil {
		l = &lookup{r: r, name: name, done: make(chan struct{})}
		l.task.Init(l.run, l.panicked)
		r.asked[name] = l
		r.line = append(r.line, l)
		r.next()
	}
	l.waiters++
	return l
}

// leave is for those who cannot wait any longer. A lookup that was not begun and that nobody waits for is not made.
func (r *resolver) leave(l *lookup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.waiters--
	if l.waiters > 0 || l.started {
		return
	}
	if i := slices.Index(r.line, l); i >= 0 {
		r.line = slices.Delete(r.line, i, i+1)
		delete(r.asked, l.name)
	}
}

// next begins lookups in line while there is room. mu is held.
func (r *resolver) next() {
	for r.busy < lookupsAtOnce && len(r.line) > 0 {
		l := r.line[0]
		r.line = slices.Delete(r.line, 0, 1)
		r.busy++
		l.started = true
		l.system = r.system
		transport.Start(&l.task)
	}
}

func (l *lookup) run() {
	addresses, err := l.r.lookup(l.system, l.name)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: l.name, IsNotFound: true}
	}
	l.ended(addresses, err)
}

func (l *lookup) panicked(p *transport.Panic) {
	l.ended(nil, errors.New("looking it up failed: "+p.Fault.Text))
}

func (l *lookup) ended(addresses []netip.Addr, err error) {
	r := l.r
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	if !l.forgotten {
		delete(r.asked, l.name)
		l.addresses, l.err = addresses, err
		if err == nil {
			r.learn(l.name, addresses)
		}
		close(l.done)
	}
	r.next()
}
