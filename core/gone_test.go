package core_test

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers/buffertest"
	"turbohttp/core"
	"turbohttp/transport/netconn"
	"turbohttp/wire"
)

// A connection may be closed after it was given to its next exchange and before that began.
func TestWhoeverGetsAConnectionThatIsBeingClosedIsNotTakenForComplete(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 1})
	a := v.submit("GET", "http://a/1")
	b := v.submit("GET", "http://a/2")
	l := v.live()
	l.connect()
	v.sink.onDone = func(x *call) {
		if x == a {
			v.sink.onDone = nil
			closed := make(chan struct{})
			go func() { // another thread destroys the client while DONE is told
				v.Client.Close(func() {})
				close(closed)
			}()
			<-closed
		}
	}
	l.answer("one")
	v.settle()
	assert.Equal(t, 1, b.dones)
	require.NotNil(t, b.fault, "it was never sent and has no head")
}

// The goroutine that submits finds that the exchange is over before it began; meanwhile the connection goes.
func TestAConnectionThatGoesBehindAVerdictIsNotUsedAgain(t *testing.T) {
	for _, stopped := range []bool{true, false} {
		v := newVirtual(t, core.Config{ConnectionsPerHost: 1})
		a := v.submit("GET", "http://a/1")
		l := v.live()
		l.connect()
		l.answer("one")
		a.ok(t, 200, "one")
		b := newCall("GET", "http://a/2")
		if !stopped {
			b = newCall("BAD METHOD", "http://a/2")
		}
		core.SetStepHook(func(x *core.Exchange, where string) {
			if where == "assigned" && stopped && x == &b.Exchange {
				v.Cancel(x, wire.StatusCancelled)
			}
			if where == "verdict" {
				core.SetStepHook(nil)
				l.end()
				l.gone(nil)
			}
		})
		t.Cleanup(func() { core.SetStepHook(nil) })
		v.Submit(&b.Exchange)
		assert.Equal(t, 1, b.dones)
		assert.NotNil(t, b.fault)
		c := v.submit("GET", "http://a/3")
		m := v.live()
		require.NotSame(t, l, m)
		m.connect()
		m.answer("three")
		c.ok(t, 200, "three")
	}
}

// A repeat prefers a new connection, because an idle one might be as stale. When none can be made it takes an idle one.
func TestARepeatTakesAnIdleConnectionWhenNoNewOneCanBeMade(t *testing.T) {
	v := newVirtual(t, core.Config{ConnectionsPerHost: 2, IdleTimeout: -1})
	a, b := v.submit("GET", "http://a/1"), v.submit("GET", "http://a/2")
	l, m := v.links[0], v.links[1]
	l.connect()
	m.connect()
	l.answer("one")
	m.answer("two")
	a.ok(t, 200, "one")
	b.ok(t, 200, "two")
	c := v.submit("GET", "http://a/3") // on m, the last one used
	m.gone(wire.Faultf(wire.StatusClosed, 104, "net", "reset"))
	for _, k := range v.links {
		if !k.connected {
			k.gone(refused)
			break
		}
	}
	l.answer("three")
	c.ok(t, 200, "three")
}

// Servers that close after each answer race with the next request on the same connection.
func TestEveryAnswerOfAServerThatAlwaysClosesIsWhole(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					if line == "\r\n" {
						break
					}
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			}()
		}
	}()
	pool := buffertest.Pool(t)
	s := &sink{t: t}
	client := core.NewClient(core.Config{Transport: netconn.New(), Pool: pool}, s)
	url := "http://127.0.0.1:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port) + "/"
	for i, end := 0, time.Now().Add(time.Second); i < 3000 && time.Now().Before(end); i++ {
		x := newCall("GET", url)
		client.Submit(&x.Exchange)
		if x.done(t) == nil {
			require.Equal(t, 1, x.heads, "request %d is done without a fault and without a head", i)
		}
	}
	closed := make(chan struct{})
	client.Close(func() { close(closed) })
	<-closed
}
