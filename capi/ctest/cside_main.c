/* cside_main.c - the host's side alone, against cside_standin.c: built with ThreadSanitizer, and with AddressSanitizer. */
#include "../../include/turbohttp.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS  8
#define INFLIGHT 16
#define CHECK(c)                                                            \
    do {                                                                    \
        if (!(c)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #c); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static turbo_client  client;
static turbo_queue   shared_queue;
static turbo_request victim; /* all threads call everything on it at once */
static turbo_client  asker;  /* and on a question of this client */
static uint64_t      question;
static int           rounds = 300;
static const uint8_t head[16] = "not looked at";

static turbo_request submit(turbo_client c, uint32_t script, uint64_t tag, const turbo_bytes* body, size_t parts,
                            uint32_t flags, uint32_t events) {
    turbo_request_options o = turbo_request_options_default();
    turbo_request         r = {0};
    o.timeout_ms = script;
    o.user_data = tag;
    o.body = body;
    o.body_count = parts;
    o.flags = flags;
    if ((flags & TURBO_STREAM) != 0) o.body_count = 0;
    o.events = events;
    CHECK(turbo_submit(c, (turbo_bytes){head, sizeof head}, &o, &r) == TURBO_OK);
    return r;
}

/* Reads all there is; returns the bytes, checks their values. */
static size_t drain(turbo_request r) {
    turbo_bytes part[3];
    size_t      sum = 0;
    int64_t     n;
    while ((n = turbo_response_peek(r, part, 3)) > 0) {
        size_t  take = part[0].size > 5 ? 5 : part[0].size, i;
        uint8_t expect = part[0].data[0];
        for (i = 0; i < 3 && i < (size_t)n; i++) { /* what is shown is there, to its last byte */
            CHECK(part[i].size > 0 && part[i].data[0] == expect);
            expect = (uint8_t)(expect + 7 * part[i].size);
            CHECK(part[i].data[part[i].size - 1] == (uint8_t)(expect - 7));
        }
        CHECK(turbo_response_consume(r, take) == TURBO_OK);
        sum += take;
    }
    CHECK(n == 0 || n == TURBO_ERROR_AGAIN || n == TURBO_ERROR_CLOSED || n == TURBO_ERROR_CANCELLED ||
          n == TURBO_ERROR_STALE || n == TURBO_ERROR_STATE);
    return sum;
}

/* Writes and lends as many pieces as the request takes; returns how many of them will come back. */
static int give(turbo_request r, const uint8_t* lent, uint8_t* span, unsigned int* seed, int streamed_back) {
    int back = 0, i;
    for (i = 0; i < 12; i++) {
        turbo_bytes part;
        turbo_span  view;
        int64_t     n = 0;
        part.data = lent;
        part.size = 1 + (size_t)rand_r(seed) % 64;
        switch (rand_r(seed) % 4) {
        case 0:
            n = turbo_request_write(r, &part, 1, 1, 0);
            back += n >= 0;
            break;
        case 1: n = turbo_request_write(r, &part, 1, 1, TURBO_COPY); break;
        case 2:
            n = turbo_request_reserve(r, part.size, &view);
            if (n != TURBO_OK) break;
            memcpy(view.data, lent, part.size);
            n = turbo_request_commit(r, part.size, 0);
            break;
        default:
            if (!streamed_back) break;
            view.data = span;
            view.size = 64;
            n = turbo_response_lend(r, view, 2);
            back += n == TURBO_OK;
        }
        CHECK(n >= 0 || n == TURBO_ERROR_STATE || n == TURBO_ERROR_LIMIT);
    }
    return back;
}

/* Looks at a question, and answers it two times out of three; others may be faster, and some come to nothing before. */
static void decide(turbo_client c, uint64_t token, unsigned int dice) {
    turbo_bytes  host, chain[3];
    int32_t      verified;
    int64_t      n = turbo_verify_chain(c, token, &host, &verified, chain, 3);
    turbo_status s;
    CHECK(n == 2 || n == TURBO_ERROR_STALE);
    if (n == 2) CHECK(host.size == 4 && verified == 1 && chain[1].size == 40);
    if (dice % 3 == 0) return; /* it ends with its client */
    s = turbo_verify_answer(c, token, (int32_t)(dice % 2));
    CHECK(s == TURBO_OK || s == TURBO_ERROR_STATE || s == TURBO_ERROR_STALE);
}

static void* host(void* arg) {
    unsigned int        seed = (unsigned int)(uintptr_t)arg * 7919u + 1u;
    turbo_queue         q;
    turbo_client        c;
    turbo_request       open[INFLIGHT];
    uint8_t             lent[INFLIGHT][64], spans[INFLIGHT][64];
    int                 done[INFLIGHT], released[INFLIGHT], out[INFLIGHT], i, k;
    turbo_client_config config = turbo_client_config_default();
    CHECK(turbo_queue_create(&q) == TURBO_OK);
    turbo_tls_config tls = turbo_tls_config_default();
    turbo_bytes      pin = {head, 16};
    tls.pins = &pin;
    tls.pin_count = 1;
    tls.roots_pem = (turbo_bytes){head, sizeof head};
    config.queue = q;
    config.user_data = 99;
    config.tls = &tls;
    CHECK(turbo_client_create(&config, &c, NULL, 0) ==
          TURBO_ERROR_INVALID); /* the pin; what was copied before it is freed */
    tls.pin_count = 0;
    tls.key_pem = tls.roots_pem;
    CHECK(turbo_client_create(&config, &c, NULL, 0) == TURBO_OK);
    for (i = 0; i < rounds; i++) {
        int left = INFLIGHT;
        for (k = 0; k < INFLIGHT; k++) {
            uint32_t    script = (uint32_t)rand_r(&seed) % 48u + (rand_r(&seed) % 8 == 0 ? 64u : 0u);
            turbo_bytes body[2];
            int         b;
            if (script == 0) script = 1;
            for (b = 0; b < 64; b++) lent[k][b] = (uint8_t)(b * 7);
            body[0].data = body[1].data = lent[k];
            body[0].size = 64;
            body[1].size = 10;
            uint32_t flags = rand_r(&seed) % 2 ? (uint32_t)TURBO_COPY : rand_r(&seed) % 2 ? TURBO_STREAM : 0u;
            uint32_t events = rand_r(&seed) % 2 ? TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY) : 0;
            open[k] = submit(c, script, (uint64_t)k, body, 2, flags, events);
            done[k] = released[k] = out[k] = 0;
            if (flags == TURBO_STREAM) out[k] = give(open[k], lent[k], spans[k], &seed, events != 0);
            if (rand_r(&seed) % 4 == 0) {
                CHECK(turbo_request_release(open[k]) == TURBO_OK);
                CHECK(turbo_request_release(open[k]) == TURBO_ERROR_STALE);
                released[k] = 1;
            } else if (rand_r(&seed) % 4 == 0 || (script & 32) != 0) {
                CHECK(turbo_request_cancel(open[k]) == TURBO_OK);
            }
        }
        while (left > 0) {
            turbo_event e[5];
            int64_t     n = turbo_queue_wait(q, e, 1 + (size_t)(rand_r(&seed) % 5), 10000), j;
            CHECK(n > 0);
            for (j = 0; j < n; j++) {
                if (e[j].kind == TURBO_EVENT_VERIFY) {
                    CHECK(e[j].source == c.id && e[j].user_data == 99);
                    if (rand_r(&seed) % 2) {
                        __atomic_store_n(&asker.id, c.id, __ATOMIC_RELEASE);
                        __atomic_store_n(&question, e[j].token, __ATOMIC_RELEASE);
                    }
                    decide(c, e[j].token, (unsigned int)rand_r(&seed));
                    continue;
                }
                k = (int)e[j].user_data;
                CHECK(e[j].source == open[k].id && !done[k]);
                if (e[j].kind == TURBO_EVENT_SENT || e[j].kind == TURBO_EVENT_FILLED) {
                    CHECK(out[k]-- > 0 && e[j].token == (e[j].kind == TURBO_EVENT_SENT ? 1 : 2));
                    continue;
                }
                if (e[j].kind == TURBO_EVENT_WRITABLE) continue;
                if (e[j].kind == TURBO_EVENT_DONE) {
                    CHECK(out[k] == 0);
                    done[k] = 1;
                    left--;
                    memset(lent[k], 0, sizeof lent[k]); /* ours again: the stand-in would notice */
                } else {
                    CHECK(e[j].kind == TURBO_EVENT_HEAD || e[j].kind == TURBO_EVENT_BODY);
                }
                if (!released[k] && e[j].kind != TURBO_EVENT_HEAD) drain(open[k]);
            }
        }
        for (k = 0; k < INFLIGHT; k++) {
            char text[64];
            if (released[k]) continue;
            CHECK(turbo_request_error(open[k], text, sizeof text) >= 0);
            CHECK(turbo_request_release(open[k]) == TURBO_OK);
        }
        CHECK(turbo_queue_wake(shared_queue) == TURBO_OK);
    }
    CHECK(turbo_client_destroy(c, 10000) == TURBO_OK);
    CHECK(turbo_client_destroy(c, 10000) == TURBO_ERROR_STALE);
    CHECK(turbo_queue_destroy(q) == TURBO_OK);
    return NULL;
}

/* Everything at once on handles that others use, release and reuse. */
static void* vandal(void* arg) {
    int i;
    for (i = 0; i < rounds * 20; i++) {
        turbo_request  r = {__atomic_load_n(&victim.id, __ATOMIC_ACQUIRE)};
        turbo_bytes    b[4];
        turbo_event    e[4];
        turbo_timings  t;
        turbo_progress p;
        char           text[32];
        int32_t        level;
        turbo_span     view;
        intptr_t       handle;
        switch ((i + (int)(uintptr_t)arg) % 19) {
        case 0: turbo_request_cancel(r); break;
        case 1: turbo_response_head(r, &b[0]); break;
        case 2: turbo_response_peek(r, b, 4); break;
        case 3: turbo_response_consume(r, 1); break;
        case 4: turbo_request_error(r, text, sizeof text); break;
        case 5: turbo_request_timings(r, &t); break;
        case 6: turbo_request_progress(r, &p); break;
        case 7: turbo_response_field(r, 0, &b[0], &b[1]); break;
        case 8: turbo_queue_poll(shared_queue, e, 4); break;
        case 9: turbo_queue_wait(shared_queue, e, 4, 1); break;
        case 16: turbo_client_tls(client); break;
        case 17: {
            turbo_client a = {__atomic_load_n(&asker.id, __ATOMIC_ACQUIRE)};
            turbo_verify_chain(a, __atomic_load_n(&question, __ATOMIC_ACQUIRE), NULL, NULL, b, 4);
            if (i % 2) turbo_verify_answer(a, __atomic_load_n(&question, __ATOMIC_ACQUIRE), 1);
            break;
        }
        case 10: turbo_log_read(&level, text, sizeof text); break;
        case 11: turbo_request_write(r, b, 0, 0, 0); break;
        case 12: turbo_request_reserve(r, 100, &view); break; /* others end this view: it is not touched */
        case 13: turbo_request_commit(r, 0, 0); break;
        case 14: turbo_response_trailers(r, &b[0]); break;
        case 15: turbo_queue_handle(shared_queue, &handle); break;
        default:
            if (i % 3 == 0) {
                turbo_request fresh =
                    submit(client, 3, 0, NULL, 0, i % 2 ? TURBO_STREAM : 0u, TURBO_WANT(TURBO_EVENT_BODY));
                turbo_request old = {__atomic_exchange_n(&victim.id, fresh.id, __ATOMIC_ACQ_REL)};
                turbo_request_release(old);
            }
        }
    }
    return NULL;
}

/* A queue that some destroy while others make clients on it: who gets a client has a queue that stays. */
static int made; /* by makers */

static void* maker(void* arg) {
    turbo_client_config config = turbo_client_config_default();
    int                 i;
    (void)arg;
    for (i = 0; i < rounds * 5; i++) {
        turbo_client c;
        turbo_status s;
        config.queue.id = __atomic_load_n(&shared_queue.id, __ATOMIC_ACQUIRE);
        s = turbo_client_create(&config, &c, NULL, 0);
        if (s != TURBO_OK) {
            CHECK(s == TURBO_ERROR_STALE || s == TURBO_ERROR_STATE);
            continue;
        }
        __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
        CHECK(turbo_queue_destroy(config.queue) == TURBO_ERROR_STATE);
        CHECK(turbo_queue_wake(config.queue) == TURBO_OK);
        CHECK(turbo_client_network_changed(c) == TURBO_OK);
        CHECK(turbo_client_preconnect(c, turbo_text("http://a.example/"), 8) == TURBO_OK);
        CHECK(turbo_client_destroy(c, 10000) == TURBO_OK);
        CHECK(turbo_client_network_changed(c) == TURBO_ERROR_STALE);
    }
    return NULL;
}

static void* breaker(void* arg) {
    int i;
    (void)arg;
    for (i = 0; i < rounds * 100; i++) {
        turbo_queue  q = {__atomic_load_n(&shared_queue.id, __ATOMIC_ACQUIRE)}, next;
        turbo_status s = turbo_queue_destroy(q);
        CHECK(s == TURBO_OK || s == TURBO_ERROR_STATE || s == TURBO_ERROR_STALE);
        if (s != TURBO_OK) continue;
        CHECK(turbo_queue_create(&next) == TURBO_OK);
        __atomic_store_n(&shared_queue.id, next.id, __ATOMIC_RELEASE);
        sched_yield();
    }
    return NULL;
}

static void makers_and_breakers(void) {
    pthread_t t[6];
    int       i;
    CHECK(turbo_queue_create(&shared_queue) == TURBO_OK);
    for (i = 0; i < 6; i++) pthread_create(&t[i], NULL, i % 2 ? breaker : maker, NULL);
    for (i = 0; i < 6; i++) pthread_join(t[i], NULL);
    CHECK(made > 0);
    CHECK(turbo_queue_destroy(shared_queue) == TURBO_OK); /* no count of clients was left behind */
}

int main(int argc, char** argv) {
    turbo_client_config config = turbo_client_config_default();
    turbo_event         e[8];
    pthread_t           t[2 * THREADS];
    int                 i, round;
    if (argc > 1) rounds = atoi(argv[1]);
    CHECK(turbo_queue_create(&shared_queue) == TURBO_ERROR_STATE);
    for (round = 0; round < 2; round++) {
        CHECK(turbo_init(TURBO_ABI_VERSION, NULL) == TURBO_OK);
        makers_and_breakers();
        CHECK(turbo_queue_create(&shared_queue) == TURBO_OK);
        config.queue = shared_queue;
        CHECK(turbo_client_create(&config, &client, NULL, 0) == TURBO_OK);
        for (i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, host, (void*)(uintptr_t)i);
        for (i = 0; i < THREADS; i++) pthread_create(&t[THREADS + i], NULL, vandal, (void*)(uintptr_t)i);
        for (i = 0; i < 2 * THREADS; i++) pthread_join(t[i], NULL);
        CHECK(turbo_queue_destroy(shared_queue) == TURBO_ERROR_STATE); /* a client uses it */
        if (round == 0) { /* once in order, once with everything still open */
            CHECK(turbo_request_release(victim) == TURBO_OK);
            CHECK(turbo_client_destroy(client, 10000) == TURBO_OK);
            while (turbo_queue_poll(shared_queue, e, 8) > 0) continue;
            CHECK(turbo_queue_destroy(shared_queue) == TURBO_OK);
        } else {
            for (i = 0; i < 50; i++) submit(client, 32 + 5, 0, NULL, 0, 0, 0);
        }
        CHECK(turbo_shutdown(10000) == TURBO_OK);
        CHECK(turbo_request_release(victim) == TURBO_ERROR_STATE);
        CHECK(turbo_queue_poll(shared_queue, e, 8) == TURBO_ERROR_STATE);
    }
    printf("ok cside: %d rounds\n", rounds);
    return 0;
}
