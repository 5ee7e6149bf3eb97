package codec

// What flatc generated, as the judge of both directions.

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/stretchr/testify/require"

	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

type line struct{ name, value string }

// request is a Request in words.
type request struct {
	method fbs.Method
	name   string // of the method, when it is Other
	url    string
	lines  []line
	expect bool
}

func (r *request) methodName() string {
	if r.method == fbs.MethodOther {
		return r.name
	}
	return strings.ToUpper(r.method.String())
}

// build makes the Request with the generated code; absent parts are left out, as most hosts would.
func (r *request) build() []byte {
	b := flatbuffers.NewBuilder(0)
	var octets []byte
	var ranges []wire.Line
	for _, l := range r.lines {
		at := uint32(len(octets))
		octets = append(append(octets, l.name...), l.value...)
		ranges = append(ranges, wire.Line{NameAt: at, NameSize: uint32(len(l.name)),
			ValueAt: at + uint32(len(l.name)), ValueSize: uint32(len(l.value))})
	}
	var name, lines, policy flatbuffers.UOffsetT
	if r.method == fbs.MethodOther {
		name = b.CreateString(r.name)
	}
	url := b.CreateString(r.url)
	if len(ranges) > 0 {
		lines = buildLines(b, ranges, fbs.RequestStartFieldsVector)
	}
	octetsAt := b.CreateByteVector(octets)
	if r.expect {
		fbs.PolicyStart(b)
		fbs.PolicyAddExpectContinue(b, true)
		policy = fbs.PolicyEnd(b)
	}
	fbs.RequestStart(b)
	fbs.RequestAddMethod(b, r.method)
	if name != 0 {
		fbs.RequestAddMethodName(b, name)
	}
	fbs.RequestAddUrl(b, url)
	if lines != 0 {
		fbs.RequestAddFields(b, lines)
	}
	fbs.RequestAddOctets(b, octetsAt)
	if policy != 0 {
		fbs.RequestAddPolicy(b, policy)
	}
	b.FinishWithFileIdentifier(fbs.RequestEnd(b), []byte("TRQ1"))
	return b.FinishedBytes()
}

func buildLines(b *flatbuffers.Builder, lines []wire.Line, begin func(*flatbuffers.Builder, int) flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	begin(b, len(lines))
	for i := len(lines) - 1; i >= 0; i-- {
		l := lines[i]
		fbs.CreateField(b, l.NameAt, l.NameSize, l.ValueAt, l.ValueSize)
	}
	return b.EndVector(len(lines))
}

// readRequest reads mem with the generated code, which panics on some of what is broken.
func readRequest(mem []byte) (r request) {
	q := fbs.GetRootAsRequest(mem, 0)
	r.method = q.Method()
	r.name = string(q.MethodName())
	r.url = string(q.Url())
	octets := q.OctetsBytes()
	var f fbs.Field
	for i := range q.FieldsLength() {
		q.Fields(&f, i)
		r.lines = append(r.lines, line{
			string(octets[f.NameAt():][:f.NameSize()]),
			string(octets[f.ValueAt():][:f.ValueSize()]),
		})
	}
	if p := q.Policy(nil); p != nil {
		r.expect = p.ExpectContinue()
	}
	return r
}

// requireSame holds a decoded head against what the generated code reads from the same bytes.
func requireSame(t testing.TB, want request, head *wire.RequestHead) {
	t.Helper()
	require.Equal(t, want.methodName(), string(head.Method))
	url, _, _ := strings.Cut(want.url, "#")
	require.Equal(t, url, string(head.Target.URL))
	require.Equal(t, want.expect, head.Expect)
	require.Equal(t, want.lines, linesOf(&head.Fields))
}

func linesOf(f *wire.Fields) (lines []line) {
	for i := range f.Len() {
		lines = append(lines, line{string(f.Name(i)), string(f.Value(i))})
	}
	return lines
}

// requireWithin checks that head is a view of mem and of nothing else.
func requireWithin(t testing.TB, mem []byte, head *wire.RequestHead) {
	t.Helper()
	within := func(b []byte) bool {
		if len(b) == 0 {
			return true
		}
		at, low := uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&mem[0]))
		return at >= low && at+uintptr(len(b)) <= low+uintptr(len(mem))
	}
	known := false
	for _, m := range methods {
		known = known || bytes.Equal(m, head.Method)
	}
	require.True(t, known || within(head.Method))
	for _, b := range [][]byte{head.Fields.Octets, head.Target.URL, head.Target.Authority, head.Target.Host, head.Target.Path} {
		require.True(t, within(b))
	}
	for i := range head.Fields.Len() {
		_, _ = head.Fields.Name(i), head.Fields.Value(i) // panics beyond the octets
	}
}

// answer is a Response in words.
type answer struct {
	status  uint16
	version wire.Version
	reason  string
	url     string
	address string
	tls     string
	length  int64
	reused  bool
	interim []uint16
	lines   []line
}

func (a *answer) head() *wire.ResponseHead {
	h := &wire.ResponseHead{Status: a.status, Version: a.version, Reason: []byte(a.reason), ContentLength: a.length}
	for _, l := range a.lines {
		h.Fields.Add([]byte(l.name), []byte(l.value))
	}
	return h
}

// build makes the Response with the generated code.
func (a *answer) build() []byte { return buildAnswer(newBuilder(), a, a.head()) }

func newBuilder() *flatbuffers.Builder { return flatbuffers.NewBuilder(1024) }

func buildAnswer(b *flatbuffers.Builder, a *answer, head *wire.ResponseHead) []byte {
	reason := b.CreateByteVector(head.Reason)
	lines := buildLines(b, head.Fields.Lines, fbs.ResponseStartFieldsVector)
	octets := b.CreateByteVector(head.Fields.Octets)
	url := b.CreateString(a.url)
	address := b.CreateString(a.address)
	tls := b.CreateString(a.tls)
	fbs.ResponseStartInformationalVector(b, len(a.interim))
	for i := len(a.interim) - 1; i >= 0; i-- {
		b.PrependUint16(a.interim[i])
	}
	interim := b.EndVector(len(a.interim))
	fbs.ResponseStart(b)
	fbs.ResponseAddStatus(b, a.status)
	fbs.ResponseAddReason(b, reason)
	fbs.ResponseAddVersion(b, fbs.Version(a.version))
	fbs.ResponseAddFields(b, lines)
	fbs.ResponseAddOctets(b, octets)
	fbs.ResponseAddUrl(b, url)
	fbs.ResponseAddContentLength(b, a.length)
	fbs.ResponseAddReused(b, a.reused)
	fbs.ResponseAddAddress(b, address)
	fbs.ResponseAddTls(b, tls)
	fbs.ResponseAddInformational(b, interim)
	b.FinishWithFileIdentifier(fbs.ResponseEnd(b), []byte("TRS1"))
	return b.FinishedBytes()
}

func readAnswer(mem []byte) (a answer) {
	r := fbs.GetRootAsResponse(mem, 0)
	a.status = r.Status()
	a.version = wire.Version(r.Version())
	a.reason = string(r.ReasonBytes())
	a.url = string(r.Url())
	a.address = string(r.Address())
	a.tls = string(r.Tls())
	a.length = r.ContentLength()
	a.reused = r.Reused()
	for i := range r.InformationalLength() {
		a.interim = append(a.interim, r.Informational(i))
	}
	octets := r.OctetsBytes()
	var f fbs.Field
	for i := range r.FieldsLength() {
		r.Fields(&f, i)
		a.lines = append(a.lines, line{
			string(octets[f.NameAt():][:f.NameSize()]),
			string(octets[f.ValueAt():][:f.ValueSize()]),
		})
	}
	return a
}

// cases are edge cases first, then random ones of a fixed seed.
func requestCases(random int) (all []request) {
	const url = "http://127.0.0.1:8080/a?b=c"
	hundred := make([]line, 100)
	for i := range hundred {
		hundred[i] = line{"X-" + strings.Repeat("n", i), strings.Repeat("v", 100-i)}
	}
	all = append(all,
		request{url: url},
		request{url: "http://a"},
		request{url: "https://[::1]/#fragment", method: fbs.MethodTrace, expect: true},
		request{url: url, method: fbs.MethodOther, name: "M"},
		request{url: url, method: fbs.MethodOther, name: "PROPFIND", lines: []line{{"Depth", "1"}}},
		request{url: url, method: fbs.MethodOther, name: "GET"},
		request{url: url, lines: []line{{"A", ""}}},
		request{url: url, lines: []line{{"", ""}}}, // the engine refuses it; here it is a range like any other
		request{url: url, lines: []line{{"a", "1"}, {"A", "2"}, {"", "x"}, {"b", ""}}},
		request{url: url, method: fbs.MethodPost, expect: true, lines: hundred},
		request{url: url, lines: []line{{"Latin", "\xe9\x00\xff"}}},
		request{url: "http://a/" + strings.Repeat("p", 5000), lines: []line{{"Big", strings.Repeat("b", 70000)}}},
	)
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(most int) string { return strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(most+1)) }
	for range random {
		r := request{
			method: fbs.Method(rnd.IntN(10)), url: "http://host/" + text(40), expect: rnd.IntN(2) == 1,
		}
		if r.method == fbs.MethodOther {
			r.name = "X" + text(9)
		}
		for range rnd.IntN(12) {
			r.lines = append(r.lines, line{"N" + text(20), text(40)})
		}
		all = append(all, r)
	}
	return all
}

func answerCases(random int) (all []answer) {
	hundred := make([]line, 100)
	for i := range hundred {
		hundred[i] = line{"X-" + strings.Repeat("n", i), strings.Repeat("v", 100-i)}
	}
	all = append(all,
		answer{length: -1},
		answer{status: 200, version: wire.Version11, reason: "OK", url: "http://a/", address: "127.0.0.1:80", length: 0},
		answer{status: 999, version: wire.Version10, reason: "\xe9", url: "http://a/b", address: "[::1]:80", length: 1<<63 - 1,
			tls: "TLS1.2 X", reused: true, lines: hundred, interim: []uint16{103}},
		answer{status: 204, length: -1, lines: []line{{"a", ""}, {"b", ""}, {"", ""}}},
	)
	rnd := rand.New(rand.NewPCG(3, 4))
	text := func(most int) string { return strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(most+1)) }
	for range random {
		a := answer{
			status: uint16(rnd.IntN(1000)), version: wire.Version(rnd.IntN(21)), reason: text(20),
			url: text(50), address: text(21), tls: text(45), length: rnd.Int64N(1<<40) - 1, reused: rnd.IntN(2) == 1,
		}
		for range rnd.IntN(4) {
			a.interim = append(a.interim, uint16(101+rnd.IntN(99)))
		}
		for range rnd.IntN(20) {
			a.lines = append(a.lines, line{"N" + text(20), text(60)})
		}
		all = append(all, a)
	}
	return all
}
