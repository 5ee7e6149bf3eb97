/* test_unmapped - a host that unmaps lent memory too early breaks its own request, which says so, and nothing else. */
#include "common.h"

static turbo_queue  queue;
static turbo_client client;
enum { SIZE = 32 << 20 };

static uint8_t* map(void) {
    uint8_t* memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

/* Taken away while part of it is on its way: nothing else of ours may come to lie there meanwhile. */
static void take_away(uint8_t* memory) {
    CHECK(mmap(memory, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
}

static void test_request_body(int early) {
    uint8_t*              memory = map();
    turbo_bytes           part = {memory, SIZE};
    turbo_request_options o = turbo_request_options_default();
    turbo_progress        p = {0};
    call                  c, other[4];
    memset(memory, 'a', SIZE);
    o.body = &part;
    o.body_count = 1;
    if (early) take_away(memory);
    CHECK_IS(submit(client, "POST", "/noread?ms=500", &o, &c), TURBO_OK);
    for (int i = 0; i < 4; i++) CHECK_IS(submit(client, "GET", "/slow?ms=700", NULL, &other[i]), TURBO_OK);
    if (!early) {
        for (int i = 0; i < 1000 && p.sent == 0; i++) {
            sleep_ms(1);
            CHECK_IS(turbo_request_progress(c.request, &p), TURBO_OK);
        }
        take_away(memory);
    }
    wait_done(queue, &c);
    if (c.done.status == TURBO_OK) FAIL("memory without access was sent");
    CHECK(c.done.status == TURBO_ERROR_IO || c.done.status == TURBO_ERROR_INTERNAL ||
          c.done.status == TURBO_ERROR_INVALID);
    CHECK(strlen(error_of(&c)) > 10);
    printf("  body taken away %s: %d, %s\n", early ? "before" : "while it was sent", c.done.status, error_of(&c));
    release(&c);
    for (int i = 0; i < 4; i++) {
        wait_done(queue, &other[i]);
        CHECK_DONE(&other[i], TURBO_OK);
        release(&other[i]);
    }
    munmap(memory, SIZE);
}

static void test_into(int early) {
    uint8_t*              memory = map();
    turbo_request_options o = turbo_request_options_default();
    call                  c, other[4];
    o.into.data = memory;
    o.into.size = SIZE;
    if (early) take_away(memory);
    CHECK_IS(submit(client, "GET", early ? "/bytes?n=1000000" : "/drip?n=100&ms=20", &o, &c), TURBO_OK);
    for (int i = 0; i < 4; i++) CHECK_IS(submit(client, "GET", "/slow?ms=700", NULL, &other[i]), TURBO_OK);
    if (!early) {
        sleep_ms(200);
        take_away(memory);
    }
    wait_done(queue, &c);
    if (c.done.status == TURBO_OK) FAIL("written into memory without access");
    CHECK(c.done.status == TURBO_ERROR_IO || c.done.status == TURBO_ERROR_INTERNAL ||
          c.done.status == TURBO_ERROR_INVALID);
    CHECK(strlen(error_of(&c)) > 10);
    printf("  into taken away %s: %d, %s\n", early ? "before" : "while it filled", c.done.status, error_of(&c));
    release(&c);
    for (int i = 0; i < 4; i++) {
        wait_done(queue, &other[i]);
        CHECK_DONE(&other[i], TURBO_OK);
        release(&other[i]);
    }
    munmap(memory, SIZE);
}

/* A lent span: filled with what waited already, or with what comes. */
static void test_lent(int waiting) {
    uint8_t*              memory = map();
    turbo_span            span = {memory, SIZE};
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    o.events = TURBO_WANT(TURBO_EVENT_BODY);
    take_away(memory);
    CHECK_IS(submit(client, "GET", waiting ? "/stall" : "/slow?ms=50", &o, &c), TURBO_OK);
    for (int i = 0; waiting && c.bodies == 0; i++) {
        CHECK(i < 1000);
        pump(queue, 20);
    }
    CHECK_IS(turbo_response_lend(c.request, span, 1), TURBO_OK);
    wait_done(queue, &c);
    CHECK(c.fills == 1 && c.filled.bytes == 0 && c.filled.status == TURBO_ERROR_INVALID);
    CHECK_IS(c.done.status, TURBO_ERROR_INVALID);
    CHECK(strstr(error_of(&c), "memory") != NULL);
    printf("  span taken away, %s: %d, %s\n", waiting ? "bytes waited" : "bytes came", c.done.status, error_of(&c));
    release(&c);
    munmap(memory, SIZE);
}

int main(void) {
    test_begin("test_unmapped", 90);
    server_start();
    queue = queue_new();
    client = client_new(queue);
    hello(queue, client);
    for (int round = 0; round < 3; round++) {
        test_request_body(0);
        test_request_body(1);
        test_into(0);
        test_into(1);
        test_lent(0);
        test_lent(1);
        hello(queue, client);
    }
    return test_end(queue, client);
}
