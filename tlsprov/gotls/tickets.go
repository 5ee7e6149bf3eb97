package gotls

import (
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"
)

const (
	// mostTickets bounds what a context keeps. A ticket is some KB with its chain; a game talks to a handful of hosts.
	mostTickets = 64
	// mostTicketBytes: a ticket of a server that sends more of either is not kept. TLS allows 64 KiB and crypto/tls a chain
	// of 256 KiB, which would make 64 of them 20 MB; what servers send has less than 10 KiB.
	mostTicketBytes = 32 << 10
)

// tickets are the sessions of a context that can be resumed, one for each host and port: the newest.
type tickets struct {
	mu    sync.Mutex
	byKey map[string]*ticket
	count uint64
}

type ticket struct {
	state *tls.ClientSessionState
	until time.Time // the end of the chain that was verified: behind it the server shows the chain anew
	used  uint64
}

func (t *tickets) get(key string, now time.Time) *tls.ClientSessionState {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.byKey[key]
	if k == nil {
		return nil
	}
	if now.After(k.until) {
		delete(t.byKey, key)
		return nil
	}
	t.count++
	k.used = t.count
	return k.state
}

func (t *tickets) put(key string, state *tls.ClientSessionState, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey == nil {
		t.byKey = map[string]*ticket{}
	}
	k := t.byKey[key]
	if k == nil {
		if len(t.byKey) >= mostTickets {
			t.evict()
		}
		k = &ticket{}
		t.byKey[key] = k
	}
	t.count++
	*k = ticket{state, until, t.count}
}

// evict drops what was not used for longest. It looks at all of the few there are.
func (t *tickets) evict() {
	oldest := ""
	for key, k := range t.byKey {
		if oldest == "" || k.used < t.byKey[oldest].used {
			oldest = key
		}
	}
	delete(t.byKey, oldest)
}

func (t *tickets) drop(key string) {
	t.mu.Lock()
	delete(t.byKey, key)
	t.mu.Unlock()
}

// cache is a session as crypto/tls's ClientSessionCache. The key of crypto/tls, which lacks the port, is not used.
type cache session

func (c *cache) Get(string) (*tls.ClientSessionState, bool) {
	state := c.context.tickets.get(c.key, c.context.cfg.Time())
	return state, state != nil
}

func (c *cache) Put(_ string, state *tls.ClientSessionState) {
	if state == nil {
		c.context.tickets.drop(c.key)
		return
	}
	if (*session)(c).keeps(state) {
		c.context.tickets.put(c.key, state, c.until)
	}
}

// keeps tells whether a ticket is worth its memory, with the chain that it carries.
func (s *session) keeps(state *tls.ClientSessionState) bool {
	ticket, _, err := state.ResumptionState()
	size := len(ticket) + s.chainBytes
	return err == nil && size <= mostTicketBytes
}

func earliest(chain []*x509.Certificate) time.Time {
	end := chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}
