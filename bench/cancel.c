/* cancel PORT TLSPORT [COUNT [RESOLVER]] - how long turbo_request_cancel takes until DONE is popped, as the host sees it, in every
 * phase of a request whose peer does nothing more. PORT is the test server's, TLSPORT one that accepts and never speaks. RESOLVER is
 * an address at which /etc/resolv.conf looks for a name server: one that hears questions and never answers is opened there; without
 * it resolving is left out. Prints figure lines: medians, and the longest. */
#define _GNU_SOURCE
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BODY_SIZE = 24 << 20, MOST = 1000 };

static turbo_queue queue;
static uint8_t*    body;

static void check(int64_t status, const char* what) {
    if (status >= 0) return;
    fprintf(stderr, "cancel: %s: %s\n", what, turbo_status_text((turbo_status)status));
    exit(1);
}
static void need(int ok, const char* what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}
static void sleep_ms(long ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}
static int ascending(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

/* full gives the port of a listener whose line is full: connecting to it hangs. Its descriptors stay open. */
static int full(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          size = sizeof a;
    int                listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(bind(listener, (struct sockaddr*)&a, sizeof a) == 0 && listen(listener, 0) == 0, "listen");
    need(getsockname(listener, (struct sockaddr*)&a, &size) == 0, "getsockname");
    for (int i = 0; i < 8; i++) {
        int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        need(connect(filler, (struct sockaddr*)&a, sizeof a) == 0 || errno == EINPROGRESS, "connect");
    }
    sleep_ms(50);
    return ntohs(a.sin_port);
}

static void deaf_resolver(const char* address) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53)};
    int                s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(inet_pton(AF_INET, address, &a.sin_addr) == 1, address);
    need(bind(s, (struct sockaddr*)&a, sizeof a) == 0, "bind to port 53");
}

/* once submits with a client of its own, lets it come so far, cancels, and gives milliseconds. */
static double once(const char* url, int post, int sent, int status) {
    turbo_client_config   config = turbo_client_config_default();
    turbo_tls_config      tls = turbo_tls_config_default();
    turbo_request_options o = turbo_request_options_default();
    uint8_t               memory[512];
    turbo_span            span = {memory, sizeof memory};
    turbo_bytes           head, part = {body, BODY_SIZE};
    turbo_client          client;
    turbo_request         request;
    turbo_event           event;
    double                took;
    config.queue = queue;
    config.tls = &tls;
    check(turbo_client_create(&config, &client, NULL, 0), "turbo_client_create");
    check(turbo_head_simple(span, post ? TURBO_METHOD_POST : TURBO_METHOD_GET, turbo_text(url), &head),
          "turbo_head_simple");
    if (post) {
        o.body = &part;
        o.body_count = 1;
    }
    check(turbo_submit(client, head, &o, &request), "turbo_submit");
    sleep_ms(post ? 20 : 5);
    need(turbo_queue_poll(queue, &event, 1) == 0, "a request ended by itself");
    took = now_ms();
    check(turbo_request_cancel(request), "turbo_request_cancel");
    need(turbo_queue_wait(queue, &event, 1, 20000) == 1, "turbo_queue_wait");
    took = now_ms() - took;
    if (event.status != TURBO_ERROR_CANCELLED || !!(event.flags & TURBO_FACT_SENT) != sent ||
        event.http_status != status) {
        fprintf(stderr, "cancel: %s: it was not in its phase: status %d, flags %u, HTTP %u\n", url, event.status,
                event.flags, event.http_status);
        exit(1);
    }
    turbo_request_release(request);
    check(turbo_client_destroy(client, 10000), "turbo_client_destroy");
    return took;
}

static void many(const char* phase, int count, const char* url, int post, int sent, int status) {
    static double took[MOST];
    for (int i = 0; i < count; i++) took[i] = once(url, post, sent, status);
    qsort(took, (size_t)count, sizeof *took, ascending);
    printf("figure cancel.%s_ms %.3f ms\n", phase, took[count / 2]);
    printf("figure cancel.%s_max_ms %.3f ms\n", phase, took[count - 1]);
}

int main(int argc, char** argv) {
    int  count = argc > 3 ? atoi(argv[3]) : 50;
    char url[5][64];
    if (argc < 3 || count < 1 || count > MOST) return 2;
    check(turbo_init(TURBO_ABI_VERSION, NULL), "turbo_init");
    check(turbo_queue_create(&queue), "turbo_queue_create");
    body = calloc(1, BODY_SIZE);
    need(body != NULL, "calloc");
    snprintf(url[0], sizeof url[0], "http://127.0.0.1:%d/", full());
    snprintf(url[1], sizeof url[1], "https://127.0.0.1:%s/", argv[2]);
    snprintf(url[2], sizeof url[2], "http://127.0.0.1:%s/noread", argv[1]);
    snprintf(url[3], sizeof url[3], "http://127.0.0.1:%s/never", argv[1]);
    snprintf(url[4], sizeof url[4], "http://127.0.0.1:%s/stall", argv[1]);
    if (argc > 4) {
        deaf_resolver(argv[4]);
        many("resolving", count, "http://never.example/", 0, 0, 0);
    }
    many("connecting", count, url[0], 0, 0, 0);
    many("handshaking", count, url[1], 0, 0, 0);
    many("sending", count, url[2], 1, 1, 0);
    many("waiting", count, url[3], 0, 1, 0);
    many("receiving", count, url[4], 0, 1, 200);
    check(turbo_shutdown(10000), "turbo_shutdown");
    return 0;
}
