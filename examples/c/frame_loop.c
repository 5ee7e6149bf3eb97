/* frame_loop URL [FILE] - a game's loop at 60 frames a second that downloads something big on the side: the body is
 * streamed, each frame takes what has come, at most 2 MB of it, and never waits. */
#define _POSIX_C_SOURCE 200809L
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

typedef struct download {
    turbo_request request;
    FILE*         file;
    uint64_t      size;
    turbo_status  status;
    int           readable, done;
} download;

/* take writes body bytes to the file, at most budget of them, and says whether there may be more. */
static int take(download* d, size_t budget) {
    turbo_bytes part[8];
    int64_t     n = turbo_response_peek(d->request, part, 8);
    if (n == TURBO_ERROR_AGAIN) return 0; /* BODY tells when */
    if (n <= 0) {                         /* the end, or the status that DONE tells too */
        if (n < 0) d->status = (turbo_status)n;
        d->done = 1;
        return 0;
    }
    size_t taken = 0;
    for (int64_t i = 0; i < n && i < 8 && taken < budget; i++) {
        size_t size = part[i].size < budget - taken ? part[i].size : budget - taken;
        fwrite(part[i].data, 1, size, d->file);
        taken += size;
    }
    d->size += taken;
    check(turbo_response_consume(d->request, taken), "turbo_response_consume"); /* these views end here */
    return 1;
}

int main(int argc, char** argv) {
    turbo_client_config   config = turbo_client_config_default();
    turbo_request_options options = turbo_request_options_default();
    uint8_t               memory[2048];
    turbo_span            span = {memory, sizeof memory};
    turbo_bytes           head;
    turbo_client          client;
    download              d = {{0}, NULL, 0, TURBO_OK, 0, 0};
    double                worst = 0, start = now_ms();
    int                   frames = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: frame_loop URL [FILE]\n");
        return 2;
    }
    d.file = fopen(argc > 2 ? argv[2] : "/dev/null", "wb");
    if (d.file == NULL) return 1;
    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&config.queue), "turbo_queue_create");
    check(turbo_client_create(&config, &client, NULL, 0), "turbo_client_create");
    check(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(argv[1]), &head), "the URL");
    options.events = TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY);
    options.user_data = (uint64_t)(uintptr_t)&d;
    check(turbo_submit(client, head, &options, &d.request), "turbo_submit");

    while (!d.done) {
        double      begin = now_ms(), spent;
        turbo_event events[32];
        int64_t     n = turbo_queue_poll(config.queue, events, 32);
        check(n, "turbo_queue_poll");
        for (int64_t i = 0; i < n; i++) {
            download* of = (download*)(uintptr_t)events[i].user_data;
            if (events[i].kind == TURBO_EVENT_HEAD) printf("HTTP %u\n", events[i].http_status);
            if (events[i].kind == TURBO_EVENT_DONE && events[i].status != TURBO_OK) {
                char story[512];
                turbo_request_error(of->request, story, sizeof story);
                printf("%s\n", story);
            }
            of->readable = 1;
        }
        for (int i = 0; i < 8 && d.readable; i++) d.readable = take(&d, 256 << 10);
        spent = now_ms() - begin;
        if (spent > worst) worst = spent;
        frames++;
        /* …the game goes on; what is left of 16.6 ms is slept here */
        struct timespec rest = {0, spent < 16 ? (long)((16.6 - spent) * 1e6) : 0};
        nanosleep(&rest, NULL);
    }
    printf("%llu bytes in %.0f ms, %d frames; the worst spent %.2f ms on it\n", (unsigned long long)d.size,
           now_ms() - start, frames, worst);
    check(turbo_request_release(d.request), "turbo_request_release");
    check(turbo_shutdown(1000), "turbo_shutdown");
    fclose(d.file);
    return d.status != TURBO_OK;
}
