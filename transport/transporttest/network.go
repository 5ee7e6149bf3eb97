package transporttest

import (
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/transport"
	"turbohttp/wire"
)

// What a transport knows about names and about peers that go without a word.

func givenAddress(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	c := s.tr.Dial(&transport.Dial{Host: "there.invalid", Address: netip.MustParseAddr(host), Port: port, Pool: s.pool}, r)
	r.WaitConnected()
	assert.Equal(s, 1, r.Resolves)
	assert.Equal(s, net.JoinHostPort(host, itoa(port)), r.Address)
	c.Close()
	r.WaitClosed()
}

func localhost(s *suite) {
	_, port := s.listen(serveEcho)
	for _, name := range []string{"localhost", "LocalHost", "a.localhost", "localhost."} {
		r := NewRecorder(s)
		c := s.dial(r, name, port)
		r.WaitConnected()
		c.Close()
		r.WaitClosed()
	}
}

func forget(s *suite) {
	host, port := s.listen(serveEcho)
	r := NewRecorder(s)
	c := s.dial(r, host, port)
	r.WaitConnected()
	s.tr.Forget()
	c.Send(s.text("hello"))
	r.Wait("the echo", func() bool { return r.Got == 5 })
	c.Close()
	assert.Nil(s, r.WaitClosed())
}

func alive(s *suite) {
	for _, end := range []func(c *net.TCPConn){
		func(c *net.TCPConn) { c.CloseWrite() },
		func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
		func(c *net.TCPConn) { c.Write([]byte("unasked")) },
	} {
		now, over := make(chan struct{}), make(chan struct{})
		host, port := s.listen(func(c *net.TCPConn) { <-now; end(c); <-over })
		r := NewRecorder(s)
		c := s.dial(r, host, port)
		r.WaitConnected()
		c.PauseReading() // so that the reader takes nothing away
		for range 100 {
			require.True(s, c.Alive(0))
		}
		close(now)
		if seesTheEnd {
			require.Eventually(s, func() bool { return !c.Alive(0) }, patience, time.Millisecond)
		}
		c.Close()
		close(over)
		r.WaitClosed()
		assert.False(s, c.Alive(0), "after Closed")
	}
	taken(s)
	r := NewRecorder(s)
	host, port := Silent(s)
	c := s.dial(r, host, port)
	assert.False(s, c.Alive(0), "before Connected")
	c.Probe()
	c.Close()
	r.WaitClosed()
	c.Probe()
}

// taken looks while the handler has bytes in its hands: whoever looks says how far it has come, and what is beyond counts,
// whether it lies in the socket, was taken from there, or is just being given. Nothing slips through between them.
func taken(s *suite) {
	more, over := make(chan struct{}), make(chan struct{})
	host, port := s.listen(func(c *net.TCPConn) {
		c.Write([]byte("first"))
		<-more
		c.Write([]byte("second"))
		<-over
	})
	r := NewRecorder(s)
	given, goOn := make(chan int), make(chan struct{})
	r.OnReceived = func(in *buffers.Sequence) { given <- in.Len(); <-goOn }
	c := s.dial(r, host, port)
	n := 0
	for n < len("first") {
		n += <-given
		assert.False(s, c.Alive(0), "it is being given")
		if n == len("first") {
			assert.True(s, c.Alive(uint64(n)), "from inside the handler, which has taken it")
			close(more)
		}
		goOn <- struct{}{}
	}
	// The reader takes it from the socket at some moment of this.
	for end := time.Now().Add(patience); c.Alive(uint64(n)); runtime.Gosched() {
		if time.Now().After(end) {
			require.Fail(s, "nothing more was seen")
		}
	}
	for n < len("firstsecond") {
		for range 1000 {
			assert.False(s, c.Alive(uint64(n)), "once seen, it is seen until it is taken")
		}
		n += <-given
		goOn <- struct{}{}
	}
	r.Wait("all", func() bool { return r.Got == n })
	assert.True(s, c.Alive(uint64(n)))
	c.Close()
	close(over)
	r.WaitClosed()
}

// probe asks five peers at once: one that answers, one that is alive and does not read, and three that are gone without a
// word: one in peace, one with bytes on their way to it, and one that had stopped reading.
func probe(s *suite) {
	over := make(chan struct{})
	var rs [5]*Recorder
	var cs [5]transport.Conn
	stopped, vanished := make(chan struct{}), make(chan struct{})
	for i := range rs {
		ready := make(chan struct{})
		host, port := s.listen(func(c *net.TCPConn) {
			switch i {
			case 0:
				close(ready)
				serveEcho(c)
				return
			case 1:
				tiny(c)
			case 4:
				tiny(c)
				close(ready)
				<-stopped
				if canDeafen {
					require.NoError(s, Deafen(c))
				}
				close(vanished)
				<-over
				return
			default:
				if canDeafen {
					require.NoError(s, Deafen(c))
				}
			}
			close(ready)
			<-over
		})
		rs[i] = NewRecorder(s)
		cs[i] = s.dial(rs[i], host, port)
		rs[i].WaitConnected()
		<-ready
	}
	defer close(over)
	for _, c := range []transport.Conn{cs[1], cs[4]} {
		for c.Send(s.bytes(make([]byte, 1<<20), 1<<20)) {
		}
	}
	time.Sleep(100 * time.Millisecond) // what is on its way arrives, and the window is closed
	close(stopped)
	<-vanished
	cs[3].Send(s.text("nobody acknowledges this"))
	for _, c := range cs {
		c.Probe()
		c.Probe()
	}
	if canDeafen {
		for _, r := range rs[2:] {
			fault := r.WaitClosed()
			require.NotNil(s, fault)
			assert.Equal(s, wire.StatusClosed, fault.Status, fault.Text)
			assert.NotZero(s, fault.Code)
			assert.Zero(s, r.EOFs)
		}
	}
	time.Sleep(2 * time.Second) // the time of the others would be over, too
	cs[0].Send(s.text("hello"))
	rs[0].Wait("the echo", func() bool { return rs[0].Got == 5 })
	cs[0].Probe()
	cs[0].Close() // with a question open
	assert.Nil(s, rs[0].WaitClosed())
	assert.Zero(s, rs[1].closes(), "its window is closed, but it lives")
	cs[1].Close()
	assert.Nil(s, rs[1].WaitClosed())
}
