package main

//#include "record.h"
import "C"

import (
	"unsafe"

	"turbohttp/buffers"
	"turbohttp/tlsprov"
	"turbohttp/tlsprov/gotls"
	"turbohttp/wire"
)

// nameOfGo lives as long as the process: a host may keep it.
var nameOfGo = C.CString(gotls.Provider{}.Name())

// tlsContext makes what a client needs for https, and notes the name of the provider in its record.
func tlsContext(r *C.tb_client, pool *buffers.Pool) (tlsprov.Context, *wire.Fault) {
	cfg := tlsprov.Config{Pool: pool, ALPN: []string{"http/1.1"}, Log: logLine}
	if t := r.config.tls; t != nil {
		if t.provider == C.TURBO_TLS_SYSTEM_ONLY {
			return nil, wire.Faultf(wire.StatusProvider, 0, "tls", "this build has no TLS library of the system to offer: "+
				"set provider to TURBO_TLS_SYSTEM_PREFERRED or TURBO_TLS_GO_ONLY")
		}
		if t.min_version > 0xFFFF {
			t.min_version = 0xFFFF // which Parse refuses, too
		}
		cfg.MinVersion = uint16(t.min_version)
		cfg.Insecure = t.insecure != 0
		cfg.PinsReportOnly = t.pins_report_only != 0
		cfg.Ask = t.ask != 0
		cfg.RootsPEM = goBytes(t.roots_pem)
		cfg.CertificatePEM = goBytes(t.certificate_pem)
		cfg.KeyPEM = goBytes(t.key_pem)
		for _, pin := range unsafe.Slice(t.pins, int(t.pin_count)) {
			cfg.Pins = append(cfg.Pins, [32]byte(cBytes(unsafe.Pointer(pin.data), pin.size)))
		}
	}
	context, fault := gotls.Provider{}.NewContext(&cfg)
	clear(cfg.KeyPEM)
	if fault != nil {
		return nil, fault
	}
	r.tls_name = nameOfGo
	return context, nil
}

func goBytes(b C.turbo_bytes) []byte {
	return append([]byte(nil), cBytes(unsafe.Pointer(b.data), b.size)...)
}
