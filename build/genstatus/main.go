// Command genstatus writes wire/status.gen.go: the statuses, phases, facts and certificate reasons of include/turbohttp.h
// as Go constants.
// The one-line texts are those of turbo_status_text in capi/library.c, so that both sides of the border say the same.
// `make gen` runs it in the root of the repository.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	out := flag.String("o", "wire/status.gen.go", "the file to write")
	flag.Parse()
	if err := run("include/turbohttp.h", "capi/library.c", *out); err != nil {
		fmt.Fprintln(os.Stderr, "genstatus:", err)
		os.Exit(1)
	}
}

func run(header, texts, out string) error {
	h, err := os.ReadFile(header)
	if err != nil {
		return err
	}
	c, err := os.ReadFile(texts)
	if err != nil {
		return err
	}
	source, err := generate(string(h), string(c))
	if err != nil {
		return err
	}
	return os.WriteFile(out, source, 0o644)
}

// constant is one enumerator.
type constant struct {
	c     string // TURBO_ERROR_INVALID
	value int64
	doc   string // its comment in one line, may be empty
}

var (
	enumBody   = regexp.MustCompile(`(?s)\benum\s*\w*\s*\{(.*?)\}`)
	enumerator = regexp.MustCompile(`(?s)^\s*(TURBO_\w+)\s*(?:=\s*(-?\w+))?\s*$`)
	comment    = regexp.MustCompile(`(?s)/\*(.*?)\*/`)
	textCase   = regexp.MustCompile(`case (TURBO_\w+):\s*return ("(?:[^"\\]|\\.)*");`)

	hideBraces = strings.NewReplacer("{", "\x01", "}", "\x02")
	showBraces = strings.NewReplacer("\x01", "{", "\x02", "}")
)

// enumerators gives those of every enum in header, in order. A comment belongs to the enumerator that it follows.
func enumerators(header string) ([]constant, error) {
	var all []constant
	header = comment.ReplaceAllStringFunc(header, hideBraces.Replace) // else {0} in a comment ends an enum
	for _, body := range enumBody.FindAllStringSubmatch(header, -1) {
		code, docs := splitComments(body[1])
		next := int64(0)
		for i, part := range strings.Split(code, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			m := enumerator.FindStringSubmatch(part)
			if m == nil {
				return nil, fmt.Errorf("cannot read the enumerator %q", strings.TrimSpace(part))
			}
			if m[2] != "" {
				v, err := strconv.ParseInt(m[2], 0, 64)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", m[1], err)
				}
				next = v
			}
			all = append(all, constant{m[1], next, docs[i]})
			next++
		}
	}
	return all, nil
}

// splitComments gives body without its comments, and each comment under the number of the enumerator that it follows.
func splitComments(body string) (code string, docs map[int]string) {
	docs = map[int]string{}
	for {
		at := comment.FindStringSubmatchIndex(body)
		if at == nil {
			return code + body, docs
		}
		code += body[:at[0]]
		before := strings.TrimSpace(code)
		if before != "" {
			n := strings.Count(strings.TrimSuffix(before, ","), ",")
			docs[n] = showBraces.Replace(strings.Join(strings.Fields(body[at[2]:at[3]]), " "))
		}
		body = body[at[1]:]
	}
}

// initialisms keep their capitals in Go names.
var initialisms = map[string]bool{"OK": true, "ABI": true, "IO": true, "TLS": true, "DNS": true, "HTTP": true}

// goName turns NAME_OF_IT into NameOfIt.
func goName(c string) string {
	var name strings.Builder
	for _, word := range strings.Split(c, "_") {
		if word == "" || initialisms[word] {
			name.WriteString(word)
			continue
		}
		name.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return name.String()
}

// generate gives the Go source for a header and for the C source that holds turbo_status_text.
func generate(header, texts string) ([]byte, error) {
	all, err := enumerators(header)
	if err != nil {
		return nil, err
	}
	text := map[string]string{}
	for _, m := range textCase.FindAllStringSubmatch(texts, -1) {
		text[m[1]] = m[2]
	}
	var statuses, phases, facts, reasons []constant
	for _, c := range all {
		switch {
		case c.c == "TURBO_OK" || strings.HasPrefix(c.c, "TURBO_ERROR_"):
			if text[c.c] == "" {
				return nil, fmt.Errorf("turbo_status_text has no line for %s", c.c)
			}
			statuses = append(statuses, c)
		case strings.HasPrefix(c.c, "TURBO_PHASE_"):
			phases = append(phases, c)
		case strings.HasPrefix(c.c, "TURBO_FACT_"):
			facts = append(facts, c)
		case strings.HasPrefix(c.c, "TURBO_CERTIFICATE_"):
			reasons = append(reasons, c)
		}
	}
	if len(statuses) == 0 || len(phases) == 0 || len(facts) == 0 || len(reasons) == 0 {
		return nil, fmt.Errorf("found %d statuses, %d phases, %d facts, %d certificate reasons: is this turbohttp.h?",
			len(statuses), len(phases), len(facts), len(reasons))
	}

	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	block := func(doc, typ, prefix, cPrefix string, list []constant) {
		p("// %s\nconst (", doc)
		for _, c := range list {
			line := fmt.Sprintf("%s%s %s = %d", prefix, goName(short(c, cPrefix)), typ, c.value)
			if c.doc != "" {
				line += " // " + c.doc
			}
			p("%s", line)
		}
		p(")\n")
	}
	p("// Code generated by build/genstatus from include/turbohttp.h. DO NOT EDIT.\n\npackage wire\n")
	p("// Status is a turbo_status: StatusOK, or negative.\ntype Status int32\n")
	block("The statuses.", "Status", "Status", "TURBO_ERROR_", statuses)
	p("// Phase is a TURBO_PHASE_*: the part of an exchange in which time ran out, the code of StatusTimeout.\ntype Phase = uint32\n")
	block("The phases.", "Phase", "Phase", "TURBO_PHASE_", phases)
	p("// Facts are TURBO_FACT_* bits: what is known about how far an exchange got.\ntype Facts uint16\n")
	block("The facts.", "Facts", "Fact", "TURBO_FACT_", facts)
	p("// Reason is a TURBO_CERTIFICATE_*: why a certificate was not accepted, the code of StatusCertificate.\ntype Reason = uint32\n")
	block("The reasons.", "Reason", "Certificate", "TURBO_CERTIFICATE_", reasons)

	p("// String gives the name of the status in the header, without its prefix.")
	p("func (s Status) String() string {\nswitch s {")
	for _, c := range statuses {
		name := short(c, "TURBO_ERROR_")
		p("case Status%s:\nreturn %q", goName(name), name)
	}
	p("}\nreturn \"UNKNOWN\"\n}\n")
	p("// Text gives one English line, the same as turbo_status_text.")
	p("func (s Status) Text() string {\nswitch s {")
	for _, c := range statuses {
		p("case Status%s:\nreturn %s", goName(short(c, "TURBO_ERROR_")), text[c.c])
	}
	p("}\nreturn \"a status that this version does not know\"\n}")
	return format.Source(b.Bytes())
}

func short(c constant, prefix string) string {
	return strings.TrimPrefix(strings.TrimPrefix(c.c, prefix), "TURBO_")
}
