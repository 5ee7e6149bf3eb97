package codec

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

func TestDecodeReadsWhatTheGeneratedCodeWrites(t *testing.T) {
	var head wire.RequestHead
	for _, c := range requestCases(200) {
		mem := c.build()
		require.Nil(t, DecodeRequest(mem, &head))
		requireSame(t, c, &head)
		requireSame(t, readRequest(mem), &head)
		requireWithin(t, mem, &head)
	}
}

func TestDecodeReadsMemoryOfAnyAlignment(t *testing.T) {
	for _, c := range requestCases(10) {
		built := c.build()
		for shift := range 8 {
			room := make([]byte, len(built)+8)
			mem := room[shift : shift+len(built) : shift+len(built)]
			copy(mem, built)
			var head wire.RequestHead
			require.Nil(t, DecodeRequest(mem, &head))
			requireSame(t, c, &head)
			requireWithin(t, mem, &head)
		}
	}
}

// judge decodes mem and holds the outcome against everything that must be true of it. It tells whether mem was taken.
func judge(t testing.TB, mem []byte, head *wire.RequestHead) bool {
	fault := DecodeRequest(mem, head)
	if fault == nil {
		requireWithin(t, mem, head)
		requireSame(t, readRequest(mem), head) // and the generated code does not panic
		return true
	}
	switch fault.Status {
	case wire.StatusInvalid, wire.StatusUnsupported, wire.StatusLimit:
	default:
		require.Fail(t, "a fault of another kind", fault.Error())
	}
	require.NotEmpty(t, fault.Text)
	require.Empty(t, head.Method)
	require.Empty(t, head.Fields.Octets)
	require.Empty(t, head.Fields.Lines)
	require.Equal(t, wire.Target{}, head.Target)
	require.False(t, head.Expect)
	return false
}

func TestEveryOneByteCorruptionIsRefusedOrHarmless(t *testing.T) {
	cases := requestCases(0)
	var head wire.RequestHead
	taken, refused := 0, 0
	for _, i := range []int{0, 2, 4, 8} {
		built := cases[i].build()
		for at := range built {
			for v := range 256 {
				mem := append(make([]byte, 0, len(built)), built...)
				mem[at] = byte(v)
				if judge(t, mem, &head) {
					taken++
				} else {
					refused++
				}
			}
		}
	}
	t.Logf("%d corruptions taken, %d refused", taken, refused)
}

func TestEveryTruncationIsRefusedOrHarmless(t *testing.T) {
	cases := requestCases(0)
	var head wire.RequestHead
	for _, c := range append(cases[:11:11], requestCases(10)[12:]...) {
		built := c.build()
		for size := range built {
			judge(t, append(make([]byte, 0, size), built[:size]...), &head)
		}
	}
}

// refused decodes mem and returns the fault.
func refused(t *testing.T, status wire.Status, mem []byte) string {
	t.Helper()
	var head wire.RequestHead
	fault := DecodeRequest(mem, &head)
	require.NotNil(t, fault)
	assert.Equal(t, status, fault.Status)
	return fault.Error()
}

// custom builds a Request whose table is filled by fill, with slots fields.
func custom(slots int, before func(b *flatbuffers.Builder) (url flatbuffers.UOffsetT), fill func(b *flatbuffers.Builder)) []byte {
	b := flatbuffers.NewBuilder(0)
	url := before(b)
	b.StartObject(slots)
	if url != 0 {
		fbs.RequestAddUrl(b, url)
	}
	fill(b)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("TRQ1"))
	return b.FinishedBytes()
}

func withURL(b *flatbuffers.Builder) flatbuffers.UOffsetT { return b.CreateString("http://a/") }

func TestAFaultSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Run("a value beyond the octets", func(t *testing.T) {
		b := flatbuffers.NewBuilder(0)
		url := b.CreateString("http://a/")
		octets := b.CreateByteVector(make([]byte, 96))
		lines := buildLines(b, []wire.Line{{}, {}, {NameAt: 96}, {ValueAt: 120, ValueSize: 60}}, fbs.RequestStartFieldsVector)
		fbs.RequestStart(b)
		fbs.RequestAddUrl(b, url)
		fbs.RequestAddFields(b, lines)
		fbs.RequestAddOctets(b, octets)
		b.FinishWithFileIdentifier(fbs.RequestEnd(b), []byte("TRQ1"))
		assert.Equal(t, "head: the request's field 3 has its value at 120..180, beyond the 96 octets",
			refused(t, wire.StatusInvalid, b.FinishedBytes()))
	})
	t.Run("a range that wraps around", func(t *testing.T) {
		b := flatbuffers.NewBuilder(0)
		url := b.CreateString("http://a/")
		octets := b.CreateByteVector(make([]byte, 8))
		lines := buildLines(b, []wire.Line{{NameAt: 4, NameSize: 1<<32 - 2}}, fbs.RequestStartFieldsVector)
		fbs.RequestStart(b)
		fbs.RequestAddUrl(b, url)
		fbs.RequestAddFields(b, lines)
		fbs.RequestAddOctets(b, octets)
		b.FinishWithFileIdentifier(fbs.RequestEnd(b), []byte("TRQ1"))
		assert.Equal(t, "head: the request's field 0 has its name at 4..4294967298, beyond the 8 octets",
			refused(t, wire.StatusInvalid, b.FinishedBytes()))
	})
	t.Run("a field of a later schema", func(t *testing.T) {
		mem := custom(8, withURL, func(b *flatbuffers.Builder) { b.PrependInt32Slot(6, 7, 0) })
		assert.Equal(t, "head: field 6 of Request is not known to this build of TurboHTTP 0.1",
			refused(t, wire.StatusUnsupported, mem))
	})
	t.Run("a longer vtable that sets nothing new", func(t *testing.T) {
		mem := custom(6, withURL, func(b *flatbuffers.Builder) { b.PrependByteSlot(requestMethod, 2, 0) })
		var head wire.RequestHead
		require.Nil(t, DecodeRequest(mem, &head))
		// Builders trim zeros at the end of a vtable, so stretch it by hand: a vtable of ten fields in front.
		long := append(make([]byte, 0, 256), 0, 0, 0, 0, 'T', 'R', 'Q', '1', 24, 0, 8, 0)
		long = append(long, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		long[0] = byte(len(long))
		long = append(long, 24, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0)
		long = append(long, "http://a/\x00"...)
		require.Nil(t, DecodeRequest(long, &head))
		require.Equal(t, "http://a/", string(head.Target.URL))
		long[8+4+2*9] = 4
		assert.Equal(t, "head: field 9 of Request is not known to this build of TurboHTTP 0.1",
			refused(t, wire.StatusUnsupported, long))
	})
	t.Run("a policy of a later schema", func(t *testing.T) {
		var policy flatbuffers.UOffsetT
		mem := custom(6, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
			b.StartObject(3)
			b.PrependInt16Slot(1, 5, 0)
			policy = b.EndObject()
			return withURL(b)
		}, func(b *flatbuffers.Builder) { fbs.RequestAddPolicy(b, policy) })
		assert.Equal(t, "head: field 1 of Policy is not known to this build of TurboHTTP 0.1",
			refused(t, wire.StatusUnsupported, mem))
	})
	t.Run("a bool that is neither", func(t *testing.T) {
		var policy flatbuffers.UOffsetT
		mem := custom(6, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
			b.StartObject(1)
			b.PrependByteSlot(0, 2, 0)
			policy = b.EndObject()
			return withURL(b)
		}, func(b *flatbuffers.Builder) { fbs.RequestAddPolicy(b, policy) })
		assert.Equal(t, "head: expect_continue of the request's Policy is 2, neither 0 nor 1", refused(t, wire.StatusInvalid, mem))
	})
	t.Run("a method of a later schema", func(t *testing.T) {
		mem := custom(6, withURL, func(b *flatbuffers.Builder) { b.PrependByteSlot(requestMethod, 10, 0) })
		assert.Equal(t, "head: method 10 of the request is not known to this build of TurboHTTP 0.1",
			refused(t, wire.StatusUnsupported, mem))
	})
	t.Run("a method without its name", func(t *testing.T) {
		mem := custom(6, withURL, func(b *flatbuffers.Builder) { b.PrependByteSlot(requestMethod, 9, 0) })
		assert.Equal(t, "head: the request has the method Other and no method_name", refused(t, wire.StatusInvalid, mem))
	})
	t.Run("two methods", func(t *testing.T) {
		var name flatbuffers.UOffsetT
		mem := custom(6, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
			name = b.CreateString("PUT")
			return withURL(b)
		}, func(b *flatbuffers.Builder) { fbs.RequestAddMethodName(b, name) })
		assert.Equal(t, "head: the request has the method GET and a method_name too, which is for method Other",
			refused(t, wire.StatusInvalid, mem))
	})
	t.Run("no URL", func(t *testing.T) {
		mem := custom(6, func(*flatbuffers.Builder) flatbuffers.UOffsetT { return 0 }, func(*flatbuffers.Builder) {})
		assert.Equal(t, "head: the request has no url", refused(t, wire.StatusInvalid, mem))
	})
	t.Run("a bad URL", func(t *testing.T) {
		mem := (&request{url: "gopher://a/"}).build()
		assert.True(t, strings.HasPrefix(refused(t, wire.StatusInvalid, mem), "url: "))
	})
	t.Run("a URL without its NUL", func(t *testing.T) {
		mem := (&request{url: "http://a/"}).build()
		at := strings.Index(string(mem), "http://a/")
		mem[at+9] = 'x'
		assert.Equal(t, "head: url of the Request does not end in a NUL", refused(t, wire.StatusInvalid, mem))
	})
	t.Run("another root", func(t *testing.T) {
		mem := (&answer{}).build()
		assert.Equal(t, `head: the request head has the identifier "TRS1", a Request has "TRQ1"`, refused(t, wire.StatusInvalid, mem))
	})
	t.Run("nothing", func(t *testing.T) {
		assert.Equal(t, "head: the request head has 0 bytes, which is too short for a FlatBuffer", refused(t, wire.StatusInvalid, nil))
		assert.Contains(t, refused(t, wire.StatusInvalid, []byte("\xff\xff\xff\xffTRQ1")), "beyond the 8 bytes")
	})
	t.Run("too large", func(t *testing.T) {
		mem := append((&request{url: "http://a/"}).build(), make([]byte, MaxRequest)...)
		assert.Contains(t, refused(t, wire.StatusLimit, mem), "more than 1048576")
		var head wire.RequestHead
		assert.Nil(t, DecodeRequest(mem[:MaxRequest], &head))
	})
	t.Run("too many fields", func(t *testing.T) {
		r := request{url: "http://a/", lines: make([]line, MaxFields+1)}
		assert.Equal(t, "head: the request has 1001 fields, more than 1000", refused(t, wire.StatusLimit, r.build()))
		r.lines = r.lines[1:]
		var head wire.RequestHead
		assert.Nil(t, DecodeRequest(r.build(), &head))
		assert.Equal(t, MaxFields, head.Fields.Len())
	})
	t.Run("a vector that ends beyond", func(t *testing.T) {
		mem := (&request{url: "http://a/", lines: []line{{"a", "b"}}}).build()
		at := fieldsAt(mem)
		binary.LittleEndian.PutUint32(mem[at:], 900)
		assert.Contains(t, refused(t, wire.StatusInvalid, mem), fmt.Sprintf("fields of the Request has 900 elements and would end at %d", at+4+900*16))
		binary.LittleEndian.PutUint32(mem[at:], 1<<32-1)
		assert.Contains(t, refused(t, wire.StatusInvalid, mem), "fields of the Request has 4294967295 elements")
	})
}

// fieldsAt is where mem has the length of its fields.
func fieldsAt(mem []byte) int {
	q := fbs.GetRootAsRequest(mem, 0)
	tab := q.Table()
	at := tab.Pos + flatbuffers.UOffsetT(tab.Offset(4+2*requestFields))
	return int(at + binaryU32(mem, at))
}

func binaryU32(mem []byte, at flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	return flatbuffers.GetUOffsetT(mem[at:])
}

func FuzzDecodeRequest(f *testing.F) {
	for _, c := range requestCases(10)[:20] {
		if mem := c.build(); len(mem) < 4096 {
			f.Add(mem)
		}
	}
	small := (&request{url: "http://a", method: fbs.MethodOther, name: "M", expect: true, lines: []line{{"a", "b"}}}).build()
	for at := range small {
		mem := append([]byte(nil), small...)
		mem[at] ^= 0xFF
		f.Add(mem)
	}
	f.Fuzz(func(t *testing.T, mem []byte) {
		var head wire.RequestHead
		judge(t, mem[:len(mem):len(mem)], &head)
	})
}

func BenchmarkDecodeRequest(b *testing.B) {
	for _, n := range []int{0, 2, 10} {
		r := request{url: "http://127.0.0.1:8080/path/to/resource?x=1"}
		for i := range n {
			r.lines = append(r.lines, line{fmt.Sprintf("X-Header-%d", i), "a value of usual length"})
		}
		mem := r.build()
		b.Run(fmt.Sprintf("fields=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var head wire.RequestHead
			for b.Loop() {
				if DecodeRequest(mem, &head) != nil {
					b.Fatal()
				}
			}
		})
	}
}
