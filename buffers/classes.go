package buffers

import "math/bits"

// The size classes are the powers of two from 256 B to 1 MiB, and 17 KiB.
//
// Powers of two waste at most half of a block, and one subtraction and a bit scan find the class. 17 KiB is there for
// receive blocks: a TLS record of 16 KiB plaintext is at most 16,709 bytes with what ciphers add (5 header, 16 IV,
// 48 MAC, 256 padding), an h2 frame of the default size is 16,393; both would fall into 32 KiB.
const (
	minClassBytes = 256
	maxClassBytes = 1 << 20
	recvClass     = 7 // index of the 17 KiB class
	recvBytes     = 17 << 10
	numClasses    = 14
	pageBytes     = 4096 // rounding of own mappings; the system may round further
)

// classIndex gives the class for size bytes. size is in 1..maxClassBytes.
func classIndex(size int) int {
	if size <= minClassBytes {
		return 0
	}
	l := bits.Len(uint(size - 1)) // 9 for 257..512
	if size <= 16<<10 {
		return l - 8
	}
	if size <= recvBytes {
		return recvClass
	}
	return l - 7
}

// classBytes gives the block size of a class.
func classBytes(index int) int {
	switch {
	case index < recvClass:
		return minClassBytes << index
	case index == recvClass:
		return recvBytes
	}
	return minClassBytes << (index - 1)
}

// slabBytes gives how much is asked of the system at once for a class: enough blocks that asking is rare, little
// enough that a slab becomes wholly free again. 64 KiB is also the granularity of VirtualAlloc.
func slabBytes(index int) int {
	size := classBytes(index)
	switch {
	case size <= 1<<10:
		return 64 << 10
	case size <= 32<<10:
		return 256 << 10
	}
	return 1 << 20
}

// pinned gives the bytes that a block of size bytes pins: its class size, or whole pages beyond the largest class.
func pinned(size int) int {
	if size <= maxClassBytes {
		return classBytes(classIndex(size))
	}
	return (size + pageBytes - 1) &^ (pageBytes - 1)
}
