/* idle [--tls ROOTS] PORT [CONNECTIONS [SECONDS]] - what connections that do nothing cost: opens them all at once with answers that take
 * their time (the test server's /slow), waits until they are idle in the pool, and then looks at the process for SECONDS:
 * CPU of all threads, memory per connection. Prints figure lines. --tls asks by https and trusts what the file holds. */
#define _GNU_SOURCE
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "idle: %s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}

static double cpu_ms(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}
static double resident(void) {
    unsigned long long pages = 0;
    FILE*              f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%*u %llu", &pages) != 1) exit(1);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}
static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static turbo_queue  queue;
static turbo_client client;
static const char*  scheme = "http";

static void run(const char* port, int n, int ms) {
    uint8_t     memory[512];
    turbo_span  span = {memory, sizeof memory};
    turbo_bytes head;
    char        url[64];
    snprintf(url, sizeof url, "%s://127.0.0.1:%s/slow?ms=%d", scheme, port, ms);
    check(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(url), &head), "turbo_head_simple");
    for (int i = 0; i < n; i++) {
        turbo_request request;
        check(turbo_submit(client, head, NULL, &request), "turbo_submit");
    }
    for (int done = 0; done < n;) {
        turbo_event events[64];
        int64_t     got = turbo_queue_wait(queue, events, 64, 20000);
        check(got, "turbo_queue_wait");
        if (got == 0) exit(1);
        for (int64_t i = 0; i < got; i++) {
            turbo_request request = {events[i].source};
            check(events[i].status, "a request");
            turbo_request_release(request);
        }
        done += (int)got;
    }
}

static turbo_bytes roots_read(const char* path) {
    static uint8_t text[65536];
    turbo_bytes    b = {text, 0};
    FILE*          f = fopen(path, "rb");
    if (f == NULL) exit(1);
    b.size = fread(text, 1, sizeof text, f);
    fclose(f);
    return b;
}

int main(int argc, char** argv) {
    turbo_tls_config tls = turbo_tls_config_default();
    const char*      kind = "plain";
    if (argc > 2 && strcmp(argv[1], "--tls") == 0) {
        tls.roots_pem = roots_read(argv[2]);
        scheme = "https";
        kind = "go";
        argc -= 2;
        argv += 2;
    }
    int                 count = argc > 2 ? atoi(argv[2]) : 1000, seconds = argc > 3 ? atoi(argv[3]) : 10;
    turbo_client_config config = turbo_client_config_default();
    turbo_stats         before = turbo_stats_default(), with = turbo_stats_default();
    double              rss, cpu;
    if (argc < 2) return 2;
    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&queue), "turbo_queue_create");
    config.queue = queue;
    config.connections_per_host = (uint32_t)count;
    config.idle_timeout_ms = 600000;
    config.connect_timeout_ms = 60000; /* a thousand handshakes at once */
    config.tls = &tls;
    check(turbo_client_create(&config, &client, NULL, 0), "turbo_client_create");
    run(argv[1], 1, 1); /* one connection: code and tables are there */
    check(turbo_stats_read(client, &before), "turbo_stats_read");
    rss = resident();
    run(argv[1], count, 1500);
    sleep_ms(1000);
    check(turbo_stats_read(client, &with), "turbo_stats_read");
    if (with.connections_open != (uint64_t)count) {
        fprintf(stderr, "idle: %llu connections are open, not %d\n", (unsigned long long)with.connections_open, count);
        return 1;
    }
    rss = resident() - rss;
    cpu = cpu_ms();
    sleep_ms(seconds * 1000);
    cpu = cpu_ms() - cpu;
    printf("figure idle.h1.net.%s.cpu_ms %.1f ms\n", kind, cpu);
    printf("figure idle.h1.net.%s.bytes_per_connection %.0f B\n", kind, rss / (count - 1));
    printf("figure idle.h1.net.%s.go_heap_bytes_per_connection %.0f B\n", kind,
           ((double)with.go_heap_bytes - (double)before.go_heap_bytes) / (count - 1));
    printf("figure idle.h1.net.%s.pool_bytes_per_connection %.0f B\n", kind,
           ((double)with.pool_bytes - (double)before.pool_bytes) / (count - 1));
    check(turbo_stats_read(client, &with), "turbo_stats_read");
    if (with.connections_open != (uint64_t)count) {
        fprintf(stderr, "idle: %llu connections were left\n", (unsigned long long)with.connections_open);
        return 1;
    }
    check(turbo_shutdown(10000), "turbo_shutdown");
    return 0;
}
