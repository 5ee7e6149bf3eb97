/* border PORT [SECONDS] - what a request costs the host's own thread: CPU time of turbo_submit and turbo_queue_poll.
 *
 * A game's frame: submit a batch, do something else (sleep 2 ms; the library answers meanwhile on its own threads), poll
 * the batch. The thread's CPU clock is read around the calls only, once per batch, and the clock's own price, measured
 * first, is taken off. So a frame's submit pays for the doorbell (the library sleeps by then) and for the caches it finds
 * cold, as in a game. Medians over the frames, a batch of 64 and one of 1. Also the price of release, and of one busy loop
 * without the sleep. Prints figure lines. */
#define _GNU_SOURCE
#include "peers/hist.h"
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX = 64, FRAMES = 100000 };

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "border: %s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}

static double cpu_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}
static double median(double* v, size_t n) {
    qsort(v, n, sizeof *v, by_value);
    return n ? v[n / 2] : 0;
}

static turbo_queue  queue;
static turbo_client client;
static turbo_bytes  head;
static double       clock_ns;
static double       submits[FRAMES], polls[FRAMES], releases[FRAMES];

/* frames returns how many it measured. */
static size_t frames(int batch, double seconds, int sleep_us) {
    turbo_request request[MAX];
    turbo_event   events[2 * MAX];
    size_t        n = 0;
    uint64_t      end = hist_now() + (uint64_t)(seconds * 1e9);
    while (hist_now() < end && n < FRAMES) {
        double          t0, t1, t2, t3, poll = 0;
        int             got = 0;
        struct timespec nap = {0, (long)sleep_us * 1000};
        t0 = cpu_ns();
        for (int i = 0; i < batch; i++)
            if (turbo_submit(client, head, NULL, &request[i]) != TURBO_OK) exit(1);
        t1 = cpu_ns();
        for (int tries = 0; got < batch && tries < 100000000; tries++) {
            int64_t m;
            if (sleep_us) nanosleep(&nap, NULL);
            t2 = cpu_ns();
            m = turbo_queue_poll(queue, events + got, (size_t)(2 * MAX - got));
            t3 = cpu_ns();
            check(m, "turbo_queue_poll");
            if (m > 0) poll += t3 - t2 - clock_ns; /* empty polls of the busy loop are waiting, not work */
            got += (int)m;
        }
        for (int i = 0; i < batch; i++)
            if (events[i].status != TURBO_OK) exit(1);
        t2 = cpu_ns();
        for (int i = 0; i < batch; i++) turbo_request_release(request[i]);
        t3 = cpu_ns();
        submits[n] = (t1 - t0 - clock_ns) / batch;
        polls[n] = poll / batch;
        releases[n] = (t3 - t2 - clock_ns) / batch;
        n++;
    }
    return n;
}

int main(int argc, char** argv) {
    uint8_t             memory[512];
    turbo_span          span = {memory, sizeof memory};
    turbo_client_config config = turbo_client_config_default();
    char                url[64];
    double              seconds = argc > 2 ? atof(argv[2]) : 6, clocks[1001];
    size_t              n;
    if (argc < 2) return 2;
    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&queue), "turbo_queue_create");
    config.queue = queue;
    config.connections_per_host = MAX;
    check(turbo_client_create(&config, &client, NULL, 0), "turbo_client_create");
    snprintf(url, sizeof url, "http://127.0.0.1:%s/bench", argv[1]);
    check(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(url), &head), "turbo_head_simple");
    for (int i = 0; i < 1001; i++) {
        double t = cpu_ns();
        clocks[i] = cpu_ns() - t;
    }
    clock_ns = median(clocks, 1001);

    frames(MAX, 1, 2000); /* warm-up */
    n = frames(MAX, seconds / 2, 2000);
    double submit = median(submits, n), poll = median(polls, n), release = median(releases, n);
    printf("figure border.submit_poll_ns %.0f ns\n", submit + poll);
    printf("figure border.submit_ns %.0f ns\n", submit);
    printf("figure border.poll_ns %.0f ns\n", poll);
    printf("figure border.release_ns %.0f ns\n", release);
    n = frames(1, seconds / 4, 2000);
    printf("figure border.one.submit_poll_ns %.0f ns\n", median(submits, n) + median(polls, n));
    n = frames(MAX, seconds / 4, 0);
    printf("figure border.busy.submit_poll_ns %.0f ns\n", median(submits, n) + median(polls, n));
    printf("figure border.clock_ns %.0f ns\n", clock_ns);
    check(turbo_shutdown(5000), "turbo_shutdown");
    return 0;
}
