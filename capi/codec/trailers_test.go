package codec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

// trailerCases are the lines of the requests.
func trailerCases() (all [][]line) {
	for _, c := range requestCases(60) {
		all = append(all, c.lines)
	}
	return all
}

func fieldsOf(lines []line) *wire.Fields {
	f := new(wire.Fields)
	for _, l := range lines {
		f.Add([]byte(l.name), []byte(l.value))
	}
	return f
}

func buildTrailers(lines []line) []byte {
	f := fieldsOf(lines)
	b := newBuilder()
	vector := buildLines(b, f.Lines, fbs.TrailersStartFieldsVector)
	octets := b.CreateByteVector(f.Octets)
	fbs.TrailersStart(b)
	fbs.TrailersAddFields(b, vector)
	fbs.TrailersAddOctets(b, octets)
	b.FinishWithFileIdentifier(fbs.TrailersEnd(b), []byte("TRT1"))
	return b.FinishedBytes()
}

func readTrailers(mem []byte) (lines []line) {
	r := fbs.GetRootAsTrailers(mem, 0)
	octets := r.OctetsBytes()
	var f fbs.Field
	for i := range r.FieldsLength() {
		r.Fields(&f, i)
		lines = append(lines, line{
			string(octets[f.NameAt():][:f.NameSize()]),
			string(octets[f.ValueAt():][:f.ValueSize()]),
		})
	}
	return lines
}

func TestTrailersAreTheSameToGoCAndTheGeneratedCode(t *testing.T) {
	p := buffertest.Pool(t)
	cases := trailerCases()
	var written, in pipe
	for _, c := range cases {
		block := EncodeTrailers(p, fieldsOf(c))
		mem := block.Bytes()
		require.Equal(t, c, readTrailers(mem))
		in.octets(string(mem))
		var f wire.Fields
		for _, m := range [][]byte{mem, buildTrailers(c)} {
			require.Nil(t, DecodeTrailers(m, &f))
			require.Equal(t, c, linesOf(&f))
		}
		block.Release()
		in.octets(string(buildTrailers(c)))
		written.request(&request{method: 255, lines: c})
	}
	for name, flags := range sanitizers {
		t.Run(name, func(t *testing.T) {
			out := pipe(run(t, written, compile(t, "head_bridge.c", flags...), "write"))
			var f wire.Fields
			for _, c := range cases {
				mem := out.takeBytes()
				require.Equal(t, c, readTrailers(mem))
				require.Nil(t, DecodeTrailers(mem, &f))
				require.Equal(t, c, linesOf(&f))
			}
			require.Empty(t, out)
			out = pipe(run(t, in, compile(t, "head_bridge.c", flags...), "read"))
			for _, c := range cases {
				for range 2 {
					require.Equal(t, answer{lines: c}, out.takeAnswer())
				}
			}
			require.Empty(t, out)
		})
	}
}

func TestBrokenTrailersAreAFaultAndNeverAPanic(t *testing.T) {
	good := buildTrailers([]line{{"Check", "1"}, {"Sum", "22"}})
	var f wire.Fields
	for at := range good {
		for _, change := range []byte{1, 0x80, 0xff, 0x7f, 0x10} {
			bad := append([]byte(nil), good...)
			bad[at] ^= change
			if DecodeTrailers(bad, &f) == nil {
				linesOf(&f) // panics beyond the octets
			}
		}
		if DecodeTrailers(good[:at], &f) == nil {
			linesOf(&f)
		}
	}
	for text, mem := range map[string][]byte{
		"too short":         nil,
		"identifier":        buildTrailersAs("TRQ1"),
		"not known":         extraField(),
		"more than 1048576": make([]byte, MaxRequest+1),
	} {
		fault := DecodeTrailers(mem, &f)
		require.NotNil(t, fault, text)
		assert.Contains(t, fault.Text, text)
		assert.Zero(t, f.Len())
	}
}

func buildTrailersAs(identifier string) []byte {
	mem := buildTrailers(nil)
	copy(mem[4:], identifier)
	return mem
}

// extraField are Trailers of a later schema.
func extraField() []byte {
	b := newBuilder()
	b.StartObject(3)
	b.PrependUint32Slot(2, 7, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("TRT1"))
	return b.FinishedBytes()
}

func FuzzDecodeTrailers(f *testing.F) {
	f.Add(buildTrailers([]line{{"Check", "1"}, {"Sum", "22"}}))
	f.Add(extraField())
	f.Fuzz(func(t *testing.T, mem []byte) {
		var fields wire.Fields
		fault := DecodeTrailers(mem, &fields)
		if fault != nil {
			require.Zero(t, fields.Len())
			return
		}
		lines := linesOf(&fields)
		p := buffers.NewPool(buffers.Options{Mode: buffers.Plain})
		block := EncodeTrailers(p, &fields)
		require.Equal(t, lines, readTrailers(block.Bytes()))
		block.Release()
	})
}
