package core

import "turbohttp/wire"

// Preconnect makes connections to the origin of t until count of them are there or under way, idle and busy ones
// included, and not more than are allowed for an origin. One that is made and not used is closed like any idle one. What
// becomes of them is told by the log only.
func (c *Client) Preconnect(t *wire.Target, count int) *wire.Fault {
	if fault := c.unsupported(&Exchange{Head: wire.RequestHead{Target: *t}}); fault != nil {
		return fault
	}
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.origin(t)
	for o.count < min(count, c.cfg.ConnectionsPerHost) && !c.closing.Load() {
		c.dial(o, now)
	}
	return nil
}

// NetworkChanged tells that the network is another one: nothing that is known of names holds any more, idle connections
// are closed, those that are being made are made anew, and the peers of busy ones are asked for a sign of life.
func (c *Client) NetworkChanged() {
	c.cfg.Transport.Forget()
	c.mu.Lock()
	conns := make([]*conn, 0, len(c.conns))
	for _, k := range c.conns {
		switch k.state {
		case stateIdle:
			k.origin.removeIdle(k)
		case stateDialing:
			k.again = true
		}
		conns = append(conns, k)
	}
	c.mu.Unlock()
	for _, k := range conns {
		k.networkChanged()
	}
}

// networkChanged closes k, or asks its peer whether it is still there when it is in use.
func (k *conn) networkChanged() {
	k.mu.Lock()
	defer k.unlock()
	if k.x == nil {
		k.close() // whoever was about to use it is given another
		return
	}
	k.link.Probe()
}
