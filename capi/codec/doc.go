// Package codec turns the FlatBuffers of the border into the words of package wire and back: a Request that a host
// wrote into a [wire.RequestHead], a [wire.ResponseHead] into a Response that a host reads.
//
// Both directions are written by hand against the schema capi/fbs/turbohttp.fbs, not with the accessors that flatc
// generates. For requests that is a matter of safety: what a host passes is untrusted memory, FlatBuffers for Go has
// no verifier, and the generated accessors panic on (or read beyond) a buffer that lies. Here every offset is checked
// in the function that follows it, once: what was checked is what is read. For responses it is a matter of cost: all
// strings and vectors are at hand and only their sizes vary, so that the vtable is a constant and the buffer is written
// front to back into its final place, where a builder writes back to front into memory of its own. The generated code
// serves as the judge: the tests compare both with it, and include/turbohttp_head.h, which does the same in C for hosts
// without a FlatBuffers library, with both.
package codec
