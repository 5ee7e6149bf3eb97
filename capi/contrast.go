//go:build contrast

package main

import "C"

// turbo_contrast_go_call is what the border avoids: a Go function that host threads call. Only the contrast build
// exports it, so that anyone can see what happens to a collecting host (capi/ctest/gchost.sh).
//
//export turbo_contrast_go_call
func turbo_contrast_go_call(n C.ulonglong) C.ulonglong {
	var b [64]byte
	for i := range b {
		b[i] = byte(n) + byte(i)
	}
	return n + C.ulonglong(b[int(n)%len(b)]) - C.ulonglong(b[int(n)%len(b)]) + 1
}
