package gotls_test

import (
	"testing"

	"turbohttp/tlsprov/gotls"
	"turbohttp/tlsprov/tlstest"
)

func TestGoPassesTheSuite(t *testing.T) { tlstest.Run(t, gotls.Provider{}) }
