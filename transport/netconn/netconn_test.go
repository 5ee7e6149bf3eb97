package netconn

import (
	"testing"

	"turbohttp/transport"
	"turbohttp/transport/transporttest"
)

func TestContract(t *testing.T) {
	transporttest.Run(t, func(testing.TB) transport.Transport { return New() })
}

func TestContractWithSmallSocketBuffers(t *testing.T) {
	transporttest.Run(t, func(testing.TB) transport.Transport {
		tr := New()
		tr.SocketBuffer = 64 << 10
		return tr
	})
}
