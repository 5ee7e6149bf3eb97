package build

// The floors of docs/architecture.md, held against the import lines of every Go file, whatever its platform and tags.

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "turbohttp"

// room is a top-level folder of the library. A file imports rooms of lower floors only, never a neighbour.
type room struct {
	floor      int
	thirdParty []string // import path prefixes; tests may use more
	forbidden  []string // import path prefixes of the standard library and of rooms below
	cgo        bool
	sansIO     bool // no go, chan or select: the caller owns it for the length of a call
}

// What does protocol logic without IO, clocks and locks may not even name them. net/netip would be a value package, but
// parsing addresses is the transport's: wire.Target keeps the host as text.
var noIO = []string{"net", "os", "time", "sync", "context"}

var rooms = map[string]room{
	"buffers":   {floor: 0, thirdParty: []string{"golang.org/x/sys"}, forbidden: []string{"net", "time"}},
	"wire":      {floor: 1, forbidden: noIO, sansIO: true},
	"h1":        {floor: 2, forbidden: noIO, sansIO: true},
	"h2":        {floor: 2, forbidden: noIO, sansIO: true},
	"ws":        {floor: 2, forbidden: noIO, sansIO: true, thirdParty: []string{"github.com/klauspost/compress/flate"}},
	"tlsprov":   {floor: 2, thirdParty: []string{"golang.org/x/sys"}, cgo: true},
	"transport": {floor: 2, thirdParty: []string{"golang.org/x/sys"}},
	"core":      {floor: 3, thirdParty: []string{"github.com/klauspost/compress"}},
	"capi": {floor: 4, thirdParty: []string{"github.com/google/flatbuffers", "golang.org/x/sys"}, cgo: true,
		forbidden: []string{"net", module + "/h1", module + "/h2", module + "/ws"}},
}

// Arrows between a room and its sub-rooms, and between those: from → to.
var arrows = map[string][]string{
	"buffers/buffertest":      {"buffers"},
	"h2":                      {"h2/hpack"},
	"transport/netconn":       {"transport"},
	"transport/poll":          {"transport"},
	"transport/transporttest": {"transport"},
	"tlsprov/openssl":         {"tlsprov"},
	"tlsprov/schannel":        {"tlsprov"},
	"tlsprov/sectransport":    {"tlsprov"},
	"tlsprov/gotls":           {"tlsprov"},
	"tlsprov/tlstest":         {"tlsprov"},
	"core/middleware":         {"core/exchange"},
	"core/conn":               {"core/exchange", "core/middleware"},
	"core/pool":               {"core/exchange", "core/middleware", "core/conn"},
	"core/client":             {"core/exchange", "core/middleware", "core/conn", "core/pool"},
	"core":                    {"core/exchange", "core/middleware", "core/conn", "core/pool", "core/client"},
	"capi":                    {"capi/codec", "capi/fbs"},
	"capi/codec":              {"capi/fbs"},
}

// Programs beside the house: they may use what they like, and nobody imports them.
var outside = []string{"build", "bench", "examples", "bindings", "cli", "docs", "capi/ctest"}

// Standard packages that nobody in the library has a use for, and why not.
var banned = map[string]string{
	"os/signal": "the host's signals stay the host's",
	"net/http":  "it is a second HTTP stack, and 5 MB",
	"log":       "a plugin has no standard error; log lines are fetched by the host",
}

// The one function that starts goroutines.
const startFile, startFunc = "transport/start.go", "Start"

// Who may ask for the time of day, and why. It jumps; everything that lasts for a while is counted by transport.Clock.
var timeOfDay = map[string]string{
	"transport/clock.go":  "time.Since counts from it on the monotonic clock",
	"tlsprov/contract.go": "certificates are valid on dates",
}

// within says that p is prefix or lies below it.
func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

func anyWithin(p string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return within(p, prefix) })
}

// breaches checks every Go file of a tree and says what breaks the rules, one sentence each.
func breaches(tree fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := path.Base(name)
			if base == "testdata" || name == "build/out" || name == "build/tools" || (name != "." && (base[0] == '.' || base[0] == '_')) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		more, err := fileBreaches(name, source)
		found = append(found, more...)
		return err
	})
	sort.Strings(found)
	return found, err
}

func fileBreaches(name string, source []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	breach := func(format string, args ...any) {
		found = append(found, name+": "+fmt.Sprintf(format, args...))
	}
	pkg := path.Dir(name)
	top, _, _ := strings.Cut(pkg, "/")
	is, inLibrary := rooms[top]
	inLibrary = inLibrary && !anyWithin(pkg, outside)
	if !inLibrary && !anyWithin(pkg, outside) {
		breach("%s is no room of the house: give it a floor in build/layers_test.go and in docs/architecture.md", pkg)
	}
	// Files of tests, and packages that only tests import.
	isTest := strings.HasSuffix(name, "_test.go") || strings.HasSuffix(pkg, "test")

	for _, spec := range file.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		if why := banned[imported]; why != "" && (inLibrary && !isTest || imported == "os/signal") {
			breach("imports %s: %s", imported, why)
		}
		if !inLibrary {
			continue
		}
		inner, isInner := strings.CutPrefix(imported, module+"/")
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case imported == "C":
			if !is.cgo && !isTest {
				breach("%s is pure Go: no cgo", top)
			}
		case isInner:
			innerBreaches(breach, pkg, inner, isTest)
		case strings.Contains(first, "."): // third party
			if !isTest && !anyWithin(imported, is.thirdParty) {
				breach("imports %s, which %s may not", imported, top)
			}
		}
		if !isTest && anyWithin(imported, is.forbidden) {
			breach("imports %s, which %s may not", imported, top)
		}
	}
	if inLibrary && !isTest {
		words(file, name, is, breach)
	}
	return found, nil
}

// innerBreaches looks at one import of the library by itself.
func innerBreaches(breach func(string, ...any), pkg, inner string, isTest bool) {
	top, _, _ := strings.Cut(pkg, "/")
	to, _, _ := strings.Cut(inner, "/")
	target, exists := rooms[to]
	switch {
	case anyWithin(inner, outside) || !exists:
		breach("imports %s, which is outside the house", inner)
	case strings.HasSuffix(inner, "test") && !isTest:
		breach("imports %s, which is for tests", inner)
	case to == top:
		// A test may use the sub-room that tests it, and what lies beside it.
		if pkg != inner && !isTest && !slices.Contains(arrows[pkg], inner) {
			breach("imports %s: there is no such arrow in %s; a room and its sub-rooms import one way", inner, top)
		}
	case target.floor == rooms[top].floor:
		breach("imports %s, a neighbour: a word is missing in wire", inner)
	case target.floor > rooms[top].floor:
		breach("imports %s, a higher floor", inner)
	}
}

// words looks for go, chan and select, and for time.Now.
func words(file *ast.File, name string, is room, breach func(string, ...any)) {
	for _, decl := range file.Decls {
		in := ""
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
			in = f.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			word := ""
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && n.Sel.Name == "Now" && timeOfDay[name] == "" {
					breach("says time.Now, which is the time of day: transport.Clock counts")
				}
			case *ast.GoStmt:
				if name != startFile || in != startFunc {
					breach("starts a goroutine: only transport.Start does")
				}
			case *ast.ChanType:
				word = "chan"
			case *ast.SelectStmt:
				word = "select"
			}
			if word != "" && is.sansIO {
				breach("says %s: an engine turns bytes into events and calls into bytes", word)
			}
			return true
		})
	}
}

func TestHouseKeepsItsFloors(t *testing.T) {
	found, err := breaches(os.DirFS(".."))
	require.NoError(t, err)
	for _, b := range found {
		t.Error(b)
	}
}

// A checker that cannot fail proves nothing: each rule has a file that breaks it, and one that just does not.
func TestCheckerSeesEveryBreach(t *testing.T) {
	file := func(imports ...string) string {
		text := "package p\n"
		for _, i := range imports {
			text += "import _ \"" + i + "\"\n"
		}
		return text
	}
	for _, c := range []struct {
		name, source, breach string // "": none
	}{
		{"wire/a.go", file("turbohttp/buffers", "fmt"), ""},
		{"wire/a.go", file("turbohttp/h1"), "a higher floor"},
		{"buffers/a.go", file("turbohttp/capi"), "a higher floor"},
		{"core/a.go", file("turbohttp/transport/netconn", "turbohttp/h1", "turbohttp/wire"), ""},
		{"core/a_linux.go", "//go:build never && linux\n\n" + file("turbohttp/capi/codec"), "a higher floor"},
		{"h1/a.go", file("turbohttp/h2"), "a neighbour"},
		{"h1/a_test.go", file("turbohttp/transport"), "a neighbour"},
		{"tlsprov/gotls/a.go", file("turbohttp/transport"), "a neighbour"},

		{"transport/netconn/a.go", file("turbohttp/transport"), ""},
		{"transport/a.go", file("turbohttp/transport/netconn"), "one way"},
		{"transport/poll/a.go", file("turbohttp/transport/netconn"), "one way"},
		{"transport/netconn/a_test.go", file("turbohttp/transport/transporttest"), ""},
		{"transport/netconn/a.go", file("turbohttp/transport/transporttest"), "for tests"},
		{"core/a.go", file("turbohttp/buffers/buffertest"), "for tests"},
		{"core/a_test.go", file("turbohttp/buffers/buffertest"), ""},
		{"capi/a.go", file("turbohttp/capi/codec", "turbohttp/core", "C"), ""},
		{"capi/codec/a.go", file("turbohttp/capi"), "one way"},
		{"capi/a.go", file("turbohttp/build/modes"), "outside the house"},
		{"core/a.go", file("turbohttp/capi/ctest/server"), "outside the house"},
		{"core/a.go", file("turbohttp/nowhere"), "outside the house"},
		{"attic/a.go", file(), "is no room"},

		{"wire/a.go", file("golang.org/x/sys/unix"), "wire may not"},
		{"buffers/a.go", file("golang.org/x/sys/unix"), ""},
		{"core/a.go", file("github.com/klauspost/compress/zstd"), ""},
		{"ws/a.go", file("github.com/klauspost/compress/zstd"), "ws may not"},
		{"core/a.go", file("github.com/google/flatbuffers/go"), "core may not"},
		{"capi/codec/a.go", file("github.com/google/flatbuffers/go"), ""},
		{"core/a.go", file("github.com/stretchr/testify/require"), "core may not"},
		{"core/a_test.go", file("github.com/stretchr/testify/require"), ""},

		{"wire/a.go", file("net/netip"), "wire may not"},
		{"h1/a.go", file("sync/atomic"), "h1 may not"},
		{"h2/hpack/a.go", file("time"), "h2 may not"},
		{"h2/hpack/a_test.go", file("time", "os"), ""},
		{"buffers/a.go", file("sync", "os"), ""},
		{"buffers/a.go", file("time"), "buffers may not"},
		{"buffers/a.go", file("timex"), ""},
		{"capi/a.go", file("net"), "capi may not"},
		{"capi/a.go", file("turbohttp/h1"), "capi may not"},
		{"core/a.go", file("C"), "no cgo"},
		{"core/a.go", file("net/http"), "second HTTP stack"},
		{"core/a_test.go", file("net/http"), ""},
		{"core/a_test.go", file("os/signal"), "the host's signals"},
		{"capi/ctest/server/a.go", file("os/signal"), "the host's signals"},
		{"capi/ctest/server/a.go", file("net", "net/http"), ""},

		{"wire/a.go", "package p\ntype T struct{ c chan int }\n", "says chan"},
		{"h1/a.go", "package p\nfunc f() { select {} }\n", "says select"},
		{"h1/a_test.go", "package p\nfunc f() { select {} }\n", ""},
		{"h1/a.go", "package p\n// a chan, a select and a go in a comment\nvar s = \"go f()\"\n", ""},
		{"transport/a.go", "package p\nfunc f(c chan int) { select {} }\n", ""},
		{"h1/a.go", "package p\nfunc f() { go f() }\n", "starts a goroutine"},
		{"core/a.go", "package p\nvar f = func() { go f() }\n", "starts a goroutine"},
		{"core/a_test.go", "package p\nfunc f() { go f() }\n", ""},
		{"transport/transporttest/a.go", "package p\nfunc f() { go f() }\n", ""},
		{"transport/start.go", "package p\nfunc Start(f func()) { go f() }\n", ""},
		{"transport/start.go", "package p\nfunc Other(f func()) { go f() }\n", "starts a goroutine"},
		{"transport/start.go", "package p\ntype T int\nfunc (T) Start(f func()) { go f() }\n", "starts a goroutine"},
		{"transport/netconn/start.go", "package p\nfunc Start(f func()) { go f() }\n", "starts a goroutine"},
		{"capi/ctest/server/a.go", "package p\nfunc f() { go f() }\n", ""},
		{"core/a.go", "package p\nimport \"time\"\nvar t = time.Now\n", "the time of day"},
		{"core/a.go", "package p\nimport \"time\"\nvar t = time.Since\n// time.Now\n", ""},
		{"core/a_test.go", "package p\nimport \"time\"\nvar t = time.Now\n", ""},
		{"transport/netconn/clock.go", "package p\nimport \"time\"\nvar t = time.Now()\n", "the time of day"},
		{"transport/clock.go", "package p\nimport \"time\"\nvar t = time.Now()\n", ""},
		{"core/testdata/a.go", "no Go at all", ""},
	} {
		found, err := breaches(fstest.MapFS{c.name: {Data: []byte(c.source)}})
		require.NoError(t, err, c.name)
		if c.breach == "" {
			assert.Empty(t, found, "%s:\n%s", c.name, c.source)
		} else if assert.Len(t, found, 1, "%s:\n%s", c.name, c.source) {
			assert.Contains(t, found[0], c.breach)
			assert.True(t, strings.HasPrefix(found[0], c.name+": "))
		}
	}
}

func TestCheckerRefusesWhatIsNoGo(t *testing.T) {
	_, err := breaches(fstest.MapFS{"core/a.go": {Data: []byte("not Go")}})
	require.Error(t, err)
}
