/* test_limits - what is configured holds: bodies, heads, window, connections, open requests. */
#include "common.h"

static turbo_queue queue;

static turbo_client limited(uint32_t head, uint64_t body, uint32_t window, uint32_t connections) {
    turbo_client_config config = client_config(queue);
    config.max_head_bytes = head;
    config.max_body_bytes = body;
    config.window_bytes = window;
    config.connections_per_host = connections;
    return client_make(&config);
}

static void expect(turbo_client client, const char* path, uint64_t max_body, turbo_status status) {
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    o.max_body_bytes = max_body;
    run(queue, client, "GET", path, &o, &c);
    if (c.done.status != status) FAIL("%s: %d, not %d (%s)", path, c.done.status, status, error_of(&c));
    if (status != TURBO_OK) CHECK(strlen(error_of(&c)) > 10);
    release(&c);
}

static void test_bodies(void) {
    turbo_client c = limited(0, 1000, 0, 0);
    expect(c, "/bytes?n=1000", 0, TURBO_OK);
    expect(c, "/bytes?n=1001", 0, TURBO_ERROR_LIMIT);
    expect(c, "/chunked?n=1000&size=7", 0, TURBO_OK);
    expect(c, "/chunked?n=1001&size=7", 0, TURBO_ERROR_LIMIT);
    expect(c, "/close?n=1000", 0, TURBO_OK);
    expect(c, "/close?n=1001", 0, TURBO_ERROR_LIMIT);
    expect(c, "/bytes?n=1001", 5000, TURBO_OK); /* the request's own limit comes first */
    expect(c, "/bytes?n=5001", 5000, TURBO_ERROR_LIMIT);
    expect(c, "/bytes?n=3000000", TURBO_NONE64, TURBO_OK);
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
    c = limited(0, 0, 0, 0);
    expect(c, "/bytes?n=3000000", 0, TURBO_OK);
    expect(c, "/big", 0, TURBO_ERROR_LIMIT);       /* 64 MiB when collected */
    expect(c, "/big?len=1", 0, TURBO_ERROR_LIMIT); /* seen in the head already */
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
}

static void test_heads(void) {
    turbo_client c = limited(4096, 0, 0, 0);
    expect(c, "/head?n=3500", 0, TURBO_OK);
    expect(c, "/head?n=4500", 0, TURBO_ERROR_LIMIT);
    expect(c, "/head?n=1000000", 0, TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
    c = limited(0, 0, 0, 0);
    expect(c, "/head?n=60000", 0, TURBO_OK);
    expect(c, "/head?n=70000", 0, TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
    c = limited(TURBO_NONE, 0, 0, 0);
    expect(c, "/head?n=500000", 0, TURBO_OK);
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
}

static void test_request_heads(void) {
    turbo_client      c = limited(0, 0, 0, 0);
    static uint8_t    memory[(1 << 20) + 4096];
    static char       value[8001];
    turbo_span        span = {memory, sizeof memory};
    turbo_head_writer writer;
    turbo_bytes       head;
    turbo_request     request;
    turbo_event       event;
    char              url[128];
    memset(value, 'v', sizeof value - 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", server.port);
    turbo_head_begin(&writer, span, TURBO_METHOD_GET, turbo_text(url));
    for (int i = 0; i < 130; i++) turbo_head_field(&writer, turbo_text("X-Long"), turbo_text(value));
    CHECK_IS(turbo_head_finish(&writer, &head), TURBO_OK);
    CHECK(head.size > 1000000 && head.size <= (1 << 20));
    CHECK_IS(turbo_submit(c, head, NULL, &request), TURBO_OK);
    CHECK_IS(turbo_queue_wait(queue, &event, 1, 10000), 1);
    CHECK_IS(event.status, TURBO_OK);
    CHECK_IS(turbo_request_release(request), TURBO_OK);
    head.size = (1 << 20) + 1;
    CHECK_IS(turbo_submit(c, head, NULL, &request), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_destroy(c, 5000), TURBO_OK);
}

static uint64_t received(call* c) {
    turbo_progress p;
    CHECK_IS(turbo_request_progress(c->request, &p), TURBO_OK);
    return p.received;
}

/* A streamed body that nobody reads stops the socket; reading moves it on. */
static void test_window(uint32_t window) {
    turbo_client          client = limited(0, 0, window, 0), other = limited(0, 0, 0, 0);
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    uint64_t              held, sent, at = 0, effective = window ? window : 256 << 10;
    static uint8_t        data[1 << 20];
    int                   end;
    o.events = TURBO_WANT(TURBO_EVENT_BODY);
    uint64_t before = number(queue, other, "/sent");
    CHECK_IS(submit(client, "GET", "/big", &o, &c), TURBO_OK);
    for (int i = 0; i < 200 && (held = received(&c)) < effective / 2; i++) sleep_ms(10);
    sleep_ms(300);
    held = received(&c);
    sent = number(queue, other, "/sent");
    sleep_ms(300);
    CHECK_IS(received(&c), held);
    CHECK_IS(number(queue, other, "/sent"), sent);
    printf("  window %llu: held %llu, the system took %llu\n", (unsigned long long)effective, (unsigned long long)held,
           (unsigned long long)(sent - before));
    CHECK(held >= effective / 2 && held <= effective + (128 << 10)); /* one read more than the window at most */
    CHECK(sent - before <= held + (16u << 20));                      /* and two socket buffers */
    for (int i = 0; i < 3000 && at < 20u << 20; i++) {
        pump(queue, 20);
        size_t n = body_take(c.request, data, sizeof data, &end);
        for (size_t k = 0; k < n; k++)
            if (data[k] != content(0, (at + k) % (16 << 10))) FAIL("byte %llu", (unsigned long long)(at + k));
        at += n;
        CHECK(!end);
        CHECK(received(&c) - at <= effective + (128 << 10));
    }
    CHECK(at >= 20u << 20);
    CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
    release(&c);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    CHECK_IS(turbo_client_destroy(other, 5000), TURBO_OK);
}

/* However small the pieces in which a body comes, what the host has not read costs about its bytes. */
static void test_pieces(const char* path, uint64_t size, uint64_t events) {
    turbo_client          client = limited(0, 0, 0, 0);
    turbo_request_options o = turbo_request_options_default();
    turbo_bytes           part;
    turbo_stats           s;
    call                  c;
    uint64_t              at = 0, most = size / 1024 + 40; /* of both: 1 KiB each, and what it begins with */
    o.events = (uint32_t)events;
    CHECK_IS(submit(client, "GET", path, &o, &c), TURBO_OK);
    wait_done(queue, &c); /* a streamed one fits into the window */
    CHECK_DONE(&c, TURBO_OK);
    int64_t parts = turbo_response_peek(c.request, &part, 1);
    s = stats_now();
    printf("  %s: %lld parts, %lld blocks\n", path, (long long)parts, (long long)(s.pool_rents - s.pool_returns));
    CHECK(parts > 0 && (uint64_t)parts <= most);
    CHECK(s.pool_rents - s.pool_returns <= most);
    while (turbo_response_peek(c.request, &part, 1) > 0) {
        for (size_t k = 0; k < part.size; k++, at++)
            if (part.data[k] != content(0, at % (64 << 10))) FAIL("byte %llu", (unsigned long long)at);
        CHECK_IS(turbo_response_consume(c.request, part.size), TURBO_OK);
    }
    CHECK(at == size);
    release(&c);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

static void test_connections(void) {
    turbo_client client = limited(0, 0, 0, 3);
    turbo_stats  stats = turbo_stats_default();
    call         c[30];
    for (int i = 0; i < 30; i++) CHECK_IS(submit(client, "GET", "/slow?ms=10", NULL, &c[i]), TURBO_OK);
    uint64_t order = 0;
    for (int i = 0; i < 30; i++) {
        wait_done(queue, &c[i]);
        CHECK_DONE(&c[i], TURBO_OK);
        CHECK(c[i].done.time_ns + 15000000 >= order); /* waiters are served in their order */
        order = c[i].done.time_ns;
        release(&c[i]);
    }
    CHECK_IS(turbo_stats_read(client, &stats), TURBO_OK);
    CHECK_IS(stats.connections_opened, 3);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

static uint64_t resident(void) {
    unsigned long long pages = 0;
    FILE*              f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%*u %llu", &pages) == 1);
    fclose(f);
    return pages * 4096;
}

/* Many open requests cost memory and nothing else; each ends in one DONE. */
static void test_open_requests(uint32_t n) {
    turbo_client   client = limited(0, 0, 0, 0);
    turbo_request* r = calloc(n, sizeof *r);
    uint8_t*       dones = calloc(n, 1);
    head_buffer    head;
    turbo_bytes    view = head_make(&head, "GET", "/never");
    uint64_t       before = resident(), start = now_ns(), submitted, total = 0;
    for (uint32_t i = 0; i < n; i++) {
        turbo_request_options o = turbo_request_options_default();
        o.user_data = i;
        CHECK_IS(turbo_submit(client, view, &o, &r[i]), TURBO_OK);
    }
    submitted = now_ns();
    for (int i = 0; i < 500 && stats_now().requests_started < n; i++) sleep_ms(10);
    uint64_t cost = (resident() - before) / n;
    if (n == (1u << 20)) {
        turbo_request one;
        CHECK_IS(turbo_submit(client, view, NULL, &one), TURBO_ERROR_LIMIT);
        CHECK_IS(one.id, 0);
    }
    CHECK_IS(turbo_client_destroy(client, 60000), TURBO_OK);
    while (total < n) {
        turbo_event events[256];
        int64_t     got = turbo_queue_wait(queue, events, 256, 5000);
        CHECK(got > 0);
        for (int64_t i = 0; i < got; i++) {
            CHECK_IS(events[i].kind, TURBO_EVENT_DONE);
            CHECK_IS(events[i].status, TURBO_ERROR_CANCELLED);
            CHECK(events[i].user_data < n && dones[events[i].user_data]++ == 0);
            CHECK(r[events[i].user_data].id == events[i].source);
            CHECK_IS(turbo_request_release(r[events[i].user_data]), TURBO_OK);
        }
        total += (uint64_t)got;
    }
    printf("  %u open requests: %llu bytes each, %llu ns to submit one\n", n, (unsigned long long)cost,
           (unsigned long long)((submitted - start) / n));
    CHECK(cost < 4096);
    free(r);
    free(dones);
}

int main(void) {
    test_begin("test_limits", 240);
    server_start();
    queue = queue_new();
    test_bodies();
    test_heads();
    test_request_heads();
    test_window(0);
    test_window(16 << 10);
    test_window(4 << 20);
    test_pieces("/chunked?n=250000&size=1", 250000, TURBO_WANT(TURBO_EVENT_BODY));
    test_pieces("/chunked?n=250000&size=4", 250000, TURBO_WANT(TURBO_EVENT_BODY));
    test_pieces("/drip?n=20000&ms=0", 20000, TURBO_WANT(TURBO_EVENT_BODY));
    test_pieces("/chunked?n=3000000&size=1", 3000000, 0);
    test_pieces("/chunked?n=3000000&size=100", 3000000, 0);
    test_pieces("/drip?n=20000&ms=0", 20000, 0);
    test_connections();
    test_open_requests(mode_is("guarded") ? 20000 : 100000);
    if (getenv("TURBO_TEST_LONG")) test_open_requests(1u << 20); /* 2^20, some GB: LIMIT for the next */
    CHECK_IS(turbo_queue_destroy(queue), TURBO_OK);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    return test_ok();
}
