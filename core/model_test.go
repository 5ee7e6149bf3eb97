package core_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

// TestRandomCallsFaultsAndTime lets everything happen in any order: calls of a host, moods of peers, and time. Whatever
// happens, every exchange is told Done once, what was lent comes home before, and the pool stays sound.
func TestRandomCallsFaultsAndTime(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for seed := range uint64(rounds) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { randomRun(t, seed) }) {
			return
		}
	}
}

func randomRun(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	limit := 1 + r.IntN(4)
	v := newVirtual(t, core.Config{ConnectionsPerHost: limit, Window: 64, RequestTimeout: 30e9, IdleTimeout: 20e9})
	var calls []*call
	lent := map[*call]int{}
	live := func() *call {
		var some []*call
		for _, x := range calls {
			if x.dones == 0 {
				some = append(some, x)
			}
		}
		if len(some) == 0 {
			return nil
		}
		return some[r.IntN(len(some))]
	}
	throw := false
	core.SetStepHook(func(_ *core.Exchange, where string) {
		if throw && where != "assigned" && where != "verdict" { // between steps nothing runs that could panic
			throw = false
			panic("thrown by the model")
		}
	})
	defer core.SetStepHook(nil)
	for range 120 {
		switch op := r.IntN(20); {
		case op < 5:
			x := newCall([]string{"GET", "POST", "HEAD"}[r.IntN(3)], fmt.Sprintf("http://h%d.example/", r.IntN(2)))
			if x.method == "POST" || r.IntN(8) == 0 {
				n := 1 + r.IntN(3)
				for range n {
					x.Body.Append(v.pool.Borrow(make([]byte, 1+r.IntN(300)), x), 0, 1)
				}
				x.Head.BodySize = int64(x.Body.Len())
				if r.IntN(10) == 0 {
					x.Head.BodySize++ // INVALID
				}
				x.Head.Expect = r.IntN(4) == 0
				lent[x] = n
			}
			x.Stream = r.IntN(2) == 0
			x.Timeout = []int64{0, -1, 1 + r.Int64N(5e9)}[r.IntN(3)]
			if r.IntN(6) == 0 {
				x.MaxBody = int64(1 + r.IntN(100))
			}
			calls = append(calls, x)
			v.Submit(&x.Exchange)
		case op < 6:
			if x := live(); x != nil {
				v.Cancel(&x.Exchange, wire.StatusCancelled)
			}
		case op < 8:
			if len(calls) > 0 { // also after Done
				x := calls[r.IntN(len(calls))]
				if n := x.keep.Len(); n > 0 {
					n = 1 + r.IntN(n)
					x.keep.Skip(n)
					v.Consumed(&x.Exchange, n)
				}
			}
		case op < 9:
			v.clock.Advance(time.Duration(r.Int64N(3e9)))
		case op < 10:
			throw = r.IntN(6) == 0
		default:
			if len(v.links) > 0 {
				mood(r, v.links[r.IntN(len(v.links))])
			}
		}
		require.NoError(t, core.Check(v.Client))
	}
	throw = false
	v.close()
	require.NoError(t, core.Check(v.Client))
	for _, x := range calls {
		require.Equal(t, 1, x.dones, "%s %s", x.method, x.url)
		require.Equal(t, lent[x], x.homed, "spans home before Done")
		require.Equal(t, lent[x], x.homes)
		x.keep.Release()
	}
}

// mood lets something happen to a link.
func mood(r *rand.Rand, l *link) {
	switch {
	case l.closing:
		if r.IntN(2) == 0 {
			l.gone(nil)
		}
	case !l.connected:
		switch r.IntN(4) {
		case 0:
			l.gone(refused)
		default:
			l.full = r.IntN(5) == 0
			l.connect()
		}
	case l.eof:
		l.gone(reset)
	default:
		switch r.IntN(14) {
		case 0:
			l.end()
		case 1:
			l.gone(reset)
		case 2:
			l.full = true
		case 3, 4:
			l.drain()
		case 5:
			if !l.paused {
				l.receive("HTTP/1.1 103 Early Hints\r\n\r\n")
			}
		case 6:
			if !l.paused {
				l.receive([]string{"garbage\r\n\r\n", "HTTP/1.1 200 OK\r\n", "x"}[r.IntN(3)])
			}
		case 7:
			if !l.paused {
				l.receive("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + string(make([]byte, r.IntN(400))))
			}
		case 8:
			if !l.paused {
				l.receive("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nend")
			}
		case 9:
			if !l.paused {
				l.receive("HTTP/1.1 200 OK\r\n\r\nuntil the end")
			}
		default:
			if !l.paused && len(l.requests) > l.answered {
				l.answer(string(make([]byte, r.IntN(200))))
			}
		}
	}
}
