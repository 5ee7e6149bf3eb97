package codec

import (
	"bytes"
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers/buffertest"
	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

func TestTheGeneratedCodeReadsWhatEncodeWrites(t *testing.T) {
	p := buffertest.Pool(t)
	for _, c := range answerCases(200) {
		block := EncodeResponse(p, c.head(), []byte(c.url), c.address, c.tls, c.reused, c.interim)
		mem := block.Bytes()
		require.Equal(t, c, readAnswer(mem))
		require.Equal(t, readAnswer(c.build()), readAnswer(mem))
		require.Equal(t, "TRS1", string(mem[4:8]))
		require.Zero(t, uintptr(unsafe.Pointer(&mem[0]))%8)
		block.Release()
	}
}

func TestEncodeTakesOnlyWhatTheLinesName(t *testing.T) {
	p := buffertest.Pool(t)
	raw := []byte("HTTP/1.1 200 OK\r\nAllow: GET\r\nServer: x\r\n\r\nthe body, or a secret")
	at := func(s string) (uint32, uint32) { return uint32(bytes.Index(raw, []byte(s))), uint32(len(s)) }
	head := wire.ResponseHead{Status: 200, Version: wire.Version11, Reason: raw[13:15], ContentLength: 21}
	head.Fields.Octets = raw
	for _, l := range []line{{"Allow", "GET"}, {"Server", "x"}} {
		var w wire.Line
		w.NameAt, w.NameSize = at(l.name)
		w.ValueAt, w.ValueSize = at(l.value)
		head.Fields.Lines = append(head.Fields.Lines, w)
	}
	block := EncodeResponse(p, &head, []byte("http://a/"), "127.0.0.1:1", "", true, nil)
	defer block.Release()
	got := fbs.GetRootAsResponse(block.Bytes(), 0)
	assert.Equal(t, "Allow: GET\r\nServer: x", string(got.OctetsBytes()))
	assert.Equal(t, []line{{"Allow", "GET"}, {"Server", "x"}}, readAnswer(block.Bytes()).lines)
	assert.NotContains(t, string(block.Bytes()), "secret")
}

func TestEncodeWritesEveryByte(t *testing.T) {
	for _, c := range answerCases(20) {
		head := c.head()
		r := response{head: head, url: []byte(c.url), address: c.address, tls: c.tls, reused: c.reused, interim: c.interim}
		r.measure()
		zeros, ones := make([]byte, r.size), bytes.Repeat([]byte{0xFF}, r.size)
		r.put(zeros, head.Fields.Octets[r.low:r.high])
		r.put(ones, head.Fields.Octets[r.low:r.high])
		require.Equal(t, zeros, ones)
	}
}

func TestEncodePanicsOnALineOutsideOfTheOctetsAndLeaksNothing(t *testing.T) {
	p := buffertest.Pool(t)
	head := wire.ResponseHead{}
	head.Fields.Lines = []wire.Line{{NameAt: 1<<32 - 1, NameSize: 1<<32 - 1}}
	assert.Panics(t, func() { EncodeResponse(p, &head, nil, "", "", false, nil) })
}

func benchmarkHead(n int) *wire.ResponseHead {
	a := answer{status: 200, version: wire.Version11, reason: "OK", length: 1024}
	for i := range n {
		a.lines = append(a.lines, line{fmt.Sprintf("X-Header-%d", i), "a value of usual length"})
	}
	return a.head()
}

func BenchmarkEncodeResponse(b *testing.B) {
	url := []byte("http://127.0.0.1:8080/path/to/resource?x=1")
	for _, n := range []int{0, 5, 10} {
		head := benchmarkHead(n)
		b.Run(fmt.Sprintf("fields=%d", n), func(b *testing.B) {
			p := buffertest.Pool(b)
			b.ReportAllocs()
			for b.Loop() {
				EncodeResponse(p, head, url, "127.0.0.1:8080", "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", true, nil).Release()
			}
		})
	}
}

// The same with the generated code and a builder that is reused, to compare with; its bytes lie on the Go heap still.
func BenchmarkBuildResponse(b *testing.B) {
	for _, n := range []int{10} {
		a := answer{status: 200, version: wire.Version11, reason: "OK", url: "http://127.0.0.1:8080/path/to/resource?x=1",
			address: "127.0.0.1:8080", length: 1024, reused: true}
		for i := range n {
			a.lines = append(a.lines, line{fmt.Sprintf("X-Header-%d", i), "a value of usual length"})
		}
		head := a.head()
		b.Run(fmt.Sprintf("fields=%d", n), func(b *testing.B) {
			builder := newBuilder()
			b.ReportAllocs()
			for b.Loop() {
				builder.Reset()
				buildAnswer(builder, &a, head)
			}
		})
	}
}
