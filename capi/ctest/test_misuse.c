/* test_misuse - whatever a host gets wrong, it gets a status, and everything else goes on. */
#include "common.h"
#include "flat.h"

static turbo_queue  queue;
static turbo_client client;

/* ---- Every function that takes a handle, called with any number as the handle -------------------- */
static turbo_event    events[4];
static turbo_bytes    one, two;
static turbo_timings  timings;
static turbo_progress progress;
static turbo_request  request_out;

static int64_t f_queue_destroy(uint64_t id) { return turbo_queue_destroy((turbo_queue){id}); }
static int64_t f_queue_poll(uint64_t id) { return turbo_queue_poll((turbo_queue){id}, events, 4); }
static int64_t f_queue_wait(uint64_t id) { return turbo_queue_wait((turbo_queue){id}, events, 4, 1); }
static int64_t f_queue_wake(uint64_t id) { return turbo_queue_wake((turbo_queue){id}); }
static int64_t f_client_create(uint64_t id) {
    turbo_client_config config = client_config((turbo_queue){id});
    turbo_client        made = {77};
    int64_t             status = turbo_client_create(&config, &made, NULL, 0);
    CHECK(status != TURBO_OK && made.id == 0);
    return status;
}
static int64_t f_client_destroy(uint64_t id) { return turbo_client_destroy((turbo_client){id}, 1); }
static int64_t f_network(uint64_t id) { return turbo_client_network_changed((turbo_client){id}); }
static int64_t f_preconnect(uint64_t id) {
    return turbo_client_preconnect((turbo_client){id}, turbo_text("http://127.0.0.1:1/"), 1);
}
static int64_t f_submit(uint64_t id) {
    head_buffer head;
    request_out.id = 77;
    int64_t status = turbo_submit((turbo_client){id}, head_make(&head, "GET", "/hello"), NULL, &request_out);
    CHECK(status != TURBO_OK && request_out.id == 0);
    return status;
}
static int64_t f_stats(uint64_t id) {
    turbo_stats stats = turbo_stats_default();
    return turbo_stats_read((turbo_client){id}, &stats);
}
static int64_t f_cancel(uint64_t id) { return turbo_request_cancel((turbo_request){id}); }
static int64_t f_release(uint64_t id) { return turbo_request_release((turbo_request){id}); }
static int64_t f_error(uint64_t id) {
    char text[64];
    return turbo_request_error((turbo_request){id}, text, sizeof text);
}
static int64_t f_timings(uint64_t id) { return turbo_request_timings((turbo_request){id}, &timings); }
static int64_t f_progress(uint64_t id) { return turbo_request_progress((turbo_request){id}, &progress); }
static int64_t f_head(uint64_t id) { return turbo_response_head((turbo_request){id}, &one); }
static int64_t f_header(uint64_t id) { return turbo_response_header((turbo_request){id}, turbo_text("a"), 0, &one); }
static int64_t f_field(uint64_t id) { return turbo_response_field((turbo_request){id}, 0, &one, &two); }
static int64_t f_peek(uint64_t id) { return turbo_response_peek((turbo_request){id}, &one, 1); }
static int64_t f_consume(uint64_t id) { return turbo_response_consume((turbo_request){id}, 1); }
static int64_t f_read(uint64_t id) {
    uint8_t    byte;
    turbo_span into = {&byte, 1};
    return turbo_response_read((turbo_request){id}, into);
}

enum { QUEUE = 1, CLIENT = 2, REQUEST = 4 };
static const struct {
    const char* name;
    int64_t (*call)(uint64_t id);
    int takes;
} functions[] = {{"turbo_queue_destroy", f_queue_destroy, QUEUE},
                 {"turbo_queue_poll", f_queue_poll, QUEUE},
                 {"turbo_queue_wait", f_queue_wait, QUEUE},
                 {"turbo_queue_wake", f_queue_wake, QUEUE},
                 {"turbo_client_create", f_client_create, QUEUE},
                 {"turbo_client_destroy", f_client_destroy, CLIENT},
                 {"turbo_client_network_changed", f_network, CLIENT},
                 {"turbo_client_preconnect", f_preconnect, CLIENT},
                 {"turbo_submit", f_submit, CLIENT},
                 {"turbo_stats_read", f_stats, CLIENT},
                 {"turbo_request_cancel", f_cancel, REQUEST},
                 {"turbo_request_release", f_release, REQUEST},
                 {"turbo_request_error", f_error, REQUEST},
                 {"turbo_request_timings", f_timings, REQUEST},
                 {"turbo_request_progress", f_progress, REQUEST},
                 {"turbo_response_head", f_head, REQUEST},
                 {"turbo_response_header", f_header, REQUEST},
                 {"turbo_response_field", f_field, REQUEST},
                 {"turbo_response_peek", f_peek, REQUEST},
                 {"turbo_response_consume", f_consume, REQUEST},
                 {"turbo_response_read", f_read, REQUEST}};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* all_say calls the functions that take none of kinds with id: each must answer status. */
static void all_say(uint64_t id, int kinds, turbo_status status) {
    for (int i = 0; i < FUNCTIONS; i++) {
        if (functions[i].takes & kinds) continue;
        if (id == 0 && functions[i].call == f_stats && status == TURBO_ERROR_STALE) continue; /* {0}: the library */
        int64_t got = functions[i].call(id);
        if (got != status)
            FAIL("%s(%016llx) is %lld, not %d", functions[i].name, (unsigned long long)id, (long long)got, status);
    }
}

static void nothing_works(void) {
    turbo_queue  q = {77};
    turbo_stats  stats = turbo_stats_default();
    turbo_client whole = {0};
    int32_t      level;
    char         text[16];
    all_say(0, 0, TURBO_ERROR_STATE);
    all_say(UINT64_C(0x123456789abcdef0), 0, TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_create(&q), TURBO_ERROR_STATE);
    CHECK_IS(turbo_stats_read(whole, &stats), TURBO_ERROR_STATE);
    CHECK_IS(turbo_log_read(&level, text, sizeof text), TURBO_ERROR_STATE);
    CHECK(turbo_version() != NULL && turbo_status_text(-1) != NULL);
}

static void test_before_init(void) {
    turbo_library_config config = turbo_library_config_default();
    nothing_works();
    CHECK_IN(turbo_shutdown(100), TURBO_ERROR_STATE, TURBO_OK);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION + 1, NULL), TURBO_ERROR_ABI);
    CHECK_IS(turbo_init(0, NULL), TURBO_ERROR_ABI);
    config.struct_size = 0;
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_ERROR_INVALID);
    config.struct_size = 3;
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_ERROR_INVALID);
    config.struct_size = UINT32_MAX;
    CHECK_IN(turbo_init(TURBO_ABI_VERSION, &config), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);
    config.struct_size = sizeof config;
    config.log_level = 99;
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_ERROR_INVALID);
    nothing_works();
}

static void test_init_again(void) {
    turbo_library_config config = turbo_library_config_default();
    config.threads = 1; /* counts in the first success only */
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION + 1, NULL), TURBO_ERROR_ABI);
}

/* ---- Handles --------------------------------------------------------------------------------------- */
static uint64_t random_state = 88172645463325252u;
static uint64_t random64(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static void test_handles(void) {
    call c, stale;
    run(queue, client, "GET", "/hello", NULL, &stale);
    release(&stale);
    CHECK_IS(submit(client, "GET", "/never", NULL, &c), TURBO_OK);
    turbo_queue  dead_queue = queue_new();
    turbo_client dead_client = client_new(dead_queue);
    CHECK_IS(turbo_client_destroy(dead_client, 5000), TURBO_OK);
    CHECK_IS(turbo_queue_destroy(dead_queue), TURBO_OK);

    all_say(0, 0, TURBO_ERROR_STALE);
    all_say(UINT64_MAX, 0, TURBO_ERROR_STALE);
    all_say(stale.request.id, 0, TURBO_ERROR_STALE);
    all_say(dead_queue.id, 0, TURBO_ERROR_STALE);
    all_say(dead_client.id, 0, TURBO_ERROR_STALE);
    all_say(queue.id, QUEUE, TURBO_ERROR_STALE);
    all_say(client.id, CLIENT, TURBO_ERROR_STALE);
    all_say(c.request.id, REQUEST, TURBO_ERROR_STALE);
    /* forged: one bit away from a living one, and anything at all */
    uint64_t living[3] = {queue.id, client.id, c.request.id};
    for (int i = 0; i < 3; i++) {
        for (int bit = 0; bit < 64; bit++) {
            uint64_t id = living[i] ^ (UINT64_C(1) << bit);
            if (id == queue.id || id == client.id || id == c.request.id) continue;
            all_say(id, 0, TURBO_ERROR_STALE);
        }
        all_say(living[i] + 1, QUEUE | CLIENT | REQUEST, TURBO_ERROR_STALE);
    }
    for (int i = 0; i < 20000; i++) all_say(random64() >> (random64() & 63), 0, TURBO_ERROR_STALE);
    release(&c);
    wait_done(queue, &c);
    hello(queue, client);
}

/* A record that is used again has another generation. */
static void test_generations(void) {
    enum { N = 2000 };
    static uint64_t ids[N];
    for (int i = 0; i < N; i++) {
        call c;
        CHECK_IS(submit(client, "GET", "http://127.0.0.1:1/", NULL, &c), TURBO_OK);
        ids[i] = c.request.id;
        release(&c);
        wait_done(queue, &c);
        if (i % 100 == 0)
            for (int k = 0; k <= i; k++) CHECK_IS(turbo_request_cancel((turbo_request){ids[k]}), TURBO_ERROR_STALE);
    }
    for (int i = 1; i < N; i++) CHECK(ids[i] != ids[i - 1]);
}

/* ---- Pointers and sizes ------------------------------------------------------------------------------ */
#define ODD(type) ((type*)(void*)(odd + 1)) /* misaligned for every type with an alignment */
static uint8_t odd[4096] __attribute__((aligned(64)));

static void test_pointers(void) {
    call                  c;
    head_buffer           buffer;
    turbo_bytes           head = head_make(&buffer, "GET", "/hello"), view;
    turbo_request         request;
    turbo_request_options o = turbo_request_options_default();
    turbo_client_config   config = client_config(queue);
    turbo_client          made;
    turbo_stats           stats = turbo_stats_default();
    char                  why[64];
    int64_t               got;

    CHECK_IS(turbo_queue_create(NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_queue_create(ODD(turbo_queue)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_queue_poll(queue, NULL, 4), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_queue_poll(queue, ODD(turbo_event), 4), TURBO_ERROR_INVALID);
    CHECK_IN(turbo_queue_poll(queue, events, 0), TURBO_ERROR_INVALID, 0);
    CHECK_IN(turbo_queue_poll(queue, NULL, 0), TURBO_ERROR_INVALID, 0);
    got = turbo_queue_poll(queue, events, SIZE_MAX);
    CHECK(got == TURBO_ERROR_INVALID || got == 0);
    CHECK_IS(turbo_queue_wait(queue, NULL, 4, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_queue_wait(queue, ODD(turbo_event), 4, 1), TURBO_ERROR_INVALID);

    CHECK_IS(turbo_client_create(NULL, &made, why, sizeof why), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_client_create(&config, NULL, why, sizeof why), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_client_create(ODD(turbo_client_config), &made, why, sizeof why), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_client_create(&config, ODD(turbo_client), why, sizeof why), TURBO_ERROR_INVALID);
    CHECK_IN(turbo_client_create(&config, &made, NULL, 64), TURBO_ERROR_INVALID, TURBO_OK);
    if (made.id) CHECK_IS(turbo_client_destroy(made, 5000), TURBO_OK);
    config.user_agent.size = 5;
    CHECK_IS(turbo_client_create(&config, &made, why, sizeof why), TURBO_ERROR_INVALID);
    CHECK(strlen(why) > 5);
    memset(why, 'x', sizeof why);
    CHECK_IS(turbo_client_create(&config, &made, why, 4), TURBO_ERROR_INVALID);
    CHECK(why[3] == 0 && why[4] == 'x');
    config.user_agent = turbo_text("bad\r\nagent: 1");
    CHECK_IS(turbo_client_create(&config, &made, why, sizeof why), TURBO_ERROR_INVALID);
    config = client_config(queue);
    config.flags |= UINT32_C(1) << 31;
    CHECK_IN(turbo_client_create(&config, &made, why, sizeof why), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);

    config = client_config(queue);
    config.resolve.size = 5;
    CHECK_IS(turbo_client_create(&config, &made, why, sizeof why), TURBO_ERROR_INVALID);
    config.resolve.data = odd;
    config.resolve.size = SIZE_MAX;
    CHECK_IS(turbo_client_create(&config, &made, why, sizeof why), TURBO_ERROR_LIMIT);

    turbo_bytes url = {NULL, 5};
    CHECK_IS(turbo_client_preconnect(client, url, 1), TURBO_ERROR_INVALID);
    url.data = odd;
    url.size = SIZE_MAX;
    CHECK_IS(turbo_client_preconnect(client, url, 1), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_preconnect(client, turbo_text(""), 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_client_preconnect(client, turbo_text("http://127.0.0.1:1/"), 0), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_client_preconnect(client, turbo_text("http://127.0.0.1:1/"), 9), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_preconnect(client, turbo_text("http://127.0.0.1:1/"), UINT32_MAX), TURBO_ERROR_LIMIT);

    CHECK_IS(turbo_submit(client, head, NULL, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_submit(client, head, NULL, ODD(turbo_request)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_submit(client, head, ODD(turbo_request_options), &request), TURBO_ERROR_INVALID);
    view.data = NULL;
    view.size = head.size;
    CHECK_IS(turbo_submit(client, view, NULL, &request), TURBO_ERROR_INVALID);
    view.data = head.data;
    static const size_t absurd[] = {(1u << 20) + 1, UINT32_MAX, (size_t)1 << 40, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        view.size = absurd[i];
        request.id = 77;
        CHECK_IN(turbo_submit(client, view, NULL, &request), TURBO_ERROR_LIMIT, TURBO_ERROR_INVALID);
        CHECK_IS(request.id, 0);
    }

    /* body and into: null with a size, sizes that overflow, misaligned arrays */
    turbo_bytes part = {NULL, 10}, parts[2];
    o.body = &part;
    o.body_count = 1;
    CHECK_IS(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID);
    o.body = NULL;
    CHECK_IS(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID);
    o.body = ODD(turbo_bytes);
    CHECK_IS(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID);
    parts[0].data = parts[1].data = odd;
    parts[0].size = parts[1].size = SIZE_MAX / 2 + 10;
    o.body = parts;
    o.body_count = 2;
    CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_LIMIT);
    o.flags = TURBO_COPY;
    CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_LIMIT);
    parts[0].size = parts[1].size = SIZE_MAX / 4;
    CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_LIMIT);
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        o.body_count = absurd[i];
        o.flags = i & 1;
        if (absurd[i] > SIZE_MAX / sizeof(turbo_bytes))
            CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_LIMIT);
    }
    o = turbo_request_options_default();
    o.into.size = 10;
    CHECK_IS(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID);
    o.into.data = odd;
    o.events = TURBO_WANT(TURBO_EVENT_BODY); /* "not with BODY" */
    CHECK_IS(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID);
    o = turbo_request_options_default();
    o.flags = UINT32_C(1) << 31;
    CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);
    o.flags = 0;
    o.events = UINT32_C(1) << 30;
    CHECK_IN(turbo_submit(client, head, &o, &request), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);

    CHECK_IS(submit(client, "GET", "/hello", NULL, &c), TURBO_OK);
    wait_done(queue, &c);
    CHECK_IS(turbo_request_error(c.request, NULL, 10), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_timings(c.request, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_timings(c.request, ODD(turbo_timings)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_progress(c.request, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_request_progress(c.request, ODD(turbo_progress)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_head(c.request, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_head(c.request, ODD(turbo_bytes)), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_header(c.request, turbo_text("server"), 0, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_header(c.request, turbo_text("server"), 0, ODD(turbo_bytes)), TURBO_ERROR_INVALID);
    view.data = NULL;
    view.size = 3;
    CHECK_IS(turbo_response_header(c.request, view, 0, &one), TURBO_ERROR_INVALID);
    view.data = odd;
    view.size = SIZE_MAX;
    CHECK_IN(turbo_response_header(c.request, view, 0, &one), TURBO_ERROR_INVALID, 0);
    CHECK_IN(turbo_response_header(c.request, turbo_text(NULL), 0, &one), TURBO_ERROR_INVALID, 0);
    CHECK_IS(turbo_response_header(c.request, turbo_text("server"), SIZE_MAX, &one), 0);
    CHECK_IS(turbo_response_field(c.request, 0, NULL, &one), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_field(c.request, 0, &one, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_field(c.request, 0, ODD(turbo_bytes), &one), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_peek(c.request, NULL, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_response_peek(c.request, ODD(turbo_bytes), 1), TURBO_ERROR_INVALID);
    got = turbo_response_peek(c.request, &one, SIZE_MAX);
    CHECK(got == 1 || got == TURBO_ERROR_INVALID);
    turbo_span nowhere = {NULL, 5};
    CHECK_IS(turbo_response_read(c.request, nowhere), TURBO_ERROR_INVALID);
    CHECK_IN(turbo_response_consume(c.request, SIZE_MAX), TURBO_ERROR_INVALID, TURBO_ERROR_STATE);
    CHECK_IN(turbo_response_consume(c.request, 14), TURBO_ERROR_INVALID, TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_consume(c.request, 13), TURBO_OK);
    release(&c);

    CHECK_IS(turbo_stats_read(client, NULL), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_stats_read(client, ODD(turbo_stats)), TURBO_ERROR_INVALID);
    stats.struct_size = 0;
    CHECK_IS(turbo_stats_read(client, &stats), TURBO_ERROR_INVALID);
    stats.struct_size = 7;
    CHECK_IS(turbo_stats_read(client, &stats), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_log_read(NULL, NULL, 10), TURBO_ERROR_INVALID);
    CHECK_IN(turbo_log_read((int32_t*)(void*)(odd + 1), (char*)odd, 10), TURBO_ERROR_INVALID, TURBO_ERROR_AGAIN);
    hello(queue, client);
}

/* ---- struct_size --------------------------------------------------------------------------------------- */
static void test_struct_sizes(void) {
    struct {
        turbo_request_options known;
        uint64_t              later[4];
    } big;
    struct {
        turbo_client_config known;
        uint64_t            later[4];
    } big_config;
    head_buffer           buffer;
    turbo_bytes           head = head_make(&buffer, "GET", "/hello");
    turbo_request         request;
    turbo_client          made;
    static const uint32_t wrong[] = {0,          1,          3, 4, 7, sizeof big.known - 4, sizeof big.known + 1,
                                     UINT32_MAX, 0x80000000u};

    memset(&big, 0, sizeof big);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        big.known.struct_size = wrong[i];
        if (wrong[i] > sizeof big) continue; /* the library would look at memory that is not there: the next loop */
        CHECK_IN(turbo_submit(client, head, &big.known, &request), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);
    }
    /* a newer host: larger, the unknown fields zero; not zero is UNSUPPORTED */
    call c;
    memset(&c, 0, sizeof c);
    big.known.struct_size = sizeof big;
    big.known.user_data = (uint64_t)(uintptr_t)&c;
    CHECK_IS(turbo_submit(client, head, &big.known, &c.request), TURBO_OK);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    big.later[3] = 1;
    CHECK_IS(turbo_submit(client, head, &big.known, &request), TURBO_ERROR_UNSUPPORTED);

    memset(&big_config, 0, sizeof big_config);
    big_config.known = client_config(queue);
    big_config.known.struct_size = sizeof big_config;
    made = client_make(&big_config.known);
    CHECK_IS(turbo_client_destroy(made, 5000), TURBO_OK);
    big_config.later[0] = UINT64_C(1) << 63;
    CHECK_IS(turbo_client_create(&big_config.known, &made, NULL, 0), TURBO_ERROR_UNSUPPORTED);
    big_config.known.struct_size = 0;
    CHECK_IS(turbo_client_create(&big_config.known, &made, NULL, 0), TURBO_ERROR_INVALID);
    /* a size no library ever had: a host that did not initialise its struct. The struct ends at the end of a page. */
    uint8_t* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && mprotect(page + 4096, 4096, PROT_NONE) == 0);
    turbo_request_options* last = (turbo_request_options*)(void*)(page + 4096 - sizeof *last);
    *last = turbo_request_options_default();
    static const uint32_t huge[] = {UINT32_MAX, 0x80000000u, 1u << 20};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        last->struct_size = huge[i];
        CHECK_IN(turbo_submit(client, head, last, &request), TURBO_ERROR_INVALID, TURBO_ERROR_UNSUPPORTED);
    }
    munmap(page, 8192);
}

/* ---- FlatBuffers ------------------------------------------------------------------------------------------ */
static uint8_t flat[4096];
static size_t  flat_size;

static void flat_submit(size_t size, turbo_status expected, const char* what) {
    call                  c;
    turbo_request_options o = turbo_request_options_default();
    turbo_bytes           head = {flat, size};
    memset(&c, 0, sizeof c);
    o.user_data = (uint64_t)(uintptr_t)&c;
    turbo_status status = turbo_submit(client, head, &o, &c.request);
    if (status == TURBO_ERROR_INVALID && c.request.id == 0) return; /* seen at once: fine */
    CHECK_IS(status, TURBO_OK);
    wait_done(queue, &c);
    if (expected != TURBO_OK && c.done.status != expected)
        FAIL("%s: DONE with %d (%s)", what, c.done.status, error_of(&c));
    if (c.done.status == TURBO_ERROR_INVALID) CHECK(strlen(error_of(&c)) > 10);
    if (expected == TURBO_ERROR_INTERNAL) CHECK(0);
    CHECK(c.done.status != TURBO_ERROR_INTERNAL);
    release(&c);
}

static void flat_new(void) {
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", server.port);
    flat_size = flat_request(flat, "GET", url, "X-Game", "snake");
}

static void test_flatbuffers(void) {
    flat_new();
    flat_submit(flat_size, TURBO_OK, "sound");
    for (size_t n = 0; n < flat_size - 3; n++) flat_submit(n, TURBO_ERROR_INVALID, "cut short");
    memset(flat, 0, sizeof flat);
    flat_submit(64, TURBO_ERROR_INVALID, "zeros");
    memset(flat, 0xff, sizeof flat);
    flat_submit(64, TURBO_ERROR_INVALID, "ones");
    flat_new();
    memcpy(flat + FLAT_NAME, "TRS1", 4);
    flat_submit(flat_size, TURBO_ERROR_INVALID, "another identifier");
    static const uint32_t roots[] = {0, 1, 3, 7, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 4092};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        flat_new();
        flat_u32(flat + FLAT_ROOT, roots[i]);
        flat_submit(flat_size, TURBO_ERROR_INVALID, "root");
        flat_new();
        flat_u32(flat + FLAT_TABLE, roots[i]);
        flat_submit(flat_size, 0, "vtable");
        for (int slot = 8; slot <= 16; slot += 4) {
            flat_new();
            flat_u32(flat + FLAT_TABLE + slot, roots[i]);
            flat_submit(flat_size, 0, "vector");
        }
    }
    flat_new();
    flat_u16(flat + FLAT_VTABLE + 8, 0);
    flat_submit(flat_size, TURBO_ERROR_INVALID, "no url");
    flat_new();
    flat[FLAT_METHOD] = 200;
    flat_submit(flat_size, TURBO_ERROR_UNSUPPORTED, "method 200");
    /* every byte, several values: never a crash, never INTERNAL */
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    flat_new();
    size_t all = flat_size;
    for (size_t at = 0; at < all; at++) {
        for (size_t v = 0; v < sizeof values; v++) {
            flat_new();
            if (flat[at] == values[v]) continue;
            /* the URL's text: it must not go anywhere else than to 127.0.0.1 */
            if (at >= FLAT_AFTER && at < FLAT_AFTER + 40) continue;
            flat[at] = values[v];
            flat_submit(flat_size, TURBO_OK, "one byte");
        }
    }
    /* octets: what may not be in a field */
    static const char* const bad[][2] = {{"Bad Name", "x"},       {"", "x"},          {"X", "a\r\nb: c"},
                                         {"X", "a\nb"},           {"X:", "x"},        {"Transfer-Encoding", "chunked"},
                                         {"Content-Length", "5"}, {"Upgrade", "h2c"}, {"Expect", "100-continue"},
                                         {"TE", "trailers"},      {"Trailer", "X"},   {"Connection", "keep-alive"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char url[128];
        snprintf(url, sizeof url, "http://127.0.0.1:%d/hello", server.port);
        flat_size = flat_request(flat, "GET", url, bad[i][0], bad[i][1]);
        flat_submit(flat_size, TURBO_ERROR_INVALID, bad[i][0]);
    }
    hello(queue, client);
}

/* ---- A good call at the wrong moment ------------------------------------------------------------------------ */
static void* wait_long(void* arg) {
    turbo_event event;
    *(int64_t*)arg = turbo_queue_wait(queue, &event, 1, 3000);
    return NULL;
}

static void test_states(void) {
    call         c;
    char         text[16];
    turbo_client second = client_new(queue);
    pthread_t    thread;
    int64_t      waited = -99;
    CHECK_IS(submit(client, "GET", "/never", NULL, &c), TURBO_OK);
    CHECK_IS(turbo_request_error(c.request, text, sizeof text), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_timings(c.request, &timings), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_head(c.request, &one), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_header(c.request, turbo_text("a"), 0, &one), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_field(c.request, 0, &one, &two), TURBO_ERROR_STATE);
    CHECK_IN(turbo_response_peek(c.request, &one, 1), TURBO_ERROR_STATE, TURBO_ERROR_AGAIN);
    CHECK_IS(turbo_request_progress(c.request, &progress), TURBO_OK);
    CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
    CHECK_IS(turbo_request_cancel(c.request), TURBO_OK); /* twice is once */
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
    CHECK_IS(turbo_response_head(c.request, &one), TURBO_ERROR_STATE); /* none came */
    CHECK_IS(turbo_response_peek(c.request, &one, 1), TURBO_ERROR_CANCELLED);
    release(&c);
    /* a second poll at the same moment */
    CHECK(pthread_create(&thread, NULL, wait_long, &waited) == 0);
    sleep_ms(200);
    CHECK_IS(turbo_queue_poll(queue, events, 4), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_wait(queue, events, 4, 1), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_wake(queue), TURBO_OK);
    pthread_join(thread, NULL);
    CHECK_IS(waited, 0);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_ERROR_STATE); /* clients use it */
    CHECK_IS(turbo_client_destroy(second, 5000), TURBO_OK);
    /* destroyed with requests under way: one DONE each, and the queue goes once no client uses it */
    turbo_queue  q = queue_new();
    turbo_client third = client_new(q);
    call         many[20];
    for (int i = 0; i < 20; i++) CHECK_IS(submit(third, "GET", "/never", NULL, &many[i]), TURBO_OK);
    CHECK_IS(turbo_client_destroy(third, 10000), TURBO_OK);
    for (int i = 0; i < 20; i++) wait_done(q, &many[i]);
    for (int i = 0; i < 20; i++) {
        CHECK_DONE(&many[i], TURBO_ERROR_CANCELLED);
        release(&many[i]);
    }
    CHECK_IS(turbo_queue_destroy(q), TURBO_OK);
    /* a queue destroyed with DONEs not taken: the requests can still be released */
    q = queue_new();
    third = client_new(q);
    for (int i = 0; i < 20; i++) CHECK_IS(submit(third, "GET", "/hello", NULL, &many[i]), TURBO_OK);
    sleep_ms(100);
    CHECK_IS(turbo_client_destroy(third, 10000), TURBO_OK);
    CHECK_IS(turbo_queue_destroy(q), TURBO_OK);
    for (int i = 0; i < 20; i++) release(&many[i]);
}

/* ---- Views end by release, and the next request may have the memory ----------------------------------------- */
static void test_views_last(void) {
    enum { N = 50 };
    call        c[N];
    turbo_bytes part[N], head[N];
    for (int i = 0; i < N; i++) {
        char path[64];
        snprintf(path, sizeof path, "/bytes?n=3000&seed=%d", i);
        run(queue, client, "GET", path, NULL, &c[i]);
        CHECK_DONE(&c[i], TURBO_OK);
        CHECK_IS(turbo_response_peek(c[i].request, &part[i], 1), 1);
        CHECK_IS(turbo_response_head(c[i].request, &head[i]), TURBO_OK);
    }
    for (int i = 0; i < N; i++) { /* all of them, whatever came after */
        CHECK(content_is(part[i].data, part[i].size, (uint64_t)i, 0));
        CHECK(memcmp(head[i].data + 4, "TRS1", 4) == 0);
        release(&c[i]);
        CHECK_IS(turbo_response_peek(c[i].request, &part[i], 1), TURBO_ERROR_STALE);
    }
}

int main(void) {
    test_begin_bare("test_misuse", 240);
    test_before_init();
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    test_init_again();
    server_start();
    for (int round = 0; round < 2; round++) {
        queue = queue_new();
        client = client_new(queue);
        hello(queue, client);
        test_handles();
        test_generations();
        test_pointers();
        test_struct_sizes();
        test_flatbuffers();
        test_states();
        test_views_last();
        destroy(queue, client);
        balance();
        /* and after the end: everything from before is gone, and the library can start anew */
        CHECK_IS(turbo_shutdown(10000), TURBO_OK);
        nothing_works();
        all_say(queue.id, 0, TURBO_ERROR_STATE);
        all_say(client.id, 0, TURBO_ERROR_STATE);
        CHECK_IN(turbo_shutdown(10), TURBO_ERROR_STATE, TURBO_OK);
        CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
        all_say(queue.id, 0, TURBO_ERROR_STALE);
        all_say(client.id, 0, TURBO_ERROR_STALE);
    }
    return test_ok();
}
