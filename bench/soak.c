/* soak [--live] [--tls ROOTS] PORT SECONDS [RATE [CONNECTIONS]] - a C host that sends RATE requests a second (default 10,000) over CONNECTIONS
 * (default 64) for SECONDS, as a game server's client would: every millisecond what is due is submitted, what has come is
 * taken, read and released; at most 512 are under way at once. After 1,024 requests of warm-up it counts what the process
 * allocates:
 *
 *   go_bytes_per_second     bytes ever allocated on the Go heap (turbo_stats.go_heap_alloc_bytes) per second, garbage included
 *   go_objects_per_request  objects ever allocated on the Go heap per request
 *   mallocs_per_request     malloc, calloc, realloc through LD_PRELOAD=malloc_count.so, less what the same process
 *                           allocates in the same time while it does nothing
 *   pool_imbalance          everything rented and not returned at the end, when nothing is under way
 *   rss_growth_bytes        resident memory at the end less that after the warm-up
 *   p50_us, p99_us          from turbo_submit to the moment the event happened
 *
 * --live shows the same as a table on the screen while it runs. --tls asks by https, trusts what the PEM file ROOTS holds,
 * and prints figures of h1.net.go.c; there crypto/tls makes a reader of 24 bytes each time it fills its buffer, which is once
 * for each answer. Exit 1 when a promise is broken. */
#define _GNU_SOURCE
#include "malloc_count.h"
#include "peers/hist.h"
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BATCH = 256, WARM_UP = 1024, MAX_OPEN = WARM_UP / 2 };

static turbo_queue  queue;
static turbo_client client;
static turbo_bytes  head;
static void (*count_mallocs)(malloc_counts*);
static uint64_t submitted, done, bytes;
static int      open_requests;
static uint8_t  roots[65536];

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "soak: %s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}

static turbo_stats stats_now(void) {
    turbo_stats s = turbo_stats_default();
    check(turbo_stats_read((turbo_client){0}, &s), "turbo_stats_read");
    return s;
}

static malloc_counts mallocs_now(void) {
    malloc_counts m = {0, 0, 0, 0};
    if (count_mallocs) count_mallocs(&m);
    return m;
}

static double resident(void) { /* without stdio: that would allocate */
    static char text[256];
    static int  fd = -1;
    if (fd < 0) {
        FILE* f = fopen("/proc/self/statm", "r");
        if (f == NULL) exit(1);
        fd = dup(fileno(f));
        fclose(f);
    }
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    char* at = text;
    strtoull(at, &at, 10);
    return (double)strtoull(at, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static void submit_one(uint64_t now) {
    turbo_request_options o = turbo_request_options_default();
    turbo_request         request;
    o.user_data = now;
    check(turbo_submit(client, head, &o, &request), "turbo_submit");
    submitted++;
    open_requests++;
}

static void take(uint32_t wait_ms) {
    static turbo_event events[BATCH];
    int64_t            n = turbo_queue_wait(queue, events, BATCH, wait_ms);
    check(n, "turbo_queue_wait");
    for (int64_t i = 0; i < n; i++) {
        turbo_request request = {events[i].source};
        turbo_bytes   part;
        check(events[i].status, "a request");
        if (events[i].http_status != 200 || turbo_response_peek(request, &part, 1) != 1 ||
            part.size != events[i].bytes) {
            fprintf(stderr, "soak: a wrong answer\n");
            exit(1);
        }
        bytes += part.size;
        hist_add(events[i].time_ns > events[i].user_data ? events[i].time_ns - events[i].user_data : 0);
        check(turbo_request_release(request), "turbo_request_release");
        done++;
        open_requests--;
    }
}

/* drive sends rate requests a second until end. */
static void drive(double rate, uint64_t end) {
    uint64_t start = hist_now(), now = start, base = submitted;
    while (now < end) {
        uint64_t due = (uint64_t)((double)(now - start) * rate / 1e9);
        for (int i = 0; submitted - base < due && open_requests < MAX_OPEN && i < BATCH; i++) submit_one(now);
        take(1);
        now = hist_now();
    }
}

static void drain(void) {
    uint64_t end = hist_now() + UINT64_C(10000000000);
    while (open_requests > 0 && hist_now() < end) take(10);
    if (open_requests > 0) {
        fprintf(stderr, "soak: %d requests never came back\n", open_requests);
        exit(1);
    }
}

static turbo_bytes roots_read(const char* path) {
    FILE*       f = fopen(path, "rb");
    turbo_bytes b = {roots, 0};
    if (f == NULL) {
        fprintf(stderr, "soak: cannot read %s\n", path);
        exit(1);
    }
    b.size = fread(roots, 1, sizeof roots, f);
    fclose(f);
    return b;
}

typedef struct moment {
    turbo_stats   stats;
    malloc_counts mallocs;
    double        rss;
    uint64_t      time, done;
} moment;

static moment moment_now(void) {
    moment m;
    m.stats = stats_now();
    m.mallocs = mallocs_now();
    m.rss = resident();
    m.time = hist_now();
    m.done = done;
    return m;
}

static void row(const moment* from, const moment* to, double second) {
    double s = (double)(to->time - from->time) / 1e9, n = (double)(to->done - from->done);
    char   text[256];
    int    size =
        snprintf(text, sizeof text, "%6.0f %10.0f %10.2f %14.0f %14.4f %14.4f %12.0f\n", second, n / s,
                 hist_us(0.5) / 1000, (double)(to->stats.go_heap_alloc_bytes - from->stats.go_heap_alloc_bytes) / s,
                 (double)(to->stats.go_heap_allocs - from->stats.go_heap_allocs) / n,
                 (double)(to->mallocs.allocations - from->mallocs.allocations) / n, (to->rss - from->rss) / 1024);
    if (write(1, text, (size_t)size) < 0) exit(1);
}

int main(int argc, char** argv) {
    int              live = 0, k = 1, missed = 0;
    const char*      scene = "soak.h1.net.plain.c";
    turbo_tls_config tls = turbo_tls_config_default();
    if (argc > k && strcmp(argv[k], "--live") == 0) live = k++;
    if (argc > k + 1 && strcmp(argv[k], "--tls") == 0) {
        tls.roots_pem = roots_read(argv[k + 1]);
        scene = "soak.h1.net.go.c";
        k += 2;
    }
    if (argc < k + 2) return 2;
    const char*         port = argv[k];
    double              seconds = atof(argv[k + 1]), rate = argc > k + 2 ? atof(argv[k + 2]) : 10000;
    turbo_client_config config = turbo_client_config_default();
    uint8_t             memory[512];
    turbo_span          span = {memory, sizeof memory};
    turbo_head_writer   writer;
    char                url[64];
    *(void**)(void*)&count_mallocs = dlsym(RTLD_DEFAULT, "malloc_count_read");
    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&queue), "turbo_queue_create");
    config.queue = queue;
    config.connections_per_host = argc > k + 3 ? (uint32_t)atoi(argv[k + 3]) : 64;
    config.request_timeout_ms = 10000;
    if (tls.roots_pem.size != 0) config.tls = &tls;
    check(turbo_client_create(&config, &client, NULL, 0), "turbo_client_create");
    snprintf(url, sizeof url, "%s://127.0.0.1:%s/score", config.tls ? "https" : "http", port);
    turbo_head_begin(&writer, span, TURBO_METHOD_GET, turbo_text(url));
    turbo_head_field(&writer, turbo_text("Accept"), turbo_text("application/json"));
    check(turbo_head_finish(&writer, &head), "turbo_head_finish");
    setvbuf(stdout, NULL, _IOLBF, 512);
    moment_now();
    moment_now();

    /* what this process allocates when it does nothing: the same loop without requests */
    moment   quiet = moment_now();
    uint64_t end = hist_now() + UINT64_C(1000000000);
    while (hist_now() < end) take(1);
    moment idle = moment_now();
    double idle_s = (double)(idle.time - quiet.time) / 1e9;

    /* warm-up: every connection open, every answer there before the first is taken, and twice the requests that may be
     * under way later, because a released one is used again only when the library has taken note: so a machine that
     * stalls for a moment makes no new peak. Requests are made in chunks of 256, and the warm-up uses whole ones. */
    while (submitted < WARM_UP) submit_one(hist_now());
    for (int i = 0; i < 1000 && stats_now().requests_done < WARM_UP; i++) usleep(10000);
    drain();
    hist_clear();
    moment_now();
    moment first = moment_now(), last = first, before;
    if (live)
        printf("%6s %10s %10s %14s %14s %14s %12s\n%6s %10s %10s %14s %14s %14s %12s\n", "second", "requests/s",
               "p50 ms", "Go bytes/s", "Go objects/req", "mallocs/req", "memory +KB", "", "", "", "(promise <1024)",
               "(0)", "(0)", "");
    for (double s = 0; s < seconds; s += 1) {
        double part = seconds - s < 1 ? seconds - s : 1;
        before = last;
        drive(rate, first.time + (uint64_t)((s + part) * 1e9));
        if (live) {
            last = moment_now();
            row(&before, &last, s + part);
        }
    }
    double spent = (double)(hist_now() - first.time) / 1e9, requests = (double)(done - first.done);
    drain();
    last = moment_now();

    double go_bytes = (double)(last.stats.go_heap_alloc_bytes - first.stats.go_heap_alloc_bytes) / spent;
    double go_objects = (double)(last.stats.go_heap_allocs - first.stats.go_heap_allocs) / requests;
    double idle_mallocs = (double)(idle.mallocs.allocations - quiet.mallocs.allocations) / idle_s * spent;
    double mallocs = ((double)(last.mallocs.allocations - first.mallocs.allocations) - idle_mallocs) / requests;
    double growth = last.rss - first.rss, p50 = hist_us(0.5), p99 = hist_us(0.99);
    if (mallocs < 0) mallocs = 0;

    turbo_stats s;
    check(turbo_client_destroy(client, 10000), "turbo_client_destroy");
    check(turbo_queue_destroy(queue), "turbo_queue_destroy");
    for (int i = 0; i < 100; i++) { /* what the library gives back on its own threads may take a moment */
        s = stats_now();
        if (s.pool_rents == s.pool_returns && s.object_rents == s.object_returns && s.spans_borrowed == 0) break;
        usleep(10000);
    }
    double imbalance = (double)(s.pool_rents - s.pool_returns) + (double)(s.object_rents - s.object_returns) +
                       (double)s.spans_borrowed;

#define FIGURE(name, value, unit, digits) printf("figure %s." name " %.*f " unit "\n", scene, digits, value)
    FIGURE("rps", requests / spent, "1/s", 0);
    FIGURE("p50_us", p50, "us", 0);
    FIGURE("p99_us", p99, "us", 0);
    FIGURE("go_bytes_per_second", go_bytes, "B/s", 1);
    if (config.tls) FIGURE("go_bytes_per_request", go_bytes * spent / requests, "B", 2);
    FIGURE("go_objects_per_request", go_objects, "objects", 4);
    if (count_mallocs) FIGURE("mallocs_per_request", mallocs, "mallocs", 4);
    FIGURE("pool_imbalance", imbalance, "rents", 0);
    FIGURE("rss_growth_bytes", growth, "B", 0);
    FIGURE("go_gc_cycles", (double)(last.stats.go_gc_cycles - first.stats.go_gc_cycles), "collections", 0);
    if (!count_mallocs) printf("mallocs were not counted: LD_PRELOAD malloc_count.so\n");

#define PROMISE(holds, text)                         \
    if (!(holds)) {                                  \
        fprintf(stderr, "soak: missed: %s\n", text); \
        missed = 1;                                  \
    }
    /* With TLS beside the one reader for each answer; and the Go heap then has garbage and is collected now and then, after
     * which crypto/tls and the runtime make their kept buffers anew. */
    double readers = config.tls ? 1 : 0, bytes_allowed = config.tls ? 4096 : 1024,
           objects_allowed = config.tls ? 0.02 : 0.005;
    PROMISE(go_bytes - readers * 24 * requests / spent < bytes_allowed,
            "go_bytes_per_second < 1024 (TLS: 24 for each refill, and 4096)")
    PROMISE(go_objects - readers < objects_allowed,
            "go_objects_per_request < 0.005 (TLS: one for each refill, and 0.02)")
    PROMISE(mallocs < 0.005, "mallocs_per_request < 0.005")
    PROMISE(imbalance == 0, "pool_imbalance 0")
    check(turbo_shutdown(5000), "turbo_shutdown");
    return missed;
}
