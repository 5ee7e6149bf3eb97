package transporttest

import (
	"errors"
	"net"
)

const (
	canDeafen  = false
	seesTheEnd = false // also on a connection that is not read from
)

// Deafen is not possible here.
func Deafen(*net.TCPConn) error { return errors.ErrUnsupported }
