package clitest

import (
	"bufio"
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
)

func TestOneClientServesTheWholeCommandLine(t *testing.T) {
	s := script(t, false, nothing, nothing, nothing, nothing, nothing, nothing)
	all, _ := results(t, "--repeat", "3", s.url+"/a", s.url+"/b")
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
	all, _ := results(t, "--parallel", "--repeat", "10", url+"/a", url+"/b")
	require.Len(t, all, count)
	for i, r := range all {
		assert.Equal(t, sha([]string{"/a", "/b"}[i%2]), *r.BodySHA256, "in the order of the URLs")
	}
	served.Wait()
}

func TestParallelBodiesComeInTheOrderOfTheURLs(t *testing.T) {
	r := turbo(t, "--parallel", serverURL+"/slow?ms=100", serverURL+"/hello", serverURL+"/drop", serverURL+"/slow?ms=50")
	assert.Equal(t, 1, r.exit)
	assert.Equal(t, "slow\nhello, world\nslow\n", r.stdout)
	assert.Contains(t, r.stderr, "[closed]")
}

func TestDelayIsAPauseBetweenRequests(t *testing.T) {
	began := time.Now()
	results(t, "--delay-ms", "150", "--repeat", "3", serverURL+"/hello")
	assert.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond) // two pauses; never less, however slow the machine
}

func TestBodiesGoToStdoutOrToTheFile(t *testing.T) {
	r := turbo(t, serverURL+"/hello", serverURL+"/bytes?n=100000&seed=3")
	assert.Equal(t, 0, r.exit)
	assert.Equal(t, "hello, world\n"+content(3, 100000), r.stdout)
	assert.Empty(t, r.stderr)

	for _, arguments := range [][]string{nil, {"--json"}, {"-i"}, {"--parallel"}} {
		file := filepath.Join(t.TempDir(), "body")
		r = turbo(t, append(arguments, "-o", file, serverURL+"/hello", serverURL+"/bytes?n=100000&seed=3")...)
		assert.Equal(t, 0, r.exit)
		assert.Empty(t, r.stderr, "no progress bar without a terminal")
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "hello, world\n"+content(3, 100000), string(got))
		switch {
		case len(arguments) == 0 || arguments[0] == "--parallel":
			assert.Empty(t, r.stdout)
		case arguments[0] == "--json":
			assert.Equal(t, 2, strings.Count(r.stdout, "\n"))
		default:
			assert.Equal(t, 2, strings.Count(r.stdout, "HTTP/1.1 200 OK\n"))
		}
	}
}

func TestTheHeadIsShownBeforeTheBody(t *testing.T) {
	r := turbo(t, "-i", serverURL+"/chunked?n=0")
	assert.Equal(t, "HTTP/1.1 200 OK\nServer: testserver\nTransfer-Encoding: chunked\n\nX-Trailer: yes\n", r.stdout)
	r = turbo(t, "-i", "-X", "HEAD", serverURL+"/hello")
	assert.Equal(t, "HTTP/1.1 200 OK\nServer: testserver\nContent-Type: text/plain\nContent-Length: 13\n\n", r.stdout)
}

func TestTheStoryGoesToStderr(t *testing.T) {
	for _, json := range []string{"", "--json"} {
		arguments := []string{"-v", "-H", "X: y", "-d", "hello", serverURL + "/echo", serverURL + "/echo"}
		if json != "" {
			arguments = append(arguments, json)
		}
		r := turbo(t, arguments...)
		assert.Equal(t, 0, r.exit)
		if json == "" {
			assert.Equal(t, "hellohello", r.stdout)
		} else {
			assert.Equal(t, 2, strings.Count(r.stdout, "\n"))
		}
		assert.Contains(t, r.stderr, "> POST "+serverURL+"/echo\n> X: y\n* request body: 5 bytes\n")
		assert.Contains(t, r.stderr, "* connection to "+strings.TrimPrefix(serverURL, "http://")+", new\n< HTTP/1.1 200 OK\n")
		assert.Contains(t, r.stderr, ", used before\n")
		assert.Regexp(t, `\* since the start: began to connect [0-9.]+ ms, .*connected [0-9.]+ ms, .*done [0-9.]+ ms\n`, r.stderr)
	}
}

func TestWhatCannotBeWrittenFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	for _, arguments := range [][]string{{serverURL + "/bytes?n=1000000"}, {serverURL + "/hello"}, {"--json", serverURL + "/hello"}} {
		r := turboTo(t, full, arguments...)
		assert.Equal(t, 1, r.exit)
		assert.Regexp(t, `^turbo: .*cannot write to the standard output.*\n$`, r.stderr)
	}
	r := turbo(t, "-o", t.TempDir()+"/no/such/place", serverURL+"/hello")
	assert.Equal(t, 1, r.exit)
	assert.Regexp(t, `^turbo: cannot open .*/no/such/place: No such file or directory\n$`, r.stderr)
	r = turbo(t, "--json", "-o", "/dev/full", serverURL+"/bytes?n=1000000")
	assert.Equal(t, 1, r.exit)
	assert.Contains(t, r.stdout, `"error_class":"other","error":"cannot write to /dev/full: No space left on device"`)
}

func TestAReaderThatLeavesIsNoDeath(t *testing.T) {
	in, out, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, in.Close())
	defer out.Close()
	r := turboTo(t, out, "--repeat", "1000", serverURL+"/bytes?n=1000000")
	assert.Equal(t, 1, r.exit)
	assert.Equal(t, 1, strings.Count(r.stderr, "\n"), "and it does not go on: %s", r.stderr)
}

func TestAProgressBarIsDrawnOnATerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "body")
	typescript := filepath.Join(t.TempDir(), "typescript")
	command := program("TURBO_CLI", "turbo") + " -o " + file + " '" + serverURL + "/bytes?n=3000000'"
	out, err := exec.Command("timeout", "30", "script", "-qec", command, typescript).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "100% [==============================] 2.9 MiB of 2.9 MiB")
}
