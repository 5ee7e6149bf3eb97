package core_test

import (
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

// A reset in every phase, on a fresh connection: one Done that says CLOSED, with the system's number, what was lent home
// before it, the facts as they are, and a client that works on.
func TestResetInEveryPhase(t *testing.T) {
	const size = 4 << 20
	for _, c := range []struct {
		name string
		head bool // the final head is known by then
		then func(p *peer)
	}{
		{"when the request has begun", false, func(p *peer) { io.ReadFull(p.in, make([]byte, 10)) }},
		{"in the middle of the head", false, func(p *peer) { p.request(); p.say("HTTP/1.1 200 OK\r\nContent-Le"); p.drain(size) }},
		{"in the middle of the body that is sent", false, func(p *peer) { p.request(); io.CopyN(io.Discard, p.in, size/2) }},
		{"while the answer is awaited", false, func(p *peer) { p.request(); p.drain(size) }},
		{"after an interim head", false, func(p *peer) { p.request(); p.drain(size); p.say("HTTP/1.1 103 Early Hints\r\n\r\n") }},
		{"behind the head", true, func(p *peer) { p.request(); p.drain(size); p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n") }},
		{"in the middle of the body", true, func(p *peer) { p.request(); p.drain(size); p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") }},
		{"in the middle of a chunk", true, func(p *peer) {
			p.request()
			p.drain(size)
			p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc")
		}},
		{"instead of the end of a body without a length", true, func(p *peer) { p.request(); p.drain(size); p.say("HTTP/1.1 200 OK\r\n\r\nabc") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			heads := make(chan struct{}, 10)
			var faulty atomic.Bool
			faulty.Store(true)
			s := serve(t, func(p *peer) {
				if !faulty.Load() {
					keepAlive(p)
					return
				}
				c.then(p)
				if c.head {
					<-heads // or the reset might overtake it
				}
				p.SetLinger(0)
			})
			f := newFixture(t, core.Config{})
			f.sink.onHead = func(*call) { heads <- struct{}{} }
			x := newCall("PUT", s.url+"/")
			x.lend(f.pool, make([]byte, size/2), make([]byte, size/2))
			f.Submit(&x.Exchange)
			fault := x.failed(t, wire.StatusClosed)
			assert.NotZero(t, fault.Code, fault.Text)
			assert.Equal(t, 2, x.homed)
			assert.NotZero(t, x.Facts&wire.FactSent)
			assert.Zero(t, x.Facts&wire.FactUnseen)
			assert.Equal(t, c.head, x.Status == 200)
			assert.EqualValues(t, 1, s.conns.Load(), "a fresh connection is not tried again")
			faulty.Store(false)
			f.get(s.url+"/after").ok(t, 200, "/after")
		})
	}
}

// drain reads n bytes of a body.
func (p *peer) drain(n int64) { io.CopyN(io.Discard, p.in, n) }

// The peer takes nothing: our socket and its own are full. Whatever ends that, the body comes home.
func TestFullSocketBuffersEnd(t *testing.T) {
	for _, end := range []string{"reset", "cancel", "time", "close", "read on"} {
		t.Run(end, func(t *testing.T) {
			const size = 32 << 20
			full, over := make(chan struct{}), make(chan struct{})
			s := serve(t, func(p *peer) {
				p.request()
				close(full)
				<-over
				if end == "read on" {
					p.drain(size)
					p.answer("all of it")
					p.untilGone()
					return
				}
				p.SetLinger(0)
			})
			f := newFixture(t, core.Config{})
			x := newCall("PUT", s.url+"/")
			x.lend(f.pool, make([]byte, size))
			if end == "time" {
				x.Timeout = 300e6
			}
			f.Submit(&x.Exchange)
			<-full
			last := -1
			for still := 0; still < 5 && end != "time"; still++ {
				time.Sleep(5 * time.Millisecond) // that nothing more is taken has no event
				x.mu.Lock()
				if x.sent != last {
					last, still = x.sent, 0
				}
				x.mu.Unlock()
			}
			switch end {
			case "reset":
				close(over)
				x.failed(t, wire.StatusClosed)
			case "cancel": // although the peer never reads
				f.Cancel(&x.Exchange, wire.StatusCancelled)
				x.failed(t, wire.StatusCancelled)
				close(over)
			case "time":
				assert.Equal(t, wire.PhaseSend, x.failed(t, wire.StatusTimeout).Code)
				close(over)
			case "close":
				f.close()
				x.failed(t, wire.StatusCancelled)
				close(over)
			case "read on":
				close(over)
				x.ok(t, 200, "all of it")
				assert.Equal(t, size, x.sent)
			}
			assert.Equal(t, 1, x.homed)
		})
	}
}

func TestUnreadBodiesStopTheirPeersAndNobodyElse(t *testing.T) {
	s := serve(t, func(p *peer) {
		line := p.request()
		if line != nil && line[0] == "GET /big HTTP/1.1" {
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20))
			b := make([]byte, 1<<20)
			for range 64 {
				if _, err := p.Write(b); err != nil {
					return
				}
			}
			p.untilGone()
			return
		}
		for ; line != nil; line = p.request() {
			p.answer("small")
		}
	})
	f := newFixture(t, core.Config{ConnectionsPerHost: 8, Window: 1000})
	var big []*call
	for range 4 {
		x := newCall("GET", s.url+"/big")
		x.Stream = true
		f.Submit(&x.Exchange)
		big = append(big, x)
	}
	for _, x := range big {
		x.wait(t, "its window to be full", func() bool { return len(x.body) > 1000 })
	}
	for range 4 {
		f.get(s.url+"/small").ok(t, 200, "small")
	}
	for _, x := range big {
		f.Cancel(&x.Exchange, wire.StatusCancelled)
		x.failed(t, wire.StatusCancelled)
		x.mu.Lock()
		require.Less(t, len(x.body), 8<<20)
		x.keep.Release()
		x.mu.Unlock()
	}
}
