/* cepoll_server - the smallest honest server: one thread, epoll, an answer that is always the same (10 fields, 27 bytes of
 * body), pipelining, keep-alive; a request body is skipped by its Content-Length. It prints "listening 127.0.0.1:PORT" and
 * ends when its standard input closes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Server: cepoll\r\n"
                             "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 27\r\n"
                             "Connection: keep-alive\r\n"
                             "Cache-Control: no-store\r\n"
                             "ETag: \"5f3a-1b2c\"\r\n"
                             "Vary: Accept-Encoding\r\n"
                             "X-Request-Id: 0123456789abcdef\r\n"
                             "X-Frame-Options: DENY\r\n"
                             "\r\n"
                             "{\"ok\":true,\"score\":1234567}";

typedef struct conn {
    int    fd;
    size_t have, skip; /* bytes in the buffer; bytes of a request body still to come */
    char   buffer[8192];
} conn;

static void die(const char* what) {
    perror(what);
    exit(1);
}

static size_t body_length(const char* head, size_t size) {
    const char* at = head;
    if (head[0] == 'G') return 0;
    while ((at = memchr(at, '\n', size - (size_t)(at - head))) != NULL) {
        at++;
        if (strncasecmp(at, "content-length:", 15) == 0) return strtoul(at + 15, NULL, 10);
    }
    return 0;
}

/* serve returns 0 when the connection is over. */
static int serve(conn* c) {
    static char out[64 * sizeof answer];
    for (int turn = 0; turn < 16; turn++) {
        ssize_t n = read(c->fd, c->buffer + c->have, sizeof c->buffer - c->have);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return 0;
        if (n < 0) return 1;
        c->have += (size_t)n;
        size_t at = 0, ready = 0;
        for (;;) {
            size_t left = c->have - at, part = c->skip < left ? c->skip : left;
            at += part;
            c->skip -= part;
            if (c->skip > 0) break;
            char* end = memmem(c->buffer + at, c->have - at, "\r\n\r\n", 4);
            if (end == NULL) break;
            size_t size = (size_t)(end + 4 - (c->buffer + at));
            c->skip = body_length(c->buffer + at, size);
            at += size;
            memcpy(out + ready, answer, sizeof answer - 1);
            ready += sizeof answer - 1;
            if (ready > sizeof out - sizeof answer) {
                if (write(c->fd, out, ready) != (ssize_t)ready) return 0;
                ready = 0;
            }
        }
        memmove(c->buffer, c->buffer + at, c->have - at);
        c->have -= at;
        if (c->have == sizeof c->buffer) return 0;
        if (ready && write(c->fd, out, ready) != (ssize_t)ready) return 0;
        if ((size_t)n < sizeof c->buffer / 2) return 1; /* most likely all of it */
    }
    return 1;
}

int main(int argc, char** argv) {
    struct sockaddr_in a;
    socklen_t          size = sizeof a;
    struct epoll_event events[256], e;
    int                one = 1, poll = epoll_create1(EPOLL_CLOEXEC), l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static conn        input, listener; /* their addresses stand for standard input and the listener */
    signal(SIGPIPE, SIG_IGN);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l, (struct sockaddr*)&a, sizeof a) != 0 || listen(l, 4096) != 0) die("listen");
    getsockname(l, (struct sockaddr*)&a, &size);
    printf("listening 127.0.0.1:%d\n", ntohs(a.sin_port));
    fflush(stdout);
    e.events = EPOLLIN;
    e.data.ptr = &listener;
    if (epoll_ctl(poll, EPOLL_CTL_ADD, l, &e) != 0) die("epoll_ctl");
    e.data.ptr = &input;
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &e); /* a file or /dev/null cannot be watched: then a signal ends it */
    for (;;) {
        int n = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            conn* c = events[i].data.ptr;
            if (c == &input) {
                char drop[64];
                if (read(0, drop, sizeof drop) <= 0) return 0;
            } else if (c == &listener) {
                int fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) continue;
                c = calloc(1, sizeof *c);
                if (c == NULL) die("calloc");
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                c->fd = fd;
                e.events = EPOLLIN;
                e.data.ptr = c;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
            } else if (!serve(c)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
