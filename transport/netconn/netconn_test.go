package netconn

import (
	"testing"
	"time"

	"turbohttp/buffers/buffertest"
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

func dial(t *testing.T, tr *Transport, host string, port uint16, r *transporttest.Recorder) transport.Conn {
	return dialWithin(t, tr, host, port, r, patience)
}

func dialWithin(t *testing.T, tr *Transport, host string, port uint16, r *transporttest.Recorder, within time.Duration) transport.Conn {
	c := tr.Dial(&transport.Dial{Host: host, Port: port, ConnectTimeout: int64(within), Pool: buffertest.Pool(t)}, r)
	t.Cleanup(func() { c.Close(); r.WaitClosed() })
	return c
}
