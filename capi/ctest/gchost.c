// build: -Wl,--as-needed -lgc
/*
 * gchost - a host under the Boehm collector (libgc), every thread with a signal stack as Mono and Android give theirs: four
 * threads submit and poll real requests whose bodies lie in collected memory, build and check an object graph, and one
 * more collects every millisecond. What Unity's runtime does, in C.
 *
 *   gchost --load before|after   the library is loaded before or after the collector and its threads run
 *          --seconds N           how long (default 20)
 *          --port N              a server that runs already (default: the test server is started)
 *          --tls N --roots FILE  its port with TLS, and whom to trust: all requests are https
 *          --contrast goexport   each thread also calls an exported Go function: the crash that the border avoids
 *          --contrast noguard    the library without the signal guard: the crash that loading alone causes
 *
 * libgc does not move objects but frees what nothing reaches: a body in flight is kept by the slot of its request, which lies
 * on the stack of the thread that submitted it, where the collector sees it.
 * Success is the last line, "gchost ok: …", never the exit code alone.
 */
#define _GNU_SOURCE
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc.h>

#define TURBO_CTEST_DLOPEN
#include "common.h"

enum { THREADS = 4, SLOTS = 4, KEEP = 64, MAX_BODY = 20000 };

static int      go, stop; /* the library is there; it is over */
static uint64_t requests, nodes_made, graph_checks, bytes_checked;
static int64_t (*go_export)(int64_t);
static int         tls_port;
static turbo_bytes roots; /* PEM */

#define LOAD(x)   __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define ADD(x, n) __atomic_fetch_add(&(x), (n), __ATOMIC_RELAXED)

static uint32_t dice(uint32_t* state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- The object graph: trees whose nodes know their sum ---------------------------------------------------- */
typedef struct node {
    struct node *left, *right;
    uint64_t     mark, sum;
    uint8_t*     data; /* atomic memory, filled from mark */
    uint32_t     size;
} node;
#define MARK UINT64_C(0x5ea1ab1e00000000)

static node* tree(int depth, uint32_t* state) {
    node* n = GC_MALLOC(sizeof *n);
    CHECK(n != NULL && n->left == NULL && n->data == NULL);
    n->mark = MARK | dice(state);
    n->size = 8 + dice(state) % 120;
    n->data = GC_MALLOC_ATOMIC(n->size);
    memset(n->data, (int)(n->mark & 0xff), n->size);
    n->sum = n->mark;
    if (depth > 0) {
        n->left = tree(depth - 1, state);
        n->right = tree(depth - 1, state);
        n->sum += n->left->sum + n->right->sum;
    }
    ADD(nodes_made, 1);
    return n;
}

static uint64_t tree_check(const node* n) {
    if (n == NULL) return 0;
    if ((n->mark & ~UINT64_C(0xffffffff)) != MARK)
        FAIL("heap corrupt: node %p holds %llx", (const void*)n, (unsigned long long)n->mark);
    for (uint32_t i = 0; i < n->size; i++)
        if (n->data[i] != (uint8_t)n->mark) FAIL("heap corrupt: data of node %p at %u", (const void*)n, i);
    uint64_t sum = n->mark + tree_check(n->left) + tree_check(n->right);
    if (sum != n->sum) FAIL("heap corrupt: the sum of node %p", (const void*)n);
    return sum;
}

/* ---- Requests ------------------------------------------------------------------------------------------------ */
typedef struct slot {
    call     c;
    uint8_t *body, *into; /* collected memory, lent until DONE */
    node*    context;     /* what a game would hang on its request */
    uint32_t size, have;
    int      kind, busy; /* 0 echo → into; 1 echo → collected; 2 bytes → streamed */
} slot;

static void slot_submit(turbo_client client, slot* s, uint32_t* state) {
    turbo_request_options o = turbo_request_options_default();
    turbo_bytes*          part = GC_MALLOC(sizeof *part); /* copied by turbo_submit */
    char                  path[96], start[48] = "";
    memset(s, 0, sizeof *s);
    s->kind = (int)(dice(state) % 3);
    s->size = 1 + dice(state) % MAX_BODY;
    s->context = tree(2, state);
    if (tls_port != 0) snprintf(start, sizeof start, "https://127.0.0.1:%d", tls_port);
    snprintf(path, sizeof path, "%s/echo", start);
    if (s->kind < 2) {
        s->body = GC_MALLOC_ATOMIC(s->size);
        for (uint32_t i = 0; i < s->size; i++) s->body[i] = (uint8_t)(s->size + i * 5);
        part->data = s->body;
        part->size = s->size;
        o.body = part;
        o.body_count = 1;
    } else {
        snprintf(path, sizeof path, "%s/bytes?n=%u&seed=%u", start, s->size, s->size);
        o.events = TURBO_WANT(TURBO_EVENT_BODY);
    }
    if (s->kind != 1) s->into = GC_MALLOC_ATOMIC(s->size);
    if (s->kind == 0) {
        o.into.data = s->into;
        o.into.size = s->size;
    }
    CHECK_IS(submit(client, s->kind < 2 ? "POST" : "GET", path, &o, &s->c), TURBO_OK);
    s->busy = 1;
}

static void slot_read(slot* s) { /* streamed: into collected memory, as it comes */
    int end;
    if (s->kind == 2 && s->have < s->size)
        s->have += (uint32_t)body_take(s->c.request, s->into + s->have, s->size - s->have, &end);
}

static void slot_done(slot* s) {
    CHECK_DONE(&s->c, TURBO_OK);
    CHECK_IS(s->c.done.http_status, 200);
    CHECK_IS(s->c.done.bytes, s->size);
    slot_read(s);
    if (s->kind == 1) {
        turbo_bytes part[16];
        uint32_t    at = 0;
        int64_t     n = turbo_response_peek(s->c.request, part, 16);
        CHECK(n > 0 && n <= 16);
        for (int64_t i = 0; i < n; i++) {
            CHECK(at + part[i].size <= s->size && memcmp(part[i].data, s->body + at, part[i].size) == 0);
            at += (uint32_t)part[i].size;
        }
        CHECK_IS(at, s->size);
    } else if (s->kind == 0) {
        CHECK(memcmp(s->into, s->body, s->size) == 0);
    } else {
        CHECK_IS(s->have, s->size);
        CHECK(content_is(s->into, s->size, s->size, 0));
    }
    if (s->body)
        for (uint32_t i = 0; i < s->size; i++) CHECK(s->body[i] == (uint8_t)(s->size + i * 5));
    tree_check(s->context);
    release(&s->c);
    ADD(requests, 1);
    ADD(bytes_checked, s->size);
    memset(s, 0, sizeof *s);
}

static turbo_client player_client(turbo_queue queue) {
    turbo_client_config config = client_config(queue);
    turbo_tls_config    tls = turbo_tls_config_default();
    tls.roots_pem = roots;
    if (tls_port != 0) config.tls = &tls;
    return client_make(&config);
}

static void roots_read(const char* path) {
    static uint8_t text[65536];
    FILE*          f = fopen(path, "rb");
    CHECK(f != NULL);
    roots.data = text;
    roots.size = fread(text, 1, sizeof text, f);
    fclose(f);
}

/* In a frame of its own: the slots are roots as long as it runs. */
static __attribute__((noinline)) void play(int me, uint32_t state) {
    node*        kept[KEEP] = {NULL};
    slot         slots[SLOTS];
    turbo_queue  queue;
    turbo_client client;
    int          have_library = 0, draining = 0;
    memset(slots, 0, sizeof slots);
    for (uint32_t turn = 0; turn < UINT32_MAX; turn++) {
        if (LOAD(stop)) draining = 1;
        kept[dice(&state) % KEEP] = tree(4, &state);
        if (turn % 16 == 0) {
            for (int i = 0; i < KEEP; i++) tree_check(kept[i]);
            ADD(graph_checks, 1);
        }
        if (!LOAD(go)) {
            if (draining) return;
            continue;
        }
        if (!have_library) {
            queue = queue_new();
            client = player_client(queue);
            have_library = 1;
        }
        if (go_export && turn % 8 == 0) CHECK(go_export(turn) >= 0);
        int busy = 0;
        for (int i = 0; i < SLOTS; i++) {
            if (!slots[i].busy && !draining) slot_submit(client, &slots[i], &state);
            if (slots[i].busy && slots[i].c.bodies) slot_read(&slots[i]);
            if (slots[i].busy && slots[i].c.dones) slot_done(&slots[i]);
            busy += slots[i].busy;
        }
        if (draining && !busy) break;
        if (me % 2) {
            pump(queue, 2); /* waits in C: the collector stops it there too */
        } else {
            turbo_event events[8];
            int64_t     n = turbo_queue_poll(queue, events, 8);
            CHECK(n >= 0);
            for (int64_t i = 0; i < n; i++) call_event(&events[i]);
        }
    }
    if (have_library) destroy(queue, client);
}

static void* player(void* arg) {
    struct GC_stack_base base;
    stack_t              s;
    memset(&s, 0, sizeof s);
    s.ss_size = 64 << 10;
    s.ss_sp = mmap(NULL, s.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(s.ss_sp != MAP_FAILED && sigaltstack(&s, NULL) == 0);
    CHECK(GC_get_stack_base(&base) == GC_SUCCESS && GC_register_my_thread(&base) == GC_SUCCESS);
    play((int)(intptr_t)arg, (uint32_t)(uintptr_t)arg * 7919 + 17);
    GC_unregister_my_thread();
    return NULL;
}

static void* collector(void* arg) {
    struct GC_stack_base base;
    (void)arg;
    CHECK(GC_get_stack_base(&base) == GC_SUCCESS && GC_register_my_thread(&base) == GC_SUCCESS);
    while (!LOAD(stop)) {
        GC_gcollect();
        usleep(1000);
    }
    GC_unregister_my_thread();
    return NULL;
}

int main(int argc, char** argv) {
    int         after = 0, seconds = 20, noguard = 0, goexport = 0;
    const char* path = NULL;
    pthread_t   threads[THREADS], gc;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--load"))
            after = !strcmp(argv[i + 1], "after");
        else if (!strcmp(argv[i], "--seconds"))
            seconds = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--port"))
            server.port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--tls"))
            tls_port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--roots"))
            roots_read(argv[i + 1]);
        else if (!strcmp(argv[i], "--contrast")) {
            noguard = !strcmp(argv[i + 1], "noguard");
            goexport = !strcmp(argv[i + 1], "goexport");
        } else {
            fprintf(stderr, "gchost: what is %s?\n", argv[i]);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    test_begin_bare("gchost", (unsigned)seconds + 60);
    if (noguard) path = dl_path("contrast/libturbohttp-noguard.so");
    if (goexport) path = dl_path("contrast/libturbohttp-contrast.so");
    if (server.port == 0) server_start(); /* before any other thread */

    if (!after) dl_open(path);
    GC_INIT();
    GC_allow_register_threads();
    for (intptr_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, player, (void*)i) == 0);
    CHECK(pthread_create(&gc, NULL, collector, NULL) == 0);
    if (after) {
        sleep_ms(300); /* they build trees, and are stopped a few hundred times */
        dl_open(path);
        sleep_ms(700); /* loading alone is fatal without the guard: leave it some time before the first call */
    }
    if (goexport) {
        *(void**)(void*)&go_export = dlsym(dl_handle, "turbo_contrast_go_call");
        if (go_export == NULL) FAIL("turbo_contrast_go_call is not there");
    }
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    __atomic_store_n(&go, 1, __ATOMIC_RELEASE);
    uint64_t last = 0, end = now_ns() + (uint64_t)seconds * UINT64_C(1000000000);
    for (int idle = 0; now_ns() < end;) { /* looks are counted, not seconds: machines are paused at times */
        sleep_ms(250);
        uint64_t now = LOAD(requests);
        idle = now == last ? idle + 1 : 0;
        if (idle > 60) FAIL("no request came back while the others ran");
        last = now;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_join(gc, NULL);
    balance();
    turbo_stats stats = stats_now();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    server_stop();
    CHECK(requests > 0 && graph_checks > 0 && GC_get_gc_no() > 10);
    printf(
        "gchost ok: libgc%s, loaded %s, %d s: %llu requests, %lu collections, %llu nodes, %llu MB of bodies checked, "
        "%llu Go collections\n",
        tls_port ? " over TLS" : "", after ? "after" : "before", seconds, (unsigned long long)requests,
        (unsigned long)GC_get_gc_no(), (unsigned long long)nodes_made, (unsigned long long)(bytes_checked >> 20),
        (unsigned long long)stats.go_gc_cycles);
    return 0;
}
