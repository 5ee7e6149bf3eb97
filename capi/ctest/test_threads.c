/* test_threads - 16 threads at once: every function on one handle; storms of submit, cancel and release; one DONE each. */
#include "common.h"

enum { THREADS = 16 };
static turbo_queue  queue;
static turbo_client client;

static uint32_t dice(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void in_threads(void* (*body)(void*)) {
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, body, (void*)i) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* ---- Every function on one request, one queue, one client -------------------------------------------- */
static call shared;
static int  stop;

static void check_any(const char* what, int64_t got) {
    if (got >= 0) return;
    switch (got) {
    case TURBO_ERROR_STATE:
    case TURBO_ERROR_STALE:
    case TURBO_ERROR_AGAIN:
    case TURBO_ERROR_CANCELLED:
    case TURBO_ERROR_INVALID: /* consume of more than is there */ return;
    default: FAIL("%s: %lld", what, (long long)got);
    }
}

static void* everything(void* arg) {
    uint32_t      state = (uint32_t)(uintptr_t)arg + 1;
    turbo_request r = shared.request;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        turbo_bytes    part[4], name, value;
        turbo_timings  timings;
        turbo_progress progress;
        turbo_event    event;
        turbo_stats    stats = turbo_stats_default();
        char           text[64];
        switch (dice(&state) % 14) {
        case 0: check_any("peek", turbo_response_peek(r, part, 4)); break;
        case 1: check_any("consume", turbo_response_consume(r, dice(&state) % 5000)); break;
        case 2: check_any("head", turbo_response_head(r, &name)); break;
        case 3: check_any("header", turbo_response_header(r, turbo_text("server"), 0, &value)); break;
        case 4: check_any("field", turbo_response_field(r, 0, &name, &value)); break;
        case 5: check_any("timings", turbo_request_timings(r, &timings)); break;
        case 6: check_any("progress", turbo_request_progress(r, &progress)); break;
        case 7: check_any("error", turbo_request_error(r, text, sizeof text)); break;
        case 8: check_any("poll", turbo_queue_poll(queue, &event, 0)); break;
        case 9: check_any("wake", turbo_queue_wake(queue)); break;
        case 10: check_any("log", turbo_log_read(NULL, text, sizeof text)); break;
        case 11: check_any("destroy", turbo_queue_destroy(queue)); break; /* a client uses it: STATE */
        case 12:
            if (dice(&state) % 64 == 0) check_any("stats", turbo_stats_read(client, &stats));
            break;
        case 13:
            if (dice(&state) % 5000 == 0) check_any("cancel", turbo_request_cancel(r));
            break;
        }
    }
    return NULL;
}

static void* releaser(void* arg) { return (void*)(intptr_t)(turbo_request_release(*(turbo_request*)arg) == TURBO_OK); }

static void test_everything_at_once(void) {
    for (int round = 0; round < 12; round++) {
        static const char* const paths[] = {"/bytes?n=2000000&seed=1", "/big", "/never", "/hello"};
        turbo_request_options    o = turbo_request_options_default();
        pthread_t                threads[THREADS], last[THREADS];
        int                      released = 0;
        o.events = TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY);
        CHECK_IS(submit(client, "GET", paths[round % 4], &o, &shared), TURBO_OK);
        stop = 0;
        for (intptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, everything, (void*)i) == 0);
        sleep_ms(100);
        /* 16 releases at once while the others use it: one wins */
        for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&last[i], NULL, releaser, &shared.request) == 0);
        for (int i = 0; i < THREADS; i++) {
            void* won;
            pthread_join(last[i], &won);
            released += (int)(intptr_t)won;
        }
        CHECK_IS(released, 1);
        sleep_ms(10);
        __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        CHECK_IS(turbo_request_cancel(shared.request), TURBO_ERROR_STALE);
        wait_done(queue, &shared);
    }
    while (pump(queue, 50) > 0) {
    }
    CHECK_IS(shared.dones, 1);
}

/* ---- Storms --------------------------------------------------------------------------------------------- */
enum { EACH = 400 };
static uint8_t storm_dones[THREADS][EACH]; /* one poller writes them */
static int     storm_total;

static void* storm(void* arg) {
    intptr_t             me = (intptr_t)arg;
    uint32_t             state = (uint32_t)me * 77 + 5;
    static const uint8_t body[3000] = {1, 2, 3};
    turbo_bytes          part = {body, sizeof body};
    turbo_request        kept[8] = {{0}};
    for (int i = 0; i < EACH; i++) {
        static const char* const paths[] = {"/hello", "/bytes?n=30000", "/slow?ms=2",
                                            "/echo",  "/drop",          "/chunked?n=500"};
        head_buffer              head;
        turbo_request_options    o = turbo_request_options_default();
        turbo_request            r;
        uint32_t                 d = dice(&state);
        const char*              path = paths[d % 6];
        o.user_data = (uint64_t)me * EACH + (uint64_t)i + 1;
        if (d % 6 == 3) {
            o.body = &part;
            o.body_count = 1;
            o.flags = (d >> 4) & TURBO_COPY;
        }
        CHECK_IS(turbo_submit(client, head_make(&head, d % 6 == 3 ? "POST" : "GET", path), &o, &r), TURBO_OK);
        switch ((d >> 8) % 6) {
        case 0: CHECK_IS(turbo_request_cancel(r), TURBO_OK); break;
        case 1:
            CHECK_IS(turbo_request_release(r), TURBO_OK);
            r.id = 0;
            break;
        case 2:
            CHECK_IS(turbo_request_cancel(r), TURBO_OK);
            CHECK_IS(turbo_request_release(r), TURBO_OK);
            CHECK_IS(turbo_request_release(r), TURBO_ERROR_STALE);
            r.id = 0;
            break;
        default: break;
        }
        turbo_request* slot = &kept[d % 8];
        if (slot->id) CHECK_IS(turbo_request_release(*slot), TURBO_OK);
        *slot = r;
    }
    for (int i = 0; i < 8; i++)
        if (kept[i].id) CHECK_IS(turbo_request_release(kept[i]), TURBO_OK);
    return NULL;
}

static void* storm_poller(void* arg) {
    uint64_t end = now_ns() + UINT64_C(60000000000);
    (void)arg;
    while (storm_total < THREADS * EACH) {
        turbo_event events[32];
        int64_t     n = turbo_queue_wait(queue, events, 32, 1000);
        CHECK(n >= 0);
        CHECK(now_ns() < end);
        for (int64_t i = 0; i < n; i++) {
            CHECK_IS(events[i].kind, TURBO_EVENT_DONE);
            CHECK(events[i].user_data >= 1 && events[i].user_data <= THREADS * EACH);
            uint64_t k = events[i].user_data - 1;
            CHECK_IS(storm_dones[k / EACH][k % EACH], 0);
            storm_dones[k / EACH][k % EACH] = 1;
            storm_total++;
        }
    }
    return NULL;
}

static void test_storm(void) {
    pthread_t poller;
    memset(storm_dones, 0, sizeof storm_dones);
    storm_total = 0;
    CHECK(pthread_create(&poller, NULL, storm_poller, NULL) == 0);
    in_threads(storm);
    pthread_join(poller, NULL);
    CHECK_IS(storm_total, THREADS * EACH);
    CHECK_IS(pump(queue, 50), 0);
}

/* ---- Clients and queues come and go in every thread ---------------------------------------------------------- */
static void* own_client(void* arg) {
    (void)arg;
    for (int i = 0; i < 5; i++) {
        turbo_queue  q = queue_new();
        turbo_client c = client_new(q);
        for (int k = 0; k < 3; k++) hello(q, c);
        call running;
        CHECK_IS(submit(c, "GET", "/never", NULL, &running), TURBO_OK);
        CHECK_IS(turbo_client_destroy(c, 10000), TURBO_OK);
        release(&running);
        wait_done(q, &running);
        CHECK_IS(turbo_queue_destroy(q), TURBO_OK);
    }
    return NULL;
}

/* One client destroyed by 16 threads at once: at least one sees it through, the others get STATE or STALE. */
static turbo_client doomed;
static void*        destroyer(void* arg) {
           turbo_status status = turbo_client_destroy(doomed, 10000);
           (void)arg;
           CHECK(status == TURBO_OK || status == TURBO_ERROR_STATE || status == TURBO_ERROR_STALE);
           return NULL;
}
static void test_destroyed_by_all(void) {
    for (int i = 0; i < 10; i++) {
        call c;
        doomed = client_new(queue);
        CHECK_IS(submit(doomed, "GET", "/never", NULL, &c), TURBO_OK);
        in_threads(destroyer);
        CHECK_IS(turbo_client_destroy(doomed, 10), TURBO_ERROR_STALE);
        wait_done(queue, &c);
        CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
        release(&c);
    }
}

static void* init_again(void* arg) {
    (void)arg;
    for (int i = 0; i < 50; i++) CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    return NULL;
}

int main(void) {
    test_begin("test_threads", 180);
    server_start();
    queue = queue_new();
    client = client_new(queue);
    test_everything_at_once();
    test_storm();
    in_threads(own_client);
    test_destroyed_by_all();
    in_threads(init_again);
    hello(queue, client);
    return test_end(queue, client);
}
