package h1

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"turbohttp/buffers"
	"turbohttp/buffers/buffertest"
	"turbohttp/wire"
)

// get makes the head of a request; fields are "Name: value".
func request(t testing.TB, method, url string, size int64, fields ...string) *wire.RequestHead {
	t.Helper()
	head := &wire.RequestHead{Method: []byte(method), BodySize: size}
	if fault := head.Target.Parse([]byte(url)); fault != nil {
		t.Fatal(fault)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		head.Fields.Add([]byte(name), []byte(value))
	}
	return head
}

// conn drives one engine, and writes down what it tells.
type conn struct {
	testing.TB
	*Engine
	pool *buffers.Pool
	now  wire.Instant
	told strings.Builder
	body bool // the last thing told was body
	ev   wire.Event
}

func newConn(t testing.TB) *conn {
	t.Helper()
	pool := buffertest.Pool(t)
	c := &conn{TB: t, Engine: New(pool, Limits{}), pool: pool, now: 1}
	t.Cleanup(func() { c.Release() })
	return c
}

func (c *conn) sequence(text string) *buffers.Sequence {
	q := new(buffers.Sequence)
	if text != "" {
		b := c.pool.Get(len(text))
		copy(b.Bytes(), text)
		q.Append(b, 0, len(text))
	}
	return q
}

func (c *conn) open(head *wire.RequestHead, end bool) wire.StreamID {
	c.Helper()
	id, fault := c.Open(head, end, c.now)
	require.Nil(c, fault)
	return id
}

// sent takes everything that Fill has, limit bytes at a time.
func (c *conn) sentBy(limit int) string {
	c.Helper()
	var all strings.Builder
	for more := true; more; {
		var out buffers.Sequence
		more = c.Fill(&out, limit)
		require.False(c, more && out.Len() == 0, "Fill says that there is more, but gives nothing")
		all.WriteString(text(&out))
		out.Release()
		c.drain()
	}
	var out buffers.Sequence
	require.False(c, c.Fill(&out, limit))
	require.Zero(c, out.Len(), "Fill said that there was no more")
	return all.String()
}

func (c *conn) sent() string { c.Helper(); return c.sentBy(1 << 20) }

func text(q *buffers.Sequence) string {
	b := make([]byte, q.Len())
	q.CopyTo(b, 0)
	return string(b)
}

func (c *conn) feed(text string) *wire.Fault {
	c.Helper()
	return c.feedSequence(c.sequence(text))
}

func (c *conn) feedSequence(q *buffers.Sequence) *wire.Fault {
	c.Helper()
	fault := c.Feed(q, c.now)
	require.Zero(c, q.Len(), "Feed takes all")
	c.drain()
	c.fault(fault)
	return fault
}

func (c *conn) eof() *wire.Fault {
	fault := c.FeedEOF(c.now)
	c.drain()
	c.fault(fault)
	return fault
}

func (c *conn) send(id wire.StreamID, body string, end bool) *wire.Fault {
	q := c.sequence(body)
	fault := c.Send(id, q, end)
	require.Zero(c, q.Len(), "Send takes all")
	c.drain()
	return fault
}

func (c *conn) say(format string, args ...any) {
	if c.body {
		c.told.WriteByte('\n')
		c.body = false
	}
	fmt.Fprintf(&c.told, format+"\n", args...)
}

func (c *conn) fault(f *wire.Fault) {
	if f != nil {
		c.say("fault %v %s", f.Status, f.Text)
	}
}

// drain writes down all events. Pieces of body are joined: how a body is cut is no part of the story.
func (c *conn) drain() {
	for c.Next(&c.ev) {
		switch ev := &c.ev; ev.Kind {
		case wire.EventInformational, wire.EventHead:
			c.say("%d %q %d length %d%s", ev.Head.Status, ev.Head.Reason, ev.Head.Version, ev.Head.ContentLength, lines(&ev.Head.Fields))
		case wire.EventBody:
			require.NotZero(c, ev.Body.Len(), "a body event is never empty")
			if !c.body {
				c.told.WriteString("body ")
				c.body = true
			}
			c.told.WriteString(strings.ReplaceAll(text(&ev.Body), "\n", "␊"))
			ev.Body.Release()
		case wire.EventTrailers:
			c.say("trailers%s", lines(ev.Trailers))
		case wire.EventEnd:
			c.say("end%s", map[bool]string{true: " stopped"}[ev.Stopped])
		case wire.EventClosing:
			c.say("closing")
		default:
			c.Fatalf("event of kind %d", ev.Kind)
		}
	}
}

func lines(f *wire.Fields) string {
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, " [%s|%s]", f.Name(i), f.Value(i))
	}
	return b.String()
}

// story is what was told so far.
func (c *conn) story() string {
	if c.body {
		c.told.WriteByte('\n')
		c.body = false
	}
	s := c.told.String()
	c.told.Reset()
	return s
}

// exchange is a request, sent whole, and an answer that is cut in many ways.
type exchange struct {
	method string // GET when empty
	fields []string
	limits Limits
	answer string
	open   bool // no EOF follows
	want   string
}

// run feeds the answer cut at the given places, or in one Feed as many segments.
func (x exchange) run(c *conn, cuts []int, oneFeed bool) string {
	c.Helper()
	c.Release()
	c.Init(c.pool, x.limits)
	method := x.method
	if method == "" {
		method = "GET"
	}
	c.open(request(c, method, "http://a.example/x?secret", 0, x.fields...), true)
	c.sent()
	c.story()
	if len(x.answer) > 0 {
		block := c.pool.Get(len(x.answer))
		copy(block.Bytes(), x.answer)
		var q buffers.Sequence
		from := 0
		var fault *wire.Fault
		for _, to := range append(cuts, len(x.answer)) {
			q.AppendSlice(block, from, to)
			from = to
			if !oneFeed || to == len(x.answer) {
				if fault = c.feedSequence(&q); fault != nil {
					break
				}
			}
		}
		block.Release()
		if fault != nil {
			q.Release()
			require.Same(c, fault, c.FeedEOF(c.now), "a fault stays")
			return c.story() + fmt.Sprintf("room %d\n", c.Room())
		}
	}
	if !x.open {
		c.eof()
	}
	return c.story() + fmt.Sprintf("room %d\n", c.Room())
}

// check feeds the answer whole, split at every octet, and one octet at a time, and wants the same story each time.
func (x exchange) check(t *testing.T) {
	t.Helper()
	c := newConn(t)
	require.Equal(t, x.want, x.run(c, nil, false))
	every := make([]int, 0, len(x.answer))
	for at := 1; at < len(x.answer); at++ {
		every = append(every, at)
	}
	require.Equal(t, x.want, x.run(c, every, false), "one octet at a time")
	require.Equal(t, x.want, x.run(c, every, true), "one octet a segment")
	if len(every) > 2000 { // long ones: every split of the front and the end
		every = append(every[:1000:1000], every[len(every)-1000:]...)
	}
	for _, at := range every {
		if got := x.run(c, []int{at}, false); got != x.want {
			require.Equal(t, x.want, got, "split at %d", at)
		}
	}
}
