package build

// The promises of include/*.h that a machine can check: that they compile wherever C and C++ do, that every function says
// its threads, blocking and errors, that structs look the same for 32 and 64 bits, and that the library exports what the
// header declares and nothing else.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const library = "out/libturbohttp.so"

func headers(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("../include/*.h")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

func readHeader(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// target is a compiler for a machine. For some there is no C library here; then ours stands in for what the headers use.
type target struct {
	name    string
	command []string
	cxx     bool // it has a C++ twin of the same options
}

func targets(t *testing.T) []target {
	t.Helper()
	include, err := exec.Command("gcc", "-print-file-name=include").Output()
	require.NoError(t, err)
	shim := []string{"-ffreestanding", "-nostdinc", "-isystem", "shim/freestanding", "-isystem"}
	of := func(command []string, include string) []string { return append(append(command, shim...), include) }
	all := []target{
		{"gcc", []string{"gcc"}, true},
		{"gcc -m32", of([]string{"gcc", "-m32"}, strings.TrimSpace(string(include))), false},
	}
	if _, err := exec.LookPath("clang"); err != nil {
		t.Log("no clang: gcc alone checks the headers")
		return all
	}
	resources, err := exec.Command("clang", "-print-resource-dir").Output()
	require.NoError(t, err)
	own := filepath.Join(strings.TrimSpace(string(resources)), "include")
	all = append(all, target{"clang", []string{"clang"}, true})
	for _, triple := range []string{"i386-linux-gnu", "armv7a-linux-androideabi21", "aarch64-linux-gnu", "arm64-apple-ios",
		"x86_64-pc-windows-msvc", "i686-pc-windows-msvc"} {
		all = append(all, target{triple, of([]string{"clang", "--target=" + triple}, own), false})
	}
	return all
}

func compile(t *testing.T, command []string, standard, source string) {
	t.Helper()
	language := "c"
	command = slices.Clone(command)
	if strings.HasPrefix(standard, "c++") {
		language = "c++"
		command[0] = map[string]string{"gcc": "g++", "clang": "clang++"}[command[0]]
	}
	command = append(command, "-std="+standard, "-x", language, "-I../include", "-fsyntax-only", "-Wall", "-Wextra", "-pedantic",
		"-Werror", "-")
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(source)
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s\n%s", strings.Join(command, " "), out)
}

func TestHeadersCompileAsCAndCxx(t *testing.T) {
	use := "int main(void) { return (int)turbo_text(\"x\").size - 1; }\n"
	var sources []string
	both := ""
	for _, h := range headers(t) {
		include := fmt.Sprintf("#include %q\n", filepath.Base(h))
		sources = append(sources, include+include+use)
		both += include
	}
	sources = append(sources, both+use)
	for _, target := range targets(t) {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			standards := []string{"c99", "c11"}
			if target.cxx {
				standards = append(standards, "c++17")
			}
			for _, standard := range standards {
				for _, source := range sources {
					compile(t, target.command, standard, source)
				}
			}
		})
	}
}

// ---- Layout ---------------------------------------------------------------------------------------------------

// structure is a struct of the header with its fields in order.
type structure struct {
	name   string
	fields []string
	bytes  int // "64 bytes everywhere", or 0
}

var (
	structBody = regexp.MustCompile(`(?s)typedef struct (\w+)\s*\{(.*?)\}\s*\w+;`)
	everywhere = regexp.MustCompile(`(\d+) bytes everywhere`)
	anyComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	declarator = regexp.MustCompile(`(\w+)\s*(?:\[[^]]*\]\s*)*$`)
)

func structures(header string) []structure {
	var all []structure
	for _, m := range structBody.FindAllStringSubmatch(header, -1) {
		s := structure{name: m[1]}
		if n := everywhere.FindStringSubmatch(m[2]); n != nil {
			s.bytes, _ = strconv.Atoi(n[1])
		}
		for _, line := range strings.Split(anyComment.ReplaceAllString(m[2], ""), ";") {
			for _, d := range strings.Split(line, ",") {
				if f := declarator.FindStringSubmatch(strings.TrimSpace(d)); f != nil {
					s.fields = append(s.fields, f[1])
				}
			}
		}
		all = append(all, s)
	}
	return all
}

func TestStructuresFindsFields(t *testing.T) {
	assert.Equal(t, []structure{
		{"a", []string{"x", "y", "z", "deep"}, 16},
		{"b", []string{"data"}, 0},
	}, structures(`typedef struct a { /* 16 bytes everywhere */
    int      x; /* a comment; with, punctuation */
    uint64_t y, z;
    int      deep[4];
} a;
typedef struct b { const uint8_t* data; } b;`))
}

// What both sides of a border between 32 and 64 bits (an emulator, a shared file) may rely on.
var sameEverywhere = []string{"turbo_event", "turbo_timings", "turbo_progress", "turbo_stats", "turbo_library_config"}

func TestStructsHaveTheSameLayoutFor32And64Bits(t *testing.T) {
	header := readHeader(t, "../include/turbohttp.h")
	all := structures(header)

	// What this machine says ...
	var program, asserts strings.Builder
	program.WriteString("#include <stdio.h>\n#include \"turbohttp.h\"\nint main(void) {\n")
	checked := 0
	for _, s := range all {
		if !slices.Contains(sameEverywhere, s.name) && s.bytes == 0 {
			continue
		}
		checked++
		require.NotEmpty(t, s.fields, s.name)
		fmt.Fprintf(&program, "printf(\"sizeof(%s) == %%zu\\n\", sizeof(%s));\n", s.name, s.name)
		for _, f := range s.fields {
			fmt.Fprintf(&program, "printf(\"offsetof(%s, %s) == %%zu\\n\", offsetof(%s, %s));\n", s.name, f, s.name, f)
		}
		if s.bytes != 0 {
			fmt.Fprintf(&asserts, "_Static_assert(sizeof(%s) == %d, \"as the comment says\");\n", s.name, s.bytes)
		}
	}
	require.Equal(t, len(sameEverywhere), checked, "of %v", sameEverywhere)
	program.WriteString("return 0;\n}\n")
	binary := filepath.Join(t.TempDir(), "layout")
	cc := exec.Command("gcc", "-std=c11", "-I../include", "-x", "c", "-", "-o", binary)
	cc.Stdin = strings.NewReader(program.String())
	out, err := cc.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(binary).Output()
	require.NoError(t, err)

	// ... every other must say too.
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fmt.Fprintf(&asserts, "_Static_assert(%s, \"as for 64 bits\");\n", line)
	}
	for _, m := range regexp.MustCompile(`(?m)^TURBO_DEFINE_DEFAULT\((\w+)\)`).FindAllStringSubmatch(header, -1) {
		fmt.Fprintf(&asserts, "_Static_assert(sizeof(%s) %% 8 == 0, \"multiples of 8 on every platform\");\n", m[1])
	}
	source := "#include \"turbohttp.h\"\n" + asserts.String()
	for _, target := range targets(t) {
		t.Run(target.name, func(t *testing.T) {
			t.Parallel()
			compile(t, target.command, "c11", source)
		})
	}
}

// ---- Comments -------------------------------------------------------------------------------------------------

// function is a public function and the comment that stands right in front of it, in one line.
type function struct{ name, comment string }

var functionHead = regexp.MustCompile(`(?ms)(?:/\*((?:[^*]|\*[^/])*)\*/\n)?^(TURBO_API|static inline) [\w\s*]*?[\s*](turbo_\w+)\(`)

func functions(header, kind string) []function {
	var all []function
	for _, m := range functionHead.FindAllStringSubmatch(header, -1) {
		if kind != "" && m[2] != kind {
			continue
		}
		lines := strings.Split(m[1], "\n")
		for i, line := range lines {
			lines[i] = strings.TrimPrefix(strings.TrimSpace(line), "* ")
		}
		all = append(all, function{m[3], strings.Join(strings.Fields(strings.Join(lines, " ")), " ")})
	}
	return all
}

var (
	lastSentences = regexp.MustCompile(`Threads: (any|one)\. Blocks: (no|yes)\b[^.]*\. Errors: (.+)\.$`)
	parenthesis   = regexp.MustCompile(`\([^)]*\)`)
	capitals      = regexp.MustCompile(`\b[A-Z][A-Z_]+\b`)
)

// commentBreach says what is wrong with the comment of a public function, or nothing.
func commentBreach(f function, statuses []string) string {
	if f.comment == "" {
		return f.name + " has no comment right in front of it"
	}
	m := lastSentences.FindStringSubmatch(f.comment)
	if m == nil {
		return f.name + ": the comment does not end in “Threads: any|one. Blocks: no|yes …. Errors: ….”"
	}
	for _, word := range capitals.FindAllString(parenthesis.ReplaceAllString(m[3], ""), -1) {
		if word != "DONE" && !slices.Contains(statuses, word) {
			return f.name + ": there is no TURBO_ERROR_" + word
		}
	}
	return ""
}

func TestCommentsOfFunctionsEndInThreadsBlocksErrors(t *testing.T) {
	var statuses []string
	for _, m := range regexp.MustCompile(`TURBO_ERROR_(\w+)\s*=`).FindAllStringSubmatch(readHeader(t, "../include/turbohttp.h"), -1) {
		statuses = append(statuses, m[1])
	}
	count := 0
	for _, h := range headers(t) {
		text := readHeader(t, h)
		found := functions(text, "")
		assert.Equal(t, strings.Count(text, "\nTURBO_API ")+strings.Count(text, "\nstatic inline "), len(found), "%s: functions that were seen", h)
		for _, f := range found {
			count++
			if f.name == "turbo_text" { // says it all in its name
				continue
			}
			if breach := commentBreach(f, statuses); breach != "" {
				t.Errorf("%s: %s", filepath.Base(h), breach)
			}
		}
	}
	assert.Greater(t, count, 20)
}

func TestCommentCheckerSeesBreaches(t *testing.T) {
	statuses := []string{"INVALID", "STALE"}
	for _, c := range []struct{ header, breach string }{
		{"/* Does. Threads: any. Blocks: no. Errors: none. */\nTURBO_API int turbo_a(void);", ""},
		{"/* Does.\n * Threads: one. Blocks: yes, up to\n * timeout_ms. Errors: INVALID, STALE (no IO). */\nTURBO_API turbo_status turbo_a(int x,\n    int y);", ""},
		{"/* X. Threads: any. Blocks: no. Errors: none. */\nTURBO_API const char* turbo_a(void);", ""},
		{"/* X. Threads: any. Blocks: no. Errors: INVALID. */\nstatic inline void turbo_a(void) {}", ""},
		{"/* Does. Threads: any. Blocks: no. Errors: none. */\n\nTURBO_API int turbo_a(void);", "no comment"},
		{"int x;\nTURBO_API int turbo_a(void);", "no comment"},
		{"/* Does. */\nTURBO_API int turbo_a(void);", "does not end"},
		{"/* Threads: any. Blocks: no. Errors: none. And more. */\nTURBO_API int turbo_a(void);", ""},
		{"/* Threads: many. Blocks: no. Errors: none. */\nTURBO_API int turbo_a(void);", "does not end"},
		{"/* Threads: any. Blocks: no. */\nTURBO_API int turbo_a(void);", "does not end"},
		{"/* Threads: any. Blocks: no. Errors: STAIL. */\nTURBO_API int turbo_a(void);", "no TURBO_ERROR_STAIL"},
	} {
		found := functions(c.header, "")
		require.Len(t, found, 1, c.header)
		assert.Equal(t, "turbo_a", found[0].name)
		breach := commentBreach(found[0], statuses)
		if c.breach == "" {
			assert.Empty(t, breach, c.header)
		} else {
			assert.Contains(t, breach, c.breach, c.header)
		}
	}
}

// ---- The library ----------------------------------------------------------------------------------------------

func needLibrary(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(library); err != nil {
		t.Skip("the library is not built: make all")
	}
}

func TestLibraryExportsWhatTheHeaderDeclaresAndNothingElse(t *testing.T) {
	needLibrary(t)
	var declared, exported []string
	for _, f := range functions(readHeader(t, "../include/turbohttp.h"), "TURBO_API") {
		declared = append(declared, f.name)
	}
	out, err := exec.Command("nm", "-D", "--defined-only", library).Output()
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		exported = append(exported, line[strings.LastIndexByte(line, ' ')+1:])
	}
	sort.Strings(declared)
	sort.Strings(exported)
	assert.Equal(t, declared, exported)
}

func TestLibraryNeedsTheCLibraryOnly(t *testing.T) {
	needLibrary(t)
	out, err := exec.Command("readelf", "-d", library).Output()
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`\(NEEDED\).*\[(.*)\]`).FindAllStringSubmatch(string(out), -1) {
		assert.Regexp(t, `^(libc\.so\.|libpthread\.so\.|libdl\.so\.|ld-linux)`, m[1])
	}
	assert.Contains(t, string(out), "[libturbohttp.so]", "its own name, so that a program finds it by name and not by the path it was linked from")
}

func TestHeadersBesideTheLibraryAreTheCommittedOnes(t *testing.T) {
	needLibrary(t)
	for _, h := range headers(t) {
		built, err := os.ReadFile(filepath.Join("out/include", filepath.Base(h)))
		require.NoError(t, err)
		assert.True(t, bytes.Equal([]byte(readHeader(t, h)), built), "%s is an older one: make all", h)
	}
}
