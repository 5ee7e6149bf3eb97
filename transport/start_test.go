package transport_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"turbohttp/transport"
	"turbohttp/wire"
)

func TestPanicOfATaskIsTold(t *testing.T) {
	told := make(chan *transport.Panic, 1)
	var task transport.Task
	task.Init(func() { panic(errors.New("thrown by a test")) }, func(p *transport.Panic) { told <- p })
	transport.Start(&task)
	p := <-told
	assert.Equal(t, wire.StatusInternal, p.Fault.Status)
	assert.Contains(t, p.Fault.Text, "thrown by a test")
	assert.Contains(t, p.String(), "start_test.go", "the stack shows where")
}

func TestPanicInTheTellingIsCaughtToo(t *testing.T) {
	var wg sync.WaitGroup
	wg.Add(1)
	var task transport.Task
	task.Init(func() { panic(1) }, func(*transport.Panic) { defer wg.Done(); panic(2) })
	transport.Start(&task)
	wg.Wait()
}

func TestGuardGoesOn(t *testing.T) {
	assert.Nil(t, transport.Guard(func() {}))
	p := transport.Guard(func() { var p *transport.Panic; p.Value = 1 })
	require.NotNil(t, p)
	assert.Equal(t, wire.StatusInternal, p.Fault.Status)
	assert.Nil(t, transport.Guard(func() {}))
}
