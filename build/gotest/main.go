// Command gotest reads what `go test -json` prints, shows what failed, and counts. A skipped test is a failure, unless
// skips.txt gives a reason: a suite that quietly tests less than it says is worse than a red one.
//
//	go test -json ./... | go run ./build/gotest [-v] [-skips build/gotest/skips.txt]
//
// Its last line is "go: N passed, N failed, N skipped". Subtests are not counted, packages that do not build are.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

func main() {
	verbose := flag.Bool("v", false, "show all output")
	file := flag.String("skips", "build/gotest/skips.txt", "skips that are allowed")
	flag.Parse()
	text, err := os.ReadFile(*file)
	var allowed []skip
	if err == nil {
		allowed, err = parseSkips(string(text))
	}
	var c counts
	if err == nil {
		c, err = read(os.Stdin, os.Stdout, allowed, *verbose)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(2)
	}
	fmt.Println(c)
	if c.failed > 0 || c.passed == 0 {
		os.Exit(1)
	}
}

// event is a line of go test -json: see `go doc test2json`.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("go: %d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// skip is a line of skips.txt: a package and a test that may be skipped, and why.
type skip struct {
	pkg, test *regexp.Regexp
	why       string
}

// parseSkips reads lines "PACKAGE TEST reason…"; both are regular expressions for the whole name.
func parseSkips(text string) ([]skip, error) {
	var all []skip
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.SplitN(line, " ", 3)
		if len(words) < 3 || strings.TrimSpace(words[2]) == "" {
			return nil, fmt.Errorf("a skip needs a reason: %s", line)
		}
		pkg, err := regexp.Compile("^(?:" + words[0] + ")$")
		if err != nil {
			return nil, err
		}
		test, err := regexp.Compile("^(?:" + words[1] + ")$")
		if err != nil {
			return nil, err
		}
		all = append(all, skip{pkg, test, words[2]})
	}
	return all, nil
}

// read shows the output of failed tests, or all of it, and counts.
func read(in io.Reader, out io.Writer, allowed []skip, verbose bool) (counts, error) {
	var c counts
	output := map[string][]string{} // by package and test, until it is known how it ended
	failures := map[string]int{}    // of tests, by package
	show := func(key string) {
		if !verbose {
			for _, line := range output[key] {
				io.WriteString(out, line)
			}
		}
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var e event
		if len(scanner.Bytes()) == 0 || scanner.Bytes()[0] != '{' || json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Fprintln(out, scanner.Text()) // go itself has something to say
			continue
		}
		pkg := e.Package
		if pkg == "" {
			pkg, _, _ = strings.Cut(e.ImportPath, " ") // "turbohttp/wire [turbohttp/wire.test]"
		}
		key := pkg + " " + e.Test
		top := !strings.Contains(e.Test, "/")
		switch e.Action {
		case "output", "build-output":
			if verbose {
				io.WriteString(out, e.Output)
			}
			output[key] = append(output[key], e.Output)
		case "pass":
			if e.Test != "" && top {
				c.passed++
			}
			delete(output, key)
		case "fail", "build-fail":
			show(key)
			switch {
			case e.Test != "" && top:
				c.failed++
				failures[pkg]++
			case e.Test == "" && failures[pkg] == 0: // did not build, or died outside a test
				c.failed++
				failures[pkg]++
			}
			delete(output, key)
		case "skip":
			if e.Test == "" { // no test files
				continue
			}
			if why, ok := allows(allowed, pkg, e.Test); ok {
				if top {
					c.skipped++
				}
				fmt.Fprintf(out, "skipped: %s %s: %s\n", pkg, e.Test, why)
			} else {
				show(key)
				fmt.Fprintf(out, "FAIL: %s %s was skipped, and skips.txt does not say why it may be\n", pkg, e.Test)
				c.failed++
				failures[pkg]++
			}
			delete(output, key)
		}
	}
	if err := scanner.Err(); err != nil {
		return c, err
	}
	// A test that never ended: the process died or ran out of time, and go test told it under the package.
	for key, lines := range output {
		pkg, test, _ := strings.Cut(key, " ")
		if test != "" && len(lines) > 0 && failures[pkg] > 0 {
			fmt.Fprintf(out, "--- %s %s did not end:\n", pkg, test)
			show(key)
		}
	}
	return c, nil
}

func allows(allowed []skip, pkg, test string) (string, bool) {
	for _, s := range allowed {
		if s.pkg.MatchString(pkg) && s.test.MatchString(test) {
			return s.why, true
		}
	}
	return "", false
}
