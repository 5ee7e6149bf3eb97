// Package examples holds programs that use the library, and the test that keeps the documents honest about them.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var sample = regexp.MustCompile("(?s)<!-- (\\S+) -->\n```c\n(.*?)```")

func TestTheProgramsInThePagesAreTheExamples(t *testing.T) {
	for _, name := range []string{"README.md", "docs/tls.md"} {
		page, err := os.ReadFile("../" + name)
		require.NoError(t, err)
		found := sample.FindAllStringSubmatch(string(page), -1)
		require.NotEmpty(t, found, "%s shows no program", name)
		require.Equal(t, strings.Count(string(page), "```c\n"), len(found), "each program in %s names its file", name)
		for _, m := range found {
			example, err := os.ReadFile("../" + m[1])
			require.NoError(t, err)
			assert.Equal(t, string(example), m[2], "%s and %s differ", m[1], name)
		}
	}
}

func TestTheExamplesCompileWithoutAWarning(t *testing.T) {
	files, err := filepath.Glob("c/*.c")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		out, err := exec.Command("cc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I../include", "-c", file,
			"-o", filepath.Join(t.TempDir(), "example.o")).CombinedOutput()
		assert.NoError(t, err, "%s: %s", file, out)
	}
}
