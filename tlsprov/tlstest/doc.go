// Package tlstest is the suite that every TLS provider passes ([Run]): against a crypto/tls server in memory, with the bytes
// cut as the test likes, certificates made for the purpose, and a clock that stands still.
//
// authority.go makes certificates; peer.go is the server and pair.go the two together; raw.go writes single TLS 1.3
// records, for what no server says of itself; suite.go and the files beside it hold the tests, by subject.
package tlstest
