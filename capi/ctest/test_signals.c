// build: -Wl,--as-needed
/* test_signals - the library leaves the host's signals as it found them. Each scenario is a process of its own that loads
 * the library when it wants to; the order of loading and installing is the point. */
#define TURBO_CTEST_DLOPEN
#include "common.h"

#include <setjmp.h>

static turbo_queue  queue;
static turbo_client client;

static void load(void) {
    dl_open(NULL);
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    if (server.pid == 0) server_start();
    queue = queue_new();
    client = client_new(queue);
}

static void traffic(int n) {
    for (int i = 0; i < n; i++) hello(queue, client);
}

static void finish(void) {
    destroy(queue, client);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    server_stop();
    exit(0);
}

/* ---- Every disposition, before and after -------------------------------------------------------------- */
static void nothing(int s) { (void)s; }
static void nothing_info(int s, siginfo_t* info, void* context) {
    (void)s;
    (void)info;
    (void)context;
}

/* Go keeps these: the first two to pass foreign faults on, the others for itself (preemption, profiling). */
static int is_gos(int s) { return s == SIGSEGV || s == SIGBUS || s == SIGURG || s == SIGPROF; }

static struct sigaction before[NSIG + 1];
static sigset_t         mask_before;

static void remember(void) {
    for (int s = 1; s <= NSIG; s++)
        if (sigaction(s, NULL, &before[s]) != 0) before[s].sa_handler = SIG_ERR;
    sigprocmask(SIG_SETMASK, NULL, &mask_before);
}

static void compare(const char* when) {
    sigset_t mask;
    for (int s = 1; s <= NSIG; s++) {
        struct sigaction now;
        if (before[s].sa_handler == SIG_ERR || sigaction(s, NULL, &now) != 0) continue;
        if (is_gos(s)) continue;
        if (now.sa_handler != before[s].sa_handler)
            FAIL("%s: signal %d (%s) has another handler", when, s, strsignal(s));
        int added = now.sa_flags ^ before[s].sa_flags;
        if (s == SIGCHLD && (now.sa_flags & SA_ONSTACK) != 0) added &= ~SA_ONSTACK; /* see child_anywhere */
        if ((added & ~0x04000000) != 0) /* SA_RESTORER: the C library's own, added whenever it sets an action */
            FAIL("%s: signal %d (%s): flags %x became %x", when, s, strsignal(s), before[s].sa_flags, now.sa_flags);
        for (int k = 1; k < NSIG; k++)
            if (sigismember(&now.sa_mask, k) != sigismember(&before[s].sa_mask, k))
                FAIL("%s: signal %d: another mask at %d", when, s, k);
    }
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int k = 1; k < NSIG; k++)
        if (sigismember(&mask, k) != sigismember(&mask_before, k)) FAIL("%s: the thread's mask differs at %d", when, k);
}

static void unchanged(int handlers) {
    sigset_t mask;
    server_start();
    for (int s = 1; s <= NSIG && handlers; s++) {
        struct sigaction a;
        memset(&a, 0, sizeof a);
        if (s % 3 == 0) {
            a.sa_handler = SIG_IGN;
        } else if (s % 2) {
            a.sa_handler = nothing;
            a.sa_flags = SA_RESTART | (s % 5 == 0 ? SA_NODEFER : 0);
        } else {
            a.sa_sigaction = nothing_info;
            a.sa_flags = SA_SIGINFO | (s % 4 == 0 ? SA_ONSTACK : 0);
        }
        if (s == SIGALRM) continue; /* the watchdog */
        sigaddset(&a.sa_mask, 1 + (s * 7) % 31);
        sigaction(s, &a, NULL); /* KILL, STOP and the C library's own refuse */
    }
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGWINCH);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    remember();
    dl_open(NULL);
    compare("after dlopen");
    turbo_library_config config = mode_library();
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    compare("after turbo_init");
    queue = queue_new();
    client = client_new(queue);
    traffic(100);
    compare("after traffic");
    destroy(queue, client);
    balance();
    CHECK_IS(turbo_shutdown(10000), TURBO_OK);
    compare("after turbo_shutdown");
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    compare("after a second turbo_init");
    signal(SIGCHLD, SIG_DFL);
    server_stop();
    exit(0);
}
static void unchanged_handlers(void) { unchanged(1); }
static void unchanged_defaults(void) { unchanged(0); }

/* ---- The host's own faults ------------------------------------------------------------------------------- */
static __thread sigjmp_buf   back;
static __thread volatile int caught, caught_code;
static __thread void* volatile caught_at;
static pthread_t main_thread;

static void catch (int s, siginfo_t* info, void* context) {
    (void)context;
    caught = s;
    caught_code = info->si_code;
    caught_at = info->si_addr;
    siglongjmp(back, 1);
}

static void install(int s, int flags) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = catch;
    a.sa_flags = SA_SIGINFO | flags;
    CHECK(sigaction(s, &a, NULL) == 0);
}

static void* volatile null_pointer;
static volatile int zero, thousand = 1000;

static void fault_segv(void) {
    caught = 0;
    if (sigsetjmp(back, 1) == 0) {
        *(volatile int*)null_pointer = 7;
        FAIL("no fault");
    }
    CHECK_IS(caught, SIGSEGV);
    CHECK(caught_at == null_pointer);
}
static void fault_high(void) { /* an address that is mapped, without access */
    void* page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    caught = 0;
    if (sigsetjmp(back, 1) == 0) {
        *((volatile char*)page + 5) = 7;
        FAIL("no fault");
    }
    CHECK_IS(caught, SIGSEGV);
    CHECK(caught_at == (char*)page + 5);
    munmap(page, 4096);
}
static void fault_fpe(void) {
    caught = 0;
    if (sigsetjmp(back, 1) == 0) {
        thousand /= zero;
        FAIL("no fault");
    }
    CHECK_IS(caught, SIGFPE);
    CHECK_IS(caught_code, FPE_INTDIV);
}
static void fault_bus(void) {
    FILE* f = tmpfile();
    caught = 0;
    CHECK(f != NULL);
    void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
    CHECK(page != MAP_FAILED);
    if (sigsetjmp(back, 1) == 0) {
        *(volatile char*)page = 1; /* behind the end of the file */
        FAIL("no fault");
    }
    CHECK_IS(caught, SIGBUS);
    munmap(page, 4096);
    fclose(f);
}

static void* faults(void* with_stack) {
    static __thread char memory[65536];
    if (with_stack) { /* as every Mono and Android thread has */
        stack_t s = {.ss_sp = memory, .ss_size = sizeof memory};
        CHECK(sigaltstack(&s, NULL) == 0);
    }
    for (int i = 0; i < 200; i++) {
        fault_segv();
        fault_high();
        fault_fpe();
        if (i % 20 == 0) fault_bus();
    }
    return NULL;
}

static int   stop;
static void* busy(void* arg) {
    turbo_queue  q = queue_new();
    turbo_client c = client_new(q);
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) hello(q, c);
    destroy(q, c);
    return NULL;
}

static void own_faults(int before_load, int flags) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE};
    pthread_t        threads[6];
    if (before_load)
        for (int i = 0; i < 3; i++) install(signals[i], flags);
    load();
    if (!before_load)
        for (int i = 0; i < 3; i++) install(signals[i], flags);
    for (intptr_t i = 0; i < 6; i++)
        CHECK(pthread_create(&threads[i], NULL, i < 2 ? busy : faults, (void*)(i % 2)) == 0);
    faults(NULL);
    for (int i = 2; i < 6; i++) pthread_join(threads[i], NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    if (!before_load)
        for (int i = 0; i < 3; i++) { /* what the host installed is what is installed */
            struct sigaction now;
            CHECK(sigaction(signals[i], NULL, &now) == 0 && now.sa_sigaction == catch);
        }
    traffic(20);
    finish();
}
static void faults_before(void) { own_faults(1, 0); }
static void faults_before_onstack(void) { own_faults(1, SA_ONSTACK); }
static void faults_after(void) { own_faults(0, 0); }
static void faults_after_onstack(void) { own_faults(0, SA_ONSTACK); }

/* While the host's handler runs, what it did not ask to be blocked is not: a host that leaves its handler by unwinding and
 * unblocks only the fault (CoreCLR) would keep the rest blocked for ever, and die of its next fault of another kind. */
static sigset_t mask_inside;
static void     catch_mask(int s, siginfo_t* info, void* context) {
        (void)s;
        (void)info;
        (void)context;
        pthread_sigmask(SIG_SETMASK, NULL, &mask_inside);
        siglongjmp(back, 1);
}
static void mask_in_handler(void) {
    static const int signals[] = {SIGSEGV, SIGBUS};
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = catch_mask;
    a.sa_flags = SA_SIGINFO;
    sigaddset(&a.sa_mask, SIGUSR2);
    for (int i = 0; i < 2; i++) CHECK(sigaction(signals[i], &a, NULL) == 0);
    load();
    traffic(5);
    for (int i = 0; i < 20; i++) {
        sigemptyset(&mask_inside);
        if (sigsetjmp(back, 1) == 0) *(volatile int*)null_pointer = 7;
        CHECK(sigismember(&mask_inside, SIGUSR2) == 1);
        for (int s = 1; s < NSIG; s++) {
            if (s == SIGSEGV || s == SIGUSR2 || s == SIGURG || s == SIGPROF) continue; /* Go's own may be kept out */
            if (sigismember(&mask_inside, s) == 1)
                FAIL("signal %d (%s) is blocked in the host's SIGSEGV handler", s, strsignal(s));
        }
    }
    finish();
}

/* A host without a handler dies of its own null dereference as it would without us: by SIGSEGV. */
static void fault_default(void) {
    load();
    traffic(5);
    fclose(stderr); /* Go may print a trace */
    *(volatile int*)null_pointer = 7;
}

/* ---- A collector's signals --------------------------------------------------------------------------------- */
static volatile uintptr_t handler_stack; /* an address on the stack that the handler ran on */
static void               on_suspend(int s) {
                  (void)s;
                  handler_stack = (uintptr_t)__builtin_frame_address(0);
}

static int   inside;
static void* suspended(void* arg) {
    static char memory[65536];
    stack_t     s = {.ss_sp = memory, .ss_size = sizeof memory};
    uintptr_t   here = (uintptr_t)__builtin_frame_address(0), low = (uintptr_t)memory;
    (void)arg;
    CHECK(sigaltstack(&s, NULL) == 0);
    __atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 5000 && handler_stack == 0; i++) sleep_ms(1);
    uintptr_t at = handler_stack;
    CHECK(at != 0);
    CHECK(at < low || at >= low + sizeof memory); /* not on the signal stack: the collector would scan the wrong one */
    CHECK(at < here && at > here - 65536);
    return NULL;
}

static void collector(void) {
    struct sigaction a;
    pthread_t        thread;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_suspend;
    a.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGPWR, &a, NULL) == 0 && sigaction(SIGXCPU, &a, NULL) == 0);
    load();
    static const int signals[] = {SIGPWR, SIGXCPU};
    for (int i = 0; i < 2; i++) {
        handler_stack = 0;
        inside = 0;
        CHECK(pthread_create(&thread, NULL, suspended, NULL) == 0);
        while (!__atomic_load_n(&inside, __ATOMIC_ACQUIRE)) sleep_ms(1);
        CHECK(pthread_kill(thread, signals[i]) == 0);
        pthread_join(thread, NULL);
    }
    finish();
}

/* ---- While the library is being loaded -------------------------------------------------------------------- */
/* A collector that stops threads in those milliseconds would find its handler changed. */
static uint64_t looks;
static int      loaded, changed;

static void* look(void* arg) {
    (void)arg;
    while (!__atomic_load_n(&loaded, __ATOMIC_ACQUIRE)) {
        for (int s = 1; s < NSIG; s++) {
            struct sigaction now;
            if (before[s].sa_handler != nothing || sigaction(s, NULL, &now) != 0) continue;
            if (now.sa_handler != nothing || ((now.sa_flags & SA_ONSTACK) != 0 && s != SIGCHLD && s != SIGPROF))
                changed = s;
        }
        __atomic_fetch_add(&looks, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void load_watched(void) {
    pthread_t thread;
    for (int s = 1; s < NSIG; s++) {
        if (s == SIGKILL || s == SIGSTOP || is_gos(s)) continue;
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_handler = nothing;
        sigaction(s, &a, NULL);
    }
    remember();
    CHECK(pthread_create(&thread, NULL, look, NULL) == 0);
    while (__atomic_load_n(&looks, __ATOMIC_ACQUIRE) < 10) sleep_ms(1);
    dl_open(NULL);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_OK);
    __atomic_store_n(&loaded, 1, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    if (changed != 0) FAIL("while loading, signal %d (%s) was changed", changed, strsignal(changed));
}

static void while_loading(void) {
    for (int i = 0; i < 20; i++) { /* each look may come too late */
        int   status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            load_watched();
            _exit(0);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    exit(0);
}

/* ---- No handler of the host runs on a thread of the library --------------------------------------------------- */
static volatile sig_atomic_t runs, wrong_thread;
static void                  count(int s) {
                     (void)s;
                     runs++;
                     if (!pthread_equal(pthread_self(), main_thread)) wrong_thread++;
}

/* Go lets SIGCHLD in on its threads. When the host blocks it everywhere, its handler runs there: not on the small stack of
 * a goroutine, which 16 KiB would break. */
static void deep(int s) {
    volatile char room[16 << 10];
    for (size_t i = 0; i < sizeof room; i += 256) room[i] = (char)s;
    runs++;
}

static void child_anywhere(void) {
    sigset_t         child, old;
    struct sigaction a;
    server_start();
    memset(&a, 0, sizeof a);
    a.sa_handler = deep;
    a.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGCHLD, &a, NULL) == 0);
    load();
    CHECK(sigaction(SIGCHLD, NULL, &a) == 0 && a.sa_handler == deep && (a.sa_flags & SA_ONSTACK) != 0);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &old);
    for (int i = 0; i < 500; i++) {
        kill(getpid(), SIGCHLD);
        traffic(1);
    }
    CHECK(runs > 0);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    finish();
}

static void other_threads(void) {
    /* SIGCHLD is not among them: Go unblocks it on its threads, so it stays off them only while the host lets it in */
    const int signals[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGQUIT, SIGIO, SIGWINCH, SIGPWR, SIGXCPU, SIGRTMIN + 3};
    enum { N = sizeof signals / sizeof *signals };
    main_thread = pthread_self();
    sigset_t all, old;
    server_start();
    for (int i = 0; i < N; i++) {
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_handler = count;
        a.sa_flags = SA_RESTART;
        if (i % 2) CHECK(sigaction(signals[i], &a, NULL) == 0); /* half of them before */
    }
    load();
    for (int i = 0; i < N; i++) {
        struct sigaction a;
        memset(&a, 0, sizeof a);
        a.sa_handler = count;
        a.sa_flags = SA_RESTART;
        CHECK(sigaction(signals[i], &a, NULL) == 0);
    }
    sigemptyset(&all);
    for (int i = 0; i < N; i++) sigaddset(&all, signals[i]);
    sigprocmask(SIG_BLOCK, &all, &old);
    for (int i = 0; i < N; i++) kill(getpid(), signals[i]); /* to the process: any thread that lets it in may get it */
    traffic(50);
    sleep_ms(50);
    CHECK_IS(runs, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK_IS(runs, N);
    signal(SIGCHLD, count);
    for (int i = 0; i < 50; i++) {
        kill(getpid(), SIGCHLD);
        traffic(1);
    }
    CHECK(runs > N);
    CHECK_IS(wrong_thread, 0);
    signal(SIGCHLD, SIG_DFL);
    finish();
}

/* ---- SIGPIPE ------------------------------------------------------------------------------------------------------ */
static void pipes(void) {
    static uint8_t        body[1 << 20];
    turbo_bytes           part = {body, sizeof body};
    turbo_request_options o = turbo_request_options_default();
    int                   fd[2];
    o.body = &part;
    o.body_count = 1;
    main_thread = pthread_self();
    signal(SIGPIPE, SIG_DFL); /* as most games leave it: it would kill */
    load();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 100; i++) {
            call c;
            run(queue, client, "POST", i % 2 ? "/reset" : "/drop", &o,
                &c); /* the library writes to closed connections */
            CHECK(c.done.status != TURBO_OK);
            release(&c);
        }
        struct sigaction now;
        CHECK(sigaction(SIGPIPE, NULL, &now) == 0);
        CHECK(now.sa_handler == (round ? count : SIG_DFL));
        signal(SIGPIPE, count);
    }
    CHECK_IS(runs, 0);
    CHECK(pipe(fd) == 0);
    close(fd[0]);
    CHECK(write(fd[1], "x", 1) == -1 && errno == EPIPE); /* the host's own */
    CHECK_IS(runs, 1);
    CHECK_IS(wrong_thread, 0);
    finish();
}

/* ---- The library's own faults, with the host's handlers around -------------------------------------------------------- */
static void chain(int s, siginfo_t* info, void* context) { /* a host's crash reporter, installed before us */
    (void)info;
    (void)context;
    fprintf(stderr, "the host's handler got a fault of the library: %d\n", s);
    _exit(3);
}
static void librarys_faults(void) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_sigaction = chain;
    a.sa_flags = SA_SIGINFO;
    CHECK(sigaction(SIGSEGV, &a, NULL) == 0 && sigaction(SIGBUS, &a, NULL) == 0 && sigaction(SIGFPE, &a, NULL) == 0);
    load();
    for (int i = 0; i < 50; i++) {
        call                  c;
        turbo_request_options o = turbo_request_options_default();
        o.into.data = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        o.into.size = 4096;
        run(queue, client, "GET", "/bytes?n=3000", &o, &c);
        CHECK(c.done.status != TURBO_OK);
        release(&c);
        munmap(o.into.data, 4096);
        hello(queue, client);
    }
    finish();
}

static const struct {
    const char* name;
    void (*body)(void);
    int dies_of;
} scenarios[] = {{"unchanged_handlers", unchanged_handlers, 0},
                 {"unchanged_defaults", unchanged_defaults, 0},
                 {"faults_before", faults_before, 0},
                 {"faults_before_onstack", faults_before_onstack, 0},
                 {"faults_after", faults_after, 0},
                 {"faults_after_onstack", faults_after_onstack, 0},
                 {"mask_in_handler", mask_in_handler, 0},
                 {"collector", collector, 0},
                 {"while_loading", while_loading, 0},
                 {"other_threads", other_threads, 0},
                 {"child_anywhere", child_anywhere, 0},
                 {"pipes", pipes, 0},
                 {"librarys_faults", librarys_faults, 0},
                 {"fault_default", fault_default, SIGSEGV}};

int main(int argc, char** argv) {
    test_begin_bare("test_signals", 150);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        int   status;
        pid_t pid;
        if (argc > 1 && strcmp(argv[1], scenarios[i].name) != 0) continue;
        fflush(NULL);
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            alarm(60);
            scenarios[i].body();
            _exit(9);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        int fine = scenarios[i].dies_of ? WIFSIGNALED(status) &&
                                              (WTERMSIG(status) == scenarios[i].dies_of || WTERMSIG(status) == SIGABRT)
                                        : WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (scenarios[i].dies_of && !fine && WIFEXITED(status)) fine = WEXITSTATUS(status) == 2; /* Go's own report */
        if (!fine) FAIL("%s ended with %x", scenarios[i].name, status);
        printf("  %s\n", scenarios[i].name);
    }
    return test_ok();
}
