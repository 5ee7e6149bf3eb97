//go:build unix

package netconn

import "syscall"

// isPeer tells errors that the other side, or the way to it, caused after the connection was made.
func isPeer(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ETIMEDOUT, syscall.EHOSTUNREACH,
		syscall.ECONNREFUSED, syscall.ENOTCONN, syscall.ESHUTDOWN:
		return true
	}
	return false
}

// isLocal tells errors of this machine: descriptors, memory, permission, no network.
func isLocal(errno syscall.Errno) bool {
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ENETUNREACH, syscall.ENETDOWN,
		syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.EACCES, syscall.EPERM, syscall.EINVAL:
		return true
	}
	return false
}
