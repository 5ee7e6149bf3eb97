//go:build unix && !race

package core_test

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/core"
)

// objects is the number of objects ever allocated on the Go heap.
func objects() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

type nowhere struct{}

func (nowhere) Home(*buffers.Block) {}

func TestRequestsAllocateNothing(t *testing.T) {
	url := startSmallServer(t)
	body := make([]byte, 100)
	copy(body[len(body)-len(smallEnd):], smallEnd)
	for _, test := range []struct {
		name   string
		method string
		conns  int
		limit  int
	}{{"GET", "GET", 8, 8}, {"POST of lent memory", "POST", 8, 8}, {"GET that waits for a connection", "GET", 16, 4}} {
		t.Run(test.name, func(t *testing.T) {
			l, c := newLoop(t, test.limit)
			l.done = make(chan *core.Exchange, test.conns)
			pool := buffers.NewPool(buffers.Options{})
			prepare := func(x *core.Exchange) {
				if test.method == "POST" {
					x.Body.Append(pool.Borrow(body, nowhere{}), 0, len(body))
					x.Head.BodySize = int64(len(body))
				}
			}
			for range test.conns {
				x := &core.Exchange{Timeout: 30e9, Stream: true}
				x.Head.Method = []byte(test.method)
				x.Head.Target = target(url + "/small")
				prepare(x)
				c.Submit(x)
			}
			run := func(n int) {
				for range n {
					x := <-l.done
					prepare(x)
					c.Submit(x)
				}
			}
			run(1000)
			// Free lists grow to the deepest moment so far, which a starved machine reaches late: the best of some
			// windows tells. What a request allocates is in all of them.
			const n = 2000
			got := 1e9
			for range 5 {
				before := objects()
				run(n)
				got = min(got, float64(objects()-before)/n)
			}
			assert.Less(t, got, 0.005, "objects per request")
			for range test.conns {
				<-l.done
			}
			require.Zero(t, l.faults)
		})
	}
}
