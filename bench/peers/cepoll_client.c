/* cepoll_client PORT CONNECTIONS SECONDS - the floor: one thread, epoll, one request in flight per connection, an answer
 * parsed as far as status and Content-Length. Prints "requests N p50_us V p99_us V". */
#define _GNU_SOURCE
#include "hist.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct conn {
    int      fd;
    size_t   have;
    uint64_t sent_at;
    char     buffer[8192];
} conn;

static char   request[512];
static size_t request_size;

static void die(const char* what) {
    perror(what);
    exit(1);
}

static void ask(conn* c, uint64_t now) {
    c->sent_at = now;
    if (write(c->fd, request, request_size) != (ssize_t)request_size) die("write");
}

/* answered takes one whole answer out of the buffer, or returns 0. */
static int answered(conn* c) {
    char*  end = memmem(c->buffer, c->have, "\r\n\r\n", 4);
    size_t length = 0, head;
    if (end == NULL) return 0;
    if (memcmp(c->buffer, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "cepoll_client: not 200\n");
        exit(1);
    }
    head = (size_t)(end + 4 - c->buffer);
    for (char* at = c->buffer; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL) break;
        if (strncasecmp(at + 1, "content-length:", 15) == 0) length = strtoul(at + 16, NULL, 10);
    }
    if (c->have < head + length) return 0;
    memmove(c->buffer, c->buffer + head + length, c->have - head - length);
    c->have -= head + length;
    return 1;
}

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    int                port = atoi(argv[1]), count = atoi(argv[2]), one = 1, poll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t           requests = 0, start = hist_now(), end = start + (uint64_t)(atof(argv[3]) * 1e9), now = start;
    struct epoll_event events[256], e;
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((uint16_t)port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request_size = (size_t)snprintf(
        request, sizeof request,
        "GET /bench HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: cepoll\r\nAccept: */*\r\n\r\n", port);
    for (int i = 0; i < count; i++) {
        conn* c = calloc(1, sizeof *c);
        if (c == NULL) die("calloc");
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(c->fd, (struct sockaddr*)&a, sizeof a) != 0) die("connect");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        e.events = EPOLLIN;
        e.data.ptr = c;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e) != 0) die("epoll_ctl");
        ask(c, now);
    }
    while (now < end) {
        int n = epoll_wait(poll, events, 256, 1000);
        now = hist_now();
        for (int i = 0; i < n; i++) {
            conn*   c = events[i].data.ptr;
            ssize_t got = read(c->fd, c->buffer + c->have, sizeof c->buffer - c->have);
            if (got <= 0) die("read");
            c->have += (size_t)got;
            while (answered(c)) {
                requests++;
                hist_add(now - c->sent_at);
                ask(c, now);
            }
        }
    }
    printf("requests %llu p50_us %.1f p99_us %.1f\n", (unsigned long long)requests, hist_us(0.5), hist_us(0.99));
    return 0;
}
