package netconn

import (
	"context"
	"net"
	"net/netip"
	"time"

	"turbohttp/transport"
	"turbohttp/wire"
)

// An address among several gets its share of the time that is left, but not less than this, so that one that is silent
// does not use up the time of the next.
const addressPatience = 2 * time.Second

const noTimeout = 10 * 365 * 24 * time.Hour

// connect resolves and connects; false: c.fault says why not, or c was closed.
func (c *conn) connect() bool {
	patience := time.Duration(c.to.ConnectTimeout)
	if patience <= 0 {
		patience = noTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.mu.Lock()
	c.cancel = cancel
	stop := c.closing || c.fault != nil
	c.mu.Unlock()
	if stop {
		return false
	}
	addresses, fault := c.resolve(ctx)
	if fault != nil {
		c.fail(fault)
		return false
	}
	c.tellResolved()
	nc, fault := c.dialAny(ctx, addresses)
	if fault != nil {
		c.fail(fault)
		return false
	}
	if n := c.t.SocketBuffer; n > 0 {
		nc.SetReadBuffer(n)
		nc.SetWriteBuffer(n)
	}
	raw, err := nc.SyscallConn()
	if err != nil {
		nc.Close()
		c.fail(connectFault(c.to.Host, nc.RemoteAddr().String(), err, false))
		return false
	}
	quiet(raw)
	c.mu.Lock()
	c.cancel = nil
	c.nc = nc
	c.raw = raw
	stop = c.closing
	c.mu.Unlock()
	return !stop
}

func (c *conn) resolve(ctx context.Context) ([]netip.Addr, *wire.Fault) {
	if a, err := netip.ParseAddr(c.to.Host); err == nil {
		return []netip.Addr{a}, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", c.to.Host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: c.to.Host, IsNotFound: true}
	}
	if err != nil {
		return nil, resolveFault(c.to.Host, err, ctx.Err() == context.DeadlineExceeded)
	}
	return addresses, nil
}

// dialAny tries the addresses one after the other. The first one's failure is the one that is told: the rest are
// alternatives to it.
func (c *conn) dialAny(ctx context.Context, addresses []netip.Addr) (*net.TCPConn, *wire.Fault) {
	var fault *wire.Fault
	for i, a := range addresses {
		to := netip.AddrPortFrom(a.Unmap(), c.to.Port).String()
		share := ctx
		if deadline, ok := ctx.Deadline(); ok && i < len(addresses)-1 {
			each := max(time.Until(deadline)/time.Duration(len(addresses)-i), addressPatience)
			var cancel context.CancelFunc
			share, cancel = context.WithTimeout(ctx, each)
			defer cancel()
		}
		var d net.Dialer // sets TCP_NODELAY and keep-alive
		nc, err := d.DialContext(share, "tcp", to)
		if err == nil {
			return nc.(*net.TCPConn), nil
		}
		overdue := ctx.Err() == context.DeadlineExceeded
		if fault == nil || overdue {
			fault = connectFault(c.to.Host, to, err, overdue)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fault
}

var _ transport.Conn = (*conn)(nil)
