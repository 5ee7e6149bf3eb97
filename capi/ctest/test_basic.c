/* test_basic - every function once, as a host would use it. */
#include "common.h"

static turbo_queue  queue;
static turbo_client client;

static void test_get_and_head(void) {
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    turbo_bytes           head, value, name;
    o.events = TURBO_WANT(TURBO_EVENT_HEAD);
    run(queue, client, "GET", "/hello", &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.heads, 1);
    CHECK_IS(c.bodies, 0);
    CHECK_IS(c.head.http_status, 200);
    CHECK_IS(c.head.status, TURBO_OK);
    CHECK_IS(c.done.http_status, 200);
    CHECK_IS(c.done.bytes, 13);
    CHECK(c.done.time_ns >= c.head.time_ns && c.head.time_ns != 0);
    CHECK(c.done.flags & TURBO_FACT_SENT);
    CHECK(!(c.done.flags & TURBO_FACT_UNSEEN));

    CHECK_IS(turbo_response_head(c.request, &head), TURBO_OK);
    CHECK(((uintptr_t)head.data & 7) == 0);
    CHECK(head.size > 8 && memcmp(head.data + 4, "TRS1", 4) == 0);

    CHECK_IS(turbo_response_header(c.request, turbo_text("content-TYPE"), 0, &value), 1);
    CHECK(value.size == 10 && memcmp(value.data, "text/plain", 10) == 0);
    CHECK_IS(turbo_response_header(c.request, turbo_text("x-many"), 1, &value), 1);
    CHECK(value.size == 3 && memcmp(value.data, "two", 3) == 0);
    CHECK_IS(turbo_response_header(c.request, turbo_text("x-many"), 2, &value), 0);
    CHECK_IS(turbo_response_header(c.request, turbo_text("x-none"), 0, &value), 0);
    CHECK_IS(turbo_response_header(c.request, turbo_text("x-man"), 0, &value), 0);

    static const char* const lines[][2] = {{"Server", "testserver"},
                                           {"Content-Type", "text/plain"},
                                           {"X-Many", "one"},
                                           {"X-Many", "two"},
                                           {"Content-Length", "13"}};
    for (size_t i = 0; i < 5; i++) {
        CHECK_IS(turbo_response_field(c.request, i, &name, &value), 1);
        CHECK(name.size == strlen(lines[i][0]) && memcmp(name.data, lines[i][0], name.size) == 0);
        CHECK(value.size == strlen(lines[i][1]) && memcmp(value.data, lines[i][1], value.size) == 0);
    }
    CHECK_IS(turbo_response_field(c.request, 5, &name, &value), 0);
    CHECK_IS(turbo_response_field(c.request, SIZE_MAX, &name, &value), 0);
    CHECK_IS(turbo_request_error(c.request, NULL, 0), 0);
    release(&c);
}

static void test_timings_and_progress(void) {
    call           c;
    turbo_timings  t;
    turbo_progress p;
    uint64_t       before = now_ns();
    run(queue, client, "GET", "/slow?ms=50", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(turbo_request_timings(c.request, &t), TURBO_OK);
    CHECK(t.started_ns >= before && t.started_ns <= now_ns());
    CHECK(t.sent > 0 && t.first_byte >= t.sent && t.done >= t.first_byte);
    CHECK(t.first_byte >= 45000000u && t.done < UINT64_C(20000000000));
    CHECK(t.connected >= t.resolved && t.resolved >= t.connecting);
    CHECK(t.started_ns + t.done <= c.done.time_ns && c.done.time_ns - t.started_ns - t.done < 50000000);
    CHECK_IS(turbo_request_progress(c.request, &p), TURBO_OK);
    CHECK_IS(p.received, 5);
    CHECK_IS(p.receive_total, 5);
    CHECK_IS(p.sent, 0);
    release(&c);
}

/* A collected body of many segments, peeked whole; then consumed piece by piece. Before DONE there is nothing to see. */
static void test_collected(void) {
    call        slow;
    turbo_bytes early;
    CHECK_IS(submit(client, "GET", "/slow?ms=300", NULL, &slow), TURBO_OK);
    CHECK_IS(turbo_response_peek(slow.request, &early, 1), TURBO_ERROR_AGAIN);
    wait_done(queue, &slow);
    release(&slow);
    static const uint64_t sizes[] = {0, 1, 100, 4096, 16383, 16384, 16385, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char        path[64];
        call        c;
        turbo_bytes part;
        uint64_t    at = 0;
        snprintf(path, sizeof path, "/bytes?n=%llu&seed=%zu", (unsigned long long)sizes[i], i);
        CHECK_IS(submit(client, "GET", path, NULL, &c), TURBO_OK);
        wait_done(queue, &c);
        CHECK_DONE(&c, TURBO_OK);
        CHECK_IS(c.bodies, 0);
        CHECK_IS(c.done.bytes, sizes[i]);
        body_is(c.request, sizes[i], i);
        while (at < sizes[i]) {
            CHECK(turbo_response_peek(c.request, &part, 1) > 0);
            size_t n = part.size > 1000 ? 1000 : part.size;
            CHECK(content_is(part.data, n, i, at));
            CHECK_IS(turbo_response_consume(c.request, n), TURBO_OK);
            at += n;
        }
        CHECK_IS(turbo_response_peek(c.request, &part, 1), 0);
        CHECK_IS(turbo_response_peek(c.request, NULL, 0), 0);
        CHECK_IN(turbo_response_consume(c.request, 1), TURBO_ERROR_INVALID, TURBO_ERROR_STATE);
        release(&c);
    }
}

static void test_framings(void) {
    static const struct {
        const char* path;
        uint64_t    size;
    } all[] = {{"/chunked?n=100000&seed=3", 100000},
               {"/chunked?n=300&size=1&seed=3", 300},
               {"/chunked?n=0", 0},
               {"/close?n=70000&seed=3", 70000},
               {"/drip?n=5&ms=20&seed=3", 5}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        call c;
        run(queue, client, "GET", all[i].path, NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        CHECK_IS(c.done.bytes, all[i].size);
        body_is(c.request, all[i].size, 3);
        release(&c);
    }
    static const int statuses[] = {200, 204, 304, 404, 500, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char path[32];
        call c;
        snprintf(path, sizeof path, "/status/%d", statuses[i]);
        run(queue, client, "GET", path, NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        CHECK_IS(c.done.http_status, statuses[i]);
        release(&c);
    }
    call c;
    run(queue, client, "HEAD", "/bytes?n=1000", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.bytes, 0);
    turbo_bytes part;
    CHECK_IS(turbo_response_peek(c.request, &part, 1), 0);
    release(&c);
}

/* A streamed body, read in odd pieces, more than one window long. */
static void test_streamed(void) {
    enum { SIZE = 3000000 };
    static uint8_t        body[SIZE + 1];
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    size_t                have = 0;
    int                   end = 0;
    o.events = TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY);
    CHECK_IS(submit(client, "GET", "/bytes?n=3000000&seed=9", &o, &c), TURBO_OK);
    for (int turn = 0; !end && turn < 100000; turn++) {
        pump(queue, 1000);
        if (c.heads == 0) continue;
        size_t room = SIZE + 1 - have;
        have += body_take(c.request, body + have, room > 7777 && turn % 3 ? 7777 : room, &end);
        turbo_progress p;
        CHECK_IS(turbo_request_progress(c.request, &p), TURBO_OK);
        CHECK(p.received >= have && p.received <= SIZE && p.receive_total == SIZE);
    }
    CHECK_IS(have, SIZE);
    CHECK(content_is(body, SIZE, 9, 0));
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK(c.bodies >= 1);
    CHECK_IS(c.done.bytes, SIZE);
    release(&c);

    /* peek and consume across segments, views stay while nothing is consumed */
    run(queue, client, "GET", "/bytes?n=100000&seed=4", &o, &c);
    CHECK_DONE(&c, TURBO_OK); /* it fits into the window, so DONE needs no reading */
    body_is(c.request, 100000, 4);
    turbo_bytes part[64];
    int64_t     n = turbo_response_peek(c.request, part, 64);
    CHECK(n >= 2 && n <= 64);
    CHECK_IS(turbo_response_consume(c.request, part[0].size + 1), TURBO_OK);
    CHECK(content_is(part[1].data + 1, part[1].size - 1, 4, part[0].size + 1));
    CHECK_IS(turbo_response_peek(c.request, part, 1), n - 1);
    CHECK_IS(turbo_response_consume(c.request, 0), TURBO_OK);
    release(&c);

    /* a broken body ends with DONE's status */
    run(queue, client, "GET", "/half?seed=4", &o, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    uint8_t some[1000];
    size_t  got = 0;
    int64_t m = 0;
    for (int i = 0; i < 1000; i++) {
        turbo_span into = {some + got, sizeof some - got};
        m = turbo_response_read(c.request, into);
        if (m <= 0) break;
        got += (size_t)m;
    }
    CHECK_IS(m, TURBO_ERROR_CLOSED);
    CHECK_IS(got, 500);
    CHECK(content_is(some, 500, 4, 0));
    CHECK(turbo_request_error(c.request, (char*)some, sizeof some) > 0);
    release(&c);
}

static void test_request_bodies(void) {
    enum { SIZE = 200000 };
    static uint8_t        body[SIZE], back[SIZE + 8];
    turbo_bytes           parts[7];
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    turbo_progress        p;
    size_t                at = 0;
    content_fill(body, SIZE, 77);
    for (int i = 0; i < 7; i++) { /* spans of odd sizes, one of them empty */
        size_t n = i == 3 ? 0 : i == 6 ? SIZE - at : 1001u * (unsigned)(i + 1);
        parts[i].data = n ? body + at : NULL;
        parts[i].size = n;
        at += n;
    }
    o.body = parts;
    o.body_count = 7;
    /* borrowed, collected */
    run(queue, client, "POST", "/echo", &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.bytes, SIZE);
    body_is(c.request, SIZE, 77);
    CHECK_IS(turbo_request_progress(c.request, &p), TURBO_OK);
    CHECK_IS(p.sent, SIZE);
    CHECK_IS(p.send_total, SIZE);
    CHECK_IS(p.received, SIZE);
    release(&c);
    /* copied: the memory is ours at once */
    static uint8_t copy[SIZE];
    memcpy(copy, body, SIZE);
    parts[0].data = copy;
    parts[0].size = SIZE;
    o.body_count = 1;
    o.flags = TURBO_COPY;
    CHECK_IS(submit(client, "PUT", "/echo", &o, &c), TURBO_OK);
    memset(copy, 0xdb, SIZE);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, SIZE, 77);
    release(&c);
    /* into: the bytes come to us; nothing to peek */
    o.flags = 0;
    parts[0].data = body;
    o.into.data = back;
    o.into.size = SIZE;
    memset(back, 0xaa, sizeof back);
    run(queue, client, "POST", "/echo", &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.bytes, SIZE);
    CHECK(memcmp(back, body, SIZE) == 0 && back[SIZE] == 0xaa);
    release(&c);
    /* into, too small: LIMIT, and no byte behind it */
    o.into.size = 1000;
    memset(back, 0xaa, sizeof back);
    run(queue, client, "POST", "/echo", &o, &c);
    CHECK_DONE(&c, TURBO_ERROR_LIMIT);
    CHECK(c.done.bytes <= 1000);
    CHECK(memcmp(back, body, c.done.bytes) == 0 && back[1000] == 0xaa);
    release(&c);
    /* into with a server that breaks off: DONE's bytes say how much it holds */
    o = turbo_request_options_default();
    o.into.data = back;
    o.into.size = SIZE;
    run(queue, client, "GET", "/half?seed=5", &o, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    CHECK_IS(c.done.bytes, 500);
    CHECK(content_is(back, 500, 5, 0));
    release(&c);
    /* an empty body is a body of length 0 */
    o = turbo_request_options_default();
    run(queue, client, "POST", "/echo", &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.bytes, 0);
    release(&c);
}

static void test_head_as_sent(void) {
    call                  c;
    head_buffer           head;
    char                  text[4096];
    int                   end;
    turbo_request_options o = turbo_request_options_default();
    memset(&c, 0, sizeof c);
    o.user_data = (uint64_t)(uintptr_t)&c;
    CHECK_IS(
        turbo_submit(client, head_make_field(&head, "GET", "/headers?q=1#part", "X-Game", "snake"), &o, &c.request),
        TURBO_OK);
    memset(&head, 0xdb, sizeof head); /* it was copied */
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    text[body_take(c.request, (uint8_t*)text, sizeof text - 1, &end)] = 0;
    char host[64];
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%d\r\n", server.port);
    CHECK(strncmp(text, "GET /headers?q=1 HTTP/1.1\r\n", 27) == 0);
    CHECK(strcasestr(text, host) != NULL);
    CHECK(strcasestr(text, "\r\nX-Game: snake\r\n") != NULL);
    CHECK(strcasestr(text, "\r\nUser-Agent: turbohttp/0.1\r\n") != NULL);
    release(&c);
    /* a head of any alignment */
    static uint8_t shifted[sizeof head.bytes + 8];
    turbo_bytes    made = head_make(&head, "PURGE", "/headers");
    for (size_t shift = 0; shift < 8; shift++) {
        memset(&c, 0, sizeof c);
        memcpy(shifted + shift, made.data, made.size);
        turbo_bytes view = {shifted + shift, made.size};
        CHECK_IS(turbo_submit(client, view, &o, &c.request), TURBO_OK);
        wait_done(queue, &c);
        CHECK_DONE(&c, TURBO_OK);
        body_take(c.request, (uint8_t*)text, sizeof text, &end);
        CHECK(strncmp(text, "PURGE /headers HTTP/1.1\r\n", 25) == 0);
        release(&c);
    }
    /* NULL options */
    turbo_request request;
    turbo_event   event;
    CHECK_IS(turbo_submit(client, head_make(&head, "GET", "/hello"), NULL, &request), TURBO_OK);
    CHECK_IS(turbo_queue_wait(queue, &event, 1, 10000), 1);
    CHECK(event.source == request.id && event.user_data == 0 && event.kind == TURBO_EVENT_DONE);
    CHECK_IS(event.status, TURBO_OK);
    CHECK_IS(turbo_request_release(request), TURBO_OK);
}

static void test_failures_have_a_story(void) {
    static const struct {
        const char*  path;
        turbo_status status;
    } all[] = {{"/drop", TURBO_ERROR_CLOSED},
               {"/reset", TURBO_ERROR_CLOSED},
               {"/garbage", TURBO_ERROR_PROTOCOL},
               {"/half", TURBO_ERROR_CLOSED},
               {"http://127.0.0.1:1/", TURBO_ERROR_CONNECT},
               {"ftp://127.0.0.1/", TURBO_ERROR_UNSUPPORTED},
               {"http://", TURBO_ERROR_INVALID},
               {"nonsense", TURBO_ERROR_INVALID},
               {"http://127.0.0.1:99999/", TURBO_ERROR_INVALID}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        call c;
        char text[512], cut[8] = "xxxxxxx";
        run(queue, client, "POST", all[i].path, NULL, &c);
        if (all[i].status == TURBO_ERROR_UNSUPPORTED)
            CHECK_IN(c.done.status, TURBO_ERROR_UNSUPPORTED, TURBO_ERROR_INVALID);
        else
            CHECK_DONE(&c, all[i].status);
        int64_t n = turbo_request_error(c.request, text, sizeof text);
        CHECK(n > 10 && n == (int64_t)strlen(text));
        CHECK_IS(turbo_request_error(c.request, cut, 5), n); /* cut, with a NUL, the rest untouched */
        CHECK(memcmp(cut, text, 4) == 0 && cut[4] == 0 && cut[5] == 'x');
        CHECK_IS(turbo_request_error(c.request, NULL, 0), n);
        if (all[i].status == TURBO_ERROR_CONNECT) CHECK_IS(c.done.code, ECONNREFUSED);
        if (all[i].status == TURBO_ERROR_CONNECT || all[i].status == TURBO_ERROR_INVALID) {
            CHECK(c.done.flags & TURBO_FACT_UNSEEN);
            CHECK(!(c.done.flags & TURBO_FACT_SENT));
        }
        release(&c);
    }
}

static void test_pooling_and_facts(void) {
    call c;
    hello(queue, client);
    run(queue, client, "GET", "/hello", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK(c.done.flags & TURBO_FACT_REUSED);
    release(&c);
}

static void test_stats(void) {
    turbo_stats  all = stats_now(), mine = turbo_stats_default(), other = turbo_stats_default();
    turbo_client second = client_new(queue);
    CHECK_IS(all.struct_size, sizeof all);
    CHECK_IS(sizeof all, 160);
    CHECK(all.requests_started > 0 && all.requests_started == all.requests_done);
    CHECK(all.bytes_sent > 200000 && all.bytes_received > 200000);
    CHECK(all.go_heap_bytes > 0 && all.go_heap_allocs > 0);
    CHECK_IS(turbo_stats_read(client, &mine), TURBO_OK);
    CHECK(mine.requests_started > 0 && mine.connections_opened > 0);
    hello(queue, second);
    CHECK_IS(turbo_stats_read(second, &other), TURBO_OK);
    CHECK_IS(other.requests_started, 1);
    CHECK_IS(other.requests_done, 1);
    CHECK_IS(other.connections_opened, 1);
    CHECK_IS(turbo_client_destroy(second, 5000), TURBO_OK);
    CHECK_IS(turbo_stats_read(second, &other), TURBO_ERROR_STALE);
    /* an older host's smaller struct */
    memset(&other, 0xdb, sizeof other);
    other.struct_size = 32;
    turbo_client whole = {0};
    CHECK_IS(turbo_stats_read(whole, &other), TURBO_OK);
    CHECK_IS(other.struct_size, 32);
    CHECK(other.pool_bytes == UINT64_C(0xdbdbdbdbdbdbdbdb));
    /* a newer host's larger one */
    struct {
        turbo_stats known;
        uint64_t    more[4];
    } larger;
    memset(&larger, 0, sizeof larger);
    larger.known.struct_size = sizeof larger;
    CHECK_IS(turbo_stats_read(whole, &larger.known), TURBO_OK);
    CHECK_IS(larger.known.struct_size, sizeof(turbo_stats));
}

static void* wake_later(void* arg) {
    (void)arg;
    sleep_ms(100);
    CHECK_IS(turbo_queue_wake(queue), TURBO_OK);
    return NULL;
}

static void test_queue(void) {
    turbo_event events[4];
    pthread_t   thread;
    uint64_t    before;
    CHECK_IS(turbo_queue_poll(queue, events, 4), 0);
    before = now_ns();
    CHECK_IS(turbo_queue_wait(queue, events, 4, 50), 0);
    CHECK(now_ns() - before >= 45000000u);
    CHECK_IS(turbo_queue_wait(queue, events, 4, 0), 0);
    CHECK(pthread_create(&thread, NULL, wake_later, NULL) == 0);
    before = now_ns();
    CHECK_IS(turbo_queue_wait(queue, events, 4, TURBO_NONE), 0);
    CHECK(now_ns() - before >= 90000000u);
    pthread_join(thread, NULL);
    CHECK_IS(turbo_queue_wake(queue), TURBO_OK); /* the next one */
    CHECK_IS(turbo_queue_wait(queue, events, 4, TURBO_NONE), 0);
    CHECK_IS(turbo_queue_wait(queue, events, 4, 1), 0);
    /* a full poll leaves the rest for the next, in order, and none twice */
    enum { N = 20 };
    call                  c[N];
    turbo_request_options o = turbo_request_options_default();
    o.events = TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY);
    for (int i = 0; i < N; i++) CHECK_IS(submit(client, "GET", "/hello", &o, &c[i]), TURBO_OK);
    sleep_ms(300);
    uint64_t end = now_ns() + UINT64_C(10000000000);
    for (int done = 0; done < N && now_ns() < end;) {
        int64_t n = turbo_queue_poll(queue, events, 1);
        CHECK(n >= 0 && n <= 1);
        if (n) call_event(events);
        done += n && events[0].kind == TURBO_EVENT_DONE;
        if (!n) sleep_ms(1);
    }
    for (int i = 0; i < N; i++) {
        CHECK_IS(c[i].dones, 1);
        CHECK_IS(c[i].heads, 1);
        CHECK_DONE(&c[i], TURBO_OK);
        release(&c[i]);
    }
    CHECK_IS(turbo_queue_destroy(queue), TURBO_ERROR_STATE); /* a client uses it */
}

/* Released early: DONE still comes once, with the id; body and head outlive DONE, cancel and the client. */
static void test_lifetimes(void) {
    call        early, late;
    turbo_bytes head, value;
    CHECK_IS(submit(client, "GET", "/slow?ms=100", NULL, &early), TURBO_OK);
    release(&early);
    CHECK_IS(turbo_request_release(early.request), TURBO_ERROR_STALE);
    CHECK_IS(turbo_request_cancel(early.request), TURBO_ERROR_STALE);
    wait_done(queue, &early);
    CHECK(early.done.source == early.request.id);
    CHECK_IS(early.done.status, TURBO_ERROR_CANCELLED);

    turbo_client second = client_new(queue);
    run(queue, second, "GET", "/bytes?n=50000&seed=8", NULL, &late);
    CHECK_DONE(&late, TURBO_OK);
    CHECK_IS(turbo_request_cancel(late.request), TURBO_OK); /* too late, harmless */
    CHECK_IS(turbo_client_destroy(second, 5000), TURBO_OK);
    CHECK_IS(turbo_client_destroy(second, 5000), TURBO_ERROR_STALE);
    body_is(late.request, 50000, 8);
    CHECK_IS(turbo_response_head(late.request, &head), TURBO_OK);
    CHECK_IS(turbo_response_header(late.request, turbo_text("server"), 0, &value), 1);
    release(&late);
    CHECK_IS(turbo_response_head(late.request, &head), TURBO_ERROR_STALE);
    CHECK_IS(pump(queue, 20), 0);
}

int main(void) {
    CHECK(turbo_version() != NULL && strncmp(turbo_version(), "0.", 2) == 0); /* the long one once the library is up */
    CHECK(strlen(turbo_status_text(TURBO_ERROR_TIMEOUT)) > 3 && strlen(turbo_status_text(12345)) > 0);
    test_begin("test_basic", 120);
    CHECK(strstr(turbo_version(), " go1.") != NULL);
    server_start();
    queue = queue_new();
    client = client_new(queue);
    hello(queue, client);
    test_get_and_head();
    test_timings_and_progress();
    test_collected();
    test_framings();
    test_streamed();
    test_request_bodies();
    test_head_as_sent();
    test_failures_have_a_story();
    test_pooling_and_facts();
    test_stats();
    test_queue();
    test_lifetimes();
    return test_end(queue, client);
}
