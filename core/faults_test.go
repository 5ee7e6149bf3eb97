package core_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

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
