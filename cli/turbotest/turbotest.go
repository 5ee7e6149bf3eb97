// Package turbotest runs the built turbo for tests: by its command line, its exit status and its two streams.
//
//	TURBO_CLI  the program; default build/out/turbo
package turbotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// Program is what the environment variable names, or the file of that name in build/out, as seen from a package two
// folders below the top.
func Program(variable, name string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, _ := filepath.Abs("../../build/out/" + name)
	return path
}

// Result is what a line of --json says. Fields that may be absent are pointers.
type Result struct {
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

// Header gives the first value of that name; "": there is none.
func (r Result) Header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// Ran is what a run of the program left behind.
type Ran struct {
	Exit           int
	Stdout, Stderr string
	MaxRSS         int64 // bytes
}

// Turbo runs the program. Whatever it finds, it may not crash.
func Turbo(t *testing.T, arguments ...string) Ran {
	t.Helper()
	return TurboTo(t, nil, arguments...)
}

// TurboTo gives the program a standard output of its own; nil collects it.
func TurboTo(t *testing.T, out io.Writer, arguments ...string) Ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second) // longer than any --timeout-ms of a test
	defer cancel()
	cmd := exec.CommandContext(ctx, Program("TURBO_CLI", "turbo"), arguments...)
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
	r := Ran{Exit: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = usage.Maxrss << 10
	}
	return r
}

// Results runs with --json and reads every line with a JSON parser that knows no other fields.
func Results(t *testing.T, arguments ...string) ([]Result, Ran) {
	t.Helper()
	r := Turbo(t, append([]string{"--json"}, arguments...)...)
	require.True(t, utf8.ValidString(r.Stdout), "not UTF-8: %q", r.Stdout)
	require.True(t, r.Stdout == "" || strings.HasSuffix(r.Stdout, "\n"), "the last line is not complete")
	var all []Result
	good := true
	for i, line := range strings.Split(strings.TrimSuffix(r.Stdout, "\n"), "\n") {
		var one Result
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
	require.Equal(t, good, r.Exit == 0, "exit %d\n%s", r.Exit, r.Stdout)
	return all, r
}

// One runs with --json for one URL.
func One(t *testing.T, arguments ...string) Result {
	t.Helper()
	all, r := Results(t, arguments...)
	require.Len(t, all, 1)
	require.Empty(t, r.Stderr)
	return all[0]
}
