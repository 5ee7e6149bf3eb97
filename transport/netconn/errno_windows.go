package netconn

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// isPeer tells errors that the other side, or the way to it, caused after the connection was made.
func isPeer(errno syscall.Errno) bool {
	switch errno {
	case windows.WSAECONNRESET, windows.WSAECONNABORTED, windows.WSAETIMEDOUT, windows.WSAEHOSTUNREACH, windows.WSAENETRESET,
		windows.WSAECONNREFUSED, windows.WSAENOTCONN, windows.WSAESHUTDOWN, windows.ERROR_NETNAME_DELETED:
		return true
	}
	return false
}

// isLocal tells errors of this machine: descriptors, memory, permission, no network.
func isLocal(errno syscall.Errno) bool {
	switch errno {
	case windows.WSAEMFILE, windows.WSAENOBUFS, windows.ERROR_NOT_ENOUGH_MEMORY, windows.WSAENETUNREACH, windows.WSAENETDOWN,
		windows.WSAEADDRNOTAVAIL, windows.WSAEAFNOSUPPORT, windows.WSAEACCES, windows.WSAEINVAL:
		return true
	}
	return false
}

// isRoute tells errors that mean that there is no way to an address of this kind.
func isRoute(errno syscall.Errno) bool {
	return errno == windows.WSAENETUNREACH || errno == windows.WSAEADDRNOTAVAIL || errno == windows.WSAEAFNOSUPPORT
}

// silentCode is the number for a peer that no longer answers.
const silentCode = uint32(windows.WSAETIMEDOUT)
