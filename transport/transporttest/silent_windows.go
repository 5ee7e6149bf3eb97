package transporttest

import "testing"

// Silent gives an address where nobody answers.
func Silent(testing.TB) (host string, port uint16) { return "192.0.2.1", 9 } // TEST-NET-1
