//go:build unix && !linux

package transporttest

import (
	"errors"
	"net"
)

const (
	canDeafen  = false
	seesTheEnd = true // also on a connection that is not read from
)

// Deafen is not possible here.
func Deafen(*net.TCPConn) error { return errors.ErrUnsupported }
