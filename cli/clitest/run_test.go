package clitest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

func TestOneClientServesTheWholeCommandLine(t *testing.T) {
	s := script(t, false, nothing, nothing, nothing, nothing, nothing, nothing)
	all, _ := turbotest.Results(t, "--repeat", "3", s.url+"/a", s.url+"/b")
	require.Len(t, all, 6)
	assert.Equal(t, s.url+"/a", *all[4].FinalURL)
	assert.Equal(t, s.url+"/b", *all[5].FinalURL)
	assert.Equal(t, 1, s.connections())
}

// TestParallelMeansAtTheSameTime: the server answers nobody before everybody is there.
func TestParallelMeansAtTheSameTime(t *testing.T) {
	const count = 20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var here, served sync.WaitGroup
	here.Add(count)
	for range count {
		served.Add(1)
		go func() {
			defer served.Done()
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(30 * time.Second))
			request, err := readRequest(bufio.NewReader(c))
			if err != nil {
				return
			}
			here.Done()
			here.Wait()
			path := strings.Fields(request)[1]
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+path)
		}()
	}
	url := "http://" + l.Addr().String()
	all, _ := turbotest.Results(t, "--parallel", "--repeat", "10", url+"/a", url+"/b")
	require.Len(t, all, count)
	for i, r := range all {
		assert.Equal(t, sha([]string{"/a", "/b"}[i%2]), *r.BodySHA256, "in the order of the URLs")
	}
	served.Wait()
}

// TestParallelIsBounded: whatever the number of requests, a few thousand are open at once.
func TestParallelIsBounded(t *testing.T) {
	few := turbotest.Turbo(t, "--json", "--parallel", "--repeat", "4096", serverURL+"/hello")
	many := turbotest.Turbo(t, "--json", "--parallel", "--repeat", "40000", serverURL+"/hello")
	for count, r := range map[int]turbotest.Ran{4096: few, 40000: many} {
		assert.Equal(t, 0, r.Exit)
		lines := strings.Split(strings.TrimSuffix(r.Stdout, "\n"), "\n")
		require.Len(t, lines, count)
		for i, line := range lines {
			require.True(t, strings.HasPrefix(line, fmt.Sprintf(`{"n":%d,"ok":true,`, i)), line)
		}
	}
	if os.Getenv("TURBO_CLI") == "" { // a sanitizer keeps what was freed
		assert.Less(t, many.MaxRSS, 2*few.MaxRSS)
	}
}

func TestParallelBodiesComeInTheOrderOfTheURLs(t *testing.T) {
	r := turbotest.Turbo(t, "--parallel", serverURL+"/slow?ms=100", serverURL+"/hello", serverURL+"/drop", serverURL+"/slow?ms=50")
	assert.Equal(t, 1, r.Exit)
	assert.Equal(t, "slow\nhello, world\nslow\n", r.Stdout)
	assert.Contains(t, r.Stderr, "[closed]")
}

func TestDelayIsAPauseBetweenRequests(t *testing.T) {
	began := time.Now()
	turbotest.Results(t, "--delay-ms", "150", "--repeat", "3", serverURL+"/hello")
	assert.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond) // two pauses; never less, however slow the machine
}

func TestBodiesGoToStdoutOrToTheFile(t *testing.T) {
	r := turbotest.Turbo(t, serverURL+"/hello", serverURL+"/bytes?n=100000&seed=3")
	assert.Equal(t, 0, r.Exit)
	assert.Equal(t, "hello, world\n"+content(3, 100000), r.Stdout)
	assert.Empty(t, r.Stderr)

	for _, arguments := range [][]string{nil, {"--json"}, {"-i"}, {"--parallel"}} {
		file := filepath.Join(t.TempDir(), "body")
		r = turbotest.Turbo(t, append(arguments, "-o", file, serverURL+"/hello", serverURL+"/bytes?n=100000&seed=3")...)
		assert.Equal(t, 0, r.Exit)
		assert.Empty(t, r.Stderr, "no progress bar without a terminal")
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "hello, world\n"+content(3, 100000), string(got))
		switch {
		case len(arguments) == 0 || arguments[0] == "--parallel":
			assert.Empty(t, r.Stdout)
		case arguments[0] == "--json":
			assert.Equal(t, 2, strings.Count(r.Stdout, "\n"))
		default:
			assert.Equal(t, 2, strings.Count(r.Stdout, "HTTP/1.1 200 OK\n"))
		}
	}
}

func TestTheHeadIsShownBeforeTheBody(t *testing.T) {
	r := turbotest.Turbo(t, "-i", serverURL+"/chunked?n=0")
	assert.Equal(t, "HTTP/1.1 200 OK\nServer: testserver\nTransfer-Encoding: chunked\n\nX-Trailer: yes\n", r.Stdout)
	r = turbotest.Turbo(t, "-i", "-X", "HEAD", serverURL+"/hello")
	assert.Equal(t, "HTTP/1.1 200 OK\nServer: testserver\nContent-Type: text/plain\nContent-Length: 13\n\n", r.Stdout)
}

func TestTheStoryGoesToStderr(t *testing.T) {
	for _, json := range []string{"", "--json"} {
		arguments := []string{"-v", "-H", "X: y", "-d", "hello", serverURL + "/echo", serverURL + "/echo"}
		if json != "" {
			arguments = append(arguments, json)
		}
		r := turbotest.Turbo(t, arguments...)
		assert.Equal(t, 0, r.Exit)
		if json == "" {
			assert.Equal(t, "hellohello", r.Stdout)
		} else {
			assert.Equal(t, 2, strings.Count(r.Stdout, "\n"))
		}
		assert.Contains(t, r.Stderr, "> POST "+serverURL+"/echo\n> X: y\n* request body: 5 bytes\n")
		assert.Contains(t, r.Stderr, "* connection to "+strings.TrimPrefix(serverURL, "http://")+", new\n< HTTP/1.1 200 OK\n")
		assert.Contains(t, r.Stderr, ", used before\n")
		assert.Regexp(t, `\* since the start: began to connect [0-9.]+ ms, .*connected [0-9.]+ ms, .*done [0-9.]+ ms\n`, r.Stderr)
	}
}

func TestWhatCannotBeWrittenFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	for _, arguments := range [][]string{{serverURL + "/bytes?n=1000000"}, {serverURL + "/hello"}, {"--json", serverURL + "/hello"}} {
		r := turbotest.TurboTo(t, full, arguments...)
		assert.Equal(t, 1, r.Exit)
		assert.Regexp(t, `^turbo: .*cannot write to the standard output.*\n$`, r.Stderr)
	}
	r := turbotest.TurboTo(t, full, "--json", "-o", t.TempDir()+"/body", serverURL+"/hello")
	assert.Equal(t, 1, r.Exit)
	assert.Equal(t, "turbo: cannot write to the standard output: No space left on device\n", r.Stderr)
	r = turbotest.Turbo(t, "-o", t.TempDir()+"/no/such/place", serverURL+"/hello")
	assert.Equal(t, 1, r.Exit)
	assert.Regexp(t, `^turbo: cannot open .*/no/such/place: No such file or directory\n$`, r.Stderr)
	r = turbotest.Turbo(t, "--json", "-o", "/dev/full", serverURL+"/bytes?n=1000000")
	assert.Equal(t, 1, r.Exit)
	assert.Contains(t, r.Stdout, `"error_class":"other","error":"cannot write to /dev/full: No space left on device"`)
}

func TestAReaderThatLeavesIsNoDeath(t *testing.T) {
	in, out, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, in.Close())
	defer out.Close()
	// It does not go on: a billion requests would outlive the test.
	for _, arguments := range [][]string{nil, {"--json"}, {"-i"}, {"--parallel"}, {"--json", "--parallel"}, {"-i", "--parallel"}} {
		r := turbotest.TurboTo(t, out, append(arguments, "--repeat", "1000000000", serverURL+"/bytes?n=100000")...)
		assert.Equal(t, 1, r.Exit, "%q", arguments)
		assert.Regexp(t, `^turbo: .*cannot write to the standard output: Broken pipe.*\n$`, r.Stderr, "%q", arguments)
	}
	for _, one := range []string{"--help", "--version"} {
		assert.Equal(t, 1, turbotest.TurboTo(t, out, one).Exit, one)
	}
}

// TestAReaderThatLeavesInTheMiddle: the reader takes one line of --json, as head -1 does.
func TestAReaderThatLeavesInTheMiddle(t *testing.T) {
	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	defer out.Close()
	left := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReaderSize(in, 16).ReadString('\n')
		_ = in.Close()
		left <- line
	}()
	r := turbotest.TurboTo(t, out, "--json", "--repeat", "1000000000", serverURL+"/hello")
	assert.True(t, strings.HasPrefix(<-left, `{"n":0,"ok":true,`))
	assert.Equal(t, 1, r.Exit)
	assert.Equal(t, "turbo: cannot write to the standard output: Broken pipe\n", r.Stderr)
}

func TestAProgressBarIsDrawnOnATerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	typescript := filepath.Join(t.TempDir(), "typescript")
	command := turbotest.Program("TURBO_CLI", "turbo") + " -o " + file + " '" + serverURL + "/bytes?n=3000000'"
	out, err := exec.Command("timeout", "30", "script", "-qec", command, typescript).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "100% [==============================] 2.9 MiB of 2.9 MiB")
}
