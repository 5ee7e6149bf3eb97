// Command capi is the library libturbohttp: plain C for the host, and the thin Go service behind it.
//
// The .c files of this directory are the border. Host threads run only those; they leave commands on records (record.h)
// and read what the records tell. The service (service.go) takes the commands and calls core, and the sink (sink.go)
// writes what core tells into the records. Nothing here knows a protocol or a socket.
package main

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -DTURBO_BUILD
#cgo linux LDFLAGS: -ldl -lpthread -Wl,--wrap=sigaction
#include "record.h"
*/
import "C"

import "turbohttp/transport"

var theService service

// init runs on a thread of the library when it is loaded.
func init() {
	settle(defaultThreads)
	if err := theService.init(); err != nil {
		panic(err)
	}
	transport.Start(&theService.task)
}

// main is never called in a shared library.
func main() {}
