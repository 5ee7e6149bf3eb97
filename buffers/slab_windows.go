//go:build windows && !race

package buffers

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// mapMemory asks the system for n bytes of zeroed memory outside the Go heap. VirtualAlloc.
func mapMemory(n int) ([]byte, error) {
	at, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE|windows.MEM_COMMIT, windows.PAGE_READWRITE)
	if err != nil {
		return nil, err
	}
	// The address is not Go memory, so the collector need not follow it; the detour tells vet so.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), n), nil
}

// unmapMemory gives back what mapMemory gave. VirtualFree.
func unmapMemory(mem []byte) error {
	return windows.VirtualFree(uintptr(unsafe.Pointer(unsafe.SliceData(mem))), 0, windows.MEM_RELEASE)
}
