/* test_guard - with pool_guard = 1 the library notices what a host does to memory that is not its own: a write into a
 * view after its end, a write past a view; and it names requests that were never released. */
#include "common.h"

static turbo_queue  queue;
static turbo_client client;

/* log_names takes the log and says whether an ERROR or WARN line holds one of the words; it prints what it found. */
static int log_names(const char* what, const char* const* words) {
    char    text[4096];
    int32_t level;
    int     found = 0;
    while (turbo_log_read(&level, text, sizeof text) >= 0) {
        if (level > TURBO_LOG_WARN) continue;
        if (strstr(text, "S3CRET")) FAIL("the query of a URL is in the log: %.300s", text);
        for (int i = 0; words[i]; i++)
            if (strcasestr(text, words[i])) {
                if (!found) printf("  %s: %.300s\n", what, text);
                found = 1;
                break;
            }
    }
    return found;
}

static void traffic(void) {
    for (int i = 0; i < 300; i++) {
        call c;
        run(queue, client, "GET", i % 2 ? "/bytes?n=100&seed=1" : "/bytes?n=100000&seed=1", NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        body_is(c.request, i % 2 ? 100 : 100000, 1);
        release(&c);
    }
}

/* A returned block waits in quarantine and is looked at when it leaves: traffic pushes it out. */
static void expect_fault(const char* what, uint32_t before, const char* const* words) {
    uint32_t faults = before;
    for (int i = 0; i < 20 && faults == before; i++) {
        traffic();
        faults = stats_now().guard_faults;
    }
    if (faults == before) FAIL("%s: guard_faults stayed %u", what, before);
    if (!log_names(what, words)) FAIL("%s: no log line", what);
}

static uint8_t* last_byte_after(turbo_request request) {
    turbo_bytes part[64];
    int64_t     n = turbo_response_peek(request, part, 64);
    CHECK(n > 0 && n <= 64);
    return (uint8_t*)(uintptr_t)(part[n - 1].data + part[n - 1].size);
}

int main(void) {
    static const char* const late[] = {"after", "late", "returned", NULL};
    static const char* const past[] = {"overrun", "past", "beyond", "canary", NULL};
    static const char* const leak[] = {"leak", "never released", "not released", NULL};
    static const char* const paths[] = {"/bytes?n=100&seed=1", "/bytes?n=100000&seed=1"};
    turbo_library_config     config = mode_library();
    call                     c;
    uint32_t                 faults;
    config.pool_guard = 1;
    test_begin_bare("test_guard", 120);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    server_start();
    queue = queue_new();
    turbo_client_config cc = turbo_client_config_default(); /* pooled, whatever the mode: the guard guards the pool */
    cc.queue = queue;
    client = client_make(&cc);
    traffic();
    CHECK_IS(stats_now().guard_faults, 0);

    for (int size = 0; size < 2; size++) {
        turbo_bytes part;
        faults = stats_now().guard_faults;
        run(queue, client, "GET", paths[size], NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        CHECK(turbo_response_peek(c.request, &part, 1) >= 1);
        release(&c);
        sleep_ms(50);
        ((uint8_t*)(uintptr_t)part.data)[7] ^= 0x55;
        expect_fault(size ? "late write, large body" : "late write, small body", faults, late);

        faults = stats_now().guard_faults;
        run(queue, client, "GET", paths[size], NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        *last_byte_after(c.request) ^= 0x55;
        release(&c);
        expect_fault(size ? "write past a view, large body" : "write past a view, small body", faults, past);
    }
    /* the head is a view too */
    turbo_bytes head;
    faults = stats_now().guard_faults;
    run(queue, client, "GET", "/hello", NULL, &c);
    CHECK_IS(turbo_response_head(c.request, &head), TURBO_OK);
    ((uint8_t*)(uintptr_t)head.data)[head.size] ^= 0x55;
    release(&c);
    for (int i = 0; i < 5; i++) traffic();
    printf("  write past a head: %s\n", stats_now().guard_faults > faults ? "noticed" : "not noticed");
    log_names("head", past);

    /* never released */
    run(queue, client, "GET", "/bytes?n=5000&seed=1&token=S3CRET", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_OK);
    int told = log_names("leak", leak);
    faults = stats_now().guard_faults;
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    told |= log_names("leak", leak);
    if (!told) FAIL("a request that was never released is not in the log");
    CHECK(stats_now().guard_faults > faults);
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    return test_ok();
}
