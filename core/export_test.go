package core

import (
	"fmt"

	"turbohttp/wire"
)

// SetStepHook makes steps of connections call hook: assigned, begin, verdict, received, head, body. It is set before
// exchanges run and taken away when none does.
func SetStepHook(hook func(x *Exchange, where string)) { stepHook = hook }

// Check looks whether the pool is sound, while nothing runs.
func Check(c *Client) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.origins {
		count, dialing, idle := 0, 0, 0
		for i, k := range c.conns {
			if k.index != i {
				return fmt.Errorf("connection %d thinks it is %d", i, k.index)
			}
			if k.origin != o {
				continue
			}
			count++
			switch k.state {
			case stateDialing:
				dialing++
			case stateIdle:
				idle++
			case stateBusy:
				if k.owner == nil || k.owner.conn != k || k.owner.phase != phaseActive {
					return fmt.Errorf("a busy connection whose owner does not know it")
				}
			}
			k.mu.Lock()
			closing := k.closing
			k.mu.Unlock()
			if k.state == stateIdle && closing && !c.closing.Load() {
				return fmt.Errorf("an idle connection that is being closed")
			}
			if k.state == stateLeaving && !closing {
				return fmt.Errorf("a connection that nobody will use or close")
			}
			if k.state != stateBusy && k.owner != nil {
				return fmt.Errorf("state %d with an owner", k.state)
			}
		}
		if count != o.count || dialing != o.dialing {
			return fmt.Errorf("count %d, dialing %d, but there are %d and %d", o.count, o.dialing, count, dialing)
		}
		if count > c.cfg.ConnectionsPerHost {
			return fmt.Errorf("%d connections, %d allowed", count, c.cfg.ConnectionsPerHost)
		}
		listed := 0
		for k := o.idle; k != nil; k = k.next {
			listed++
			if k.state != stateIdle || k.next != nil && k.next.prev != k {
				return fmt.Errorf("the idle list is broken")
			}
		}
		if listed != idle {
			return fmt.Errorf("%d idle connections are listed, %d are idle", listed, idle)
		}
		waiting := 0
		for x := o.waiters.first; x != nil; x = x.next {
			waiting++
			if x.phase != phaseWaiting {
				return fmt.Errorf("an exchange in line is in phase %d", x.phase)
			}
			if idle > 0 && x.retries == 0 && count < c.cfg.ConnectionsPerHost && o.redial.At() == 0 && dialing == 0 {
				return fmt.Errorf("an exchange waits beside an idle connection")
			}
		}
		if waiting != o.waiters.count {
			return fmt.Errorf("%d in line, %d counted", waiting, o.waiters.count)
		}
		if waiting > 0 && count == 0 {
			return fmt.Errorf("%d wait and nothing will ever serve them", waiting)
		}
	}
	return nil
}

// Armed is the number of timers that are armed.
func Armed(c *Client) int { return c.timers.Armed() }

// WaitsIn is the phase of an exchange that waits for a connection; 0: it does not.
func WaitsIn(c *Client, x *Exchange) wire.Phase {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.phase != phaseWaiting {
		return 0
	}
	return c.waitsIn(x)
}

// Connections is the number of those that are dialed and not told Closed.
func Connections(c *Client) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}
