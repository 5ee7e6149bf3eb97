package codec

import (
	"encoding/binary"

	"turbohttp/wire"
)

// table is a FlatBuffers table in untrusted memory whose own bytes and vtable were found to lie in mem. Positions are
// offsets in mem, computed in 64 bits, where no sum of them can overflow: mem has at most MaxRequest bytes, and offsets
// in it have 32 bits.
type table struct {
	mem    []byte
	name   string // of its type
	at     int64  // of the table
	size   int64  // of the table, its own bytes
	vtable []byte // the offsets of its fields, two bytes each
}

// openTable follows the offset at position ref of mem, which lies in mem, to a table with fields known to this build.
func openTable(mem []byte, ref int64, name string, fields int) (table, *wire.Fault) {
	end := int64(len(mem))
	at := ref + int64(binary.LittleEndian.Uint32(mem[ref:]))
	if at+4 > end {
		return table{}, invalid("the %s is said to be at %d, beyond the %d bytes of the FlatBuffer", name, at, end)
	}
	vat := at - int64(int32(binary.LittleEndian.Uint32(mem[at:])))
	if vat < 0 || vat+4 > end {
		return table{}, invalid("the vtable of the %s is said to be at %d, outside the %d bytes of the FlatBuffer", name, vat, end)
	}
	vsize := int64(binary.LittleEndian.Uint16(mem[vat:]))
	size := int64(binary.LittleEndian.Uint16(mem[vat+2:]))
	if vsize < 4 || vsize%2 != 0 || vat+vsize > end {
		return table{}, invalid("the vtable of the %s has %d bytes at %d of %d: that cannot be", name, vsize, vat, end)
	}
	if size < 4 || at+size > end {
		return table{}, invalid("the %s has %d bytes at %d of %d: that cannot be", name, size, at, end)
	}
	t := table{mem: mem, name: name, at: at, size: size, vtable: mem[vat+4 : vat+vsize]}
	for i := fields; i < len(t.vtable)/2; i++ {
		if t.vtable[2*i] != 0 || t.vtable[2*i+1] != 0 {
			return table{}, wire.Faultf(wire.StatusUnsupported, 0, stage, "field %d of %s is not known to this build of %s", i, name, build)
		}
	}
	return t, nil
}

// slot is where the size bytes of field id are; has: it is set.
func (t *table) slot(id int, field string, size int64) (at int64, has bool, fault *wire.Fault) {
	if 2*id >= len(t.vtable) {
		return 0, false, nil
	}
	at = int64(binary.LittleEndian.Uint16(t.vtable[2*id:]))
	if at == 0 {
		return 0, false, nil
	}
	if at < 4 || at+size > t.size {
		return 0, false, invalid("%s of the %s is said to be at %d, outside its %d bytes", field, t.name, at, t.size)
	}
	return t.at + at, true, nil
}

func (t *table) byte(id int, field string) (v byte, has bool, fault *wire.Fault) {
	at, has, fault := t.slot(id, field, 1)
	if !has {
		return 0, false, fault
	}
	return t.mem[at], true, nil
}

// vector is the bytes of a vector whose elements have element bytes; text: of a string, which a NUL follows.
func (t *table) vector(id int, field string, element int64, text bool) (v []byte, has bool, fault *wire.Fault) {
	at, has, fault := t.slot(id, field, 4)
	if !has {
		return nil, false, fault
	}
	end := int64(len(t.mem))
	at += int64(binary.LittleEndian.Uint32(t.mem[at:]))
	if at+4 > end {
		return nil, false, invalid("%s of the %s is said to be at %d, beyond the %d bytes of the FlatBuffer", field, t.name, at, end)
	}
	count := int64(binary.LittleEndian.Uint32(t.mem[at:]))
	at += 4
	stop := at + count*element
	if stop > end {
		return nil, false, invalid("%s of the %s has %d elements and would end at %d, beyond the %d bytes of the FlatBuffer",
			field, t.name, count, stop, end)
	}
	if text && (stop == end || t.mem[stop] != 0) {
		return nil, false, invalid("%s of the %s does not end in a NUL", field, t.name)
	}
	return t.mem[at:stop:stop], true, nil
}

func (t *table) table(id int, field, name string, fields int) (sub table, has bool, fault *wire.Fault) {
	at, has, fault := t.slot(id, field, 4)
	if !has {
		return table{}, false, fault
	}
	sub, fault = openTable(t.mem, at, name, fields)
	return sub, fault == nil, fault
}
