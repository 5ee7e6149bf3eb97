package clitest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheFirstProgramShowsAWholeBody: README.md's program, as somebody runs it who copies it.
func TestTheFirstProgramShowsAWholeBody(t *testing.T) {
	out, err := filepath.Abs("../../build/out")
	require.NoError(t, err)
	hello := filepath.Join(t.TempDir(), "hello")
	said, err := exec.Command("cc", "-I"+out+"/include", "../../examples/c/hello.c", "-o", hello, "-L"+out, "-lturbohttp",
		"-Wl,-rpath,"+out).CombinedOutput()
	require.NoError(t, err, string(said))
	for size, path := range map[int]string{0: "/bytes?n=0", 13: "/bytes?n=13&seed=7", 5000000: "/bytes?n=5000000&seed=7", 20000: "/chunked?n=20000&size=7&seed=7"} {
		body, err := exec.Command("timeout", "60", hello, serverURL+path).Output()
		require.NoError(t, err)
		_, body, _ = bytes.Cut(body, []byte("\n")) // behind "HTTP 200, 13 bytes"
		assert.True(t, string(body) == content(7, size), "%s: %d bytes", path, len(body))
	}
}
