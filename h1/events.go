package h1

import (
	"turbohttp/buffers"
	"turbohttp/wire"
)

// events are what Next will tell. One exchange tells each kind in the order of its number, and only interim heads and
// body bytes more than once; bytes join those that wait. So a bit a kind is the whole queue.
type events struct {
	waiting uint8            // bit 1<<kind
	body    buffers.Sequence // EventBody: never empty while its bit is set
	stopped bool             // EventEnd
	closing bool             // EventClosing was told, or waits
}

func (v *events) reset() {
	v.waiting, v.stopped, v.closing = 0, false, false
	v.body.Release()
}

func (v *events) tell(kind wire.EventKind) { v.waiting |= 1 << kind }

func (v *events) tellClosing() {
	if !v.closing {
		v.closing = true
		v.tell(wire.EventClosing)
	}
}
