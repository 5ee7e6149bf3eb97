//go:build !race

package codec

import (
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/wire"
)

func TestDecodeAllocatesNothing(t *testing.T) {
	var mems [][]byte
	for _, c := range requestCases(20) {
		mems = append(mems, c.build())
	}
	var head wire.RequestHead
	decode := func() {
		for _, mem := range mems {
			if DecodeRequest(mem, &head) != nil {
				panic("refused")
			}
		}
	}
	decode() // the first one gives head its lines
	require.Zero(t, testing.AllocsPerRun(100, decode))
}

func TestEncodeAllocatesNothing(t *testing.T) {
	if buffertest.Mode() != buffers.Pooled {
		t.Skip("plain and guarded memory make a header for each block")
	}
	p := buffertest.Pool(t)
	head, url := benchmarkHead(10), []byte("http://127.0.0.1:8080/")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		EncodeResponse(p, head, url, "127.0.0.1:8080", "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", true, nil).Release()
	}))
}
