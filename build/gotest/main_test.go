package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readText(t *testing.T, in, skips string) (counts, string) {
	t.Helper()
	allowed, err := parseSkips(skips)
	require.NoError(t, err)
	var out strings.Builder
	c, err := read(strings.NewReader(in), &out, allowed, false)
	require.NoError(t, err)
	return c, out.String()
}

func TestPassesAreCountedAndQuiet(t *testing.T) {
	c, out := readText(t, `
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestOne/sub"}
{"Action":"pass","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a"}
{"Action":"skip","Package":"empty"}`, "")
	assert.Equal(t, counts{1, 0, 0}, c)
	assert.NotContains(t, out, "chatter")
	assert.Equal(t, "go: 1 passed, 0 failed, 0 skipped", c.String())
}

func TestFailuresAreShown(t *testing.T) {
	c, out := readText(t, `{"Action":"output","Package":"a","Test":"TestOne","Output":"what broke\n"}
{"Action":"fail","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"fail","Package":"a"}`, "")
	assert.Equal(t, counts{0, 1, 0}, c, "the package's own failure is the same one")
	assert.Contains(t, out, "what broke")
}

func TestPackageThatDoesNotBuildIsOneFailure(t *testing.T) {
	c, out := readText(t, `{"ImportPath":"a [a.test]","Action":"build-output","Output":"a.go:1: no\n"}
{"ImportPath":"a [a.test]","Action":"build-fail"}
{"Action":"start","Package":"a"}
{"Action":"fail","Package":"a","FailedBuild":"a [a.test]"}`, "")
	assert.Equal(t, counts{0, 1, 0}, c)
	assert.Contains(t, out, "a.go:1: no")
}

func TestTestThatNeverEndedIsShown(t *testing.T) {
	c, out := readText(t, `{"Action":"output","Package":"a","Test":"TestHangs","Output":"waiting\n"}
{"Action":"output","Package":"a","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"a"}`, "")
	assert.Equal(t, counts{0, 1, 0}, c)
	assert.Contains(t, out, "panic: test timed out")
	assert.Contains(t, out, "waiting")
}

func TestSkipWithoutReasonFails(t *testing.T) {
	in := `{"Action":"output","Package":"a/b","Test":"TestOne","Output":"no such tool\n"}
{"Action":"skip","Package":"a/b","Test":"TestOne"}
{"Action":"pass","Package":"a/b","Test":"TestTwo"}`
	c, out := readText(t, in, "")
	assert.Equal(t, counts{1, 1, 0}, c)
	assert.Contains(t, out, "no such tool")
	c, _ = readText(t, in, "a/b Test(One|Three) not on this platform")
	assert.Equal(t, counts{1, 0, 1}, c)
	c, _ = readText(t, in, "b TestOne another package")
	assert.Equal(t, counts{1, 1, 0}, c)
}

func TestSkipsNeedAReason(t *testing.T) {
	_, err := parseSkips("a TestOne")
	require.Error(t, err)
	_, err = parseSkips("a( TestOne why")
	require.Error(t, err)
}

func TestWordsOfGoItselfAreShown(t *testing.T) {
	_, out := readText(t, "go: updates to go.mod needed\n", "")
	assert.Contains(t, out, "updates to go.mod")
}
