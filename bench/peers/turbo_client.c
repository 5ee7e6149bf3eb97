/* turbo_client URL CONNECTIONS SECONDS [ROOTS] - a C host of libturbohttp: one thread, CONNECTIONS requests in flight, the
 * next submitted when DONE comes; the body is looked at and the request released. ROOTS: a file of the certificates that
 * are trusted. Prints "requests N p50_us V p99_us V". */
#define _GNU_SOURCE
#include "hist.h"
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 256 };

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "turbo_client: %s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    uint32_t              count = (uint32_t)atoi(argv[2]);
    uint64_t              requests = 0, now, end, *start = calloc(count, sizeof *start);
    uint8_t               memory[512];
    turbo_span            span = {memory, sizeof memory};
    turbo_bytes           head;
    turbo_queue           queue;
    turbo_client          client;
    turbo_request         request;
    turbo_event           events[BATCH];
    turbo_request_options o = turbo_request_options_default();
    turbo_client_config   config = turbo_client_config_default();
    turbo_tls_config      tls = turbo_tls_config_default();
    char                  why[256];
    static char           roots[65536];

    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&queue), "turbo_queue_create");
    config.queue = queue;
    config.connections_per_host = count;
    if (argc > 4) {
        FILE* file = fopen(argv[4], "r");
        if (file == NULL) return 2;
        tls.roots_pem = (turbo_bytes){(const uint8_t*)roots, fread(roots, 1, sizeof roots, file)};
        fclose(file);
        config.tls = &tls;
    }
    check(turbo_client_create(&config, &client, why, sizeof why), "turbo_client_create");
    check(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(argv[1]), &head), "turbo_head_simple");

    now = hist_now();
    end = now + (uint64_t)(atof(argv[3]) * 1e9);
    for (uint32_t i = 0; i < count; i++) {
        o.user_data = i;
        start[i] = now;
        check(turbo_submit(client, head, &o, &request), "turbo_submit");
    }
    while (now < end) {
        int64_t n = turbo_queue_wait(queue, events, BATCH, 1000);
        check(n, "turbo_queue_wait");
        now = hist_now();
        for (int64_t i = 0; i < n; i++) {
            turbo_bytes part;
            check(events[i].status, "a request");
            request.id = events[i].source;
            if (events[i].http_status != 200 || turbo_response_peek(request, &part, 1) != 1 ||
                part.size != events[i].bytes || part.data[0] != '{')
                return 1;
            turbo_request_release(request);
            requests++;
            hist_add(now - start[events[i].user_data]);
            start[events[i].user_data] = now;
            o.user_data = events[i].user_data;
            check(turbo_submit(client, head, &o, &request), "turbo_submit");
        }
    }
    printf("requests %llu p50_us %.1f p99_us %.1f\n", (unsigned long long)requests, hist_us(0.5), hist_us(0.99));
    check(turbo_shutdown(5000), "turbo_shutdown");
    return 0;
}
