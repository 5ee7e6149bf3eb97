/* test_shutdown - turbo_shutdown under load: everything ends, what was lent is free, all handles are stale; and anew. */
#include "common.h"

enum { THREADS = 6, LENT = 1 << 20 };
static turbo_queue  queues[THREADS];
static turbo_client clients[THREADS];
static uint64_t     exchanges;

static int over(int64_t status) { return status == TURBO_ERROR_STALE || status == TURBO_ERROR_STATE; }

/* A host thread that keeps eight requests under way until everything answers STALE or STATE. */
static void* load(void* arg) {
    intptr_t                 me = (intptr_t)arg;
    uint8_t*                 lent = mmap(NULL, LENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const char* const paths[] = {"/echo", "/never", "/echo", "/stall", "/big", "/echo", "/slow?ms=20", "/echo"};
    int                      busy[8] = {0};
    uint64_t                 end = now_ns() + UINT64_C(30000000000);
    CHECK(lent != MAP_FAILED);
    for (;;) {
        turbo_event events[16];
        CHECK(now_ns() < end);
        for (int i = 0; i < 8; i++) {
            turbo_bytes           part = {lent + i * 100000, 100000};
            turbo_request_options o = turbo_request_options_default();
            turbo_request         r;
            head_buffer           head;
            if (busy[i]) continue;
            o.user_data = (uint64_t)i;
            o.body = &part;
            o.body_count = 1;
            if (i % 2) o.events = TURBO_WANT(TURBO_EVENT_BODY);
            int64_t status = turbo_submit(clients[me], head_make(&head, "POST", paths[i]), &o, &r);
            if (over(status)) goto out;
            CHECK_IS(status, TURBO_OK);
            busy[i] = 1;
        }
        int64_t n = turbo_queue_wait(queues[me], events, 16, me % 2 ? TURBO_NONE : 5);
        if (over(n)) break;
        CHECK(n >= 0);
        for (int64_t i = 0; i < n; i++) {
            if (events[i].kind != TURBO_EVENT_DONE) continue;
            int64_t status = turbo_request_release((turbo_request){events[i].source});
            CHECK(status == TURBO_OK || over(status));
            busy[events[i].user_data] = 0;
            __atomic_fetch_add(&exchanges, 1, __ATOMIC_RELAXED);
        }
    }
out:
    return lent;
}

static void one_life(void) {
    pthread_t threads[THREADS];
    void*     lent[THREADS];
    uint64_t  before = exchanges;
    for (intptr_t i = 0; i < THREADS; i++) {
        queues[i] = queue_new();
        clients[i] = client_new(queues[i]);
    }
    for (intptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, load, (void*)i) == 0);
    sleep_ms(400);
    CHECK_IS(turbo_shutdown(15000), TURBO_OK);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], &lent[i]);
    for (int i = 0; i < THREADS; i++) munmap(lent[i], LENT); /* nobody uses it any more */
    CHECK(exchanges > before);
    for (int i = 0; i < THREADS; i++) {
        turbo_event event;
        CHECK_IS(turbo_queue_poll(queues[i], &event, 1), TURBO_ERROR_STATE);
        CHECK_IS(turbo_client_destroy(clients[i], 1), TURBO_ERROR_STATE);
    }
    sleep_ms(50);
}

int main(void) {
    turbo_queue  old_queue = {0};
    turbo_client old_client = {0};
    test_begin_bare("test_shutdown", 120);
    for (int i = 0; i < 4; i++) {
        turbo_library_config config = mode_library();
        CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
        if (i == 0) server_start();
        if (old_queue.id) { /* handles of a former life are stale in the next */
            turbo_event event;
            CHECK_IS(turbo_queue_poll(old_queue, &event, 1), TURBO_ERROR_STALE);
            CHECK_IS(turbo_client_destroy(old_client, 1), TURBO_ERROR_STALE);
        }
        one_life();
        old_queue = queues[0];
        old_client = clients[0];
    }
    /* nothing under way, twice, by several threads: harmless */
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    turbo_stats s = stats_now();
    CHECK(stats_balanced(&s));
    if (!mode_is("guarded")) CHECK_IS(s.guard_faults, 0); /* the guard counts the requests that nobody released */
    CHECK_IS(turbo_shutdown(5000), TURBO_OK);
    CHECK_IN(turbo_shutdown(5000), TURBO_OK, TURBO_ERROR_STATE);
    printf("  %llu exchanges\n", (unsigned long long)exchanges);
    /* and a process that exits without any of it */
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    turbo_queue  q = queue_new();
    turbo_client c = client_new(q);
    call         running[4];
    hello(q, c);
    for (int i = 0; i < 4; i++) CHECK_IS(submit(c, "GET", "/big", NULL, &running[i]), TURBO_OK);
    return test_ok();
}
