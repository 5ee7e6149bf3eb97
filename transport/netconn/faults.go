package netconn

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"

	"turbohttp/wire"
)

// number gives the system's error number inside err, or 0.
func number(err error) syscall.Errno {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return 0
}

// isTimeout tells that our own deadline passed. ETIMEDOUT, the system's patience with a silent peer, is none of ours.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// resolveFault says why name has no address.
func resolveFault(name string, err error, overdue bool) *wire.Fault {
	if errno := number(err); isLocal(errno) {
		return wire.Faultf(wire.StatusIO, uint32(errno), "net", "the name %s could not be looked up on this machine: %v", name, errno)
	}
	if overdue || isTimeout(err) {
		return wire.Faultf(wire.StatusTimeout, uint32(wire.PhaseResolve), "net", "no address for %s in time: the name servers did not answer", name)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		switch {
		case dns.IsNotFound:
			return wire.Faultf(wire.StatusResolve, 0, "net", "no address for %s: the name is not known", name)
		case dns.IsTimeout:
			return wire.Faultf(wire.StatusResolve, 0, "net", "no address for %s: the name servers did not answer", name)
		}
		return wire.Faultf(wire.StatusResolve, 0, "net", "no address for %s: %s", name, dns.Err)
	}
	return wire.Faultf(wire.StatusResolve, 0, "net", "no address for %s: %v", name, err)
}

// connectFault says why no address of host accepted the connection; address is the one err is about.
func connectFault(host, address string, err error, overdue bool) *wire.Fault {
	if fault, ok := err.(*wire.Fault); ok { // a panic
		return fault
	}
	if overdue || isTimeout(err) {
		return wire.Faultf(wire.StatusTimeout, uint32(wire.PhaseConnect), "net", "%s (%s) did not accept the connection in time", host, address)
	}
	errno := number(err)
	if isLocal(errno) {
		return wire.Faultf(wire.StatusIO, uint32(errno), "net", "this machine could not connect to %s (%s): %v", host, address, reason(err, errno))
	}
	return wire.Faultf(wire.StatusConnect, uint32(errno), "net", "%s (%s) did not accept the connection: %v", host, address, reason(err, errno))
}

// moreUseful chooses between the faults of two addresses of a host: one that names our own trouble, which hits every address,
// comes before what a peer did, and this before a family of addresses that this machine does not have.
func moreUseful(a, b *wire.Fault) *wire.Fault {
	if a == nil || usefulness(b) > usefulness(a) {
		return b
	}
	return a
}

func usefulness(f *wire.Fault) int {
	switch {
	case f.Status == wire.StatusConnect:
		return 1
	case f.Status == wire.StatusIO && isRoute(syscall.Errno(f.Code)):
		return 0
	}
	return 2
}

// readFault says how reading ended.
func readFault(errno syscall.Errno) *wire.Fault {
	if isPeer(errno) {
		return wire.Faultf(wire.StatusClosed, uint32(errno), "net", "the peer reset the connection: %v", errno)
	}
	return wire.Faultf(wire.StatusIO, uint32(errno), "net", "reading from the connection failed on this machine: %v", errno)
}

// writeFault says how writing ended.
func writeFault(errno syscall.Errno) *wire.Fault {
	switch {
	case isPeer(errno):
		return wire.Faultf(wire.StatusClosed, uint32(errno), "net", "the peer closed the connection while it was written to: %v", errno)
	case errno == syscall.EFAULT:
		return wire.Faultf(wire.StatusInvalid, uint32(errno), "net", "lent memory was unmapped before it came home: "+
			"what is lent must stay readable until the event that gives it back")
	}
	return wire.Faultf(wire.StatusIO, uint32(errno), "net", "writing to the connection failed on this machine: %v", errno)
}

func reason(err error, errno syscall.Errno) error {
	if errno != 0 {
		return errno
	}
	return err
}
