/* test_memory - no memory is left in the middle of a call: it says LIMIT, has changed nothing, and works the next time. The
 * program's own malloc and calloc, which the library finds first, fail when they are told to. */
#include "common.h"

/* glibc's own, under their other names. */
extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);

static __thread int fail_at; /* of this thread: how many allocations until the one that fails; 0: none does */
static __thread int failed;

static int fails(void) {
    if (fail_at == 0 || --fail_at != 0) return 0;
    failed = 1;
    errno = ENOMEM;
    return 1;
}
void* malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }

/* FAILING calls with the first allocation failing, then the second, until one call needs no more; all that failed said
 * LIMIT. The last call's result is in got. What a call that worked in spite of a failure made is undone by undo. */
#define FAILING(got, call, undo)                                                             \
    do {                                                                                     \
        int at_;                                                                             \
        for (at_ = 1;; at_++) {                                                              \
            CHECK(at_ < 100);                                                                \
            failed = 0;                                                                      \
            fail_at = at_;                                                                   \
            (got) = (call);                                                                  \
            fail_at = 0;                                                                     \
            if (!failed) break;                                                              \
            tried++;                                                                         \
            if ((got) < 0) CHECK_IS(got, TURBO_ERROR_LIMIT);                                 \
            if ((got) >= 0) undo;                                                            \
        }                                                                                    \
        if ((got) < 0) FAIL("%s: %lld when there is memory again", #call, (long long)(got)); \
    } while (0)
static int tried; /* allocations that failed */

static turbo_queue  queue;
static turbo_client client;

static void test_making(void) {
    turbo_client_config config;
    turbo_tls_config    tls = turbo_tls_config_default();
    uint8_t             pin[32] = {1};
    turbo_bytes         pins[2] = {{pin, sizeof pin}, {pin, sizeof pin}};
    char                why[200];
    int64_t             got;
    FAILING(got, turbo_queue_create(&queue), turbo_queue_destroy(queue));
    config = client_config(queue);
    config.resolve = turbo_text("a.example:80:127.0.0.1\n");
    config.user_agent = turbo_text("test_memory");
    tls.pins = pins;
    tls.pin_count = 2;
    config.tls = &tls;
    FAILING(got, turbo_client_create(&config, &client, why, sizeof why), turbo_client_destroy(client, 5000));
}

static void test_sending(void) {
    static uint8_t        bytes[100000];
    uint8_t               memory[1024];
    turbo_bytes           parts[20], trailers;
    turbo_request_options o = turbo_request_options_default();
    turbo_head_writer     writer;
    turbo_span            span = {memory, sizeof memory};
    call                  c, streamed;
    int64_t               got;
    size_t                i;
    content_fill(bytes, sizeof bytes, 3);
    for (i = 0; i < 20; i++) parts[i] = (turbo_bytes){bytes + i * 5000, 5000};
    o.body = parts;
    o.body_count = 20;
    o.flags = TURBO_COPY;
    o.timeout_ms = WAIT_MS;
    memset(&c, 0, sizeof c);
    FAILING(got, submit(client, "POST", "/echo", &o, &c), (wait_done(queue, &c), release(&c)));
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, sizeof bytes, 3);
    release(&c);

    o = turbo_request_options_default();
    o.flags = TURBO_STREAM;
    o.events = TURBO_WANT(TURBO_EVENT_BODY) | TURBO_WANT(TURBO_EVENT_HEAD);
    o.timeout_ms = WAIT_MS;
    CHECK_IS(submit(client, "POST", "/sum", &o, &streamed), TURBO_OK);
    FAILING(got, turbo_request_write(streamed.request, parts, 1, 1, 0), break);
    FAILING(got, turbo_request_write(streamed.request, parts, 10, 1, TURBO_COPY), break);
    /* A reserve that fails ends the view of the one before, and leaves nothing to commit. */
    CHECK_IS(turbo_request_reserve(streamed.request, 100, &span), TURBO_OK);
    failed = 0;
    fail_at = 1;
    got = turbo_request_reserve(streamed.request, 1 << 20, &span);
    fail_at = 0;
    CHECK(failed);
    CHECK_IS(got, TURBO_ERROR_LIMIT);
    CHECK(span.data == NULL && span.size == 0);
    CHECK_IS(turbo_request_commit(streamed.request, 10, 0), TURBO_ERROR_STATE);
    FAILING(got, turbo_request_reserve(streamed.request, 1 << 20, &span), break);
    memset(span.data, 7, span.size);
    CHECK(turbo_request_commit(streamed.request, 10, 0) >= 0);
    turbo_head_begin_trailers(&writer, (turbo_span){memory, sizeof memory});
    turbo_head_field(&writer, turbo_text("X-Sum"), turbo_text("1"));
    CHECK_IS(turbo_head_finish(&writer, &trailers), TURBO_OK);
    FAILING(got, turbo_request_finish(streamed.request, trailers), break);
    wait_done(queue, &streamed);
    CHECK_DONE(&streamed, TURBO_OK);
    CHECK_IS(streamed.sents, 1);
    release(&streamed);
}

static void test_receiving(void) {
    static uint8_t        bytes[200];
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    int64_t               got;
    o.events = TURBO_WANT(TURBO_EVENT_BODY) | TURBO_WANT(TURBO_EVENT_HEAD);
    CHECK_IS(submit(client, "GET", "/stall?seed=5", &o, &c), TURBO_OK); /* 500 bytes of 1000 */
    wait_head(queue, &c);
    FAILING(got, turbo_response_lend(c.request, (turbo_span){bytes, sizeof bytes}, 9), break);
    while (c.fills == 0) pump(queue, 100);
    CHECK(content_is(bytes, sizeof bytes, 5, 0));
    CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
    wait_done(queue, &c);
    release(&c);
}

static void test_asking(void) {
    char    url[64];
    int64_t got;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
    FAILING(got, turbo_client_preconnect(client, turbo_text(url), 1), break);
    FAILING(got, turbo_client_network_changed(client), break);
}

int main(void) {
    test_begin("test_memory", 100);
    server_start();
    test_making();
    for (int round = 0; round < 3; round++) {
        test_sending();
        test_receiving();
        test_asking();
    }
    CHECK(tried >= 5);
    printf("  %d allocations failed\n", tried);
    hello(queue, client);
    return test_end(queue, client);
}
