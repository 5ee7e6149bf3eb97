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

// isRoute tells errors that mean that there is no way to an address of this kind.
func isRoute(errno syscall.Errno) bool {
	return errno == syscall.ENETUNREACH || errno == syscall.EADDRNOTAVAIL || errno == syscall.EAFNOSUPPORT
}

// silentCode is the number for a peer that no longer answers.
const silentCode = uint32(syscall.ETIMEDOUT)
