package codec

// include/turbohttp_head.h against the generated code and this package, through the pipe of capi/ctest/head_bridge.c.

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers/buffertest"
	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

var update = flag.Bool("update", false, "write capi/ctest/head_sample.h anew")

const ctest = "../ctest"

// compile builds a C program of capi/ctest and gives its path.
func compile(t *testing.T, source string, flags ...string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(strings.Fields(cc)[0]); err != nil {
		t.Skipf("no C compiler: %v", err)
	}
	out := filepath.Join(t.TempDir(), "program")
	args := append(strings.Fields(cc)[1:], "-O1", "-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Werror", "-I../../include", "-o", out)
	args = append(append(args, flags...), filepath.Join(ctest, source))
	said, err := exec.Command(strings.Fields(cc)[0], args...).CombinedOutput()
	require.NoError(t, err, "%s", said)
	return out
}

// run gives input to a program and takes its output.
func run(t *testing.T, input []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(input)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	require.NoError(t, cmd.Run(), "%s", said.String())
	require.Empty(t, said.String())
	return out.Bytes()
}

// sanitizers are the flags of the builds that every test of the C side goes through.
var sanitizers = map[string][]string{
	"plain":     {"-std=c99"},
	"sanitized": {"-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"},
}

type pipe []byte

func (p *pipe) number(n uint32)   { *p = binary.LittleEndian.AppendUint32(*p, n) }
func (p *pipe) octets(s string)   { p.number(uint32(len(s))); *p = append(*p, s...) }
func (p *pipe) take() (n uint32)  { n = binary.LittleEndian.Uint32(*p); *p = (*p)[4:]; return n }
func (p *pipe) takeText() string  { n := p.take(); s := string((*p)[:n]); *p = (*p)[n:]; return s }
func (p *pipe) takeBytes() []byte { return []byte(p.takeText()) }

func (p *pipe) request(r *request) {
	p.number(uint32(r.method))
	expect := uint32(0)
	if r.expect {
		expect = 1
	}
	p.number(expect)
	p.octets(r.name)
	p.octets(r.url)
	p.number(uint32(len(r.lines)))
	for _, l := range r.lines {
		p.octets(l.name)
		p.octets(l.value)
	}
}

func TestWhatCWritesIsReadByTheGeneratedCodeAndDecode(t *testing.T) {
	cases := requestCases(60)
	var in pipe
	for i := range cases {
		in.request(&cases[i])
	}
	for name, flags := range sanitizers {
		t.Run(name, func(t *testing.T) {
			out := pipe(run(t, in, compile(t, "head_bridge.c", flags...), "write"))
			var head wire.RequestHead
			for _, c := range cases {
				mem := out.takeBytes()
				require.Equal(t, "TRQ1", string(mem[4:8]))
				require.Equal(t, c, readRequest(mem))
				require.Nil(t, DecodeRequest(mem, &head))
				requireSame(t, c, &head)
				requireWithin(t, mem, &head)
			}
			require.Empty(t, out)
		})
	}
}

func TestCReadsWhatTheGeneratedCodeAndEncodeWrite(t *testing.T) {
	p := buffertest.Pool(t)
	cases := answerCases(30)
	var in pipe
	for _, c := range cases {
		block := EncodeResponse(p, c.head(), []byte(c.url), c.address, c.tls, c.reused, c.interim)
		in.octets(string(block.Bytes()))
		block.Release()
		in.octets(string(c.build()))
	}
	in.octets("")                                   // and three that are no Response
	in.octets("\xff\xff\xff\xffTRS1")               //
	in.octets(string((&request{url: "u"}).build())) //
	for name, flags := range sanitizers {
		t.Run(name, func(t *testing.T) {
			out := pipe(run(t, in, compile(t, "head_bridge.c", flags...), "read"))
			for _, c := range cases {
				require.Equal(t, c, out.takeAnswer(), "written by EncodeResponse")
				require.Equal(t, c, out.takeAnswer(), "written by the generated code")
			}
			for range 3 {
				require.Equal(t, uint32(1<<32-1), out.take())
			}
			require.Empty(t, out)
		})
	}
}

func (p *pipe) takeAnswer() (a answer) {
	a.status = uint16(p.take())
	a.version = wire.Version(p.take())
	a.reused = p.take() == 1
	low := p.take()
	a.length = int64(uint64(low) | uint64(p.take())<<32)
	a.reason, a.url, a.address, a.tls = p.takeText(), p.takeText(), p.takeText(), p.takeText()
	for range p.take() {
		a.interim = append(a.interim, uint16(p.take()))
	}
	for range p.take() {
		name := p.takeText()
		a.lines = append(a.lines, line{name, p.takeText()})
	}
	return a
}

// The C test reads a Response without this package: it is kept as a C array.
func TestTheSampleOfTheCTestIsWhatEncodeWrites(t *testing.T) {
	p := buffertest.Pool(t)
	sample := answer{status: 404, version: wire.Version11, reason: "Not Found", url: "http://example.com/a?b", address: "192.0.2.1:80",
		tls: "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", length: 5_000_000_000, reused: true, interim: []uint16{103, 199}, lines: []line{
			{"Content-Type", "text/html"}, {"Set-Cookie", "a=1"}, {"X-Empty", ""}, {"SET-COOKIE", "b=2"}, {"Set_Cookie", "c"},
		}}
	block := EncodeResponse(p, sample.head(), []byte(sample.url), sample.address, sample.tls, sample.reused, sample.interim)
	defer block.Release()
	var text strings.Builder
	text.WriteString("/* head_sample.h - a Response. Written by: go test ./capi/codec -run Sample -update. Do not edit. */\n" +
		"static const unsigned char head_sample[] = {\n")
	for i, b := range block.Bytes() {
		switch {
		case i%16 == 0:
			fmt.Fprintf(&text, "    0x%02x,", b)
		default:
			fmt.Fprintf(&text, " 0x%02x,", b)
		}
		if i%16 == 15 {
			text.WriteString("\n")
		}
	}
	if len(block.Bytes())%16 != 0 {
		text.WriteString("\n")
	}
	text.WriteString("};\n")
	file := filepath.Join(ctest, "head_sample.h")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o644))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text.String(), string(kept), "run go test ./capi/codec -run Sample -update")
}

// FlatBuffers for C++ has a verifier, which also asks for the alignment that this package does not: the strictest judge
// there is. It needs flatc and its header.
func TestTheVerifierOfFlatBuffersTakesWhatWeWrite(t *testing.T) {
	flatc, err := exec.LookPath("flatc")
	if err != nil {
		t.Skip("flatc is not installed (Debian: flatbuffers-compiler)")
	}
	include := os.Getenv("TURBO_FLATBUFFERS_INCLUDE")
	if include == "" {
		include = "/usr/include"
	}
	if _, err := os.Stat(filepath.Join(include, "flatbuffers/flatbuffers.h")); err != nil {
		t.Skip("flatbuffers/flatbuffers.h is not installed (Debian: libflatbuffers-dev)")
	}
	cxx, err := exec.LookPath("c++")
	if err != nil {
		t.Skip("no C++ compiler")
	}
	dir := t.TempDir()
	said, err := exec.Command(flatc, "--cpp", "-o", dir, "../fbs/turbohttp.fbs").CombinedOutput()
	require.NoError(t, err, "%s", said)
	program := filepath.Join(dir, "verify")
	said, err = exec.Command(cxx, "-std=c++17", "-O1", "-I"+dir, "-I"+include, "-I../../include", "-o", program,
		filepath.Join(ctest, "head_verify.cc")).CombinedOutput()
	require.NoError(t, err, "%s", said)

	p := buffertest.Pool(t)
	var asked, in pipe
	requests, answers := requestCases(40), answerCases(40)
	for i := range requests {
		asked.request(&requests[i])
	}
	for out := pipe(run(t, asked, compile(t, "head_bridge.c"), "write")); len(out) > 0; {
		in.octets(out.takeText())
	}
	for _, c := range answers {
		block := EncodeResponse(p, c.head(), []byte(c.url), c.address, c.tls, c.reused, c.interim)
		in.octets(string(block.Bytes()))
		block.Release()
	}
	require.Equal(t, fmt.Sprintf("%d requests, %d responses\n", len(requests), len(answers)), string(run(t, in, program)))
}

// The names that C and Go give to the numbers of the schema are the same.
func TestTheNumbersOfTheSchemaAreTheSameInC(t *testing.T) {
	text, err := os.ReadFile("../../include/turbohttp_head.h")
	require.NoError(t, err)
	_, enum, found := strings.Cut(string(text), "enum {\n")
	require.True(t, found)
	enum, _, _ = strings.Cut(enum, "}")
	at := 0
	for _, l := range strings.Split(enum, "\n") {
		if name := strings.TrimSpace(l); strings.HasPrefix(name, "TURBO_METHOD_") {
			word := strings.ToUpper(fbs.Method(at).String())
			require.True(t, strings.HasPrefix(name, "TURBO_METHOD_"+word), "%s is %d, which is %s", name, at, word)
			at++
		}
	}
	require.Equal(t, len(fbs.EnumNamesMethod), at)
	for name, v := range map[string]fbs.Version{"UNKNOWN": fbs.VersionUnknown, "10": fbs.VersionHttp10, "11": fbs.VersionHttp11} {
		require.Contains(t, string(text), fmt.Sprintf("TURBO_HTTP_%s = %d", name, v))
	}
	require.Contains(t, string(text), fmt.Sprintf("#define TURBO_HEAD_MAX UINT32_C(%d)", MaxRequest))
	require.Equal(t, byte(wire.Version10), byte(fbs.VersionHttp10))
	require.Equal(t, byte(wire.Version11), byte(fbs.VersionHttp11))
}
