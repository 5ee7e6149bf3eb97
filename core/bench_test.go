//go:build unix

package core_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/core"
	"turbohttp/transport/netconn"
	"turbohttp/wire"
)

// serverVariable makes the test binary a server instead: its CPU time must not count as ours.
const serverVariable = "TURBO_CORE_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		smallServer()
		return
	}
	os.Exit(m.Run())
}

const smallAnswer = "HTTP/1.1 200 OK\r\nServer: small\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\n" +
	"Content-Length: 64\r\n\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// smallEnd ends the body of a POST to the small server.
const smallEnd = "the end"

// smallServer answers whatever comes with a small response, until its standard input ends.
func smallServer() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 4096)
				answer := []byte(smallAnswer)
				n := 0
				for {
					m, err := c.Read(b[n:])
					if err != nil {
						c.Close()
						return
					}
					n += m
					end := "\r\n\r\n"
					if b[0] == 'P' {
						end = smallEnd
					}
					if bytes.HasSuffix(b[:n], []byte(end)) {
						c.Write(answer)
						n = 0
					}
				}
			}()
		}
	}()
	bufio.NewReader(os.Stdin).ReadByte()
}

// startSmallServer runs the server in a process of its own.
func startSmallServer(t testing.TB) (url string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return "http://" + strings.TrimSpace(line)
}

// loop is a host: it submits an exchange again when it is done.
type loop struct {
	done   chan *core.Exchange
	faults int
}

func (l *loop) Head(*core.Exchange, *wire.ResponseHead) {}
func (l *loop) Body(_ *core.Exchange, in *buffers.Sequence, _ bool) int {
	in.Release()
	return 0
}
func (l *loop) Trailers(*core.Exchange, *wire.Fields) {}
func (l *loop) Stopped(*core.Exchange)                {}
func (l *loop) Sent(*core.Exchange, int)              {}
func (l *loop) Verify(*core.Verify)                   {}

func (l *loop) Done(x *core.Exchange, fault *wire.Fault) {
	if fault != nil {
		l.faults++
	}
	l.done <- x
}

// start submits n exchanges over as many connections.
func (l *loop) start(c *core.Client, url string, n int, timeout int64) {
	for range n {
		x := &core.Exchange{Timeout: timeout}
		x.Head.Method = []byte("GET")
		x.Head.Target = target(url + "/small")
		x.Head.Fields.Add([]byte("Accept"), []byte("*/*"))
		c.Submit(x)
	}
}

func (l *loop) run(c *core.Client, n int) {
	for range n {
		c.Submit(<-l.done)
	}
}

func newLoop(t testing.TB, conns int) (*loop, *core.Client) {
	l := &loop{done: make(chan *core.Exchange, conns)}
	tr := netconn.New()
	pool := buffers.NewPool(buffers.Options{})
	c := core.NewClient(core.Config{Transport: tr, Pool: pool, ConnectionsPerHost: conns, UserAgent: []byte("bench")}, l)
	t.Cleanup(func() {
		done := make(chan struct{})
		c.Close(func() { close(done) })
		<-done
		require.NoError(t, pool.Close())
	})
	return l, c
}

func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func benchmarkSmall(b *testing.B, conns int, timeout int64) {
	l, c := newLoop(b, conns)
	l.start(c, startSmallServer(b), conns, timeout)
	l.run(c, conns*50)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu()
	l.run(c, b.N)
	b.StopTimer()
	b.ReportMetric(float64(cpu()-before)/1e3/float64(b.N), "cpu-µs/op")
	for range conns {
		<-l.done
	}
	require.Zero(b, l.faults)
}

func BenchmarkSmallGet(b *testing.B)            { benchmarkSmall(b, 64, 0) }
func BenchmarkSmallGetWithTimeout(b *testing.B) { benchmarkSmall(b, 64, 30e9) }
func BenchmarkSmallGetAlone(b *testing.B)       { benchmarkSmall(b, 1, 0) }
