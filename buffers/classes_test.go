package buffers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverySizeFallsIntoTheSmallestClassThatHoldsIt(t *testing.T) {
	for size := 1; size <= maxClassBytes; size++ {
		i := classIndex(size)
		if i < 0 || i >= numClasses || classBytes(i) < size || (i > 0 && classBytes(i-1) >= size) {
			t.Fatalf("size %d fell into class %d", size, i)
		}
	}
	assert.Equal(t, maxClassBytes, classBytes(numClasses-1))
}

func TestAReceivedTLSRecordFitsTheReceiveClass(t *testing.T) {
	assert.Equal(t, 16<<10, classBytes(classIndex(16<<10)))
	assert.Equal(t, recvBytes, classBytes(classIndex(16<<10+5+16+48+256)))
	assert.Equal(t, recvBytes, classBytes(classIndex(16<<10+9)))
}

func TestSlabsHoldWholeBlocksOnTheGranularityOfEverySystem(t *testing.T) {
	for i := range numClasses {
		require.Zero(t, slabBytes(i)%(64<<10))
		require.GreaterOrEqual(t, slabBytes(i), classBytes(i))
	}
}

func TestPinnedMemoryBeyondTheLargestClassIsWholePages(t *testing.T) {
	assert.Equal(t, 256, pinned(1))
	assert.Equal(t, 1<<20, pinned(1<<20))
	assert.Equal(t, 1<<20+4096, pinned(1<<20+1))
}
