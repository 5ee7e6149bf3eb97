// build: -Wl,--as-needed
/* test_env - the library is a guest: what the player's environment says to Go programs does not change it, and what the
 * loading thread is bound to does not bind its threads. Each environment is a process of its own, because Go reads it when
 * it is loaded. */
#define TURBO_CTEST_DLOPEN
#include "common.h"

#include <dirent.h>
#include <sched.h>

/* ---- In the child: some load, then "gc CYCLES heap BYTES threads N" on stdout -------------------------- */
static int threads_now(void) {
    DIR* dir = opendir("/proc/self/task");
    int  n = 0;
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n - 2;
}

static void* one_client(void* arg) {
    turbo_queue         queue = queue_new();
    turbo_client_config config = client_config(queue);
    (void)arg;
    for (int i = 0; i < 6; i++) {
        config.connections_per_host = 32;
        turbo_client client = client_make(&config);
        call         c[64];
        for (int k = 0; k < 64; k++)
            CHECK_IS(submit(client, "GET", k % 2 ? "/close?n=3000" : "/slow?ms=1", NULL, &c[k]), TURBO_OK);
        for (int k = 0; k < 64; k++) {
            wait_done(queue, &c[k]);
            CHECK_DONE(&c[k], TURBO_OK);
            release(&c[k]);
        }
        CHECK_IS(turbo_client_destroy(client, 10000), TURBO_OK);
    }
    CHECK_IS(turbo_queue_destroy(queue), TURBO_OK);
    return NULL;
}

static int child(void) {
    turbo_library_config config = mode_library();
    pthread_t            host[4];
    dl_open(NULL);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    server_start();
    uint64_t cycles = stats_now().go_gc_cycles; /* until the library has settled, the environment counts */
    int      peak = 0;
    for (int round = 0; round < 4; round++) { /* garbage: connections and clients come and go */
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&host[i], NULL, one_client, NULL) == 0);
        sleep_ms(30);
        int n = threads_now();
        if (n > peak) peak = n;
        for (int i = 0; i < 4; i++) pthread_join(host[i], NULL);
    }
    turbo_stats s = stats_now();
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    server_stop();
    printf("gc %llu heap %llu threads %d objects %llu\n", (unsigned long long)(s.go_gc_cycles - cycles),
           (unsigned long long)s.go_heap_bytes, peak, (unsigned long long)s.go_heap_allocs);
    fflush(stdout);
    return 0;
}

/* ---- In the parent ---------------------------------------------------------------------------------------- */
typedef struct outcome {
    unsigned long long cycles, heap, objects;
    int                threads;
    char               output[4096];
} outcome;

static outcome run_with(const char* self, const char* name, const char* value) {
    outcome o;
    int     out[2], status;
    size_t  have = 0;
    memset(&o, 0, sizeof o);
    CHECK(pipe2(out, O_CLOEXEC) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        unsetenv("GOGC");
        unsetenv("GODEBUG");
        unsetenv("GOMAXPROCS");
        unsetenv("GOMEMLIMIT");
        if (name) setenv(name, value, 1);
        dup2(out[1], 1);
        dup2(out[1], 2); /* whatever Go would print counts */
        execl("/proc/self/exe", self, "child", (char*)NULL);
        _exit(127);
    }
    close(out[1]);
    for (;;) {
        ssize_t n = read(out[0], o.output + have, sizeof o.output - 1 - have);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += (size_t)n;
    }
    close(out[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) FAIL("with %s=%s: ended with %x: %s", name, value, status, o.output);
    if (sscanf(o.output, "gc %llu heap %llu threads %d objects %llu", &o.cycles, &o.heap, &o.threads, &o.objects) != 4)
        FAIL("with %s=%s it said: %s", name, value, o.output);
    printf("  %s=%s: %s", name ? name : "(nothing)", value ? value : "", o.output);
    return o;
}

static void cpus_of(const char* task, char* list, size_t size) {
    char  path[300], line[1024];
    FILE* f;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    f = fopen(path, "r");
    list[0] = 0;
    if (f == NULL) return; /* it ended */
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "Cpus_allowed_list:", 18) == 0) snprintf(list, size, "%.200s", line + 18);
    }
    fclose(f);
}

/* affinity: the loading thread is bound to one CPU; the library's threads are not, and it still is. */
static int affinity(void) {
    cpu_set_t one, now;
    char      all[256], mine[256], id[32];
    int       seen = 0;
    snprintf(id, sizeof id, "%d", getpid());
    cpus_of(id, all, sizeof all);
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        CHECK(sched_getaffinity(0, sizeof now, &now) == 0);
        if (CPU_ISSET(i, &now)) {
            CPU_SET(i, &one);
            break;
        }
    }
    if (CPU_COUNT(&now) < 2) printf("  only one CPU: the affinity check shows nothing here\n");
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    dl_open(NULL);
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    CHECK(sched_getaffinity(0, sizeof now, &now) == 0);
    CHECK(CPU_EQUAL(&now, &one));
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
    server_start();
    turbo_queue         queue = queue_new();
    turbo_client_config cc = client_config(queue);
    cc.connections_per_host = 64;
    turbo_client client = client_make(&cc);
    call         c[64];
    for (int k = 0; k < 64; k++) CHECK_IS(submit(client, "GET", "/slow?ms=50", NULL, &c[k]), TURBO_OK);
    for (int k = 0; k < 64; k++) wait_done(queue, &c[k]); /* threads made under load inherit from Go's own */
    DIR* dir = opendir("/proc/self/task");
    CHECK(dir != NULL);
    for (struct dirent* e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid()) continue;
        cpus_of(e->d_name, mine, sizeof mine);
        if (mine[0] == 0) continue;
        if (strcmp(mine, all) != 0) FAIL("thread %s may use %s of %s", e->d_name, mine, all);
        seen++;
    }
    closedir(dir);
    CHECK(seen >= 1);
    for (int k = 0; k < 64; k++) release(&c[k]);
    destroy(queue, client);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    server_stop();
    return 0;
}

int main(int argc, char** argv) {
    test_begin_bare("test_env", 150);
    if (argc > 1 && strcmp(argv[1], "child") == 0) return child();
    if (argc > 1 && strcmp(argv[1], "affinity") == 0) return affinity();
    outcome plain = run_with(argv[0], NULL, NULL), o;
    /* no collector by the player's wish would be a heap without bound */
    o = run_with(argv[0], "GOGC", "off");
    if (plain.cycles > 0) CHECK(o.cycles > 0);
    CHECK(o.heap < plain.heap * 2 + (16u << 20));
    o = run_with(argv[0], "GOGC", "1"); /* nor one that runs all the time */
    CHECK(o.cycles <= plain.cycles * 3 + 10);
    o = run_with(argv[0], "GOMEMLIMIT", "1");
    CHECK(o.cycles <= plain.cycles * 3 + 10);
    o = run_with(argv[0], "GOMAXPROCS", "1");
    /* Threads blocked in a system call are replaced, so a busy machine has some more; 64 procs would have dozens. */
    CHECK(o.threads <= plain.threads + 12);
    o = run_with(argv[0], "GOMAXPROCS", "64");
    CHECK(o.threads <= plain.threads + 12);
    run_with(argv[0], "GODEBUG", "asyncpreemptoff=1,netdns=cgo,madvdontneed=1,panicnil=1");
    run_with(argv[0], "GODEBUG", "nonsense=7,,=,x");
    run_with(argv[0], "GOTRACEBACK", "crash");
    int   status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        execl("/proc/self/exe", argv[0], "affinity", (char*)NULL);
        _exit(127);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) FAIL("affinity ended with %x", status);
    return test_ok();
}
