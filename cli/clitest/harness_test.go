// Package clitest drives the built turbo as a test suite of a user would: by its command line, its exit status and its two
// streams.
//
//	TURBO_CLI         the program; default build/out/turbo
//	TURBO_TESTSERVER  the server of the C tests; default build/out/testserver
package clitest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func program(variable, name string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, _ := filepath.Abs("../../build/out/" + name)
	return path
}

var serverURL string // of the C tests' server, without a slash at its end

func TestMain(m *testing.M) {
	server := exec.Command(program("TURBO_TESTSERVER", "testserver"))
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

// result is what a line of --json says. Fields that may be absent are pointers.
type result struct {
	N             int        `json:"n"`
	OK            *bool      `json:"ok"`
	Status        *int       `json:"status"`
	Reason        *string    `json:"reason"`
	Version       *string    `json:"version"`
	Headers       [][]string `json:"headers"`
	Trailers      [][]string `json:"trailers"`
	Informational []int      `json:"informational"`
	BodyLen       *int64     `json:"body_len"`
	BodySHA256    *string    `json:"body_sha256"`
	FinalURL      *string    `json:"final_url"`
	Redirects     *int       `json:"redirects"`
	ErrorClass    *string    `json:"error_class"`
	CertReason    string     `json:"cert_reason"`
	Error         *string    `json:"error"`
}

func (r result) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// ran is what a run of the program left behind.
type ran struct {
	exit           int
	stdout, stderr string
	maxRSS         int64 // bytes
}

func turbo(t *testing.T, arguments ...string) ran {
	t.Helper()
	return turboTo(t, nil, arguments...)
}

// turboTo gives the program a standard output of its own; nil collects it.
func turboTo(t *testing.T, out io.Writer, arguments ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program("TURBO_CLI", "turbo"), arguments...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &stderr
	if out == nil {
		cmd.Stdout = &stdout
	}
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		require.NoError(t, err)
	}
	require.Contains(t, []int{0, 1, 2, 3}, cmd.ProcessState.ExitCode(), "turbo %q crashed: %v\n%s", arguments, err, stderr.String())
	r := ran{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.maxRSS = usage.Maxrss << 10
	}
	return r
}

// results runs with --json and reads every line with a JSON parser that knows no other fields.
func results(t *testing.T, arguments ...string) ([]result, ran) {
	t.Helper()
	r := turbo(t, append([]string{"--json"}, arguments...)...)
	require.True(t, utf8.ValidString(r.stdout), "not UTF-8: %q", r.stdout)
	require.True(t, r.stdout == "" || strings.HasSuffix(r.stdout, "\n"), "the last line is not complete")
	var all []result
	good := true
	for i, line := range strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n") {
		var one result
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&one), line)
		require.False(t, decoder.More(), line)
		require.Equal(t, i, one.N, line)
		require.NotNil(t, one.OK, line)
		require.NotNil(t, one.FinalURL, line)
		require.NotNil(t, one.Redirects, line)
		require.NotNil(t, one.ErrorClass, line)
		require.NotNil(t, one.Error, line)
		require.Equal(t, *one.OK, *one.ErrorClass == "", line)
		require.Equal(t, *one.OK, *one.Error == "", line)
		require.True(t, !*one.OK || one.Status != nil && one.BodyLen != nil && one.BodySHA256 != nil, line)
		good = good && *one.OK
		all = append(all, one)
	}
	require.Equal(t, good, r.exit == 0, "exit %d\n%s", r.exit, r.stdout)
	return all, r
}

// one runs with --json for one URL.
func one(t *testing.T, arguments ...string) result {
	t.Helper()
	all, r := results(t, arguments...)
	require.Len(t, all, 1)
	require.Empty(t, r.stderr)
	return all[0]
}

// scripted is a server that reads one request's head and, as far as Content-Length says, body; answers with fixed bytes;
// and closes, or with hang waits until the client does.
type scripted struct {
	url string

	mu       sync.Mutex
	requests []string // whole, as received
	conns    int
}

func script(t *testing.T, hang bool, answers ...string) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scripted{url: "http://" + l.Addr().String()}
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
