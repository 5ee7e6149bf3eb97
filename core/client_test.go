package core_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/core"
	"turbohttp/wire"
)

func TestGetOverOneConnection(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{UserAgent: []byte("test/1")})
	for i := range 5 {
		x := f.get(fmt.Sprintf("%s/%d", s.url, i))
		x.ok(t, 200, fmt.Sprintf("/%d", i))
		assert.Equal(t, i > 0, x.Reused)
		assert.Equal(t, i > 0, x.Facts&wire.FactReused != 0)
		assert.NotZero(t, x.Facts&wire.FactSent)
		assert.Zero(t, x.Facts&wire.FactUnseen)
		assert.Equal(t, strings.TrimPrefix(s.url, "http://"), x.Address)
		m := x.Times
		assert.Equal(t, i == 0, m.Connecting != 0)
		assert.NotZero(t, m.Sent)
		assert.True(t, m.Started <= m.Sent && m.Started < m.FirstByte && m.FirstByte <= m.Done, "%+v", m)
		if i == 0 {
			assert.True(t, m.Started <= m.Connecting && m.Connecting <= m.Resolved && m.Resolved <= m.Connected && m.Connected <= m.Sent, "%+v", m)
		}
	}
	assert.EqualValues(t, 1, s.conns.Load())
	st := f.Stats()
	assert.EqualValues(t, 1, st.ConnectionsOpened)
	assert.EqualValues(t, 1, st.ConnectionsOpen)
	assert.Positive(t, st.BytesSent)
	assert.Positive(t, st.BytesReceived)
}

func TestBorrowedBodyIsSentAndHomeBeforeDone(t *testing.T) {
	got := make(chan string, 1)
	s := serve(t, func(p *peer) {
		head := p.request()
		b := make([]byte, 11)
		io.ReadFull(p.in, b)
		got <- strings.Join(head, "\n") + "\n" + string(b)
		p.answer("ok")
		p.untilGone()
	})
	f := newFixture(t, core.Config{})
	x := newCall("POST", s.url+"/up")
	x.lend(f.pool, []byte("hello "), []byte("world"))
	f.Submit(&x.Exchange)
	x.ok(t, 200, "ok")
	text := <-got
	assert.Contains(t, text, "Content-Length: 11")
	assert.True(t, strings.HasSuffix(text, "\nhello world"), text)
	assert.Equal(t, 11, x.sent)
	assert.Equal(t, 2, x.homed)
}

func TestLargeBodyBothWays(t *testing.T) {
	const size = 5 << 20
	s := serve(t, func(p *peer) {
		p.request()
		b := make([]byte, size)
		io.ReadFull(p.in, b)
		p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		p.Write(b)
		p.untilGone()
	})
	f := newFixture(t, core.Config{})
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	x := newCall("POST", s.url+"/")
	x.lend(f.pool, data[:1<<20], data[1<<20:])
	f.Submit(&x.Exchange)
	require.Nil(t, x.done(t))
	assert.True(t, bytes.Equal(data, x.body))
	assert.Equal(t, size, x.sent)
	assert.Equal(t, 2, x.homed)
}

func TestLimitOfConnectionsAndFIFO(t *testing.T) {
	var order []string
	var mu sync.Mutex
	gate := make(chan struct{})
	s := serve(t, func(p *peer) {
		for {
			lines := p.request()
			if lines == nil {
				return
			}
			mu.Lock()
			order = append(order, strings.Fields(lines[0])[1])
			mu.Unlock()
			<-gate
			p.answer("")
		}
	})
	f := newFixture(t, core.Config{ConnectionsPerHost: 1})
	var calls []*call
	for i := range 6 {
		calls = append(calls, f.get(fmt.Sprintf("%s/%d", s.url, i)))
	}
	close(gate)
	for _, x := range calls {
		x.ok(t, 200, "")
	}
	mu.Lock()
	assert.Equal(t, []string{"/0", "/1", "/2", "/3", "/4", "/5"}, order)
	mu.Unlock()
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestManyExchangesOverFewConnections(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{ConnectionsPerHost: 4})
	var calls []*call
	for i := range 300 {
		calls = append(calls, f.get(fmt.Sprintf("%s/%d", s.url, i)))
	}
	for i, x := range calls {
		x.ok(t, 200, fmt.Sprintf("/%d", i))
	}
	assert.LessOrEqual(t, s.most.Load(), int32(4))
}

func TestSubmitInsideNothingButAfterDoneFindsTheConnectionIdle(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{})
	done := make(chan struct{}, 1)
	f.sink.onDone = func(*call) { done <- struct{}{} }
	for i := range 200 {
		f.get(fmt.Sprintf("%s/%d", s.url, i))
		<-done
	}
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestHostsAreComparedWithoutCase(t *testing.T) {
	s := serve(t, keepAlive)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	f := newFixture(t, core.Config{})
	f.get("http://localhost:"+port+"/a").ok(t, 200, "/a")
	f.get("http://LOCALHOST:"+port+"/b").ok(t, 200, "/b")
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestConnectionCloseIsNotReused(t *testing.T) {
	s := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
		p.untilGone()
	})
	f := newFixture(t, core.Config{})
	f.get(s.url+"/").ok(t, 200, "hi")
	f.get(s.url+"/").ok(t, 200, "hi")
	assert.EqualValues(t, 2, s.conns.Load())
}

func TestBodyThatEndsWithTheConnection(t *testing.T) {
	s := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\n\r\nall of it")
	})
	f := newFixture(t, core.Config{})
	for range 20 {
		f.get(s.url+"/").ok(t, 200, "all of it")
	}
}

func TestCutBodyIsClosed(t *testing.T) {
	s := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
	})
	f := newFixture(t, core.Config{})
	x := f.get(s.url + "/x?secret=1")
	fault := x.failed(t, wire.StatusClosed)
	assert.Contains(t, fault.Text, "3 of 10")
	assert.Equal(t, 1, strings.Count(fault.Text, "(GET "+s.url+"/x)"), fault.Text)
	assert.NotContains(t, fault.Text, "secret")
	assert.EqualValues(t, 200, x.Status)
	assert.Equal(t, "abc", string(x.body))
	assert.Zero(t, x.Facts&wire.FactUnseen)
}

func TestStalePooledConnectionIsRepeatedOnce(t *testing.T) {
	for _, test := range []struct {
		method string
		again  bool
	}{{"GET", true}, {"HEAD", true}, {"POST", false}} {
		t.Run(test.method, func(t *testing.T) {
			s := serve(t, func(p *peer) {
				p.request()
				p.answer("")
				if p.n == 1 {
					p.request() // the second request dies with the connection
					return
				}
				p.untilGone()
			})
			f := newFixture(t, core.Config{})
			f.get(s.url+"/").ok(t, 200, "")
			x := newCall(test.method, s.url+"/")
			if test.method == "POST" {
				x.lend(f.pool, []byte("x"))
			}
			f.Submit(&x.Exchange)
			if test.again {
				x.ok(t, 200, "")
				assert.EqualValues(t, 2, s.conns.Load())
				assert.False(t, x.Reused)
			} else {
				x.failed(t, wire.StatusClosed)
				assert.NotZero(t, x.Facts&wire.FactSent)
				assert.NotZero(t, x.Facts&wire.FactReused)
				assert.Zero(t, x.Facts&wire.FactUnseen)
			}
		})
	}
}

func TestRepeatIsNotRepeated(t *testing.T) {
	s := serve(t, func(p *peer) {
		if p.n == 1 {
			p.request()
			p.answer("")
		}
		p.request()
	})
	f := newFixture(t, core.Config{})
	f.get(s.url+"/").ok(t, 200, "")
	f.get(s.url+"/").failed(t, wire.StatusClosed)
	assert.EqualValues(t, 2, s.conns.Load())
}

func TestFreshConnectionThatClosesIsNotRepeated(t *testing.T) {
	s := serve(t, func(p *peer) { p.request() })
	f := newFixture(t, core.Config{})
	f.get(s.url+"/").failed(t, wire.StatusClosed)
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestRefusedConnectionFailsAllThatWait(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	url := "http://" + l.Addr().String()
	l.Close()
	f := newFixture(t, core.Config{ConnectionsPerHost: 2})
	var calls []*call
	for i := range 10 {
		calls = append(calls, f.get(fmt.Sprintf("%s/%d", url, i)))
	}
	for i, x := range calls {
		fault := x.failed(t, wire.StatusConnect)
		assert.NotZero(t, x.Facts&wire.FactUnseen)
		assert.Zero(t, x.Facts&wire.FactSent)
		assert.NotZero(t, x.Times.Connecting)
		assert.Contains(t, fault.Text, fmt.Sprintf("(GET %s/%d)", url, i))
	}
}

func TestUnknownNameIsResolve(t *testing.T) {
	f := newFixture(t, core.Config{})
	f.get("http://"+strings.Repeat("x", 64)+".invalid/").failed(t, wire.StatusResolve)
}

func TestConnectTimeout(t *testing.T) {
	f := newFixture(t, core.Config{ConnectTimeout: 50e6})
	fault := f.get(silent(t)).failed(t, wire.StatusTimeout)
	assert.Equal(t, wire.PhaseConnect, fault.Code)
}

func TestCancelAtAnyMoment(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{ConnectionsPerHost: 3})
	var wg sync.WaitGroup
	var cancelled atomic.Int32
	for i := range 300 {
		x := newCall("GET", fmt.Sprintf("%s/%d", s.url, i))
		f.Submit(&x.Exchange)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range i * 20 {
				_ = x.Ref
			}
			f.Cancel(&x.Exchange, wire.StatusCancelled)
			if fault := x.done(t); fault != nil {
				assert.Equal(t, wire.StatusCancelled, fault.Status, fault.Text)
				cancelled.Add(1)
			}
		}()
	}
	wg.Wait()
	t.Logf("%d of 300 were cancelled", cancelled.Load())
}

func TestStreamStopsThePeerAtTheWindow(t *testing.T) {
	const size = 64 << 20
	var written atomic.Int64
	s := serve(t, func(p *peer) {
		p.request()
		p.SetWriteBuffer(64 << 10)
		p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		b := make([]byte, 64<<10)
		for range size / len(b) {
			if _, err := p.Write(b); err != nil {
				return
			}
			written.Add(int64(len(b)))
		}
		p.untilGone()
	})
	const window = 100 << 10
	f := newFixture(t, core.Config{Window: window})
	x := newCall("GET", s.url+"/")
	x.Stream = true
	f.Submit(&x.Exchange)
	x.wait(t, "the window to be full", func() bool { return len(x.body) > window })
	last, still := written.Load(), 0
	for still < 5 {
		time.Sleep(20 * time.Millisecond) // that nothing happens has no event
		if now := written.Load(); now != last {
			last, still = now, 0
		} else {
			still++
		}
	}
	assert.Less(t, last, int64(size))
	x.mu.Lock()
	assert.LessOrEqual(t, len(x.body), window+2*64<<10)
	x.mu.Unlock()
	for total := 0; total < size; {
		x.wait(t, "body", func() bool { return x.keep.Len() > 0 })
		x.mu.Lock()
		n := x.keep.Len()
		x.keep.Release()
		x.mu.Unlock()
		f.Consumed(&x.Exchange, n)
		total += n
	}
	require.Nil(t, x.done(t))
	assert.Equal(t, size, len(x.body))
	f.Consumed(&x.Exchange, 1) // after Done: nothing
}

func TestConnectionPausedAtTheEndServesAgain(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{Window: 1})
	for range 3 {
		x := newCall("GET", s.url+"/some-path")
		x.Stream = true
		f.Submit(&x.Exchange)
		x.ok(t, 200, "/some-path")
		x.keep.Release()
	}
	assert.EqualValues(t, 1, s.conns.Load())
}

func TestMaxBodyIsALimit(t *testing.T) {
	s := serve(t, func(p *peer) {
		for lines := p.request(); lines != nil; lines = p.request() {
			if strings.Contains(lines[0], "known") {
				p.answer("0123456789")
			} else {
				p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n")
			}
		}
	})
	f := newFixture(t, core.Config{})
	for _, test := range []struct {
		path string
		max  int64
		body string
		ok   bool
	}{{"/known", 10, "0123456789", true}, {"/known", 9, "", false}, {"/chunked", 10, "0123456789", true}, {"/chunked", 4, "0123", false}} {
		x := newCall("GET", s.url+test.path)
		x.MaxBody = test.max
		f.Submit(&x.Exchange)
		if test.ok {
			x.ok(t, 200, test.body)
			continue
		}
		x.failed(t, wire.StatusLimit)
		assert.Equal(t, test.body, string(x.body))
		assert.EqualValues(t, 200, x.Status)
	}
}

func TestOtherSchemesAreUnsupported(t *testing.T) {
	f := newFixture(t, core.Config{})
	for _, url := range []string{"https://a.example/", "ws://a.example/"} {
		x := f.get(url)
		require.Equal(t, 1, x.dones, "at once")
		fault := x.failed(t, wire.StatusUnsupported)
		assert.Contains(t, fault.Text, "(GET "+url+")")
	}
}

func TestInvalidRequestIsNotSentAndTheConnectionGoesOn(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{})
	f.get(s.url+"/a").ok(t, 200, "/a")
	x := newCall("GET", s.url+"/b")
	x.Head.Fields.Add([]byte("Evil"), []byte("a\r\nb: c"))
	f.Submit(&x.Exchange)
	x.failed(t, wire.StatusInvalid)
	assert.Zero(t, x.Facts&wire.FactSent)
	f.get(s.url+"/c").ok(t, 200, "/c")
	y := newCall("POST", s.url+"/d")
	y.lend(f.pool, []byte("abc"))
	y.Head.BodySize = 5
	f.Submit(&y.Exchange)
	y.failed(t, wire.StatusInvalid)
	assert.Zero(t, y.Facts&wire.FactSent)
	assert.Equal(t, 1, y.homed)
}

func TestEarlyAnswerEndsASendThatNobodyReads(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
	} {
		s := serve(t, func(p *peer) {
			p.request()
			p.say(answer)
			p.CloseWrite()
			p.untilGone()
		})
		f := newFixture(t, core.Config{})
		x := newCall("PUT", s.url+"/")
		x.lend(f.pool, make([]byte, 64<<20))
		f.Submit(&x.Exchange)
		require.Nil(t, x.done(t))
		assert.Equal(t, "no", string(x.body))
		assert.Equal(t, 1, x.homed)
		f.close()
	}
}

func TestPanicInAStepIsThatExchangesFault(t *testing.T) {
	s := serve(t, keepAlive)
	for _, where := range []string{"begin", "received", "head", "body"} {
		t.Run(where, func(t *testing.T) {
			f := newFixture(t, core.Config{})
			core.SetStepHook(func(x *core.Exchange, at string) {
				if at == where && bytes.HasSuffix(x.Head.Target.Path, []byte("bad")) {
					panic("thrown by a test")
				}
			})
			var good []*call
			for range 5 {
				good = append(good, f.get(s.url+"/good"))
			}
			bad := newCall("POST", s.url+"/bad")
			bad.lend(f.pool, []byte("x"))
			f.Submit(&bad.Exchange)
			fault := bad.failed(t, wire.StatusInternal)
			assert.Contains(t, fault.Text, "thrown by a test")
			assert.Equal(t, 1, bad.homed)
			for _, x := range good {
				x.ok(t, 200, "/good")
			}
			f.get(s.url+"/good").ok(t, 200, "/good")
			assert.Contains(t, f.logged(), "goroutine ", "the stack is logged")
			f.close()
			core.SetStepHook(nil)
		})
	}
}

func TestPanicInTheSinkIsThatExchangesFault(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{})
	f.sink.onBody = func(x *call) {
		if strings.HasSuffix(x.url, "bad") {
			panic("thrown by the sink")
		}
	}
	f.get(s.url+"/bad").failed(t, wire.StatusInternal)
	f.get(s.url+"/good").ok(t, 200, "/good")
}

func TestCloseEndsEverything(t *testing.T) {
	s := serve(t, func(p *peer) { p.request(); p.untilGone() })
	f := newFixture(t, core.Config{ConnectionsPerHost: 2})
	var calls []*call
	for range 10 {
		calls = append(calls, f.get(s.url+"/"))
	}
	calls = append(calls, f.get(silent(t)))
	big := newCall("PUT", s.url+"/")
	big.lend(f.pool, make([]byte, 16<<20))
	f.Submit(&big.Exchange)
	f.close()
	for _, x := range calls {
		x.failed(t, wire.StatusCancelled)
	}
	big.failed(t, wire.StatusCancelled)
	late := f.get(s.url + "/")
	require.Equal(t, 1, late.dones)
	late.failed(t, wire.StatusCancelled)
	again := 0
	f.Close(func() { again++ })
	assert.Equal(t, 1, again)
}

func TestCloseUnderLoad(t *testing.T) {
	s := serve(t, keepAlive)
	f := newFixture(t, core.Config{ConnectionsPerHost: 4})
	var calls []*call
	stop := make(chan struct{})
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			x := f.get(s.url + "/x")
			calls = append(calls, x)
			if i%20 == 0 {
				x.done(t)
			}
		}
	}()
	for f.Stats().RequestsDone < 200 {
		time.Sleep(time.Millisecond)
	}
	f.close()
	close(stop)
	<-finished
	for _, x := range calls {
		if fault := x.done(t); fault != nil {
			require.Equal(t, wire.StatusCancelled, fault.Status, fault.Text)
		}
	}
}
