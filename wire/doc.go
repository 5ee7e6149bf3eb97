// Package wire holds the words that the protocol rooms share: what a protocol stage is, what it tells, how a request
// and a response head look, and how a failure is described. It does no IO, starts nothing and reads no clock.
//
// A [Stage] turns bytes into events and calls into bytes. Whoever calls it owns it for the length of the call: a stage
// needs no lock of its own, and the same code runs under any transport and in tests with virtual time.
package wire
