// Package tlsprov is TLS as the rest of the library sees it: a [Provider] makes one [Context] for each client from a
// [Config], and a context makes one [Session] for each connection. A session is a stage: ciphertext goes in and out,
// plaintext is read and written, and nothing in it waits. Which library does the cryptography is the business of a room
// below: gotls drives Go's crypto/tls, openssl and schannel will drive the system's.
//
// # What is promised, whoever provides
//
// A context is parsed completely when it is made: a broken root file, a key that does not belong to its certificate, and a
// pin of the wrong size are refused there, and not after the first connection.
//
// A chain is verified by default: against the roots that were given, or the system's; its dates; the host's name; that it
// was made for servers; that its signatures are not of yesterday. Pins come on top and look at the verified chain, never
// at what the server merely sent along. All of that comes before a client certificate leaves this machine, and holds for
// a resumed session as it does for a new one.
//
// A connection that ends without close_notify was cut, and that is a fault; with it, it has ended.
//
// # Where to read on
//
// contract.go is the contract; verify.go says why a chain is not accepted, in words, and explain.go finds the reason;
// pins.go and roots.go hold the two; material.go parses what the host gave. The suite that every provider passes is
// tlstest.
package tlsprov
