//go:build unix && !race

package buffers

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory asks the system for n bytes of zeroed memory outside the Go heap. Pages cost nothing until they are
// touched. mmap(2).
func mapMemory(n int) ([]byte, error) {
	at, err := unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(at), n), nil
}

// unmapMemory gives back what mapMemory gave. munmap(2).
func unmapMemory(mem []byte) error {
	return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)))
}
