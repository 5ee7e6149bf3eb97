/* test_network - what a host says about its network: where hosts are, connections made ahead, a network that changed, how
 * long connections live, and how often a request is sent again. */
#include "common.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

static turbo_queue queue;

static turbo_stats stats_of(turbo_client client) {
    turbo_stats stats = turbo_stats_default();
    CHECK_IS(turbo_stats_read(client, &stats), TURBO_OK);
    return stats;
}

/* wait_open waits until the client has so many connections. */
static void wait_open(turbo_client client, uint64_t count) {
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    while (stats_of(client).connections_open != count) {
        if (now_ns() > end)
            FAIL("%llu connections open, not %llu", (unsigned long long)stats_of(client).connections_open,
                 (unsigned long long)count);
        sleep_ms(5);
    }
}

static char ahead[64]; /* written once */

static turbo_bytes server_url(void) { return turbo_text(ahead); }

/* ---- A server of our own, one connection at a time ------------------------------------------------ */
static struct { int listener, port; } raw;

static void raw_start(void) {
    struct sockaddr_in a;
    socklen_t          size = sizeof a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raw.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(raw.listener, (struct sockaddr*)&a, sizeof a) == 0 && listen(raw.listener, 16) == 0);
    CHECK(getsockname(raw.listener, (struct sockaddr*)&a, &size) == 0);
    raw.port = ntohs(a.sin_port);
}

static int raw_accept(void) {
    int fd = accept4(raw.listener, NULL, NULL, SOCK_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

static void raw_request(int fd) {
    char   text[4096];
    size_t have = 0;
    while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
        CHECK(have < sizeof text && read(fd, text + have, 1) == 1);
        have++;
    }
}

static void raw_answer(int fd) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    CHECK(write(fd, answer, sizeof answer - 1) == (ssize_t)sizeof answer - 1);
}

static void raw_reset(int fd) {
    struct linger now = {1, 0};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    close(fd);
}

static const char* raw_url(void) {
    static char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", raw.port);
    return url;
}

/* raw_serve: a request that a connection of raw answers; it returns the connection. */
static int raw_serve(turbo_client client, int fd) {
    call c;
    CHECK_IS(submit(client, "GET", raw_url(), NULL, &c), TURBO_OK);
    if (fd < 0) fd = raw_accept();
    raw_request(fd);
    raw_answer(fd);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    return fd;
}

/* ---- resolve -------------------------------------------------------------------------------------- */
static void test_resolve(void) {
    turbo_client_config config = client_config(queue);
    turbo_client        client;
    char                lines[256], url[128], why[512];
    static char         long_lines[65537];
    call                c;
    snprintf(lines, sizeof lines, "other.invalid:80:[2001:db8::1]\n\nGame.Invalid:%d:127.0.0.1\n", server.port);
    config.resolve = turbo_text(lines);
    client = client_make(&config);
    memset(lines, 'x', sizeof lines); /* it was copied */
    snprintf(url, sizeof url, "http://game.invalid:%d/hello", server.port);
    run(queue, client, "GET", url, NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);

    config.resolve = turbo_text("a.example:80:192.0.2.1\na.example:80\n");
    CHECK_IS(turbo_client_create(&config, &client, why, sizeof why), TURBO_ERROR_INVALID);
    CHECK(client.id == 0);
    if (strstr(why, "line 2 (a.example:80)") == NULL) FAIL("the story is: %s", why);
    CHECK_IS(turbo_client_create(&config, &client, why, 8), TURBO_ERROR_INVALID);
    CHECK(strlen(why) == 7);
    CHECK_IS(turbo_client_create(&config, &client, NULL, 0), TURBO_ERROR_INVALID);
    memset(long_lines, '\n', sizeof long_lines);
    config.resolve.data = (const uint8_t*)long_lines;
    config.resolve.size = sizeof long_lines;
    CHECK_IS(turbo_client_create(&config, &client, why, sizeof why), TURBO_ERROR_LIMIT);
    config.resolve.size = sizeof long_lines - 1;
    client = client_make(&config);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

/* ---- preconnect ----------------------------------------------------------------------------------- */
static void test_preconnect(void) {
    turbo_client_config config = client_config(queue);
    turbo_client        client = client_make(&config);
    turbo_timings       timings;
    call                c;
    char                text[1024];
    int32_t             level;
    CHECK_IS(turbo_client_preconnect(client, server_url(), 3), TURBO_OK);
    wait_open(client, 3);
    run(queue, client, "GET", "/hello", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK((c.done.flags & TURBO_FACT_REUSED) == 0);
    CHECK_IS(turbo_request_timings(c.request, &timings), TURBO_OK);
    CHECK(timings.connecting == 0 && timings.connected == 0 && timings.first_byte != 0);
    release(&c);
    CHECK_IS(stats_of(client).connections_opened, 3);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 3), TURBO_OK); /* they are there */
    CHECK_IS(turbo_client_preconnect(client, server_url(), 8), TURBO_OK);
    wait_open(client, 8);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 9), TURBO_ERROR_LIMIT);
    CHECK_IS(stats_of(client).connections_opened, 8);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 1), TURBO_ERROR_STALE);

    config.connections_per_host = 2;
    config.idle_timeout_ms = 100;
    client = client_make(&config);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 3), TURBO_ERROR_LIMIT);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 2), TURBO_OK);
    while (stats_of(client).connections_opened != 2) sleep_ms(1);
    wait_open(client, 0); /* not used, and idle for too long */
    /* what cannot be done is told by the log */
    while (turbo_log_read(&level, text, sizeof text) >= 0) {
    }
    CHECK_IS(turbo_client_preconnect(client, turbo_text("no-url"), 1), TURBO_OK);
    CHECK_IS(stats_of(client).connections_opened, 2);
    CHECK(turbo_log_read(&level, text, sizeof text) > 0);
    CHECK_IS(level, TURBO_LOG_WARN);
    if (strstr(text, "preconnect") == NULL || strstr(text, "scheme") == NULL) FAIL("the log says: %s", text);
    CHECK_IS(turbo_client_preconnect(client, turbo_text("http://127.0.0.1:1/"), 2), TURBO_OK); /* refused */
    hello(queue, client);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

/* ---- network_changed ------------------------------------------------------------------------------ */
static void test_network_changed(void) {
    turbo_client_config config = client_config(queue);
    turbo_client        client = client_make(&config);
    call                busy;
    hello(queue, client);
    CHECK_IS(submit(client, "GET", "/slow?ms=1500", NULL, &busy), TURBO_OK);
    CHECK_IS(turbo_client_preconnect(client, server_url(), 4), TURBO_OK);
    wait_open(client, 4);
    CHECK_IS(turbo_client_network_changed(client), TURBO_OK);
    CHECK_IS(turbo_client_network_changed(client), TURBO_OK);
    wait_open(client, 1); /* the idle ones are gone */
    hello(queue, client);
    wait_done(queue, &busy);
    CHECK_DONE(&busy, TURBO_OK);
    release(&busy);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    CHECK_IS(turbo_client_network_changed(client), TURBO_ERROR_STALE);
}

/* A peer that vanished: its system drops everything that comes. Without the probe nobody would ever know. */
static void test_vanished(void) {
    struct sock_filter  nothing = {BPF_RET | BPF_K, 0, 0, 0};
    struct sock_fprog   program = {1, &nothing};
    turbo_client_config config = client_config(queue);
    turbo_client        client = client_make(&config);
    call                c;
    CHECK_IS(submit(client, "GET", raw_url(), NULL, &c), TURBO_OK);
    int fd = raw_accept();
    raw_request(fd);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
    CHECK_IS(turbo_client_network_changed(client), TURBO_OK);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    CHECK_IS(c.done.code, ETIMEDOUT);
    CHECK_IS(c.done.flags, TURBO_FACT_SENT);
    release(&c);
    close(fd);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

/* ---- lifetime ------------------------------------------------------------------------------------- */
static void test_lifetime(void) {
    turbo_client_config config = client_config(queue);
    uint64_t            end = now_ns() + WAIT_MS * UINT64_C(1000000);
    config.lifetime_ms = 100;
    turbo_client client = client_make(&config);
    while (stats_of(client).connections_opened < 4) { /* a connection in use without a pause ends, too */
        if (now_ns() > end) FAIL("a connection lives on and on");
        hello(queue, client);
    }
    wait_open(client, 0);
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

/* ---- max_retries ---------------------------------------------------------------------------------- */
static void test_retries(void) {
    static const uint32_t settings[] = {0, 1, TURBO_NONE};
    for (int i = 0; i < 3; i++) {
        turbo_client_config config = client_config(queue);
        call                c;
        config.max_retries = settings[i];
        turbo_client client = client_make(&config);
        int          fd = raw_serve(client, -1);
        CHECK_IS(submit(client, "GET", raw_url(), NULL, &c), TURBO_OK);
        raw_request(fd);
        raw_reset(fd); /* it came, and nobody answers */
        if (settings[i] != TURBO_NONE) {
            fd = raw_accept();
            raw_request(fd);
            raw_answer(fd);
            close(fd);
        }
        wait_done(queue, &c);
        if (settings[i] != TURBO_NONE) {
            CHECK_DONE(&c, TURBO_OK);
            CHECK_IS(c.done.flags, TURBO_FACT_SENT);
        } else {
            CHECK_DONE(&c, TURBO_ERROR_CLOSED);
            CHECK_IS(c.done.flags, TURBO_FACT_SENT | TURBO_FACT_REUSED);
        }
        release(&c);
        CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
    }
}

/* A connection that the server closed while it was idle is not used, not even for a POST. */
static void test_stale(void) {
    turbo_client_config   config = client_config(queue);
    turbo_client          client = client_make(&config);
    turbo_request_options o = turbo_request_options_default();
    turbo_bytes           part = turbo_text("once");
    call                  c;
    o.body = &part;
    o.body_count = 1;
    for (int i = 0; i < 5; i++) {
        int  fd = raw_serve(client, -1);
        char body[4];
        sleep_ms(i < 3 ? 0 : 120);
        close(fd);
        sleep_ms(20);
        CHECK_IS(submit(client, "POST", raw_url(), &o, &c), TURBO_OK);
        fd = raw_accept();
        raw_request(fd);
        CHECK(read(fd, body, 4) == 4 && memcmp(body, "once", 4) == 0);
        raw_answer(fd);
        wait_done(queue, &c);
        CHECK_DONE(&c, TURBO_OK);
        release(&c);
        close(fd);
        wait_open(client, 0);
    }
    CHECK_IS(turbo_client_destroy(client, 5000), TURBO_OK);
}

/* ---- From every thread at once -------------------------------------------------------------------- */
static turbo_client shared;
static int          stop;

static void* restless(void* arg) {
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        turbo_status s = turbo_client_network_changed(shared);
        turbo_status p = turbo_client_preconnect(shared, server_url(), 4);
        CHECK(s == TURBO_OK || s == TURBO_ERROR_STATE || s == TURBO_ERROR_STALE);
        CHECK(p == TURBO_OK || p == TURBO_ERROR_STATE || p == TURBO_ERROR_STALE);
        sleep_ms(1);
    }
    return NULL;
}

static void test_threads(void) {
    enum { THREADS = 3, CALLS = 300 };
    turbo_client_config config = client_config(queue);
    pthread_t           threads[THREADS];
    static call         calls[CALLS];
    for (int round = 0; round < 3; round++) {
        shared = client_make(&config);
        stop = 0;
        for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, restless, NULL) == 0);
        for (int i = 0; i < CALLS; i++) {
            CHECK_IS(submit(shared, "GET", "/hello", NULL, &calls[i]), TURBO_OK);
            if (i % 10 == 0) wait_done(queue, &calls[i]);
        }
        if (round < 2) {
            for (int i = 0; i < CALLS; i++) {
                wait_done(queue, &calls[i]);
                CHECK_DONE(&calls[i], TURBO_OK);
            }
        }
        CHECK_IS(turbo_client_destroy(shared, 10000), TURBO_OK); /* the last time under load */
        for (int i = 0; i < CALLS; i++) {
            wait_done(queue, &calls[i]);
            release(&calls[i]);
        }
        __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    }
}

int main(void) {
    test_begin("test_network", 120);
    server_start();
    raw_start();
    snprintf(ahead, sizeof ahead, "http://127.0.0.1:%d/ahead", server.port);
    queue = queue_new();
    test_resolve();
    test_preconnect();
    test_network_changed();
    test_vanished();
    test_lifetime();
    test_retries();
    test_stale();
    test_threads();
    close(raw.listener);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_OK);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    return test_ok();
}
