package h1

import (
	"testing"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/wire"
)

// What nginx with a few headers of a game's backend behind it answers: ten fields, 64 bytes.
const typicalAnswer = "HTTP/1.1 200 OK\r\n" +
	"Server: nginx/1.22.1\r\n" +
	"Date: Wed, 25 Nov 2026 04:47:12 GMT\r\n" +
	"Content-Type: application/json; charset=utf-8\r\n" +
	"Content-Length: 64\r\n" +
	"Connection: keep-alive\r\n" +
	"Cache-Control: no-cache, no-store, max-age=0\r\n" +
	"ETag: \"5f3c1a2b-40\"\r\n" +
	"Vary: Accept-Encoding\r\n" +
	"X-Request-Id: 7d0f2c1e-93ab-4c57-8f4e-0b1f6b7f3a11\r\n" +
	"Strict-Transport-Security: max-age=31536000\r\n" +
	"\r\n" +
	"0123456789012345678901234567890123456789012345678901234567890123"

// steady is an engine in steady state and all that its exchanges need.
type steady struct {
	pool     *buffers.Pool
	engine   *Engine
	plain    wire.RequestHead
	chunked  wire.RequestHead
	trailers wire.Fields
	answer   *buffers.Block
	given    *buffers.Block
	now      wire.Instant
	q, out   buffers.Sequence
	ev       wire.Event
}

func newSteady(t testing.TB, answer string) *steady {
	x := &steady{pool: buffertest.Pool(t)}
	x.engine = New(x.pool, Limits{})
	x.answer = x.pool.Get(len(answer))
	copy(x.answer.Bytes(), answer)
	x.given = x.pool.Get(100)
	t.Cleanup(func() {
		x.engine.Release()
		x.answer.Release()
		x.given.Release()
	})
	fields := []string{"Accept: application/json", "Authorization: Bearer 0123456789abcdef0123456789abcdef", "X-Player: 42"}
	x.plain = *request(t, "GET", "http://api.example/v1/state?id=42", 0, fields...)
	x.chunked = *request(t, "POST", "http://api.example/v1/state", wire.BodyUnknown, fields...)
	x.plain.UserAgent, x.chunked.UserAgent = []byte("turbohttp/0.1"), []byte("turbohttp/0.1")
	x.trailers.Add([]byte("Digest"), []byte("1"))
	for range 10 {
		x.get()
		x.getCut(41)
		x.post()
	}
	return x
}

func (x *steady) fill() {
	for x.engine.Fill(&x.out, 64<<10) {
	}
	x.out.Release()
}

func (x *steady) feed(from, to int) {
	x.q.AppendSlice(x.answer, from, to)
	if fault := x.engine.Feed(&x.q, x.now); fault != nil {
		panic(fault)
	}
	for x.engine.Next(&x.ev) {
		if x.ev.Kind == wire.EventBody {
			x.engine.Credit(x.ev.ID, x.ev.Body.Len())
			x.ev.Body.Release()
		}
	}
}

func (x *steady) open(head *wire.RequestHead, end bool) wire.StreamID {
	x.now++
	id, fault := x.engine.Open(head, end, x.now)
	if fault != nil {
		panic(fault)
	}
	return id
}

func (x *steady) get() {
	x.open(&x.plain, true)
	x.fill()
	x.feed(0, len(x.answer.Bytes()))
}

func (x *steady) getCut(size int) {
	x.open(&x.plain, true)
	x.fill()
	for from := 0; from < len(x.answer.Bytes()); from += size {
		x.feed(from, min(from+size, len(x.answer.Bytes())))
	}
}

func (x *steady) post() {
	id := x.open(&x.chunked, false)
	x.fill()
	x.q.AppendSlice(x.given, 0, 100)
	if fault := x.engine.Send(id, &x.q, false); fault != nil {
		panic(fault)
	}
	x.fill()
	if fault := x.engine.Finish(id, &x.trailers); fault != nil {
		panic(fault)
	}
	x.fill()
	x.feed(0, len(x.answer.Bytes()))
}

func BenchmarkGet(b *testing.B) {
	x := newSteady(b, typicalAnswer)
	b.ReportAllocs()
	for b.Loop() {
		x.get()
	}
}

func BenchmarkGetInPieces(b *testing.B) {
	x := newSteady(b, typicalAnswer)
	b.ReportAllocs()
	for b.Loop() {
		x.getCut(41)
	}
}

func BenchmarkChunkedPost(b *testing.B) {
	x := newSteady(b, typicalAnswer)
	b.ReportAllocs()
	for b.Loop() {
		x.post()
	}
}

// The parts of BenchmarkGet, to see where time goes.
func BenchmarkHeadOnly(b *testing.B) {
	var s section
	head := []byte(typicalAnswer)
	b.SetBytes(int64(len(typicalAnswer) - 64))
	for b.Loop() {
		s.begin(atStatus)
		if _, whole, _, fault := s.feed(head, 64<<10); !whole || fault != nil {
			b.Fatal(fault)
		}
	}
}

func BenchmarkOpenAndFill(b *testing.B) {
	x := newSteady(b, typicalAnswer)
	for b.Loop() {
		x.open(&x.plain, true)
		x.fill()
		x.engine.Release()
		x.engine.Init(x.pool, Limits{})
	}
}
