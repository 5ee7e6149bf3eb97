package netconn

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"turbohttp/transport"
	"turbohttp/wire"
)

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
	r := race{dial: dialTCP, delay: attemptDelay}
	nc, fault := r.run(ctx, c.to.Host, inTurn(addresses, c.to.Port))
	if fault != nil {
		if ctx.Err() != context.Canceled { // Close says nothing about the addresses
			c.t.names.doubt(c.to.Host)
		}
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
	if c.to.Address.IsValid() {
		return []netip.Addr{c.to.Address}, nil
	}
	if a, err := netip.ParseAddr(c.to.Host); err == nil {
		return []netip.Addr{a}, nil
	}
	if isLocalhost(c.to.Host) {
		return localhost, nil
	}
	addresses, err := c.t.names.resolve(ctx, c.to.Host)
	if err != nil {
		return nil, resolveFault(c.to.Host, err, ctx.Err() == context.DeadlineExceeded)
	}
	return addresses, nil
}

var localhost = []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}

// isLocalhost tells names that mean this machine, whatever a name server says: RFC 6761 §6.3.
func isLocalhost(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// dialTCP connects; net.Dialer sets TCP_NODELAY.
func dialTCP(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{KeepAliveConfig: usual}
	nc, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return nc.(*net.TCPConn), nil
}

var _ transport.Conn = (*conn)(nil)
