// Package clitest drives the built turbo as a test suite of a user would: by its command line, its exit status and its two
// streams.
//
//	TURBO_CLI         the program; default build/out/turbo
//	TURBO_TESTSERVER  the server of the C tests; default build/out/testserver
package clitest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

var serverURL string // of the C tests' server, without a slash at its end

func TestMain(m *testing.M) {
	server := exec.Command(turbotest.Program("TURBO_TESTSERVER", "testserver"))
	in, errIn := server.StdinPipe()
	out, errOut := server.StdoutPipe()
	if err := errors.Join(errIn, errOut, server.Start()); err != nil {
		fmt.Fprintln(os.Stderr, "no test server (make tests):", err)
		os.Exit(1)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening ")
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, "the test server said:", line, err)
		os.Exit(1)
	}
	serverURL = "http://" + address
	code := m.Run()
	_ = in.Close()
	_ = server.Wait()
	os.Exit(code)
}

// scripted is a server that reads one request's head and, as far as Content-Length says, body; answers with fixed bytes;
// and closes, or with hang waits until the client does.
type scripted struct {
	url string

	asked chan struct{} // holds one for each of the first requests

	mu       sync.Mutex
	requests []string // whole, as received
	conns    int
}

func script(t *testing.T, hang bool, answers ...string) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scripted{url: "http://" + l.Addr().String(), asked: make(chan struct{}, 100)}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		open.Wait()
	})
	open.Add(1)
	go func() {
		defer open.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			open.Add(1)
			go func() {
				defer open.Done()
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(30 * time.Second))
				s.serve(c, hang, answers)
			}()
		}
	}()
	return s
}

func (s *scripted) serve(c net.Conn, hang bool, answers []string) {
	in := bufio.NewReader(c)
	for _, answer := range answers {
		request, err := readRequest(in)
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		if err != nil {
			return
		}
		select {
		case s.asked <- struct{}{}:
		default:
		}
		if _, err = io.WriteString(c, answer); err != nil {
			return
		}
	}
	if hang {
		_, _ = io.Copy(io.Discard, in)
	}
}

func readRequest(in *bufio.Reader) (string, error) {
	var head strings.Builder
	length := 0
	chunked := false
	for {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		if err != nil {
			return head.String(), err
		}
		_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
		chunked = chunked || line == "Transfer-Encoding: chunked\r\n"
		if line == "\r\n" {
			break
		}
	}
	if chunked { // to the end of the trailers; the tests' chunks hold no line that looks like the last one
		for last := false; ; {
			line, err := in.ReadString('\n')
			head.WriteString(line)
			if err != nil || last && line == "\r\n" {
				return head.String(), err
			}
			last = last || line == "0\r\n"
		}
	}
	body := make([]byte, length)
	n, err := io.ReadFull(in, body)
	head.Write(body[:n])
	return head.String(), err
}

// only is the one request that came.
func (s *scripted) only(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.requests, 1)
	return s.requests[0]
}

func (s *scripted) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}
