/* fuzz_abi [SEED [CALLS [THREADS [ROUNDS]]]] - random calls, good, bad and at the wrong moment, of every function from
 * THREADS threads at once, CALLS by each, against a server that misbehaves. Each round starts the library and shuts it
 * down. Checked: only the errors that the header lists; one DONE each, nothing behind it; every borrowed span comes home
 * once, and is freed at that moment, so that AddressSanitizer (asan.sh) sees who touches it later; bodies are right; at
 * the end nothing is rented, borrowed or waiting. Prints how often what happened. */
#include "common.h"

#include <sys/resource.h>

enum { QUEUES = 4, CLIENTS = 4, SLOTS = 64, CALM = 40 /* of them: one thread at a time, views are looked at */ };

/* A span that the library borrows, or did: the token of write and lend. */
typedef struct loan {
    struct loan*     next;
    struct exchange* exchange;
    uint8_t*         data;
    const char*      kind;
    int              home;
} loan;

typedef struct exchange {
    struct exchange* next;
    uint64_t         id; /* 0 until turbo_submit has returned */
    uint8_t *        body[3], *into;
    turbo_bytes      parts[3];
    size_t           into_size;
    uint64_t         seed, consumed;                   /* of the body that /bytes sends */
    int              known, collected, streams, queue; /* streams: its request's body */
    int              heads, dones, releases, lost;     /* lost: its DONE was dropped */
} exchange;

static struct {
    turbo_queue     queue;
    pthread_mutex_t handling; /* of even queues: events are handled in their order */
} queues[QUEUES];
static struct {
    turbo_client    client;
    int             queue;
    pthread_mutex_t pair; /* of both */
} clients[CLIENTS];
static struct {
    exchange*       exchange;
    pthread_mutex_t owner; /* of calm slots */
} slots[SLOTS];
static exchange*        exchanges; /* of this round */
static loan*            loans;
static pthread_rwlock_t views;  /* read: while looking at views; write: turbo_shutdown, which ends those of others */
static pthread_rwlock_t within; /* read: in a call; write: nobody is */
static pthread_mutex_t  verify = PTHREAD_MUTEX_INITIALIZER; /* the views of turbo_verify_chain and what ends them */
static struct {
    uint64_t     token;
    turbo_client client;
} questions[8]; /* of VERIFY events */
static uint32_t question;
static int      tls_ports[32], tls_count;
static uint8_t  roots[8192];
static size_t   roots_size;

/* ---- Dice ---------------------------------------------------------------------------------------------- */
typedef struct dice {
    uint64_t state;
} dice;
static uint64_t roll(dice* d, uint64_t sides) {
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (d->state >> 11) % sides;
}
static int one_in(dice* d, uint64_t n) { return roll(d, n) == 0; }

/* ---- What happened ------------------------------------------------------------------------------------- */
#define COUNTS(X) \
    X(calls)      \
    X(submitted) X(sent) X(filled) X(heads) X(verified) X(refused) X(bodies) X(restarts)
#define X(name) static uint64_t name##_;
COUNTS(X)
#undef X
static uint64_t ends[512]; /* DONEs, by status */
#define COUNT(name) ((void)__atomic_add_fetch(&name##_, 1, __ATOMIC_RELAXED))

/* A bit for each error, so that a set of them can be said in a word. */
#define INVALID     1
#define STALE       2
#define STATE       4
#define AGAIN       8
#define LIMIT       16
#define UNSUPPORTED 32
#define TIMEOUT     64
#define PROVIDER    128

static int done_may_be(turbo_status s) {
    switch (s) {
    case TURBO_ERROR_INVALID:
    case TURBO_ERROR_LIMIT:
    case TURBO_ERROR_UNSUPPORTED:
    case TURBO_ERROR_CANCELLED:
    case TURBO_ERROR_TIMEOUT:
    case TURBO_ERROR_RESOLVE:
    case TURBO_ERROR_CONNECT:
    case TURBO_ERROR_CLOSED:
    case TURBO_ERROR_IO:
    case TURBO_ERROR_TLS:
    case TURBO_ERROR_CERTIFICATE:
    case TURBO_ERROR_PROTOCOL: return 1;
    default: return s == TURBO_OK;
    }
}
static int     down; /* the library is shut down, or soon: STATE is everyone's answer */
static int64_t allow(int64_t got, unsigned set, const char* what) {
    COUNT(calls);
    if (__atomic_load_n(&down, __ATOMIC_ACQUIRE)) set |= STATE | STALE;
    if (got >= 0) return got;
    COUNT(refused);
    switch (got) {
    case TURBO_ERROR_INVALID: set &= INVALID; break;
    case TURBO_ERROR_STALE: set &= STALE; break;
    case TURBO_ERROR_STATE: set &= STATE; break;
    case TURBO_ERROR_AGAIN: set &= AGAIN; break;
    case TURBO_ERROR_LIMIT: set &= LIMIT; break;
    case TURBO_ERROR_UNSUPPORTED: set &= UNSUPPORTED; break;
    case TURBO_ERROR_TIMEOUT: set &= TIMEOUT; break;
    case TURBO_ERROR_PROVIDER: set &= PROVIDER; break;
    default: set = 0;
    }
    if (set == 0) FAIL("%s: %lld is not in its list", what, (long long)got);
    return got;
}
static int64_t allow_dones(int64_t got, unsigned set, const char* what) {
    if (got < 0 && done_may_be((turbo_status)got)) {
        COUNT(calls);
        COUNT(refused);
        return got;
    }
    return allow(got, set, what);
}

/* ---- What the library gives back ----------------------------------------------------------------------- */
#define LOAD(p)     __atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

static void loan_home(loan* l, const char* how) {
    if (__atomic_exchange_n(&l->home, 1, __ATOMIC_ACQ_REL)) FAIL("%s: a span came home twice", how);
    free(l->data);
    l->data = NULL;
}
static void exchange_home(exchange* e) {
    for (int i = 0; i < 3; i++) free(__atomic_exchange_n(&e->body[i], NULL, __ATOMIC_ACQ_REL));
    free(__atomic_exchange_n(&e->into, NULL, __ATOMIC_ACQ_REL));
}
static void* linked(size_t size, void** list) { /* both kinds begin with their next */
    void* made = calloc(1, size);
    void* head;
    CHECK(made != NULL);
    do {
        head = LOAD(*list);
        *(void**)made = head;
    } while (!__atomic_compare_exchange_n(list, &head, made, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return made;
}

static void handle(const turbo_event* event, int queue) {
    exchange* e = (exchange*)(uintptr_t)event->user_data;
    loan*     l;
    int       ordered = queue % 2 == 0;
    if (event->kind == TURBO_EVENT_VERIFY) {
        uint32_t at = __atomic_fetch_add(&question, 1, __ATOMIC_RELAXED) % 8;
        pthread_mutex_lock(&verify);
        questions[at].token = event->token;
        questions[at].client.id = event->source;
        pthread_mutex_unlock(&verify);
        return;
    }
    if (e == NULL) { /* submitted without options, or without user_data, which is the last of them */
        if (event->token) loan_home((loan*)(uintptr_t)event->token, "an event without user_data");
        return;
    }
    if (LOAD(e->id) != 0) CHECK(event->source == e->id);
    if (e->queue != queue) FAIL("an event in the wrong queue");
    if (ordered && e->dones) FAIL("an event of kind %d after DONE", event->kind);
    switch (event->kind) {
    case TURBO_EVENT_HEAD:
        COUNT(heads);
        if (__atomic_add_fetch(&e->heads, 1, __ATOMIC_ACQ_REL) != 1) FAIL("two HEADs");
        break;
    case TURBO_EVENT_BODY:
    case TURBO_EVENT_WRITABLE: break;
    case TURBO_EVENT_SENT:
    case TURBO_EVENT_FILLED:
        l = (loan*)(uintptr_t)event->token;
        if (l == NULL || l->exchange != e) FAIL("event of kind %d with a token of another request", event->kind);
        loan_home(l, event->kind == TURBO_EVENT_SENT ? "SENT" : "FILLED");
        if (event->kind == TURBO_EVENT_SENT)
            COUNT(sent);
        else
            COUNT(filled);
        break;
    case TURBO_EVENT_DONE:
        if (!done_may_be(event->status)) FAIL("DONE with %d", event->status);
        if (e->into && event->bytes > e->into_size) FAIL("DONE: more bytes than the span holds");
        if (e->into && e->known && event->http_status == 200 && !content_is(e->into, event->bytes, e->seed, 0))
            FAIL("another body in the span of the host");
        exchange_home(e);
        if (__atomic_add_fetch(&e->dones, 1, __ATOMIC_ACQ_REL) != 1) FAIL("two DONEs");
        __atomic_add_fetch(&ends[-event->status], 1, __ATOMIC_RELAXED);
        break;
    default: FAIL("an event of kind %d", event->kind);
    }
}

static void take(dice* d, int i, uint32_t wait_ms) {
    turbo_event events[32];
    turbo_queue queue;
    int64_t     n;
    int         ordered = i % 2 == 0;
    if (ordered && pthread_mutex_trylock(&queues[i].handling) != 0) return;
    queue.id = LOAD(queues[i].queue.id);
    n = wait_ms && !one_in(d, 3)
            ? allow(turbo_queue_wait(queue, events, 1 + roll(d, 32), wait_ms), INVALID | STALE | STATE,
                    "turbo_queue_wait")
            : allow(turbo_queue_poll(queue, events, roll(d, 33)), INVALID | STALE | STATE, "turbo_queue_poll");
    for (int64_t k = 0; k < n; k++) handle(&events[k], i);
    if (ordered) pthread_mutex_unlock(&queues[i].handling);
}

/* dropped: the events of a queue, or of all (-1), that nobody took will not come; what they would have given back is
 * not in use. No thread is in a call. */
static void dropped(int queue) {
    for (loan* l = LOAD(loans); l; l = l->next)
        if ((queue < 0 || l->exchange->queue == queue) && !LOAD(l->home)) loan_home(l, "dropped");
    for (exchange* e = LOAD(exchanges); e; e = e->next)
        if ((queue < 0 || e->queue == queue) && !LOAD(e->dones)) {
            e->lost = 1;
            exchange_home(e);
        }
}

/* ---- Calls ---------------------------------------------------------------------------------------------- */
static uint8_t* fresh(dice* d, size_t size) {
    uint8_t* data = malloc(size ? size : 1);
    CHECK(data != NULL);
    memset(data, (int)roll(d, 256), size);
    return data;
}

/* A number that is a handle of nothing, most of the time. */
static uint64_t wild(dice* d) {
    switch (roll(d, 6)) {
    case 0: return 0;
    case 1: return UINT64_MAX;
    case 2: return LOAD(queues[roll(d, QUEUES)].queue.id) ^ (UINT64_C(1) << roll(d, 64));
    case 3: return d->state;
    case 4: return LOAD(clients[roll(d, CLIENTS)].client.id) + (roll(d, 3) << 32);
    default: return roll(d, 4096);
    }
}

static turbo_client any_client(dice* d) {
    turbo_client c = {one_in(d, 40) ? wild(d) : LOAD(clients[roll(d, CLIENTS)].client.id)};
    return c;
}

static turbo_bytes head_random(dice* d, uint8_t* memory, size_t capacity, const char* url, int* whole) {
    static const char* const names[] = {"X-A", "Expect", "Connection", "Host", "Content-Length", "Transfer-Encoding",
                                        "TE",  ""};
    static const char* const values[] = {"1",         "100-continue", "close",     "keep-alive",
                                         "a.example", "chunked",      "x\r\ny: z", "gzip, chunked"};
    turbo_span               span = {memory, one_in(d, 100) ? roll(d, 200) : capacity};
    turbo_head_writer        writer;
    turbo_bytes              head = {memory, 0};
    if (one_in(d, 20))
        turbo_head_begin_named(&writer, span, turbo_text(one_in(d, 2) ? "PURGE" : "BAD METHOD"), turbo_text(url));
    else
        turbo_head_begin(&writer, span, (int32_t)(one_in(d, 6) ? roll(d, 11) : TURBO_METHOD_GET + roll(d, 3)),
                         turbo_text(url));
    for (uint64_t i = roll(d, 4); i > 0; i--)
        if (one_in(d, 15))
            turbo_head_field(&writer, turbo_text(names[roll(d, 8)]), turbo_text(values[roll(d, 8)]));
        else
            turbo_head_field(&writer, turbo_text("X-B"), turbo_text("b"));
    *whole = turbo_head_finish(&writer, &head) == TURBO_OK;
    if (!*whole) {
        head.data = memory;
        head.size = roll(d, capacity);
        memset(memory, 7, head.size);
    }
    if (one_in(d, 15)) *whole = 0;
    if (*whole) return head;
    head.size = roll(d, head.size + 1);
    if (head.size > 0)
        for (uint64_t i = 1 + roll(d, 4); i > 0; i--) memory[roll(d, head.size)] ^= (uint8_t)(1u << roll(d, 8));
    return head;
}

static const char* const paths[] = {"/hello",
                                    "/bytes?n=%llu&seed=%llu",
                                    "/chunked?n=%llu&seed=%llu",
                                    "/close?n=%llu&seed=%llu",
                                    "/drip?n=40&ms=1",
                                    "/echo",
                                    "/sum",
                                    "/headers?n=20",
                                    "/hints",
                                    "/refuse",
                                    "/slow?ms=5",
                                    "/never",
                                    "/noread?ms=20",
                                    "/halfhead",
                                    "/stall",
                                    "/drop",
                                    "/reset",
                                    "/half",
                                    "/garbage",
                                    "/status/404",
                                    "/status/204",
                                    "/bytes?n=%llu&seed=%llu"};

static void call_release(exchange* e) {
    turbo_request r = {LOAD(e->id)};
    if (allow(turbo_request_release(r), STALE, "turbo_request_release") != TURBO_OK) return;
    if (__atomic_add_fetch(&e->releases, 1, __ATOMIC_ACQ_REL) != 1) FAIL("released twice");
}

static void call_submit(dice* d, int slot) {
    uint8_t               memory[2048];
    char                  path[128], url[256];
    turbo_request_options o = turbo_request_options_default(), *options = &o;
    turbo_request         request = {1};
    exchange *            e = linked(sizeof *e, (void**)&exchanges), *old;
    uint64_t              which = roll(d, sizeof paths / sizeof *paths), size = roll(d, one_in(d, 8) ? 400000 : 3000);
    int                   k = (int)roll(d, CLIENTS), whole;
    turbo_client          client;
    turbo_status          status;
    pthread_mutex_lock(&clients[k].pair);
    client = clients[k].client;
    e->queue = clients[k].queue;
    pthread_mutex_unlock(&clients[k].pair);
    if (one_in(d, 50))
        client.id = roll(d, 2) ? d->state : LOAD(queues[roll(d, QUEUES)].queue.id); /* no client for sure */
    e->seed = roll(d, 256);
    e->streams = one_in(d, 3);
    if (e->streams && one_in(d, 2)) which = 5 + roll(d, 2); /* echo, sum */
    snprintf(path, sizeof path, paths[which], (unsigned long long)size, (unsigned long long)e->seed);
    if (one_in(d, 12))
        snprintf(url, sizeof url, "https://localhost:%d%s", tls_ports[roll(d, (uint64_t)tls_count)], path);
    else
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    if (one_in(d, 40)) snprintf(url, sizeof url, "http://127.0.0.1:1/");
    if (one_in(d, 40)) snprintf(url, sizeof url, "http://elsewhere.invalid:%d/hello", server.port);
    if (one_in(d, 60)) snprintf(url, sizeof url, "nonsense://%d", (int)roll(d, 100));
    turbo_bytes head = head_random(d, memory, sizeof memory, url, &whole);
    if (one_in(d, 200)) head.data = NULL;

    o.flags = (uint32_t)(e->streams ? TURBO_STREAM : one_in(d, 3) ? TURBO_COPY : 0);
    if (one_in(d, 200)) o.flags = (uint32_t)roll(d, 16);
    o.events =
        (uint32_t)(roll(d, 4) ? roll(d, 2) * TURBO_WANT(TURBO_EVENT_HEAD) + roll(d, 2) * TURBO_WANT(TURBO_EVENT_BODY)
                              : 0);
    if (one_in(d, 300)) o.events = (uint32_t)d->state;
    o.timeout_ms = 1 + (uint32_t)roll(d, 400);
    o.max_body_bytes = one_in(d, 10) ? roll(d, 5000) : 0;
    o.user_data = (uint64_t)(uintptr_t)e;
    if ((o.flags & TURBO_STREAM) == 0 && one_in(d, 4)) {
        o.body_count = 1 + roll(d, 3);
        for (size_t i = 0; i < o.body_count; i++) {
            size_t n = one_in(d, 6) ? 0 : roll(d, one_in(d, 10) ? 300000 : 2000);
            e->body[i] = fresh(d, n);
            e->parts[i] = (turbo_bytes){e->body[i], n};
        }
        if (one_in(d, 100)) e->parts[0] = (turbo_bytes){NULL, 10};
        o.body = e->parts;
    }
    if ((o.flags & TURBO_STREAM) && one_in(d, 2)) o.body_size = roll(d, 5000);
    if ((o.events & TURBO_WANT(TURBO_EVENT_BODY)) == 0 && one_in(d, 3)) {
        e->into_size = 1 + (roll(d, 2) ? size + roll(d, 3) : roll(d, 4000)); /* of size 0 it would be no span */
        e->into = fresh(d, e->into_size);
        o.into = (turbo_span){e->into, e->into_size};
    }
    e->collected = (o.events & TURBO_WANT(TURBO_EVENT_BODY)) == 0 && e->into == NULL;
    e->known = whole && strncmp(path, "/bytes", 6) == 0 && strstr(url, path) != NULL;

    if (one_in(d, 300)) { /* without options, or without the newer ones: user_data, the last, does not come back */
        exchange_home(e);
        e->dones = 1;
        memset(&o.body, 0, sizeof o - offsetof(turbo_request_options, body));
        o.struct_size = (uint32_t)roll(d, sizeof o / 8) * 8;
        if (one_in(d, 3)) options = NULL;
    }
    status = (turbo_status)allow(turbo_submit(client, head, options, one_in(d, 500) ? NULL : &request),
                                 INVALID | STALE | STATE | LIMIT | UNSUPPORTED, "turbo_submit");
    if (status != TURBO_OK) {
        if (request.id != 0 && request.id != 1) FAIL("a failed submit left a handle");
        e->dones = e->releases = 1; /* never began: borrows nothing, tells nothing */
        exchange_home(e);
        return;
    }
    COUNT(submitted);
    if (o.flags & TURBO_COPY)
        for (int i = 0; i < 3; i++) free(__atomic_exchange_n(&e->body[i], NULL, __ATOMIC_ACQ_REL));
    STORE(e->id, request.id);
    old = __atomic_exchange_n(&slots[slot].exchange, e, __ATOMIC_ACQ_REL);
    if (old) call_release(old);
}

/* Streams: what is written and lent belongs to a loan. */
static void call_write(dice* d, exchange* e, turbo_request r) {
    size_t      n = one_in(d, 20) ? 0 : roll(d, one_in(d, 10) ? 300000 : 3000);
    loan*       l = linked(sizeof *l, (void**)&loans);
    turbo_bytes parts[2];
    uint32_t    flags = (uint32_t)(one_in(d, 20) ? TURBO_END : 0) | (uint32_t)(one_in(d, 3) ? TURBO_COPY : 0);
    int64_t     got;
    l->exchange = e;
    l->kind = "write";
    l->data = fresh(d, n);
    parts[0] = (turbo_bytes){l->data, n / 3};
    parts[1] = (turbo_bytes){l->data + n / 3, n - n / 3};
    if (one_in(d, 100)) parts[1] = (turbo_bytes){NULL, 5};
    if (one_in(d, 100)) parts[1].size = SIZE_MAX - roll(d, 10);
    if (one_in(d, 100)) flags = (uint32_t)roll(d, 64);
    got = allow(turbo_request_write(r, one_in(d, 100) ? NULL : parts, 2, (uint64_t)(uintptr_t)l, flags),
                INVALID | STALE | STATE | LIMIT | UNSUPPORTED, "turbo_request_write");
    /* Borrowed is what was taken, has bytes, and was not copied; everything else is ours still. */
    if (got < 0 || n == 0 || (flags & TURBO_COPY)) loan_home(l, "write");
}
static void call_lend(dice* d, exchange* e, turbo_request r) {
    size_t     n = roll(d, one_in(d, 10) ? 100000 : 2000);
    loan*      l = linked(sizeof *l, (void**)&loans);
    turbo_span span;
    int64_t    got;
    l->exchange = e;
    l->kind = "lend";
    l->data = fresh(d, n);
    span = (turbo_span){one_in(d, 100) ? NULL : l->data, n};
    got = allow(turbo_response_lend(r, span, (uint64_t)(uintptr_t)l), INVALID | STALE | STATE | LIMIT,
                "turbo_response_lend");
    if (got < 0) loan_home(l, "lend");
}
static void call_finish(dice* d, turbo_request r) {
    uint8_t           memory[512];
    turbo_span        span = {memory, sizeof memory};
    turbo_head_writer writer;
    turbo_bytes       trailers = {memory, 0};
    turbo_head_begin_trailers(&writer, span);
    for (uint64_t i = roll(d, 3); i > 0; i--) turbo_head_field(&writer, turbo_text("X-Sum"), turbo_text("1"));
    turbo_head_finish(&writer, &trailers);
    if (one_in(d, 10) && trailers.size) memory[roll(d, trailers.size)] ^= (uint8_t)roll(d, 256);
    if (one_in(d, 10)) trailers.size = roll(d, trailers.size + 1);
    allow(turbo_request_finish(r, trailers), INVALID | STALE | STATE | LIMIT, "turbo_request_finish");
}

static uint64_t looked; /* at: so that reading a view is not optimised away */
static void     look(turbo_bytes view) {
        uint64_t sum = 0;
        for (size_t i = 0; i < view.size; i++) sum += view.data[i];
    __atomic_add_fetch(&looked, sum, __ATOMIC_RELAXED);
}

/* calm: calls of a slot that this thread owns for now; views are read, and written, to their last byte. */
static void calm(dice* d, exchange* e) {
    turbo_request r = {LOAD(e->id)};
    turbo_bytes   part[8], name, value;
    turbo_span    span;
    uint8_t       memory[300];
    int64_t       n;
    uint64_t      which = roll(d, 10);
    if (which >= 5 && !one_in(d, 20) && (which == 7 ? e->collected : !e->streams))
        which = 0; /* what can work, mostly */
    switch (which) {
    case 0:
    case 1:
        n = allow_dones(turbo_response_peek(r, part, 8), STALE | STATE | AGAIN, "turbo_response_peek");
        for (int64_t i = 0; i < n && i < 8; i++) look(part[i]);
        if (n > 0 && e->known && e->collected && !content_is(part[0].data, part[0].size, e->seed, e->consumed))
            FAIL("another body than that of the server");
        if (n > 0) COUNT(bodies);
        if (n > 0 && !e->collected)
            allow(turbo_response_consume(r, roll(d, part[0].size + 1)), STALE | STATE, "turbo_response_consume");
        break;
    case 2:
        if (allow(turbo_response_head(r, &value), STALE | STATE, "turbo_response_head") == TURBO_OK) look(value);
        break;
    case 3:
        if (allow(turbo_response_header(r, turbo_text("server"), roll(d, 2), &value), STALE | STATE,
                  "turbo_response_header") == 1)
            look(value);
        for (size_t i = 0; i < 8; i++) {
            if (allow(turbo_response_field(r, i, &name, &value), STALE | STATE, "turbo_response_field") != 1) break;
            look(name);
            look(value);
        }
        break;
    case 4:
        if (allow(turbo_response_trailers(r, &value), STALE | STATE, "turbo_response_trailers") == TURBO_OK)
            look(value);
        break;
    case 5:
        if (allow(turbo_request_reserve(r, roll(d, one_in(d, 10) ? 2000000 : 5000), &span),
                  INVALID | STALE | STATE | LIMIT, "turbo_request_reserve") == TURBO_OK) {
            memset(span.data, 1, span.size);
            allow(turbo_request_commit(r, roll(d, one_in(d, 20) ? span.size + 2 : span.size + 1),
                                       one_in(d, 20) ? TURBO_END : 0),
                  INVALID | STALE | STATE, "turbo_request_commit");
        }
        break;
    case 6: call_write(d, e, r); break;
    case 7: call_lend(d, e, r); break;
    case 8: call_finish(d, r); break;
    case 9:
        span = (turbo_span){memory, roll(d, sizeof memory)};
        n = allow_dones(turbo_response_read(r, span), INVALID | STALE | STATE | AGAIN, "turbo_response_read");
        if (n > 0) e->consumed += (uint64_t)n;
        break;
    }
}

/* wildly: any call of a handle that others use at the same moment, or that is none; views are not looked at. */
static void wildly(dice* d, exchange* e) {
    turbo_request   r = {one_in(d, 20) ? wild(d) : LOAD(e->id)};
    turbo_bytes     part[4], value;
    turbo_span      span;
    turbo_timings   timings;
    turbo_progress  progress;
    char            text[64];
    const unsigned  handle = INVALID | STALE | STATE;
    turbo_bytes*    to = one_in(d, 50) ? NULL : &value;
    const exchange* known = r.id == LOAD(e->id) ? e : NULL;
    switch (roll(d, 16)) {
    case 0:
        allow_dones(turbo_response_peek(r, one_in(d, 50) ? NULL : part, roll(d, 5)), handle | AGAIN,
                    "turbo_response_peek");
        break;
    case 1:
        allow(turbo_response_consume(r, one_in(d, 9) ? SIZE_MAX : roll(d, 3000)), handle, "turbo_response_consume");
        break;
    case 2: allow(turbo_response_head(r, to), handle, "turbo_response_head"); break;
    case 3:
        allow(turbo_response_header(r, turbo_text("server"), roll(d, 3), to), handle, "turbo_response_header");
        break;
    case 4: allow(turbo_response_field(r, roll(d, 5), to, &value), handle, "turbo_response_field"); break;
    case 5: allow(turbo_response_trailers(r, to), handle, "turbo_response_trailers"); break;
    case 6: allow(turbo_request_timings(r, one_in(d, 50) ? NULL : &timings), handle, "turbo_request_timings"); break;
    case 7:
        allow(turbo_request_progress(r, one_in(d, 50) ? NULL : &progress), INVALID | STALE, "turbo_request_progress");
        break;
    case 8:
        allow(turbo_request_error(r, one_in(d, 50) ? NULL : text, roll(d, sizeof text)), handle, "turbo_request_error");
        break;
    case 9:
        allow(turbo_request_reserve(r, one_in(d, 20) ? SIZE_MAX : roll(d, 5000), one_in(d, 50) ? NULL : &span),
              handle | LIMIT, "turbo_request_reserve");
        break;
    case 10:
        allow(turbo_request_commit(r, roll(d, 3) ? 0 : roll(d, 5000), (uint32_t)roll(d, 6)), handle | UNSUPPORTED,
              "turbo_request_commit");
        break;
    case 11:
        if (known) call_write(d, e, r);
        break;
    case 12:
        if (known) call_lend(d, e, r);
        break;
    case 13: call_finish(d, r); break;
    case 14:
        if (one_in(d, 30)) allow(turbo_request_cancel(r), STALE, "turbo_request_cancel");
        break;
    case 15:
        if (known && one_in(d, LOAD(e->dones) ? 2 : 30)) call_release(e);
        break;
    }
}

/* beside: what any thread may ask about a request while another one owns it. */
static void beside(dice* d, exchange* e) {
    turbo_request  r = {LOAD(e->id)};
    turbo_timings  timings;
    turbo_progress progress;
    char           text[64];
    switch (roll(d, 4)) {
    case 0: allow(turbo_request_timings(r, &timings), STALE | STATE, "turbo_request_timings"); break;
    case 1: allow(turbo_request_progress(r, &progress), STALE, "turbo_request_progress"); break;
    case 2: allow(turbo_request_error(r, text, sizeof text), STALE | STATE, "turbo_request_error"); break;
    case 3:
        if (one_in(d, 30)) allow(turbo_request_cancel(r), STALE, "turbo_request_cancel");
        break;
    }
}

static void call_client_create(dice* d, int k) {
    turbo_client_config config = turbo_client_config_default();
    turbo_tls_config    tls = turbo_tls_config_default();
    turbo_client        client = {0};
    char                why[100], resolve[100];
    int                 queue = (int)roll(d, QUEUES);
    config.queue.id = one_in(d, 30) ? wild(d) : LOAD(queues[queue].queue.id);
    if (mode_is("plain") || one_in(d, 5)) config.flags = TURBO_NO_POOL;
    config.connections_per_host = (uint32_t)(one_in(d, 3) ? 0 : 1 + roll(d, 16));
    config.connect_timeout_ms = 1 + (uint32_t)roll(d, 500);
    config.request_timeout_ms = 1 + (uint32_t)roll(d, 500);
    config.idle_timeout_ms = 1 + (uint32_t)roll(d, 300);
    config.lifetime_ms = (uint32_t)(one_in(d, 2) ? 0 : 1 + roll(d, 300));
    config.max_retries = (uint32_t)(one_in(d, 3) ? TURBO_NONE : roll(d, 3));
    config.max_head_bytes = (uint32_t)(one_in(d, 4) ? 1 + roll(d, 400) : 0);
    config.window_bytes = (uint32_t)(one_in(d, 2) ? 0 : 1 + roll(d, 40000));
    config.max_body_bytes = one_in(d, 4) ? 1 + roll(d, 50000) : 0;
    if (one_in(d, 2)) {
        snprintf(resolve, sizeof resolve, "elsewhere.invalid:%d:%s\n", server.port,
                 one_in(d, 2) ? "127.0.0.1" : "[::1]");
        config.resolve = turbo_text(resolve);
    }
    if (one_in(d, 30)) config.resolve = turbo_text("nonsense");
    if (one_in(d, 30)) config.struct_size = (uint32_t)roll(d, sizeof config);
    if (one_in(d, 30)) config.reserved_pointer = why;
    tls.roots_pem = (turbo_bytes){roots, one_in(d, 20) ? roll(d, roots_size) : roots_size};
    tls.ask = (uint32_t)roll(d, 2);
    tls.insecure = one_in(d, 8);
    if (one_in(d, 30)) tls.provider = (uint32_t)roll(d, 4);
    if (one_in(d, 30)) tls.min_version = 0x0300 + (uint32_t)roll(d, 6);
    config.tls = one_in(d, 4) ? NULL : &tls;
    if (allow(turbo_client_create(one_in(d, 60) ? NULL : &config, one_in(d, 60) ? NULL : &client, why,
                                  roll(d, sizeof why)),
              INVALID | STALE | STATE | LIMIT | UNSUPPORTED | PROVIDER, "turbo_client_create") != TURBO_OK) {
        if (client.id != 0) FAIL("a failed turbo_client_create left a handle");
        return;
    }
    while (LOAD(queues[queue].queue.id) != config.queue.id)
        queue = (queue + 1) % QUEUES; /* a turned bit hit another one */
    pthread_mutex_lock(&clients[k].pair);
    clients[k].queue = queue;
    STORE(clients[k].client.id, client.id);
    pthread_mutex_unlock(&clients[k].pair);
}

/* A client that is destroyed gets a successor, if one can be made; else the place stays empty for a while. */
static void call_client_destroy(dice* d, int k) {
    turbo_client client;
    turbo_status status;
    pthread_mutex_lock(&verify);
    client.id = LOAD(clients[k].client.id);
    status = (turbo_status)allow(turbo_client_destroy(client, (uint32_t)roll(d, 300)), STALE | STATE | TIMEOUT,
                                 "turbo_client_destroy");
    if (status == TURBO_OK || status == TURBO_ERROR_STALE) call_client_create(d, k);
    pthread_mutex_unlock(&verify);
}

static void call_verify(dice* d) {
    turbo_bytes  host, chain[4];
    int32_t      verified;
    turbo_client client;
    uint64_t     token;
    int64_t      n;
    pthread_mutex_lock(&verify);
    uint64_t at = roll(d, 8);
    token = one_in(d, 20) ? d->state : questions[at].token;
    client = questions[at].client;
    n = allow(turbo_verify_chain(client, token, one_in(d, 9) ? NULL : &host, &verified, chain, 4), INVALID | STALE,
              "turbo_verify_chain");
    for (int64_t i = 0; i < n && i < 4; i++) look(chain[i]);
    if (n > 0) COUNT(verified);
    if (!one_in(d, 3))
        allow(turbo_verify_answer(client, token, (int32_t)(one_in(d, 20) ? 7 : roll(d, 5) > 0)),
              INVALID | STALE | STATE, "turbo_verify_answer");
    pthread_mutex_unlock(&verify);
}

static unsigned queues_gone, restart; /* what a thread has to do when it has left its call */

static void queue_new_at(int i) {
    turbo_queue queue;
    CHECK_IS(turbo_queue_create(&queue), TURBO_OK);
    STORE(queues[i].queue.id, queue.id);
}

static void start(dice* d) {
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    STORE(down, 0);
    for (int i = 0; i < QUEUES; i++) queue_new_at(i);
    for (int k = 0; k < CLIENTS; k++) call_client_create(d, k);
}

/* one_call: the dice say which. */
static void one_call(dice* d, int shutdowns) {
    int          slot = (int)roll(d, SLOTS), i = (int)roll(d, QUEUES);
    exchange*    e = LOAD(slots[slot].exchange);
    turbo_client client;
    turbo_stats  stats = turbo_stats_default();
    turbo_queue  queue;
    intptr_t     descriptor;
    char         text[100];
    int32_t      level;
    int          owner;
    uint64_t     which = roll(d, 1000);
    if (e == NULL || (which < 250 && (LOAD(e->dones) || one_in(d, 20)))) { /* most live to their end */
        if (slot >= CALM) {
            call_submit(d, slot);
        } else if (pthread_mutex_trylock(&slots[slot].owner) == 0) {
            call_submit(d, slot);
            pthread_mutex_unlock(&slots[slot].owner);
        }
    } else if (which < 400) {
        take(d, i, (uint32_t)roll(d, 4));
    } else if (which < 900) {
        if (slot >= CALM) {
            wildly(d, e);
        } else if (one_in(d, 4)) {
            beside(d, e);
        } else if (pthread_mutex_trylock(&slots[slot].owner) == 0) {
            pthread_rwlock_rdlock(&views);
            owner = LOAD(slots[slot].exchange) == e;
            if (owner) calm(d, e);
            pthread_rwlock_unlock(&views);
            pthread_mutex_unlock(&slots[slot].owner);
        }
    } else if (which < 910) {
        queue.id = one_in(d, 5) ? wild(d) : LOAD(queues[i].queue.id);
        allow(turbo_queue_wake(queue), STALE, "turbo_queue_wake");
    } else if (which < 920) {
        queue.id = one_in(d, 5) ? wild(d) : LOAD(queues[i].queue.id);
        allow(turbo_queue_handle(queue, one_in(d, 9) ? NULL : &descriptor), INVALID | STALE | LIMIT,
              "turbo_queue_handle");
    } else if (which < 940) {
        queue.id = LOAD(queues[i].queue.id);
        if (allow(turbo_queue_destroy(queue), STALE | STATE, "turbo_queue_destroy") == TURBO_OK)
            __atomic_or_fetch(&queues_gone, 1u << i, __ATOMIC_ACQ_REL);
    } else if (which < 944) {
        call_client_destroy(d, (int)roll(d, CLIENTS));
    } else if (which < 950) {
        allow(turbo_client_network_changed(any_client(d)), STALE | STATE | LIMIT, "turbo_client_network_changed");
    } else if (which < 956) {
        snprintf(text, sizeof text, "http://127.0.0.1:%d/", one_in(d, 3) ? 1 : server.port);
        if (one_in(d, 5)) snprintf(text, sizeof text, "%%%d", (int)roll(d, 99));
        allow(turbo_client_preconnect(any_client(d), turbo_text(text), (uint32_t)roll(d, 9)),
              INVALID | STALE | STATE | LIMIT, "turbo_client_preconnect");
    } else if (which < 976) {
        call_verify(d);
    } else if (which < 980) {
        client = any_client(d);
        if (one_in(d, 2)) client.id = 0;
        allow(turbo_stats_read(client, one_in(d, 9) ? NULL : &stats), INVALID | STALE, "turbo_stats_read");
    } else if (which < 990) {
        allow(turbo_log_read(one_in(d, 9) ? NULL : &level, one_in(d, 9) ? NULL : text, roll(d, sizeof text)),
              INVALID | AGAIN, "turbo_log_read");
    } else if (which < 999) {
        if (turbo_client_tls(any_client(d)) == NULL || turbo_version() == NULL ||
            turbo_status_text((turbo_status)d->state) == NULL)
            FAIL("a text is NULL");
        COUNT(calls);
    } else if (shutdowns && one_in(d, 20)) {
        pthread_rwlock_wrlock(&views);
        pthread_mutex_lock(&verify);
        STORE(down, 1);
        STORE(restart, 1);
        allow(turbo_shutdown((uint32_t)roll(d, 200)), TIMEOUT, "turbo_shutdown");
        pthread_mutex_unlock(&verify);
        pthread_rwlock_unlock(&views);
    }
}

/* after: nobody is in a call; what a call began is brought to its end. */
static void after(dice* d) {
    if (restart) {
        for (int tries = 0; turbo_shutdown(5000) != TURBO_OK; tries++)
            if (tries == 20) FAIL("turbo_shutdown does not end");
        dropped(-1);
        queues_gone = 0;
        restart = 0;
        COUNT(restarts);
        start(d);
    }
    for (int i = 0; i < QUEUES; i++)
        if (queues_gone & 1u << i) {
            dropped(i);
            queue_new_at(i);
        }
    queues_gone = 0;
}

static struct {
    uint64_t seed, calls, round;
    int      shutdowns;
} plan;

static void* play(void* arg) {
    dice d = {(plan.seed * 1000003 + plan.round * 997 + (uint64_t)(uintptr_t)arg + 1) * UINT64_C(0x9e3779b97f4a7c15) |
              1};
    for (uint64_t i = 0; i < plan.calls; i++) {
        pthread_rwlock_rdlock(&within);
        one_call(&d, plan.shutdowns);
        pthread_rwlock_unlock(&within);
        if (LOAD(restart) || LOAD(queues_gone)) {
            pthread_rwlock_wrlock(&within);
            after(&d);
            pthread_rwlock_unlock(&within);
        }
    }
    return NULL;
}

/* settle: everything comes to its end, and every account is even. */
static void settle(void) {
    void* next;
    for (int k = 0; k < CLIENTS; k++)
        for (int tries = 0;; tries++) {
            turbo_status s = turbo_client_destroy(clients[k].client, 5000);
            if (s == TURBO_OK || s == TURBO_ERROR_STALE) break;
            if (tries == 20) FAIL("turbo_client_destroy: %d", s);
        }
    for (int i = 0; i < QUEUES; i++) {
        turbo_event events[64];
        int64_t     n;
        while ((n = turbo_queue_poll(queues[i].queue, events, 64)) > 0)
            for (int64_t k = 0; k < n; k++) handle(&events[k], i);
        CHECK_IS(n, 0);
        CHECK_IS(turbo_queue_destroy(queues[i].queue), TURBO_OK);
    }
    for (exchange* e = exchanges; e; e = e->next) {
        if (e->dones + e->lost != 1) FAIL("a request has %d DONEs", e->dones);
        if (e->releases == 0) turbo_request_release((turbo_request){e->id});
    }
    for (loan* l = loans; l; l = l->next)
        if (!l->home)
            FAIL("the span of a %s did not come home: request %llx, DONEs %d, dropped %d", l->kind,
                 (unsigned long long)l->exchange->id, l->exchange->dones, l->exchange->lost);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    for (exchange* e = exchanges; e; e = next) {
        next = e->next;
        free(e);
    }
    for (loan* l = loans; l; l = next) {
        next = l->next;
        free(l);
    }
    exchanges = NULL;
    loans = NULL;
    memset(questions, 0, sizeof questions);
    for (int i = 0; i < SLOTS; i++) slots[i].exchange = NULL;
}

/* secure_ports asks the server where it speaks TLS, and for the root of its certificates. */
static void secure_ports(void) {
    turbo_queue          queue;
    turbo_client         client;
    call                 c;
    char                 text[1024], *at = text;
    int                  end;
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    queue = queue_new();
    client = client_new(queue);
    run(queue, client, "GET", "/tls/root.pem", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    roots_size = body_take(c.request, roots, sizeof roots, &end);
    release(&c);
    run(queue, client, "GET", "/tls/ports", NULL, &c);
    text[body_take(c.request, (uint8_t*)text, sizeof text - 1, &end)] = 0;
    release(&c);
    for (int n; tls_count < 32 && sscanf(at, "%*s %d%n", &tls_ports[tls_count], &n) == 1; at += n) tls_count++;
    CHECK(tls_count > 3 && roots_size > 100);
    destroy(queue, client);
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
}

int main(int argc, char** argv) {
    uint64_t             rounds = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    int                  threads = argc > 3 ? atoi(argv[3]) : 16;
    pthread_t            thread[64];
    pthread_rwlockattr_t fair;
    CHECK(threads >= 1 && threads <= 64);
    plan.seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    plan.calls = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000;
    test_begin_bare("fuzz_abi", 3600);
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&views, &fair);
    pthread_rwlock_init(&within, &fair);
    for (int i = 0; i < QUEUES; i++) pthread_mutex_init(&queues[i].handling, NULL);
    for (int i = 0; i < CLIENTS; i++) pthread_mutex_init(&clients[i].pair, NULL);
    for (int i = 0; i < SLOTS; i++) pthread_mutex_init(&slots[i].owner, NULL);
    server_start();
    secure_ports();
    for (plan.round = 0; plan.round < rounds; plan.round++) {
        dice d = {plan.seed * 31 + plan.round + 1};
        /* Not with the guard, to which a request that is not released before turbo_shutdown is a fault. */
        plan.shutdowns = plan.round % 2 == 0 && !mode_is("guarded");
        printf("round %llu of seed %llu: %d threads, %llu calls each\n", (unsigned long long)plan.round,
               (unsigned long long)plan.seed, threads, (unsigned long long)plan.calls);
        fflush(stdout);
        start(&d);
        for (intptr_t i = 0; i < threads; i++) CHECK(pthread_create(&thread[i], NULL, play, (void*)i) == 0);
        for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
        after(&d);
        settle();
    }
#define X(name) printf(" %s %llu", #name, (unsigned long long)name##_);
    COUNTS(X)
#undef X
    printf("\nDONE:");
    for (int i = 0; i < 512; i++)
        if (ends[i]) printf(" %s %llu,", turbo_status_text(-i), (unsigned long long)ends[i]);
    printf("\n");
    return test_ok();
}
