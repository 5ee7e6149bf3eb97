package main

//#include <stdlib.h>
//#include "record.h"
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"turbohttp/buffers"
	"turbohttp/core"
	"turbohttp/transport"
	"turbohttp/transport/netconn"
	"turbohttp/wire"
)

// service takes the commands of the host threads and calls core. It is one goroutine; each command is a step under its
// own recover.
type service struct {
	task  transport.Task
	bell  *os.File
	first *C.tb_command // of batch: C memory, which cgo need not look through
	batch []C.tb_command
	at    int
	step  func() // of batch[at]; stored, so that a step allocates nothing

	net       transport.Transport
	pool      *buffers.Pool
	plain     *buffers.Pool // of clients with TURBO_NO_POOL
	guard     bool
	clients   [1024]*client // by index of the record
	exchanges []*exchange   // by index of the record
	ended     core.Stats    // of clients that are no more
	cost      cost

	exchangeRents, exchangeReturns, exchangeMisses atomic.Uint64
	forgotten                                      atomic.Uint32
}

// batchSize commands are taken at once.
const batchSize = 256

// client is the library's side of one client record.
type client struct {
	core    *core.Client
	pool    *buffers.Pool
	maxBody uint64

	mu      sync.Mutex
	closed  bool
	waiting []*C.tb_op // destroy calls
}

func (s *service) init() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	s.bell = os.NewFile(uintptr(fd), "bell")
	s.step = s.command
	s.first = (*C.tb_command)(C.calloc(batchSize, C.sizeof_tb_command))
	s.batch = unsafe.Slice(s.first, batchSize)
	net := netconn.New()
	net.Log = logLine
	s.net = net
	logLevel.Store(int32(logWarn))
	version := fmt.Sprintf("%d.%d.%d %s %s/%s", C.TURBO_VERSION_MAJOR, C.TURBO_VERSION_MINOR, C.TURBO_VERSION_PATCH,
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	s.task.Init(s.run, nil)
	C.tb_lib_ready(C.int(fd), C.CString(version))
	return nil
}

// run never ends.
func (s *service) run() {
	var rung [8]byte
	for {
		n := int(C.tb_lib_take(s.first, C.size_t(len(s.batch))))
		for s.at = 0; s.at < n; s.at++ {
			if p := transport.Guard(s.step); p != nil {
				s.failed(p)
			}
		}
		if n != 0 {
			continue
		}
		if C.tb_lib_sleep() == 0 {
			continue
		}
		// Reading parks the goroutine in the runtime's poller. An error other than a spurious one cannot happen on an
		// eventfd of ours; were it closed by a host that closes descriptors it does not own, we would spin: yield.
		if _, err := s.bell.Read(rung[:]); err != nil {
			runtime.Gosched()
		}
	}
}

// failed ends the request whose command panicked.
func (s *service) failed(p *transport.Panic) {
	logLine(logError, p.String())
	c := &s.batch[s.at]
	switch {
	case c.op != nil:
		C.tb_lib_answer(c.op, C.TURBO_ERROR_INTERNAL)
	case c.bits&C.TB_CMD_SUBMIT != 0:
		x := s.exchanges[c.index]
		x.Body.Release()
		sink{}.Done(&x.Exchange, p.Fault)
	case c.bits&C.TB_CMD_LENT != 0:
		x := s.exchanges[c.index]
		x.client.core.Abort(&x.Exchange, p.Fault)
	}
}

func (s *service) command() {
	c := &s.batch[s.at]
	if c.op != nil {
		s.operate(c.op)
		return
	}
	if c.verify != nil {
		answered(c.verify)
		return
	}
	bits := c.bits
	if bits&C.TB_CMD_SUBMIT != 0 {
		s.submit(int(c.index), c.request)
	}
	x := s.exchanges[c.index]
	if bits&C.TB_CMD_CONSUME != 0 && bits&C.TB_CMD_FREE == 0 {
		x.consumed()
	}
	if bits&C.TB_CMD_LENT != 0 && bits&C.TB_CMD_FREE == 0 {
		x.given()
	}
	if bits&C.TB_CMD_CANCEL != 0 && bits&C.TB_CMD_FREE == 0 {
		x.client.core.Cancel(&x.Exchange, wire.StatusCancelled)
	}
	if bits&C.TB_CMD_FREE != 0 {
		if s.guard && c.request.forgotten != 0 {
			s.forgotten.Add(1)
			logLine(logError, "guard: request never released: "+x.Head.Name()+
				": every handle from turbo_submit needs one turbo_request_release")
		}
		x.free()
	}
}

func (s *service) submit(index int, r *C.tb_request) {
	for len(s.exchanges) <= index {
		s.exchanges = append(s.exchanges, nil)
	}
	x := s.exchanges[index]
	if x == nil {
		x = &exchange{record: r}
		s.exchanges[index] = x
		s.exchangeMisses.Add(1)
	}
	s.exchangeRents.Add(1)
	x.Reset()
	if fault := x.begin(s.clients[r.client.index]); fault != nil {
		x.Body.Release()
		x.Facts = wire.FactUnseen
		sink{}.Done(&x.Exchange, fault)
		return
	}
	x.client.core.Submit(&x.Exchange)
}

// ---- Operations, most of which a host thread waits for -----------------------------------------------------------------

func (s *service) operate(op *C.tb_op) {
	switch op.kind {
	case C.TB_OP_INIT:
		s.configure(&op.library)
		C.tb_lib_answer(op, C.TURBO_OK)
	case C.TB_OP_CLIENT_CREATE:
		status := C.int32_t(C.TURBO_OK)
		if fault := s.create(op.client); fault != nil {
			explain(op, fault)
			status = C.int32_t(fault.Status)
		}
		C.tb_lib_answer(op, status)
	case C.TB_OP_CLIENT_DESTROY:
		s.destroy(op)
	case C.TB_OP_STATS:
		s.stats(op)
		C.tb_lib_answer(op, C.TURBO_OK)
	case C.TB_OP_SHUTDOWN:
		s.check()
		C.tb_lib_answer(op, C.TURBO_OK)
	case C.TB_OP_CLIENT_NETWORK:
		s.clients[op.client.index].core.NetworkChanged()
		C.tb_lib_answer(op, C.TURBO_OK)
	case C.TB_OP_CLIENT_PRECONNECT:
		s.preconnect(op)
		C.tb_lib_answer(op, C.TURBO_OK)
	default:
		panic("unknown operation")
	}
}

func (s *service) configure(c *C.turbo_library_config) {
	warm()
	if c.threads != 0 {
		settle(int(min(uint32(c.threads), 1024)))
	}
	if c.log_level != 0 {
		logLevel.Store(int32(c.log_level))
	}
	mode := buffers.Pooled
	if c.pool_guard != 0 {
		mode, s.guard = buffers.Guarded, true
	}
	idle := int64(min(uint64(c.pool_bytes), 1<<62))
	report := func(f buffers.GuardFault) { logLine(logError, "guard: "+f.String()) }
	s.pool = buffers.NewPool(buffers.Options{Mode: mode, MaxIdleBytes: idle, OnFault: report})
	s.plain = buffers.NewPool(buffers.Options{Mode: buffers.Plain})
	if s.guard {
		s.plain = s.pool // the guard sees everything
	}
}

// explain writes the story of a failure where the host finds it, cut to what fits.
func explain(op *C.tb_op, fault *wire.Fault) {
	why := unsafe.Slice((*byte)(unsafe.Pointer(&op.why[0])), len(op.why))
	why[copy(why[:len(why)-1], fault.Text)] = 0
}

// preconnect has nobody to tell but the log.
func (s *service) preconnect(op *C.tb_op) {
	var target wire.Target
	fault := target.Parse(cBytes(unsafe.Pointer(op.text.data), op.text.size))
	if fault == nil {
		fault = s.clients[op.client.index].core.Preconnect(&target, count(op.count))
	}
	if fault != nil {
		logLine(logWarn, "preconnect: "+fault.Error())
	}
}

func (s *service) create(r *C.tb_client) *wire.Fault {
	resolve, fault := core.ParseResolve(cBytes(unsafe.Pointer(r.config.resolve.data), r.config.resolve.size))
	if fault != nil {
		return fault
	}
	c := &client{pool: s.pool, maxBody: uint64(r.config.max_body_bytes)}
	if r.config.flags&C.TURBO_NO_POOL != 0 {
		c.pool = s.plain
	}
	agent := []byte("turbohttp/0.1")
	if r.config.user_agent.size != 0 {
		agent = []byte(string(cBytes(unsafe.Pointer(r.config.user_agent.data), r.config.user_agent.size)))
	}
	context, fault := tlsContext(r, c.pool)
	if fault != nil {
		return fault
	}
	c.core = core.NewClient(core.Config{
		Transport:          s.net,
		Pool:               c.pool,
		TLS:                context,
		UserAgent:          agent,
		ConnectionsPerHost: count(r.config.connections_per_host),
		ConnectTimeout:     nanoseconds(r.config.connect_timeout_ms),
		RequestTimeout:     nanoseconds(r.config.request_timeout_ms),
		IdleTimeout:        nanoseconds(r.config.idle_timeout_ms),
		Lifetime:           nanoseconds(r.config.lifetime_ms),
		MaxRetries:         retries(r.config.max_retries),
		Resolve:            resolve,
		MaxHeadBytes:       count(r.config.max_head_bytes),
		Window:             count(r.config.window_bytes),
		Log:                logLine,
	}, sink{r})
	if old := s.clients[r.index]; old != nil {
		add(&s.ended, old.core.Stats())
	}
	s.clients[r.index] = c
	return nil
}

// retries: 0 stays the default, TURBO_NONE becomes core's "never".
func retries(n C.uint32_t) int {
	if n == C.TURBO_NONE {
		return -1
	}
	return count(n)
}

// count turns TURBO_NONE into a number that no limit reaches.
func count(n C.uint32_t) int { return int(min(uint32(n), 1<<31-1)) }

// nanoseconds: 0 stays the default, TURBO_NONE becomes core's "none".
func nanoseconds(ms C.uint32_t) int64 {
	if ms == C.TURBO_NONE {
		return -1
	}
	return int64(ms) * 1e6
}

func (s *service) destroy(op *C.tb_op) {
	index := op.client.index
	c := s.clients[index]
	if c == nil {
		C.tb_lib_answer(op, C.TURBO_OK)
		return
	}
	c.mu.Lock()
	closed, first := c.closed, len(c.waiting) == 0
	c.waiting = append(c.waiting, op)
	c.mu.Unlock()
	if first && !closed {
		c.core.Close(c.ended)
	}
	if closed {
		c.ended()
	}
}

// ended answers everybody who waits for the end of c.
func (c *client) ended() {
	c.mu.Lock()
	c.closed = true
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, op := range waiting {
		C.tb_lib_answer(op, C.TURBO_OK)
	}
}

// check looks for damage and leaks when everything should be home.
func (s *service) check() {
	s.pool.Check()
	for _, leak := range s.pool.Leaks() {
		logLine(logError, "guard: "+leak.String())
	}
}

func (s *service) stats(op *C.tb_op) {
	if s.guard {
		s.pool.Check()
	}
	st := &op.stats
	pool, plain := s.pool.Stats(), s.plain.Stats()
	if s.plain == s.pool {
		plain = buffers.Stats{}
	}
	st.guard_faults = C.uint32_t(uint64(pool.Faults) + uint64(s.forgotten.Load()))
	st.pool_rents = C.uint64_t(pool.Rents + plain.Rents)
	st.pool_returns = C.uint64_t(pool.Returns + plain.Returns)
	st.pool_misses = C.uint64_t(pool.Misses + plain.Misses)
	st.pool_bytes = C.uint64_t(pool.MappedBytes + plain.MappedBytes)
	st.object_rents = C.uint64_t(s.exchangeRents.Load())
	st.object_returns = C.uint64_t(s.exchangeReturns.Load())
	st.object_misses = C.uint64_t(s.exchangeMisses.Load())
	sum := s.requests(op.client)
	st.requests_started = C.uint64_t(sum.RequestsStarted)
	st.requests_done = C.uint64_t(sum.RequestsDone)
	st.connections_opened = C.uint64_t(sum.ConnectionsOpened)
	st.connections_open = C.uint64_t(sum.ConnectionsOpen)
	st.bytes_sent = C.uint64_t(sum.BytesSent)
	st.bytes_received = C.uint64_t(sum.BytesReceived)
	st.spans_borrowed = C.tb_lib_borrowed()
	st.events_waiting = C.tb_lib_events_waiting()
	live, objects, bytes, cycles := s.cost.read()
	st.go_heap_bytes = C.uint64_t(live)
	st.go_heap_allocs = C.uint64_t(objects)
	st.go_heap_alloc_bytes = C.uint64_t(bytes)
	st.go_gc_cycles = C.uint64_t(cycles)
}

// requests counts those of one client, or of all.
func (s *service) requests(r *C.tb_client) core.Stats {
	if r != nil {
		return s.clients[r.index].core.Stats()
	}
	sum := s.ended
	for _, c := range s.clients {
		if c != nil {
			add(&sum, c.core.Stats())
		}
	}
	return sum
}

func add(sum *core.Stats, more core.Stats) {
	sum.RequestsStarted += more.RequestsStarted
	sum.RequestsDone += more.RequestsDone
	sum.ConnectionsOpened += more.ConnectionsOpened
	sum.ConnectionsOpen += more.ConnectionsOpen
	sum.BytesSent += more.BytesSent
	sum.BytesReceived += more.BytesReceived
}
