package clitest

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/cli/turbotest"
)

const most = 90 * time.Second // for a run that hangs: then the test fails

// TestASignalEndsIt: a shell sees 130 and 143 only of a process that died by the signal.
func TestASignalEndsIt(t *testing.T) {
	for _, arguments := range [][]string{{"-o", filepath.Join(t.TempDir(), "body")}, {"--json"}, {"-v"}, {"--json", "--parallel", "--repeat", "5"}} {
		for _, number := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			s := script(t, true, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
			ctx, cancel := context.WithTimeout(context.Background(), most)
			cmd := exec.CommandContext(ctx, turbotest.Program("TURBO_CLI", "turbo"), append(arguments, "--timeout-ms", "0", s.url)...)
			require.NoError(t, cmd.Start())
			<-s.asked
			require.NoError(t, cmd.Process.Signal(number))
			_ = cmd.Wait()
			cancel()
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, ok)
			require.True(t, status.Signaled(), "%q: %v", arguments, cmd.ProcessState)
			assert.Equal(t, number, status.Signal(), "%q", arguments)
		}
	}
}

// TestASignalLeavesTheLineOfTheProgressBar: what comes next, the prompt, is not drawn behind the bar.
func TestASignalLeavesTheLineOfTheProgressBar(t *testing.T) {
	s := script(t, true, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"+strings.Repeat("a", 500))
	dir := t.TempDir()
	command := "echo pid $$; exec " + turbotest.Program("TURBO_CLI", "turbo") + " --timeout-ms 0 -o " + dir + "/body " + s.url
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qec", command, dir+"/typescript")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var said bytes.Buffer
	bar := regexp.MustCompile(`(?s)pid (\d+)\r\n.*500 B of 1000 B`)
	one := make([]byte, 1)
	for !bar.Match(said.Bytes()) {
		_, err := io.ReadFull(out, one)
		require.NoError(t, err, said.String())
		said.Write(one)
	}
	pid, err := strconv.Atoi(string(bar.FindSubmatch(said.Bytes())[1]))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGINT))
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	_ = cmd.Wait()
	assert.Regexp(t, "\x1b\\[K\r\n$", string(rest))
	assert.Equal(t, 128+int(syscall.SIGINT), cmd.ProcessState.ExitCode())
}
