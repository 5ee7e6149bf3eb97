package main

//#include "record.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// The levels, as in turbohttp.h.
const (
	logError = int(C.TURBO_LOG_ERROR)
	logWarn  = int(C.TURBO_LOG_WARN)
	logInfo  = int(C.TURBO_LOG_INFO)
)

var (
	logMu    sync.Mutex // the ring takes one writer at a time
	logLevel atomic.Int32
)

// logLine puts one line where turbo_log_read finds it.
func logLine(level int, text string) {
	if level > int(logLevel.Load()) || text == "" {
		return
	}
	logMu.Lock()
	C.tb_lib_log(C.int32_t(level), (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)))
	logMu.Unlock()
}
