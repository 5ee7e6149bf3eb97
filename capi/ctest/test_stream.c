/* test_stream - bodies piece by piece: write, reserve and commit, finish; lend; trailers; the queue's handle. */
#include "common.h"

#include <poll.h>

static turbo_queue  queue;
static turbo_client client;

static turbo_request_options streamed(uint64_t size, uint32_t events) {
    turbo_request_options o = turbo_request_options_default();
    o.flags = TURBO_STREAM;
    o.body_size = size;
    o.events = events;
    return o;
}

static void begin(const char* path, uint64_t size, call* c) {
    turbo_request_options o = streamed(size, 0);
    CHECK_IS(submit(client, "POST", path, &o, c), TURBO_OK);
}

static int64_t write_one(call* c, const void* data, size_t size, uint64_t token, uint32_t flags) {
    turbo_bytes part;
    part.data = (const uint8_t*)data;
    part.size = size;
    return turbo_request_write(c->request, &part, 1, token, flags);
}

static void wait_for(const uint32_t* count, uint32_t n, const char* what) {
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    while (*count < n) {
        if (now_ns() > end) FAIL("no %s within %d ms", what, WAIT_MS);
        pump(queue, 50);
    }
}

static void done_is(call* c, turbo_status status, int http) {
    wait_done(queue, c);
    if (c->done.status != status || c->done.http_status != http)
        FAIL("DONE %d, HTTP %d, not %d, %d: %s", c->done.status, c->done.http_status, status, http, error_of(c));
}

static void echoed(call* c, uint64_t size) {
    done_is(c, TURBO_OK, 200);
    CHECK(c->done.bytes == size);
    body_is(c->request, size, 0);
    release(c);
}

static uint8_t bytes[400000];

/* ---- Sending -------------------------------------------------------------------------------------------- */
static void test_write(void) {
    turbo_progress p;
    for (int known = 0; known < 2; known++) {
        call        c;
        turbo_bytes parts[3] = {{bytes + 10, 20}, {NULL, 0}, {bytes + 30, 70}};
        begin("/echo", known ? 100000 : 0, &c);
        CHECK(write_one(&c, bytes, 10, 1, 0) >= 0);
        CHECK(turbo_request_write(c.request, parts, 3, 2, 0) >= 0);
        CHECK(turbo_request_write(c.request, NULL, 0, 4, 0) >= 0);
        wait_for(&c.sents, 2, "SENT");
        CHECK(write_one(&c, bytes + 100, 99900, 8, 0) >= 0);
        CHECK(turbo_request_write(c.request, NULL, 0, 16, TURBO_END) >= 0);
        CHECK_IS(write_one(&c, bytes, 1, 32, 0), TURBO_ERROR_STATE); /* behind the end */
        if (known) CHECK_IS(turbo_request_write(c.request, NULL, 0, 16, TURBO_END), 0);
        done_is(&c, TURBO_OK, 200);
        CHECK(c.sents == 3 && c.sent_tokens == 11 && c.sent_bytes == 100000 && c.sent.status == TURBO_OK);
        CHECK_IS(turbo_request_progress(c.request, &p), TURBO_OK);
        CHECK(p.sent == 100000 && p.send_total == (known ? 100000 : 0));
        CHECK_IS(write_one(&c, bytes, 1, 32, 0), TURBO_ERROR_STATE);
        echoed(&c, 100000);
    }
}

static void test_copy(void) {
    call    c;
    uint8_t piece[1000];
    begin("/echo", 0, &c);
    for (int i = 0; i < 50; i++) {
        memcpy(piece, bytes + i * 1000, 1000);
        CHECK(write_one(&c, piece, 1000, 7, TURBO_COPY | (i == 49 ? TURBO_END : 0)) >= 0);
        memset(piece, 0, sizeof piece);
    }
    echoed(&c, 50000);
    CHECK(c.sents == 0);
}

static void test_reserve(void) {
    static const size_t sizes[] = {1, 10, 100, 5000, 16000, 16384, 40000, 0};
    call                c;
    size_t              at = 0;
    turbo_span          span;
    begin("/echo", 0, &c);
    CHECK_IS(turbo_request_commit(c.request, 0, 0), TURBO_ERROR_STATE); /* nothing reserved */
    for (int i = 0; i < 200; i++) {
        size_t size = sizes[i % 8];
        if (at + size > sizeof bytes) size = 1;
        CHECK_IS(turbo_request_reserve(c.request, size, &span), TURBO_OK);
        CHECK(span.data != NULL && span.size >= size && span.size >= 1);
        if (i % 5 == 0) CHECK_IS(turbo_request_reserve(c.request, size, &span), TURBO_OK); /* the first view ends */
        CHECK_IS(turbo_request_commit(c.request, span.size + 1, 0), TURBO_ERROR_INVALID);
        memcpy(span.data, bytes + at, size);
        CHECK(turbo_request_commit(c.request, size, 0) >= 0);
        CHECK_IS(turbo_request_commit(c.request, 0, 0), TURBO_ERROR_STATE);
        at += size;
        pump(queue, 0);
    }
    CHECK_IS(turbo_request_reserve(c.request, (1 << 20) + 1, &span), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_request_reserve(c.request, 1 << 20, &span), TURBO_OK);
    CHECK(turbo_request_commit(c.request, 0, TURBO_END) >= 0);
    CHECK_IS(turbo_request_reserve(c.request, 1, &span), TURBO_ERROR_STATE);
    echoed(&c, at);
    CHECK(c.sents == 0);
}

static void test_size(void) {
    call c;
    begin("/echo", 100, &c);
    CHECK(write_one(&c, bytes, 60, 1, 0) >= 0);
    CHECK_IS(write_one(&c, bytes + 60, 41, 2, 0), TURBO_ERROR_INVALID); /* more than promised: nothing is borrowed */
    CHECK_IS(write_one(&c, bytes + 60, 39, 2, TURBO_END), TURBO_ERROR_INVALID); /* less */
    CHECK(write_one(&c, bytes + 60, 40, 4, TURBO_END) >= 0);
    echoed(&c, 100);
    CHECK(c.sents == 2 && c.sent_tokens == 5);
}

static void test_trailers(void) {
    call              c;
    uint8_t           memory[256];
    turbo_span        span = {memory, sizeof memory};
    turbo_head_writer writer;
    turbo_head_reader reader;
    turbo_bytes       trailers, name, value;
    begin("/echo", 0, &c);
    CHECK_IS(turbo_response_trailers(c.request, &trailers), TURBO_ERROR_STATE);
    CHECK(write_one(&c, bytes, 1000, 1, 0) >= 0);
    turbo_head_begin_trailers(&writer, span);
    turbo_head_field(&writer, turbo_text("X-Check"), turbo_text("42"));
    turbo_head_field(&writer, turbo_text("X-Sum"), turbo_text("a b"));
    CHECK_IS(turbo_head_finish(&writer, &trailers), TURBO_OK);
    CHECK_IS(turbo_request_finish(c.request, trailers), TURBO_OK);
    memset(memory, 0xff, sizeof memory); /* copied */
    CHECK_IS(turbo_request_finish(c.request, trailers), TURBO_ERROR_STATE);
    done_is(&c, TURBO_OK, 200);
    CHECK_IS(turbo_response_trailers(c.request, &trailers), TURBO_OK);
    CHECK(trailers.size != 0 && (uintptr_t)trailers.data % 8 == 0);
    CHECK_IS(turbo_head_trailers(trailers, &reader), TURBO_OK);
    CHECK(reader.field_count == 2);
    CHECK_IS(turbo_head_response_field(&reader, 1, &name, &value), 1);
    CHECK(name.size == 5 && memcmp(name.data, "X-Sum", 5) == 0 && value.size == 3 && memcmp(value.data, "a b", 3) == 0);
    echoed(&c, 1000);

    run(queue, client, "GET", "/hello", NULL, &c);
    CHECK_IS(turbo_response_trailers(c.request, &trailers), TURBO_OK);
    CHECK(trailers.size == 0);
    release(&c);

    begin("/echo", 10, &c); /* no trailers where no chunks are */
    turbo_head_begin_trailers(&writer, span);
    CHECK_IS(turbo_head_finish(&writer, &trailers), TURBO_OK);
    CHECK_IS(turbo_request_finish(c.request, trailers), TURBO_ERROR_INVALID);
    CHECK(write_one(&c, bytes, 10, 1, TURBO_END) >= 0);
    echoed(&c, 10);

    static const char* const wrong[] = {"Content-Length", "Host", "bad name", ""};
    for (int i = 0; i < 5; i++) { /* what is wrong in them fails in DONE */
        begin("/echo", 0, &c);
        turbo_head_begin_trailers(&writer, span);
        turbo_head_field(&writer, turbo_text(i < 4 ? wrong[i] : "X"), turbo_text("1"));
        CHECK_IS(turbo_head_finish(&writer, &trailers), TURBO_OK);
        if (i == 4) memory[4] = 'Q';
        CHECK_IS(turbo_request_finish(c.request, trailers), TURBO_OK);
        done_is(&c, TURBO_ERROR_INVALID, 0);
        CHECK(strlen(error_of(&c)) > 10);
        release(&c);
    }
}

static void test_window(void) {
    turbo_client_config config = client_config(queue);
    call                c;
    turbo_client        old = client;
    int64_t             n = 0;
    uint64_t            total = 0;
    uint32_t            writes = 0;
    config.window_bytes = 64 << 10;
    client = client_make(&config);
    begin("/noread?ms=300", 0, &c);
    for (int i = 0; i < 10000; i++) { /* until the socket is full, and the window */
        n = write_one(&c, bytes, 32 << 10, 1, 0);
        if (n == TURBO_ERROR_LIMIT) break;
        CHECK(n >= 0);
        total += 32 << 10;
        writes++;
    }
    CHECK_IS(n, TURBO_ERROR_LIMIT);
    CHECK(c.dones == 0);
    wait_for(&c.writables, 1, "WRITABLE");
    n = write_one(&c, bytes, 32 << 10, 1, TURBO_END);
    CHECK(n >= 0 && n <= 96 << 10);
    done_is(&c, TURBO_OK, 200);
    CHECK(c.sents == writes + 1 && c.sent_bytes == total + (32 << 10));
    CHECK(c.writables <= 2);
    release(&c);

    begin("/echo", 0, &c); /* one that is larger than four windows goes when nothing is queued */
    CHECK(write_one(&c, bytes, sizeof bytes, 1, 0) >= 0);
    wait_for(&c.sents, 1, "SENT");
    CHECK(write_one(&c, NULL, 0, 2, TURBO_END) >= 0);
    echoed(&c, sizeof bytes);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    client = old;
}

static void test_refused(void) {
    turbo_client_config config = client_config(queue);
    call                c;
    turbo_client        old = client;
    int64_t             n = 0;
    uint32_t            writes = 0;
    config.window_bytes = 1024;
    client = client_make(&config);
    begin("/refuse?ms=200", 0, &c);
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    for (;;) {
        n = write_one(&c, bytes, 4000, 1, 0);
        if (n == TURBO_ERROR_STATE) break;
        if (n >= 0) writes++;
        CHECK(n >= 0 || n == TURBO_ERROR_LIMIT);
        if (n > 1024 || n == TURBO_ERROR_LIMIT) pump(queue, 20);
        CHECK(now_ns() < end);
    }
    CHECK_IS(turbo_request_finish(c.request, (turbo_bytes){bytes, 10}), TURBO_ERROR_STATE);
    done_is(&c, TURBO_OK, 413);
    CHECK(c.done.bytes == 9);
    CHECK(c.sents == writes);
    release(&c);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    client = old;
}

/* Who was told that too much is queued hears WRITABLE, also when the server's refusal comes at that moment. */
static void test_told_to_wait(void) {
    enum { AT_ONCE = 20 };
    turbo_client_config config = client_config(queue);
    turbo_client        old = client;
    uint32_t            dice = 1, told = 0;
    config.window_bytes = 4096;
    config.connections_per_host = AT_ONCE;
    client = client_make(&config);
    for (int round = 0; round < 50; round++) {
        call c[AT_ONCE];
        int  waits[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++) {
            begin("/refuse?ms=20", 0, &c[i]);
            dice = dice * 1664525u + 1013904223u;
            for (uint64_t until = now_ns() + (dice >> 8) % 600000; now_ns() < until;) {
            }
            int64_t n = write_one(&c[i], bytes, 5000, 1, TURBO_COPY);
            CHECK(n >= 0 || n == TURBO_ERROR_STATE);
            waits[i] = n > 4096;
        }
        for (int i = 0; i < AT_ONCE; i++) {
            done_is(&c[i], TURBO_OK, 413);
            if (waits[i]) CHECK(c[i].writables > 0);
            told += (uint32_t)waits[i];
            release(&c[i]);
        }
    }
    CHECK(told > 0);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    client = old;
}

/* stopped ends a request in the middle of its body, one way or another. patience: how often nothing more may be written
 * until the sockets count as full; 0 when it turns out that they were not, and all had gone out. */
static int stopped(int how, int patience) {
    call                  c;
    turbo_span            span;
    turbo_request_options o = streamed(0, 0);
    if (how == 2) o.timeout_ms = 3000 + 50 * (uint32_t)patience;
    CHECK_IS(submit(client, "POST", "/noread", &o, &c), TURBO_OK);
    uint32_t writes = 0;
    for (int full = 0, looks = 0; full < patience || writes < 4; full++) {
        if (how == 2 && c.dones != 0) break; /* its time was over before */
        CHECK(c.dones == 0 && looks++ < 1000);
        while (write_one(&c, bytes, sizeof bytes, 1, 0) >= 0) writes++, full = 0;
        pump(queue, 20);
    }
    if (how != 2) {
        CHECK_IS(turbo_request_reserve(c.request, 100, &span), TURBO_OK);
        memset(span.data, 1, span.size);
    }
    if (how == 0) CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
    if (how == 1) CHECK_IS(turbo_request_release(c.request), TURBO_OK);
    if (how == 3) {
        call other = c;
        CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
        client = client_new(queue);
        CHECK(other.request.id == c.request.id);
    }
    wait_done(queue, &c);
    CHECK_IS(c.done.status, how == 2 ? TURBO_ERROR_TIMEOUT : TURBO_ERROR_CANCELLED);
    CHECK(c.sents == writes);
    int broken = c.sent.status == c.done.status && c.sent.bytes < sizeof bytes;
    CHECK(broken || (c.sent.status == TURBO_OK && c.sent.bytes == sizeof bytes));
    if (how != 1) {
        CHECK_IS(write_one(&c, bytes, 1, 1, 0), TURBO_ERROR_STATE);
        CHECK_IS(turbo_request_commit(c.request, 1, 0), TURBO_ERROR_STATE);
        if (how != 2) memset(span.data, 2, span.size); /* the view ends by a call of ours only */
        release(&c);
    }
    return broken;
}

static void test_stopped_sending(void) {
    for (int how = 0; how < 4; how++)
        for (int patience = 3; !stopped(how, patience); patience *= 5) CHECK(patience < 300);
}

/* ---- Receiving ------------------------------------------------------------------------------------------ */
static uint8_t into[200000];

static void get_streamed(const char* path, call* c) {
    turbo_request_options o = turbo_request_options_default();
    o.events = TURBO_WANT(TURBO_EVENT_BODY);
    CHECK_IS(submit(client, "GET", path, &o, c), TURBO_OK);
}

static turbo_status lend(call* c, size_t at, size_t size, uint64_t token) {
    turbo_span span;
    span.data = into + at;
    span.size = size;
    return turbo_response_lend(c->request, span, token);
}

static void test_lend(void) {
    call        c;
    turbo_bytes part;
    memset(into, 0, sizeof into);
    turbo_client_config config = client_config(queue);
    turbo_client        old = client;
    config.window_bytes = 10000; /* DONE waits for the host */
    client = client_make(&config);
    get_streamed("/bytes?n=150000", &c);
    CHECK_IS(lend(&c, 0, 1000, 1), TURBO_OK); /* before anything came */
    CHECK_IS(lend(&c, 1000, 99000, 2), TURBO_OK);
    wait_for(&c.fills, 2, "FILLED");
    CHECK(c.filled.token == 2 && c.filled.bytes == 99000 && c.filled.status == TURBO_OK);
    CHECK(content_is(into, 100000, 0, 0));
    if (lend(&c, 100000, 60000, 4) == TURBO_OK) { /* more than comes: the end fills it */
        wait_for(&c.fills, 3, "FILLED");
        CHECK(c.filled.token == 4 && c.filled.bytes == 50000 && c.filled.status == TURBO_OK);
    } else { /* DONE was faster: the rest is there to be read */
        int end = 0;
        CHECK(body_take(c.request, into + 100000, 60000, &end) == 50000 && end);
    }
    CHECK(content_is(into, 150000, 0, 0));
    done_is(&c, TURBO_OK, 200);
    CHECK_IS(turbo_response_peek(c.request, &part, 1), 0);
    CHECK(c.done.bytes == 150000);
    CHECK_IS(lend(&c, 0, 10, 8), TURBO_ERROR_STATE);
    release(&c);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    client = old;
}

/* Peek and lend in turns: nothing is lost, nothing comes twice. */
static void test_mixed(void) {
    for (uint32_t seed = 1; seed < 12; seed++) {
        call        c;
        uint64_t    got = 0;
        uint32_t    dice = seed, fills = 0;
        char        path[64];
        const char* kind = seed % 2 ? "bytes" : "chunked";
        snprintf(path, sizeof path, "/%s?n=150000&size=777", kind);
        memset(into, 0, sizeof into);
        get_streamed(path, &c);
        uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
        for (;;) {
            CHECK(now_ns() < end);
            dice = dice * 1664525u + 1013904223u;
            if ((dice >> 28) < 6) {
                size_t   size = 1 + (dice >> 8) % 9000;
                uint64_t before = c.filled_bytes;
                CHECK(got + 2 * size <= sizeof into);
                if (lend(&c, got, size, 1) == TURBO_OK) { /* behind DONE what is left can still be peeked */
                    fills++;
                    if ((dice & 64) != 0 && lend(&c, got + size, size, 2) == TURBO_OK) fills++;
                    wait_for(&c.fills, fills, "FILLED");
                    got += c.filled_bytes - before;
                    continue;
                }
                if (c.dones == 0) pump(queue, 20);
                CHECK(c.dones == 1);
            }
            turbo_bytes part;
            int64_t     n = turbo_response_peek(c.request, &part, 1);
            if (n == 0) break;
            if (n == TURBO_ERROR_AGAIN) {
                pump(queue, 20);
                continue;
            }
            CHECK(n > 0);
            size_t take = 1 + (dice >> 8) % part.size;
            memcpy(into + got, part.data, take);
            CHECK_IS(turbo_response_consume(c.request, take), TURBO_OK);
            got += take;
        }
        done_is(&c, TURBO_OK, 200);
        CHECK(content_is(into, 150000, 0, 0));
        release(&c);
    }
}

static void test_lend_broken(void) {
    static const struct {
        const char*  path;
        turbo_status status;
        uint64_t     bytes;
    } cases[] = {{"/half", TURBO_ERROR_CLOSED, 500},
                 {"/stall", TURBO_ERROR_CANCELLED, 500},
                 {"/never", TURBO_ERROR_CANCELLED, 0}};
    for (int i = 0, tries = 0; i < 3; i++) {
        call c;
        get_streamed(cases[i].path, &c);
        if (lend(&c, 0, 1000, 1) != TURBO_OK || lend(&c, 1000, 1000, 2) != TURBO_OK) { /* it was faster */
            CHECK(i == 0 && ++tries < 100);
            wait_done(queue, &c);
            release(&c);
            i--;
            continue;
        }
        if (i > 0) {
            if (i == 1) wait_for(&c.bodies, 0, "BODY");
            for (int k = 0; k < 20; k++) pump(queue, 10);
            CHECK(c.fills == 0);
            turbo_bytes part;
            CHECK_IS(turbo_response_peek(c.request, &part, 1), TURBO_ERROR_STATE); /* they are out */
            CHECK_IS(turbo_response_consume(c.request, 0), TURBO_ERROR_STATE);
            if (i == 1) CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
            if (i == 2) CHECK_IS(turbo_request_release(c.request), TURBO_OK);
        }
        wait_done(queue, &c);
        CHECK_IS(c.done.status, cases[i].status);
        CHECK(c.fills == 2 && c.filled_tokens == 3);
        CHECK(c.filled.token == 2 && c.filled.bytes == 0 && c.filled.status == cases[i].status);
        if (i < 2) release(&c);
    }
    call c;
    CHECK_IS(submit(client, "GET", "/slow?ms=50", NULL, &c), TURBO_OK); /* collected */
    CHECK_IS(lend(&c, 0, 10, 1), TURBO_ERROR_STATE);
    done_is(&c, TURBO_OK, 200);
    release(&c);
}

/* A download through lent spans is not slowed down by the window, and makes nothing grow. */
static void test_lend_much(void) {
    call     c;
    uint32_t lent = 0;
    get_streamed("/chunked?n=20000000&size=10000", &c);
    uint64_t end = now_ns() + 2 * WAIT_MS * UINT64_C(1000000);
    while (c.dones == 0) {
        CHECK(now_ns() < end);
        while (lent - c.fills < 2 && lend(&c, lent % 2 * 100000, 100000, 1) == TURBO_OK) lent++;
        pump(queue, 50);
    }
    CHECK_IS(c.done.status, TURBO_OK);
    CHECK(c.done.bytes == 20000000);
    CHECK(c.fills == lent);
    static uint8_t rest[1 << 20];
    int            end_of_body = 0; /* what came when nothing was lent */
    CHECK(c.filled_bytes + body_take(c.request, rest, sizeof rest, &end_of_body) == 20000000 && end_of_body);
    release(&c);
}

static void test_informational(void) {
    call              c;
    turbo_bytes       head;
    turbo_head_reader reader;
    run(queue, client, "GET", "/hints", NULL, &c);
    CHECK_IS(turbo_response_head(c.request, &head), TURBO_OK);
    CHECK_IS(turbo_head_response(head, &reader), TURBO_OK);
    CHECK(reader.informational_count == 2);
    CHECK_IS(turbo_head_response_informational(&reader, 0), 103);
    CHECK_IS(turbo_head_response_informational(&reader, 1), 102);
    CHECK_IS(turbo_head_response_informational(&reader, 2), 0);
    release(&c);
}

/* ---- Both at once ---------------------------------------------------------------------------------------- */
static void* sender(void* arg) {
    call* c = (call*)arg;
    for (int i = 0; i < 400; i++) {
        int64_t n;
        do {
            n = write_one(c, bytes + (i % 40) * 10000, 10000, 1, TURBO_COPY | (i == 399 ? TURBO_END : 0));
            if (n == TURBO_ERROR_LIMIT) sleep_ms(1);
        } while (n == TURBO_ERROR_LIMIT);
        if (n < 0) FAIL("write: %d", (int)n);
    }
    return NULL;
}

static void test_both_ways(void) {
    call                  c;
    pthread_t             thread;
    turbo_request_options o = streamed(4000000, TURBO_WANT(TURBO_EVENT_BODY));
    uint64_t              got = 0;
    int                   end = 0;
    CHECK_IS(submit(client, "POST", "/echo", &o, &c), TURBO_OK);
    CHECK(pthread_create(&thread, NULL, sender, &c) == 0);
    while (!end) {
        static uint8_t part[65536];
        pump(queue, 20);
        size_t n = body_take(c.request, part, sizeof part, &end);
        for (size_t i = 0; i < n; i++)
            if (part[i] != bytes[(got + i) % 400000]) FAIL("byte %llu", (unsigned long long)(got + i));
        got += n;
    }
    pthread_join(thread, NULL);
    CHECK(got == 4000000);
    done_is(&c, TURBO_OK, 200);
    release(&c);
}

/* ---- The handle -------------------------------------------------------------------------------------------- */
static int readable(intptr_t fd, int ms) {
    struct pollfd p = {(int)fd, POLLIN, 0};
    return poll(&p, 1, ms);
}

/* quiet: nothing waits, so one poll more, or the one behind it, has taken the signal away. */
static void quiet(turbo_queue q, intptr_t handle) {
    turbo_event e;
    for (int i = 0; readable(handle, 0) != 0; i++) {
        CHECK(i < 2000);
        sleep_ms(i == 0 ? 0 : 1);
        CHECK_IS(turbo_queue_poll(q, &e, 1), 0);
    }
}

/* A poll at the moment at which the library sets the handle: neither is it set for ever, nor is a signal lost. */
static void test_handle_while_polling(void) {
    intptr_t            handle;
    turbo_queue         q = queue_new();
    turbo_client_config config = client_config(q);
    turbo_client        own = client_make(&config);
    call                c[4];
    CHECK_IS(turbo_queue_handle(q, &handle), TURBO_OK);
    for (int round = 0; round < 500; round++) {
        for (int i = 0; i < 4; i++) CHECK_IS(submit(own, "GET", "/hello", NULL, &c[i]), TURBO_OK);
        for (int left = 4; left > 0;) {
            turbo_event e[4];
            if (round % 2) CHECK_IS(readable(handle, WAIT_MS), 1);
            int64_t n = turbo_queue_poll(q, e, 4);
            CHECK(n >= 0);
            left -= (int)n;
            for (int64_t i = 0; i < n; i++) call_event(&e[i]);
        }
        for (int i = 0; i < 4; i++) release(&c[i]);
        quiet(q, handle);
    }
    destroy(q, own);
}

static void test_handle(void) {
    intptr_t            handle = -1, again = -1;
    turbo_queue         q = queue_new();
    turbo_client_config config = client_config(q);
    turbo_client        own = client_make(&config);
    call                c[5];
    turbo_event         e[2];
    CHECK_IS(turbo_queue_handle(q, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_queue_handle((turbo_queue){0}, &handle), TURBO_ERROR_STALE);
    CHECK_IS(submit(own, "GET", "/hello", NULL, &c[0]), TURBO_OK);
    sleep_ms(50); /* an event that waits before the handle is asked for counts too */
    CHECK_IS(turbo_queue_handle(q, &handle), TURBO_OK);
    CHECK_IS(turbo_queue_handle(q, &again), TURBO_OK);
    CHECK(handle >= 0 && handle == again);
    for (int round = 0; round < 50; round++) {
        int left = round == 0 ? 1 : 5;
        for (int i = round == 0 ? 1 : 0; round > 0 && i < 5; i++)
            CHECK_IS(submit(own, "GET", "/hello", NULL, &c[i]), TURBO_OK);
        while (left > 0) {
            CHECK_IS(readable(handle, WAIT_MS), 1);
            int64_t n = turbo_queue_poll(q, e, 2); /* two at a time: it stays readable */
            CHECK(n >= 0);
            for (int64_t i = 0; i < n; i++) {
                call_event(&e[i]);
                left--;
            }
        }
        for (int i = 0; i < (round == 0 ? 1 : 5); i++) release(&c[i]);
        CHECK(turbo_queue_poll(q, e, 2) == 0);
        quiet(q, handle);
    }
    destroy(q, own);
    CHECK_IS(fcntl((int)handle, F_GETFD), -1); /* the handle ends with its queue */
    CHECK_IS(turbo_queue_handle(q, &handle), TURBO_ERROR_STALE);
}

/* ---- Misuse ------------------------------------------------------------------------------------------------- */
static void test_misuse(void) {
    call                  c;
    turbo_span            span;
    turbo_request_options o = streamed(0, 0);
    turbo_bytes           part = {bytes, 10}, wild = {bytes, SIZE_MAX}, none = {NULL, 10};
    turbo_request         stale = {0};
    o.body = &part;
    o.body_count = 1;
    CHECK_IS(submit(client, "POST", "/echo", &o, &c), TURBO_ERROR_INVALID); /* a body and a stream */
    o = turbo_request_options_default();
    o.body_size = 10;
    CHECK_IS(submit(client, "POST", "/echo", &o, &c), TURBO_ERROR_INVALID);

    CHECK_IS(submit(client, "GET", "/slow?ms=50", NULL, &c), TURBO_OK); /* no stream */
    CHECK_IS(write_one(&c, bytes, 1, 1, 0), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_reserve(c.request, 1, &span), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_commit(c.request, 1, 0), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_finish(c.request, part), TURBO_ERROR_STATE);
    done_is(&c, TURBO_OK, 200);
    release(&c);

    begin("/echo", 0, &c);
    CHECK_IS(turbo_request_write(c.request, &wild, 1, 1, 0), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_write(c.request, &none, 1, 1, 0), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_write(c.request, NULL, 1, 1, 0), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_write(c.request, (const turbo_bytes*)(uintptr_t)((uintptr_t)&part + 1), 1, 1, 0),
             TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_write(c.request, &part, 1u << 20, 1, 0), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_request_write(c.request, &part, 1, 1, 64), TURBO_ERROR_UNSUPPORTED);
    CHECK_IS(turbo_request_reserve(c.request, 1, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_reserve(c.request, 1, (turbo_span*)(uintptr_t)((uintptr_t)&span + 1)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_commit(c.request, 0, TURBO_COPY), TURBO_ERROR_UNSUPPORTED);
    CHECK_IS(turbo_request_finish(c.request, (turbo_bytes){NULL, 0}), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_finish(c.request, (turbo_bytes){bytes, (1 << 20) + 1}), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_response_lend(c.request, (turbo_span){NULL, 10}, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_lend(c.request, (turbo_span){into, 0}, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_lend(c.request, (turbo_span){into, SIZE_MAX}, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_trailers(c.request, NULL), TURBO_ERROR_INVALID);
    CHECK(write_one(&c, bytes, 10, 1, TURBO_END) >= 0);
    echoed(&c, 10);
    stale = c.request;
    CHECK_IS(turbo_request_write(stale, &part, 1, 1, 0), TURBO_ERROR_STALE);
    CHECK_IS(turbo_request_reserve(stale, 1, &span), TURBO_ERROR_STALE);
    CHECK_IS(turbo_request_commit(stale, 1, 0), TURBO_ERROR_STALE);
    CHECK_IS(turbo_request_finish(stale, part), TURBO_ERROR_STALE);
    CHECK_IS(turbo_response_lend(stale, (turbo_span){into, 10}, 1), TURBO_ERROR_STALE);
    CHECK_IS(turbo_response_trailers(stale, &part), TURBO_ERROR_STALE);
}

int main(void) {
    test_begin("test_stream", 100);
    server_start();
    content_fill(bytes, sizeof bytes, 0);
    queue = queue_new();
    client = client_new(queue);
    test_write();
    test_copy();
    test_reserve();
    test_size();
    test_trailers();
    test_window();
    test_refused();
    test_told_to_wait();
    test_stopped_sending();
    test_lend();
    test_mixed();
    test_lend_broken();
    test_lend_much();
    test_informational();
    test_both_ways();
    test_handle();
    test_handle_while_polling();
    test_misuse();
    return test_end(queue, client);
}
