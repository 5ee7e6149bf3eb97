package codec

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

const (
	trailersFields = iota
	trailersOctets
	trailersCount
)

// DecodeTrailers reads the Trailers in mem, which may contain anything, into fields: a view of mem afterwards, but for
// the lines. Checks and faults are those of [DecodeRequest].
func DecodeTrailers(mem []byte, fields *wire.Fields) *wire.Fault {
	fault := decodeTrailers(mem, fields)
	if fault != nil {
		fields.Reset()
	}
	return fault
}

func decodeTrailers(mem []byte, fields *wire.Fields) *wire.Fault {
	switch {
	case len(mem) > MaxRequest:
		return wire.Faultf(wire.StatusLimit, 0, stage, "the trailers have %d bytes, more than %d", len(mem), MaxRequest)
	case len(mem) < 8:
		return invalid("the trailers have %d bytes, which is too short for a FlatBuffer", len(mem))
	case string(mem[4:8]) != "TRT1":
		return invalid("the trailers have the identifier %q, Trailers have \"TRT1\"", mem[4:8])
	}
	t, fault := openTable(mem, 0, "Trailers", trailersCount)
	if fault != nil {
		return fault
	}
	octets, _, fault := t.vector(trailersOctets, "octets", 1, false)
	if fault != nil {
		return fault
	}
	lines, _, fault := t.vector(trailersFields, "fields", lineSize, false)
	if fault != nil {
		return fault
	}
	return decodeLines(lines, octets, fields)
}

// The layout of all Trailers that leave this package: identifier, vtable, table, lines, octets.
const (
	trailersTable     = 16
	trailersAtFields  = trailersTable + 4
	trailersAtOctets  = trailersTable + 8
	trailersTableSize = 12
	trailersAtLines   = trailersTable + trailersTableSize
)

var trailersStart = [trailersTable + 4]byte{
	trailersTable, 0, 0, 0, 'T', 'R', 'T', '1',
	8, 0, trailersTableSize, 0, trailersAtFields - trailersTable, 0, trailersAtOctets - trailersTable, 0,
	8, 0, 0, 0,
}

// EncodeTrailers rents a block and writes Trailers into it, as [EncodeResponse] does a Response.
func EncodeTrailers(p *buffers.Pool, fields *wire.Fields) *buffers.Block {
	s := spanOf(fields.Lines)
	octets := fields.Octets[s.low:s.high]
	block := p.Get(trailersAtLines + 4 + len(fields.Lines)*lineSize + 4 + padded(len(octets)))
	block.SetTag("response trailers")
	to := block.Bytes()
	copy(to, trailersStart[:])
	at := putLines(to, trailersAtFields, trailersAtLines, fields.Lines, uint32(s.low))
	putVector(to, trailersAtOctets, at, octets, 0)
	return block
}
