// Package transporttest is the contract of package transport as a suite: every implementation passes it.
package transporttest

import (
	"crypto/sha256"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/transport"
	"turbohttp/wire"
)

// Run runs the suite. create gives a fresh transport; the suite closes it.
func Run(t *testing.T, create func(t testing.TB) transport.Transport) {
	for _, test := range []struct {
		name string
		run  func(s *suite)
	}{
		{"EchoComesBack", echo},
		{"ManySmallMessages", manySmall},
		{"LargeTransfersBothWaysThroughSmallBuffers", large},
		{"ManySegmentsInOneSend", manySegments},
		{"PausedReadingStopsThePeer", pause},
		{"ClosedWhilePaused", closedWhilePaused},
		{"HalfClose", halfClose},
		{"EndRightBehindTheBytesIsSeen", endBehindBytes},
		{"ResetIsClosedWithANumber", reset},
		{"AnswerBeforeResetIsReceived", answerBeforeReset},
		{"SendToAPeerThatIsGone", sendToGone},
		{"ResetWhilePausedAndSending", resetWhilePaused},
		{"CloseWhileConnecting", closeWhileConnecting},
		{"CloseWhenConnected", closeWhenConnected},
		{"CloseInsideReceived", closeInsideReceived},
		{"CloseWhileSending", closeWhileSending},
		{"CloseUnderTheHandlersLock", closeUnderLock},
		{"RefusedDial", refused},
		{"UnknownName", unknownName},
		{"ConnectTimeout", connectTimeout},
		{"GivenAddressIsNotLookedUp", givenAddress},
		{"LocalhostIsThisMachine", localhost},
		{"ForgetLeavesConnectionsAlone", forget},
		{"AliveUntilThePeerEndsOrSpeaks", alive},
		{"ProbeEndsConnectionsWhosePeersAreGone", probe},
		{"PanicFailsOneConnection", panics},
		{"ManyConnectionsAtOnce", many},
		{"TransportClosed", transportClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			t.Cleanup(func() { noGoroutineLeft(t, before) })
			s := &suite{T: t, pool: buffertest.Pool(t)}
			s.tr = create(t)
			t.Cleanup(func() {
				s.tr.Close()
				require.Eventually(t, func() bool { return s.tr.Open() == 0 }, patience, time.Millisecond, "connections stay open")
			})
			test.run(s)
		})
	}
}

func noGoroutineLeft(t *testing.T, before int) {
	end := time.Now().Add(patience)
	for runtime.NumGoroutine() > before {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(time.Millisecond) // a goroutine's end has no event
	}
}

type suite struct {
	*testing.T
	pool *buffers.Pool
	tr   transport.Transport
}

// listen serves every connection by a goroutine of its own.
func (s *suite) listen(serve func(c *net.TCPConn)) (host string, port uint16) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s, err)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer c.Close()
				c.SetDeadline(time.Now().Add(2 * patience))
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	s.Cleanup(func() { l.Close(); wg.Wait() })
	a := l.Addr().(*net.TCPAddr)
	return "127.0.0.1", uint16(a.Port)
}

func (s *suite) dial(h transport.Handler, host string, port uint16) transport.Conn {
	c := s.tr.Dial(&transport.Dial{Host: host, Port: port, ConnectTimeout: int64(patience), Pool: s.pool}, h)
	s.Cleanup(c.Close)
	return c
}

// bytes gives a sequence with a copy of text, in pieces of at most size bytes.
func (s *suite) bytes(text []byte, size int) *buffers.Sequence {
	q := new(buffers.Sequence)
	for len(text) > 0 {
		n := min(size, len(text))
		b := s.pool.Get(n)
		copy(b.Bytes(), text)
		q.Append(b, 0, n)
		text = text[n:]
	}
	return q
}

func (s *suite) text(text string) *buffers.Sequence { return s.bytes([]byte(text), 1<<20) }

func serveEcho(c *net.TCPConn) { io.Copy(c, c) }

// pattern gives n bytes that do not repeat soon.
func pattern(n int, seed uint32) []byte {
	b := make([]byte, n)
	x := seed*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// smallBuffer fills fast, but still takes a segment of the loopback device (64 KiB): below, TCP waits for its timers and a
// megabyte takes a minute.
const smallBuffer = 64 << 10

func tiny(c *net.TCPConn) {
	c.SetReadBuffer(smallBuffer)
	c.SetWriteBuffer(smallBuffer)
}

func echo(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	r.Keep = true
	c := s.dial(r, host, port)
	r.WaitConnected()
	assert.Equal(s, 1, r.Resolves)
	assert.Equal(s, net.JoinHostPort(host, itoa(port)), r.Address)
	assert.True(s, c.Send(s.text("hello")), "a small Send leaves at once or says so")
	r.Wait("the echo", func() bool { return r.Got == 5 })
	assert.Equal(s, "hello", string(r.Bytes))
	assert.EqualValues(s, 5, c.Written())
	c.Close()
	assert.Nil(s, r.WaitClosed())
	assert.Equal(s, 0, s.tr.Open())
}

func itoa(port uint16) string {
	var b [5]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + port%10)
		if port /= 10; port == 0 {
			return string(b[i:])
		}
	}
}

// sender sends all of data in pieces from wherever it is called.
type sender struct {
	s    *suite
	c    transport.Conn
	data []byte
	step int
	seg  int
}

func (d *sender) pump() {
	for len(d.data) > 0 {
		n := min(d.step, len(d.data))
		q := d.s.bytes(d.data[:n], d.seg)
		d.data = d.data[n:]
		if !d.c.Send(q) {
			return // Sendable goes on
		}
	}
}

func manySmall(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	for i := 1; i <= 200; i++ {
		if !c.Send(s.text("ping")) {
			r.Wait("Sendable", func() bool { return r.Sendables > 0 })
		}
		r.Wait("pong", func() bool { return r.Got >= 4*i })
	}
	c.Close()
	assert.Nil(s, r.WaitClosed())
}

func large(s *suite) {
	const size = 8 << 20
	up, down := pattern(size, 1), pattern(size, 2)
	sum := make(chan [32]byte, 1)
	full := make(chan struct{})
	host, port := s.listen(func(c *net.TCPConn) {
		tiny(c)
		<-full
		var wg sync.WaitGroup
		wg.Add(1)
		go func() { defer wg.Done(); c.Write(down) }()
		got, _ := io.ReadAll(io.LimitReader(c, size))
		sum <- sha256.Sum256(got)
		wg.Wait()
	})
	r := NewRecorder(s)
	d := &sender{s: s, data: up, step: 200_000, seg: 7000}
	r.OnSendable = d.pump
	d.c = s.dial(r, host, port)
	r.WaitConnected()
	d.pump() // ends when the socket is full
	close(full)
	r.Wait("all bytes", func() bool { return r.Got == size })
	assert.Equal(s, sha256.Sum256(up), <-sum)
	want := sha256.Sum256(down)
	assert.Equal(s, want[:], r.Hash.Sum(nil))
	r.Wait("Sendable", func() bool { return r.Sendables > 0 })
	assert.EqualValues(s, size, d.c.Written())
	d.c.Close()
	r.WaitClosed()
}

func manySegments(s *suite) {
	text := pattern(3000, 3)
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	r.Keep = true
	c := s.dial(r, host, port)
	r.WaitConnected()
	c.Send(s.bytes(text, 7)) // 429 segments: more than one vector holds
	r.Wait("the echo", func() bool { return r.Got == len(text) })
	assert.Equal(s, text, r.Bytes)
	c.Close()
	r.WaitClosed()
}

func pause(s *suite) {
	const size = 32 << 20
	written := make(chan int, size/65536+1)
	host, port := s.listen(func(c *net.TCPConn) {
		tiny(c)
		b := pattern(65536, 4)
		for n := 0; n < size; n += len(b) {
			if _, err := c.Write(b); err != nil {
				break
			}
			written <- n + len(b)
		}
		close(written)
	})
	r := NewRecorder(s)
	var c transport.Conn
	ready := make(chan struct{})
	r.OnReceived = func(*buffers.Sequence) {
		<-ready
		if r.Receives == 2 {
			c.PauseReading()
		}
	}
	c = s.dial(r, host, port)
	close(ready)
	r.Wait("three pieces", func() bool { return r.Receives >= 3 })
	// The peer stops when the socket's buffers are full: what it has written no longer grows.
	last := 0
	for still := 0; still < 5; {
		select {
		case p, ok := <-written:
			require.True(s, ok, "the peer wrote everything although nobody read")
			last, still = p, 0
		case <-time.After(20 * time.Millisecond):
			still++
		}
	}
	r.mu.Lock()
	got := r.Got
	r.mu.Unlock()
	assert.Less(s, last, size)
	assert.LessOrEqual(s, got, 4*64<<10, "received while paused")
	c.ResumeReading()
	r.Wait("everything", func() bool { return r.Got == size })
	c.Close()
	r.WaitClosed()
}

func closedWhilePaused(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	c.PauseReading()
	c.Send(s.text("unread"))
	c.Close()
	assert.Nil(s, r.WaitClosed())
}

func halfClose(s *suite) {
	got := make(chan string, 1)
	host, port := s.listen(func(c *net.TCPConn) {
		c.Write([]byte("last words"))
		c.CloseWrite()
		b, _ := io.ReadAll(io.LimitReader(c, 6))
		got <- string(b)
	})
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.Wait("EOF", func() bool { return r.EOFs == 1 })
	assert.Equal(s, len("last words"), r.Got)
	assert.True(s, c.Send(s.text("answer")))
	assert.Equal(s, "answer", <-got)
	c.Close()
	assert.Nil(s, r.WaitClosed())
	assert.Equal(s, 1, r.EOFs)
}

func endBehindBytes(s *suite) {
	host, port := s.listen(func(c *net.TCPConn) { c.Write([]byte("bye")) })
	for range 100 {
		r := NewRecorder(s)
		c := s.dial(r, host, port)
		r.Wait("EOF", func() bool { return r.EOFs == 1 })
		assert.Equal(s, 3, r.Got)
		c.Close()
		r.WaitClosed()
	}
}

func reset(s *suite) {
	host, port := s.listen(func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 2))
		c.SetLinger(0)
	})
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	c.Send(s.text("go"))
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusClosed, fault.Status, fault.Text)
	assert.NotZero(s, fault.Code, fault.Text)
	assert.Zero(s, r.EOFs, "a reset is no end")
}

func answerBeforeReset(s *suite) {
	// A server that refuses an upload: it answers, and closes with bytes unread, which resets the connection.
	host, port := s.listen(func(c *net.TCPConn) {
		io.ReadFull(c, make([]byte, 10))
		c.Write([]byte("no, thanks"))
		time.Sleep(10 * time.Millisecond) // the answer is on its way before the reset
	})
	r := NewRecorder(s)
	d := &sender{s: s, data: pattern(8<<20, 5), step: 100_000, seg: 50_000}
	r.OnSendable = d.pump
	d.c = s.dial(r, host, port)
	r.WaitConnected()
	d.pump()
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusClosed, fault.Status, fault.Text)
	assert.Equal(s, len("no, thanks"), r.Got)
}

// Nobody resumes reading before the bytes have left, and they never will.
func resetWhilePaused(s *suite) {
	reset := make(chan struct{})
	host, port := s.listen(func(c *net.TCPConn) {
		c.SetReadBuffer(4096)
		c.Write([]byte("some"))
		<-reset
		c.SetLinger(0)
	})
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	c.PauseReading()
	data := pattern(100_000, 5)
	for range 1000 {
		if !c.Send(s.text(string(data))) {
			break // the socket is full
		}
	}
	close(reset)
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusClosed, fault.Status, fault.Text)
	assert.Zero(s, r.Sendables)
}

func sendToGone(s *suite) {
	host, port := s.listen(func(c *net.TCPConn) { io.ReadFull(c, make([]byte, 1)); c.SetLinger(0) })
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	c.Send(s.text("x"))
	r.WaitClosed()
	assert.False(s, c.Send(s.text("late"))) // released, as the pool finds
	c.PauseReading()
	c.ResumeReading()
	c.Close()
}

func closeWhileConnecting(s *suite) {
	r := NewRecorder(s)
	host, port := Silent(s)
	c := s.dial(r, host, port)
	start := time.Now()
	c.Close()
	assert.Nil(s, r.WaitClosed())
	assert.Less(s, time.Since(start), 5*time.Second)
	assert.Zero(s, r.Connects)
}

func closeWhenConnected(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	var c transport.Conn
	ready := make(chan struct{})
	r.OnConnected = func() { <-ready; c.Close() }
	c = s.dial(r, host, port)
	close(ready)
	assert.Nil(s, r.WaitClosed())
	assert.False(s, c.Send(s.text("late")))
}

func closeInsideReceived(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	var c transport.Conn
	r.OnReceived = func(*buffers.Sequence) { c.Close(); c.Close() }
	c = s.dial(r, host, port)
	r.WaitConnected()
	c.Send(s.text("x"))
	assert.Nil(s, r.WaitClosed())
}

func closeWhileSending(s *suite) {
	stop := make(chan struct{})
	host, port := s.listen(func(c *net.TCPConn) { tiny(c); <-stop })
	defer close(stop)
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	for c.Send(s.bytes(make([]byte, 1<<20), 1<<20)) {
	}
	c.Close()
	assert.Nil(s, r.WaitClosed())
}

func closeUnderLock(s *suite) {
	host, port := s.listen(serveEcho)
	for range 20 {
		var mu sync.Mutex
		r := NewRecorder(s)
		inside := make(chan struct{}, 8)
		r.OnReceived = func(*buffers.Sequence) {
			inside <- struct{}{}
			mu.Lock()
			defer mu.Unlock()
		}
		c := s.dial(r, host, port)
		r.WaitConnected()
		mu.Lock()
		c.Send(s.text("x"))
		<-inside // the handler waits for the lock
		c.PauseReading()
		c.ResumeReading()
		c.Send(s.text("y"))
		c.Close()
		mu.Unlock()
		assert.Nil(s, r.WaitClosed())
	}
}

func refused(s *suite) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s, err)
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	r := NewRecorder(s)
	s.dial(r, "127.0.0.1", port)
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusConnect, fault.Status, fault.Text)
	assert.NotZero(s, fault.Code)
	assert.Contains(s, fault.Text, "refused")
}

func unknownName(s *suite) {
	r := NewRecorder(s)
	s.dial(r, strings.Repeat("a", 64)+".invalid", 80) // a label that no name server needs to be asked about
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusResolve, fault.Status, fault.Text)
	assert.Zero(s, r.Resolves)
}

func connectTimeout(s *suite) {
	r := NewRecorder(s)
	host, port := Silent(s)
	c := s.tr.Dial(&transport.Dial{Host: host, Port: port, ConnectTimeout: 50e6, Pool: s.pool}, r)
	defer c.Close()
	fault := r.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusTimeout, fault.Status, fault.Text)
	assert.Equal(s, wire.PhaseConnect, fault.Code)
}

func panics(s *suite) {
	host, port := s.listen(serveEcho)
	good := NewRecorder(s)
	g := s.dial(good, host, port)
	good.WaitConnected()
	full := make(chan struct{})
	slowHost, slowPort := s.listen(func(c *net.TCPConn) {
		tiny(c)
		<-full
		io.Copy(io.Discard, c)
	})
	for _, where := range []string{"received", "connected", "sendable"} {
		bad := NewRecorder(s)
		hook := func() { panic("thrown by a test in " + where) }
		switch where {
		case "received":
			bad.OnReceived = func(*buffers.Sequence) { hook() }
		case "connected":
			bad.OnConnected = hook
		case "sendable":
			bad.OnSendable = hook
			host, port = slowHost, slowPort
		}
		b := s.dial(bad, host, port)
		switch where {
		case "received":
			bad.WaitConnected()
			b.Send(s.text("x"))
		case "sendable":
			bad.WaitConnected()
			for b.Send(s.bytes(make([]byte, 1<<20), 1<<20)) {
			}
			close(full)
		}
		fault := bad.WaitClosed()
		require.NotNil(s, fault)
		assert.Equal(s, wire.StatusInternal, fault.Status, fault.Text)
		assert.Contains(s, fault.Text, "thrown by a test in "+where)
	}
	g.Send(s.text("still here"))
	good.Wait("the echo", func() bool { return good.Got == 10 })
	g.Close()
	good.WaitClosed()
}

func many(s *suite) {
	const conns, rounds = 64, 10
	host, port := s.listen(serveEcho)
	rs := make([]*Recorder, conns)
	cs := make([]transport.Conn, conns)
	for i := range rs {
		rs[i] = NewRecorder(s)
		cs[i] = s.dial(rs[i], host, port)
	}
	assert.Positive(s, s.tr.Open())
	for i := range rs {
		rs[i].WaitConnected()
	}
	for n := 1; n <= rounds; n++ {
		for _, c := range cs {
			c.Send(s.text("hello"))
		}
		for _, r := range rs {
			r.Wait("the echo", func() bool { return r.Got == 5*n })
		}
	}
	for i, c := range cs {
		c.Close()
		assert.Nil(s, rs[i].WaitClosed())
	}
	assert.Equal(s, 0, s.tr.Open())
}

func transportClosed(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	s.dial(r, host, port)
	r.WaitConnected()
	s.tr.Close()
	assert.Nil(s, r.WaitClosed())
	late := NewRecorder(s)
	s.dial(late, host, port)
	fault := late.WaitClosed()
	require.NotNil(s, fault)
	assert.Equal(s, wire.StatusCancelled, fault.Status)
}
