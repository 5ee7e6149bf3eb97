package transport

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	kernel32  = windows.NewLazySystemDLL("kernel32.dll")
	counter   = kernel32.NewProc("QueryPerformanceCounter")
	frequency = kernel32.NewProc("QueryPerformanceFrequency")
)

// monotonic reads the performance counter, as a host's QueryPerformanceCounter does, in nanoseconds.
func monotonic() int64 {
	var n, f int64
	counter.Call(uintptr(unsafe.Pointer(&n)))
	frequency.Call(uintptr(unsafe.Pointer(&f)))
	if f == 0 {
		return 1
	}
	return n/f*1e9 + n%f*1e9/f
}
