/* curl_multi URL CONNECTIONS SECONDS epoll|poll [ROOTS] - libcurl as a game would use it: one thread, the multi interface,
 * keep-alive, easy handles used again. "epoll": at its best, driven by epoll (curl_multi_socket_action); "poll":
 * curl_multi_poll + perform, as most programs do. ROOTS: a file of the certificates that are trusted. Prints "requests N p50_us V p99_us V". */
#define _GNU_SOURCE
#include "hist.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static int  epoll;
static long timer_ms = -1;

typedef struct transfer {
    CURL*    easy;
    uint64_t start;
    size_t   bytes;
} transfer;

static size_t on_body(char* data, size_t size, size_t n, void* user) {
    (void)data;
    ((transfer*)user)->bytes += size * n;
    return size * n;
}
static size_t on_header(char* data, size_t size, size_t n, void* user) {
    (void)data;
    (void)user;
    return size * n;
}
static int on_socket(CURL* easy, curl_socket_t fd, int what, void* user, void* known) {
    struct epoll_event e;
    (void)easy;
    memset(&e, 0, sizeof e);
    e.data.fd = fd;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &e);
        return 0;
    }
    e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0) epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
    curl_multi_assign(user, fd, &epoll);
    return 0;
}
static int on_timer(CURLM* multi, long ms, void* user) {
    (void)multi;
    (void)user;
    timer_ms = ms;
    return 0;
}

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    int                count = atoi(argv[2]), by_poll = strcmp(argv[4], "poll") == 0, running = 0, left;
    uint64_t           requests = 0, now = hist_now(), end = now + (uint64_t)(atof(argv[3]) * 1e9);
    CURLM*             multi;
    struct epoll_event events[256];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)count);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)count);
    if (!by_poll) {
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    }
    for (int i = 0; i < count; i++) {
        transfer* t = calloc(1, sizeof *t);
        t->easy = curl_easy_init();
        t->start = now;
        curl_easy_setopt(t->easy, CURLOPT_URL, argv[1]);
        if (argc > 5) curl_easy_setopt(t->easy, CURLOPT_CAINFO, argv[5]);
        curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
        curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
        curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
        curl_multi_add_handle(multi, t->easy);
    }
    while (now < end) {
        if (by_poll) {
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
            curl_multi_perform(multi, &running);
        } else {
            int n = epoll_wait(epoll, events, 256, timer_ms < 0 || timer_ms > 1000 ? 1000 : (int)timer_ms);
            if (n == 0) {
                timer_ms = -1;
                curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
            }
            for (int i = 0; i < n; i++)
                curl_multi_socket_action(multi, events[i].data.fd,
                                         (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                                             (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                         &running);
        }
        now = hist_now();
        for (CURLMsg* m; (m = curl_multi_info_read(multi, &left)) != NULL;) {
            transfer* t;
            long      code = 0;
            if (m->msg != CURLMSG_DONE) continue;
            CURL* easy = m->easy_handle;
            if (m->data.result != CURLE_OK) {
                fprintf(stderr, "curl_multi: %s\n", curl_easy_strerror(m->data.result));
                return 1;
            }
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
            if (code != 200 || t->bytes == 0) return 1;
            requests++;
            hist_add(now - t->start);
            t->start = now;
            t->bytes = 0;
            curl_multi_remove_handle(multi, easy);
            curl_multi_add_handle(multi, easy);
        }
    }
    printf("requests %llu p50_us %.1f p99_us %.1f\n", (unsigned long long)requests, hist_us(0.5), hist_us(0.99));
    fflush(stdout);
    _exit(0);
}
