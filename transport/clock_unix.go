//go:build unix

package transport

import "golang.org/x/sys/unix"

// monotonic reads the clock that Go's runtime counts with, as other programs see it.
func monotonic() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 1
	}
	return t.Nano()
}
