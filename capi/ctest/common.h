/*
 * common.h - what the C tests share: checks, the test server, one way to make a client, to submit and to wait, and the
 * question that ends every test: did everything come home?
 *
 * TURBO_TEST_MEMORY   pooled (default), plain (TURBO_NO_POOL) or guarded (pool_guard = 1)
 * TURBO_TEST_THREADS  library_config.threads
 * TURBO_TESTSERVER    the server's program; default: ../testserver beside the directory of the test program
 */
#ifndef TURBO_CTEST_COMMON_H
#define TURBO_CTEST_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef TURBO_CTEST_DLOPEN
#include "dl.h" /* the same names, found in a library that the test loads when it wants to */
#endif

/* ---- Checks ---------------------------------------------------------------------------------- */
static const char* test_name = "?";

#define FAIL(...)                                                      \
    do {                                                               \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, test_name); \
        fprintf(stderr, __VA_ARGS__);                                  \
        fputc('\n', stderr);                                           \
        fflush(stdout);                                                \
        test_failed();                                                 \
    } while (0)
#define CHECK(condition)                          \
    do {                                          \
        if (!(condition)) FAIL("%s", #condition); \
    } while (0)
/* CHECK_IS compares two integers and shows both. */
#define CHECK_IS(expression, expected)                                                             \
    do {                                                                                           \
        long long got_ = (long long)(expression), want_ = (long long)(expected);                   \
        if (got_ != want_) FAIL("%s is %lld, not %s (%lld)", #expression, got_, #expected, want_); \
    } while (0)
/* CHECK_IN: one of two is fine. */
#define CHECK_IN(expression, one, two)                                            \
    do {                                                                          \
        long long got_ = (long long)(expression);                                 \
        if (got_ != (long long)(one) && got_ != (long long)(two))                 \
            FAIL("%s is %lld, neither %s nor %s", #expression, got_, #one, #two); \
    } while (0)
#define UNUSED __attribute__((unused))

static UNUSED void           log_print(void);
static UNUSED _Noreturn void test_failed(void) {
    log_print();
    _exit(1); /* the server ends too: its standard input closes */
}

static UNUSED uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Until a moment, not for a time: a collector that interrupts a thread a thousand times a second would stretch it. */
static UNUSED void sleep_ms(unsigned ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
    }
}

/* log_print shows what the library has to say, for people who look at a failure. Without a library: nothing. */
static UNUSED void log_print(void) {
#ifdef TURBO_CTEST_DLOPEN
    if (dl_handle == NULL) return;
#endif
    for (int i = 0; i < 50; i++) {
        char    text[2048];
        int32_t level;
        if (turbo_log_read(&level, text, sizeof text) < 0) return;
        fprintf(stderr, "  log %d: %s\n", level, text);
    }
}

/* ---- Modes ------------------------------------------------------------------------------------ */
static UNUSED int mode_is(const char* mode) {
    const char* have = getenv("TURBO_TEST_MEMORY");
    return strcmp(have && *have ? have : "pooled", mode) == 0;
}

static UNUSED turbo_library_config mode_library(void) {
    turbo_library_config config = turbo_library_config_default();
    const char*          threads = getenv("TURBO_TEST_THREADS");
    config.pool_guard = mode_is("guarded");
    if (threads) config.threads = (uint32_t)atoi(threads);
    return config;
}

/* test_begin: name, a watchdog (SIGALRM's default ends us), the library. seconds bounds the whole test. */
static UNUSED void test_begin_bare(const char* name, unsigned seconds) {
    test_name = name;
    if (getenv("TURBO_TEST_VALGRIND")) seconds *= 10;
    alarm(seconds);
}
static UNUSED void test_begin(const char* name, unsigned seconds) {
    turbo_library_config config = mode_library();
    test_begin_bare(name, seconds);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
}

/* ---- The server -------------------------------------------------------------------------------- */
static struct {
    pid_t pid;
    int   in, port;
} server;

static UNUSED void server_start(void) {
    char        program[4096];
    const char* given = getenv("TURBO_TESTSERVER");
    int         in[2], out[2];
    if (given) {
        snprintf(program, sizeof program, "%s", given);
    } else {
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 32);
        CHECK(n > 0);
        program[n] = 0;
        *strrchr(program, '/') = 0;
        strcat(program, "/../testserver");
    }
    CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
    server.pid = fork();
    CHECK(server.pid >= 0);
    if (server.pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl(program, program, (char*)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.in = in[1];
    char   line[128];
    size_t have = 0;
    while (have < sizeof line - 1) {
        ssize_t n = read(out[0], line + have, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) FAIL("no server: %s", program);
        if (line[have++] == '\n') break;
    }
    line[have] = 0;
    close(out[0]);
    if (sscanf(line, "listening 127.0.0.1:%d", &server.port) != 1) FAIL("the server said: %s", line);
}

static UNUSED void server_stop(void) {
    if (server.pid <= 0) return;
    close(server.in);
    kill(server.pid, SIGTERM);
    waitpid(server.pid, NULL, 0);
    server.pid = 0;
}

/* content is byte i of the server's bodies. */
static inline uint8_t content(uint64_t seed, uint64_t i) { return (uint8_t)(seed + i * 7 + (i >> 8) * 13); }

static UNUSED void content_fill(uint8_t* data, size_t size, uint64_t seed) {
    for (size_t i = 0; i < size; i++) data[i] = content(seed, i);
}

static UNUSED int content_is(const uint8_t* data, size_t size, uint64_t seed, uint64_t at) {
    for (size_t i = 0; i < size; i++)
        if (data[i] != content(seed, at + i)) return 0;
    return 1;
}

/* ---- Heads -------------------------------------------------------------------------------------- */
typedef struct head_buffer {
    uint8_t bytes[4096];
} head_buffer;

/* head_make writes a request head for path on the server (or a whole URL) with one optional field. */
static UNUSED turbo_bytes head_make_field(head_buffer* head, const char* method, const char* path, const char* name,
                                          const char* value) {
    static const char* const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    turbo_span               span = {head->bytes, sizeof head->bytes};
    turbo_head_writer        writer;
    turbo_bytes              done;
    char                     url[2048];
    int32_t                  code = TURBO_METHOD_OTHER;
    for (int32_t i = 0; i < 7; i++)
        if (strcmp(known[i], method) == 0) code = i;
    if (path[0] == '/')
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    else
        snprintf(url, sizeof url, "%s", path);
    if (code == TURBO_METHOD_OTHER)
        turbo_head_begin_named(&writer, span, turbo_text(method), turbo_text(url));
    else
        turbo_head_begin(&writer, span, code, turbo_text(url));
    if (name) turbo_head_field(&writer, turbo_text(name), turbo_text(value));
    CHECK_IS(turbo_head_finish(&writer, &done), TURBO_OK);
    return done;
}
static UNUSED turbo_bytes head_make(head_buffer* head, const char* method, const char* path) {
    return head_make_field(head, method, path, NULL, NULL);
}

/* ---- Client, calls, waiting ---------------------------------------------------------------------- */
static UNUSED turbo_client_config client_config(turbo_queue queue) {
    turbo_client_config config = turbo_client_config_default();
    config.queue = queue;
    if (mode_is("plain")) config.flags |= TURBO_NO_POOL;
    return config;
}

static UNUSED turbo_queue queue_new(void) {
    turbo_queue queue;
    CHECK_IS(turbo_queue_create(&queue), TURBO_OK);
    CHECK(queue.id != 0);
    return queue;
}

static UNUSED turbo_client client_make(const turbo_client_config* config) {
    turbo_client client;
    char         why[512];
    turbo_status status = turbo_client_create(config, &client, why, sizeof why);
    if (status != TURBO_OK) FAIL("turbo_client_create: %d %s", status, why);
    CHECK(client.id != 0);
    return client;
}

static UNUSED turbo_client client_new(turbo_queue queue) {
    turbo_client_config config = client_config(queue);
    return client_make(&config);
}

/* A call is a request and what was told about it; options.user_data points to it. */
typedef struct call {
    turbo_request request;
    uint32_t      heads, bodies, dones, writables, sents, fills;
    turbo_event   head, done, sent, filled;                             /* the newest of each */
    uint64_t      sent_bytes, sent_tokens, filled_bytes, filled_tokens; /* sums */
} call;

static UNUSED void call_event(const turbo_event* event) {
    call* c = (call*)(uintptr_t)event->user_data;
    if (c == NULL) return;
    if (c->request.id != 0) CHECK(event->source == c->request.id); /* 0: told before turbo_submit returned */
    CHECK(c->dones == 0);                                          /* nothing after DONE */
    CHECK(event->reserved == 0);
    CHECK(event->token == 0 || event->kind == TURBO_EVENT_SENT || event->kind == TURBO_EVENT_FILLED);
    switch (event->kind) {
    case TURBO_EVENT_HEAD:
        c->heads++;
        CHECK(c->heads == 1);
        c->head = *event;
        break;
    case TURBO_EVENT_BODY: c->bodies++; break;
    case TURBO_EVENT_WRITABLE: c->writables++; break;
    case TURBO_EVENT_SENT:
        c->sents++;
        c->sent_bytes += event->bytes;
        c->sent_tokens += event->token;
        c->sent = *event;
        break;
    case TURBO_EVENT_FILLED:
        c->fills++;
        c->filled_bytes += event->bytes;
        c->filled_tokens += event->token;
        c->filled = *event;
        break;
    case TURBO_EVENT_DONE:
        c->dones++;
        c->done = *event;
        break;
    default: FAIL("event of kind %d", event->kind);
    }
}

/* pump waits up to ms for events and hands them to their calls; it returns how many came. */
static UNUSED int pump(turbo_queue queue, uint32_t ms) {
    turbo_event events[64];
    int64_t     n = turbo_queue_wait(queue, events, 64, ms);
    if (n < 0) FAIL("turbo_queue_wait: %lld", (long long)n);
    for (int64_t i = 0; i < n; i++) call_event(&events[i]);
    return (int)n;
}

static UNUSED turbo_status submit(turbo_client client, const char* method, const char* path,
                                  const turbo_request_options* options, call* c) {
    head_buffer           head;
    turbo_request_options o = options ? *options : turbo_request_options_default();
    memset(c, 0, sizeof *c);
    o.user_data = (uint64_t)(uintptr_t)c;
    return turbo_submit(client, head_make(&head, method, path), &o, &c->request);
}

enum { WAIT_MS = 20000 };

static UNUSED void wait_done(turbo_queue queue, call* c) {
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    while (c->dones == 0) {
        if (now_ns() > end) FAIL("no DONE within %d ms", WAIT_MS);
        pump(queue, 100);
    }
}

static UNUSED void wait_head(turbo_queue queue, call* c) {
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    while (c->heads == 0) {
        if (now_ns() > end) FAIL("no HEAD within %d ms", WAIT_MS);
        pump(queue, 100);
        if (c->heads == 0 && c->dones) FAIL("DONE %d before HEAD", c->done.status);
    }
}

/* run submits and waits; the caller releases. */
static UNUSED void run(turbo_queue queue, turbo_client client, const char* method, const char* path,
                       const turbo_request_options* options, call* c) {
    turbo_status status = submit(client, method, path, options, c);
    if (status != TURBO_OK) FAIL("turbo_submit %s: %d", path, status);
    CHECK(c->request.id != 0);
    wait_done(queue, c);
}

static UNUSED void release(call* c) { CHECK_IS(turbo_request_release(c->request), TURBO_OK); }

static UNUSED const char* error_of(call* c) {
    static __thread char text[1024];
    int64_t              n = turbo_request_error(c->request, text, sizeof text);
    if (n < 0) snprintf(text, sizeof text, "(turbo_request_error: %lld)", (long long)n);
    return text;
}

#define CHECK_DONE(c, expected)                                                                                     \
    do {                                                                                                            \
        if ((c)->done.status != (expected))                                                                         \
            FAIL("DONE with %d (%s), not %s: %s", (c)->done.status, turbo_status_text((c)->done.status), #expected, \
                 error_of(c));                                                                                      \
    } while (0)

/* body_take reads what is there of a body into data; it returns how much, and *end tells that the body is over. */
static UNUSED size_t body_take(turbo_request request, uint8_t* data, size_t capacity, int* end) {
    size_t have = 0;
    *end = 0;
    while (have < capacity) {
        turbo_span into = {data + have, capacity - have};
        int64_t    n = turbo_response_read(request, into);
        if (n == TURBO_ERROR_AGAIN) return have;
        if (n < 0) FAIL("turbo_response_read: %lld", (long long)n);
        if (n == 0) {
            *end = 1;
            return have;
        }
        have += (size_t)n;
    }
    return have;
}

/* body_is checks a collected body against the server's content without moving it. */
static UNUSED void body_is(turbo_request request, uint64_t size, uint64_t seed) {
    enum { MAX = 4096 };
    static __thread turbo_bytes part[MAX];
    uint64_t                    at = 0;
    int64_t                     n = turbo_response_peek(request, part, MAX);
    CHECK(n >= 0 && n <= MAX);
    for (int64_t i = 0; i < n; i++) {
        CHECK(part[i].size > 0);
        CHECK(content_is(part[i].data, part[i].size, seed, at));
        at += part[i].size;
    }
    CHECK_IS(at, size);
}

/* hello is the smallest complete exchange: is this client alive? */
static UNUSED void hello(turbo_queue queue, turbo_client client) {
    call    c;
    uint8_t text[64];
    int     end;
    run(queue, client, "GET", "/hello", NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.http_status, 200);
    CHECK_IS(body_take(c.request, text, sizeof text, &end), 13);
    CHECK(end && memcmp(text, "hello, world\n", 13) == 0);
    release(&c);
}

/* number asks the server for a number: "/sent", "/served". */
static UNUSED uint64_t number(turbo_queue queue, turbo_client client, const char* path) {
    call c;
    char text[64];
    int  end;
    run(queue, client, "GET", path, NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    text[body_take(c.request, (uint8_t*)text, sizeof text - 1, &end)] = 0;
    release(&c);
    return strtoull(text, NULL, 10);
}

/* ---- The end ------------------------------------------------------------------------------------- */
static UNUSED turbo_stats stats_now(void) {
    turbo_stats  stats = turbo_stats_default();
    turbo_client all = {0};
    CHECK_IS(turbo_stats_read(all, &stats), TURBO_OK);
    return stats;
}

static UNUSED int stats_balanced(const turbo_stats* s) {
    return s->pool_rents == s->pool_returns && s->object_rents == s->object_returns && s->spans_borrowed == 0 &&
           s->events_waiting == 0 && s->requests_started == s->requests_done && s->connections_open == 0;
}

/* balance: with every client and queue destroyed and every request released, nothing is rented, borrowed or waiting. What
 * the library gives back on its own threads may take a moment. */
static UNUSED void balance(void) {
    turbo_stats s = stats_now();
    for (int i = 0; i < 200 && !stats_balanced(&s); i++) {
        sleep_ms(10);
        s = stats_now();
    }
    if (!stats_balanced(&s))
        FAIL("not balanced: pool %llu - %llu, objects %llu - %llu, spans %llu, events %llu, requests %llu - %llu, "
             "connections %llu",
             (unsigned long long)s.pool_rents, (unsigned long long)s.pool_returns, (unsigned long long)s.object_rents,
             (unsigned long long)s.object_returns, (unsigned long long)s.spans_borrowed,
             (unsigned long long)s.events_waiting, (unsigned long long)s.requests_started,
             (unsigned long long)s.requests_done, (unsigned long long)s.connections_open);
    CHECK_IS(s.guard_faults, 0);
}

static UNUSED void destroy(turbo_queue queue, turbo_client client) {
    CHECK_IS(turbo_client_destroy(client, 10000), TURBO_OK);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_OK);
}

static UNUSED int test_ok(void) {
    server_stop();
    printf("ok %s\n", test_name);
    fflush(stdout);
    return 0;
}

/* test_end: the end of a test with one queue and one client. */
static UNUSED int test_end(turbo_queue queue, turbo_client client) {
    destroy(queue, client);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    return test_ok();
}

#endif
