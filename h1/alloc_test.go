//go:build !race

package h1

import (
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/wire"
)

// The modes that are made to find faults allocate; what users run does not.
func pooled(t *testing.T, pool *buffers.Pool) {
	if pool.Mode() != buffers.Pooled {
		t.Skip("only pooled memory promises no allocation")
	}
}

func TestAnExchangeAllocatesNothing(t *testing.T) {
	for name, answer := range map[string]string{
		"typical": typicalAnswer,
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nDigest: x\r\n\r\n",
		"interim": "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + typicalAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			x := newSteady(t, answer)
			pooled(t, x.pool)
			require.Zero(t, testing.AllocsPerRun(200, func() { x.get() }), "GET")
			require.Zero(t, testing.AllocsPerRun(200, func() { x.getCut(41) }), "GET, the answer in pieces")
			require.Zero(t, testing.AllocsPerRun(200, func() { x.post() }), "chunked POST with trailers")
		})
	}
}

func TestRecyclingAnEngineAllocatesNothing(t *testing.T) {
	x := newSteady(t, typicalAnswer)
	pooled(t, x.pool)
	require.Zero(t, testing.AllocsPerRun(200, func() {
		x.engine.Release()
		x.engine.Init(x.pool, Limits{})
		x.get()
	}))
}

func TestParsingATargetAllocatesNothing(t *testing.T) {
	url := []byte("https://[2001:db8::1]:8443/a/b?c=%20d#e")
	var target wire.Target
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if target.Parse(url) != nil {
			panic("refused")
		}
	}))
}
