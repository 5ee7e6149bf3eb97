//go:build !linux

package core_test

import "net"

// acknowledged cannot ask here; what was written to this machine has arrived there.
func acknowledged(*net.TCPConn) error { return nil }
