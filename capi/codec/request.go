package codec

import (
	"encoding/binary"

	"turbohttp/capi/fbs"
	"turbohttp/wire"
)

const (
	// MaxRequest is the size in bytes of the largest Request: turbohttp.h promises 1 MiB, turbohttp_head.h knows it as
	// TURBO_HEAD_MAX.
	MaxRequest = 1 << 20
	// MaxFields is how many field lines a Request may have. Servers take 100 or so; the number keeps what a head
	// retains (16 bytes a line) small.
	MaxFields = 1000

	build = "TurboHTTP 0.1" // what the sentence about an unknown field names
	stage = "head"
)

// The fields of the tables, in the order of the schema.
const (
	requestMethod = iota
	requestMethodName
	requestURL
	requestFields
	requestOctets
	requestPolicy
	requestCount
)

const (
	policyExpectContinue = iota
	policyCount
)

const lineSize = 16 // the struct Field

// methods are the names of fbs.Method, but for Other.
var methods = [fbs.MethodOther][]byte{
	fbs.MethodGet:     []byte("GET"),
	fbs.MethodHead:    []byte("HEAD"),
	fbs.MethodPost:    []byte("POST"),
	fbs.MethodPut:     []byte("PUT"),
	fbs.MethodDelete:  []byte("DELETE"),
	fbs.MethodPatch:   []byte("PATCH"),
	fbs.MethodOptions: []byte("OPTIONS"),
	fbs.MethodConnect: []byte("CONNECT"),
	fbs.MethodTrace:   []byte("TRACE"),
}

// DecodeRequest reads the Request in mem, which may be of any alignment and contain anything, into Method, Target,
// Fields and Expect of head; BodySize and UserAgent stay as they are. Afterwards head is a view of mem, but for
// Fields.Lines, which are copied into the memory that they had. After a fault head holds nothing of mem.
//
// What is checked here is that every range lies in mem and that the values are ones the schema knows. What a method,
// field or URL may contain is for the protocol engines and [wire.Target.Parse] to say. Padding and the order of the
// parts are free, and parts may overlap: nothing is written. The alignment that FlatBuffers ask for is not required,
// because nothing is read by a wider load than the machine allows at any address.
//
// Faults: StatusInvalid for what makes no sense; StatusUnsupported for a field or enumerator of a later schema, which
// this build must not pass over in silence; StatusLimit for more than MaxRequest bytes or MaxFields lines; and those of
// Target.Parse. It never panics, does not recurse, and its time is linear in the number of lines and the length of the
// URL.
func DecodeRequest(mem []byte, head *wire.RequestHead) *wire.Fault {
	forget(head)
	fault := decodeRequest(mem, head)
	if fault != nil {
		forget(head)
	}
	return fault
}

func forget(head *wire.RequestHead) {
	head.Method = nil
	head.Target = wire.Target{}
	head.Expect = false
	head.Fields.Octets = nil
	head.Fields.Lines = head.Fields.Lines[:0]
}

func decodeRequest(mem []byte, head *wire.RequestHead) *wire.Fault {
	switch {
	case len(mem) > MaxRequest:
		return wire.Faultf(wire.StatusLimit, 0, stage, "the request head has %d bytes, more than %d", len(mem), MaxRequest)
	case len(mem) < 8:
		return invalid("the request head has %d bytes, which is too short for a FlatBuffer", len(mem))
	case string(mem[4:8]) != "TRQ1":
		return invalid("the request head has the identifier %q, a Request has \"TRQ1\"", mem[4:8])
	}
	t, fault := openTable(mem, 0, "Request", requestCount)
	if fault != nil {
		return fault
	}

	method, _, fault := t.byte(requestMethod, "method")
	if fault != nil {
		return fault
	}
	name, named, fault := t.vector(requestMethodName, "method_name", 1, true)
	if fault != nil {
		return fault
	}
	switch {
	case method > byte(fbs.MethodOther):
		return wire.Faultf(wire.StatusUnsupported, 0, stage, "method %d of the request is not known to this build of %s", method, build)
	case method < byte(fbs.MethodOther) && named:
		return invalid("the request has the method %s and a method_name too, which is for method Other", methods[method])
	case method < byte(fbs.MethodOther):
		head.Method = methods[method]
	case len(name) == 0:
		return invalid("the request has the method Other and no method_name")
	default:
		head.Method = name
	}

	octets, _, fault := t.vector(requestOctets, "octets", 1, false)
	if fault != nil {
		return fault
	}
	lines, _, fault := t.vector(requestFields, "fields", lineSize, false)
	if fault != nil {
		return fault
	}
	if fault = decodeLines(lines, octets, &head.Fields); fault != nil {
		return fault
	}

	policy, has, fault := t.table(requestPolicy, "policy", "Policy", policyCount)
	if fault != nil {
		return fault
	}
	if has {
		expect, _, fault := policy.byte(policyExpectContinue, "expect_continue")
		if fault != nil {
			return fault
		}
		if expect > 1 {
			// Readers of other languages disagree whether 2 is true.
			return invalid("expect_continue of the request's Policy is %d, neither 0 nor 1", expect)
		}
		head.Expect = expect == 1
	}

	url, has, fault := t.vector(requestURL, "url", 1, true)
	if fault != nil {
		return fault
	}
	if !has {
		return invalid("the request has no url")
	}
	return head.Target.Parse(url)
}

// decodeLines copies lines, whose size is a multiple of lineSize, into f.
func decodeLines(lines, octets []byte, f *wire.Fields) *wire.Fault {
	n := len(lines) / lineSize
	if n > MaxFields {
		return wire.Faultf(wire.StatusLimit, 0, stage, "the request has %d fields, more than %d", n, MaxFields)
	}
	f.Octets = octets
	if cap(f.Lines) < n {
		f.Lines = make([]wire.Line, 0, max(n, 16)) // 16: most requests have fewer
	}
	f.Lines = f.Lines[:n]
	size := uint64(len(octets))
	for i := range f.Lines {
		raw := (*[lineSize]byte)(lines[i*lineSize:])
		l := wire.Line{
			NameAt:    binary.LittleEndian.Uint32(raw[0:]),
			NameSize:  binary.LittleEndian.Uint32(raw[4:]),
			ValueAt:   binary.LittleEndian.Uint32(raw[8:]),
			ValueSize: binary.LittleEndian.Uint32(raw[12:]),
		}
		if uint64(l.NameAt)+uint64(l.NameSize) > size {
			return beyond(i, "name", l.NameAt, l.NameSize, size)
		}
		if uint64(l.ValueAt)+uint64(l.ValueSize) > size {
			return beyond(i, "value", l.ValueAt, l.ValueSize, size)
		}
		f.Lines[i] = l
	}
	return nil
}

func beyond(i int, what string, at, size uint32, octets uint64) *wire.Fault {
	return invalid("the request's field %d has its %s at %d..%d, beyond the %d octets",
		i, what, at, uint64(at)+uint64(size), octets)
}

func invalid(format string, args ...any) *wire.Fault {
	return wire.Faultf(wire.StatusInvalid, 0, stage, format, args...)
}
