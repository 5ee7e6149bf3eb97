// build: -Wl,--as-needed
/* test_secondgo - another Go library in the process, loaded before or after ours: both work under load. Go takes SIGURG for
 * preemption; the library that loads first loses it, and must live without. */
#define TURBO_CTEST_DLOPEN
#include "common.h"

static uint64_t (*work)(uint64_t);
static int32_t (*recovers)(void);
static int stop;

static void* second(void* arg) {
    uint64_t n = 20000 + (uintptr_t)arg * 1000, rounds = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        CHECK_IS(work(n), n * (n - 1) / 2);
        CHECK_IS(recovers(), 1);
        rounds++;
    }
    return (void*)(uintptr_t)rounds;
}

static void* first(void* arg) {
    uint64_t     rounds = 0;
    turbo_queue  queue = queue_new();
    turbo_client client = client_new(queue);
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        call c;
        run(queue, client, "GET", "/bytes?n=50000&seed=2", NULL, &c);
        CHECK_DONE(&c, TURBO_OK);
        body_is(c.request, 50000, 2);
        release(&c);
        hello(queue, client);
        rounds++;
    }
    destroy(queue, client);
    return (void*)(uintptr_t)rounds;
}

static void load_second(void) {
    const char* path = getenv("TURBO_SECONDGO");
    void*       handle = dlopen(path ? path : dl_path("ctest/libsecondgo.so"), RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) FAIL("%s", dlerror());
    *(void**)(void*)&work = dlsym(handle, "secondgo_work");
    *(void**)(void*)&recovers = dlsym(handle, "secondgo_recover");
    CHECK(work && recovers);
    CHECK_IS(work(1000), 499500);
}

static int order(int ours_first, int seconds) {
    pthread_t threads[6];
    uint64_t  rounds[2] = {0, 0};
    if (!ours_first) load_second();
    dl_open(NULL);
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    if (ours_first) load_second();
    server_start();
    for (int i = 0; i < 6; i++)
        CHECK(pthread_create(&threads[i], NULL, i % 2 ? first : second, (void*)(intptr_t)i) == 0);
    /* a fault of the library's own (lent memory without access) still fails one request only */
    turbo_queue           queue = queue_new();
    turbo_client          client = client_new(queue);
    turbo_request_options o = turbo_request_options_default();
    for (int i = 0; i < seconds * 10; i++) {
        call c;
        o.into.data = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        o.into.size = 4096;
        run(queue, client, "GET", "/bytes?n=3000", &o, &c);
        CHECK(c.done.status != TURBO_OK);
        release(&c);
        munmap(o.into.data, 4096);
        sleep_ms(100);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 6; i++) {
        void* n;
        pthread_join(threads[i], &n);
        rounds[i % 2] += (uintptr_t)n;
    }
    printf("  loaded %s: second %llu rounds, ours %llu\n", ours_first ? "after ours" : "before ours",
           (unsigned long long)rounds[0], (unsigned long long)rounds[1]);
    CHECK(rounds[0] > 5 && rounds[1] > 20);
    destroy(queue, client);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    server_stop();
    printf("  fine\n");
    fflush(stdout);
    return 0;
}

int main(int argc, char** argv) {
    test_begin_bare("test_secondgo", 90);
    if (argc > 1) return order(atoi(argv[1]), 3);
    for (int ours_first = 0; ours_first < 2; ours_first++) {
        int   status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            char which[2] = {(char)('0' + ours_first), 0};
            execl("/proc/self/exe", argv[0], which, (char*)NULL);
            _exit(127);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status)) FAIL("order %d ended with %x", ours_first, status);
    }
    return test_ok();
}
