/* signals.c - the host's signals stay as they were.
 *
 * When a Go library is loaded, Go's constructor installs handlers for a few signals and adds SA_ONSTACK to handlers that
 * are already there. A collector that stops threads by signal then scans the wrong stack and frees what is in use
 * (docs/adr/0001-the-border.md). It is enough that it does so for a moment: other threads go on while a library is loaded.
 * So Go's calls of sigaction come to this file (the linker's --wrap, see main.go), and what they would do to the host never
 * happens. Two constructors say when: one runs before Go's and remembers, one after it.
 *
 *   SIGSEGV, SIGBUS        stay Go's, which passes on faults that are not its own
 *   SIGFPE, SIGPIPE        the host's handler, whole
 *   SIGCHLD, SIGPROF       the host's handler, but SA_ONSTACK stays: Go lets these two in on its threads, and a handler
 *                          must not run on the small stack of a goroutine
 *   everything else        the host's handler, flags and mask, unless Go had to take it (SIGURG, for preemption)
 *
 * Go's threads are made while all other signals are blocked, so no other handler of the host ever runs on them; and while the
 * loading thread may run anywhere, so they do not inherit its affinity. */
#define _GNU_SOURCE
#include "record.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

/* The linker's: the C library's own sigaction, and what the calls in this library become. */
int __real_sigaction(int s, const struct sigaction* action, struct sigaction* old);
int __wrap_sigaction(int s, const struct sigaction* action, struct sigaction* old);

#ifdef TURBO_NO_SIGNAL_GUARD /* for contrast only: to see what it prevents */

int __wrap_sigaction(int s, const struct sigaction* action, struct sigaction* old) {
    return __real_sigaction(s, action, old);
}

int tb_signals_check(void) { return 0; }

#else

/* What Go needs on its own threads: faults, preemption, profiling. */
static const int kept_open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGURG, SIGPROF};

static struct sigaction before[NSIG];
static unsigned char    known[NSIG];
static sigset_t         mask_before;
static cpu_set_t        cpus_before;
static int              mask_saved, cpus_saved;
static int              loading; /* between the constructors, on the thread that loads */

/* sigaction of the C library refuses its two internal signals; those stay unknown and untouched. */
__attribute__((constructor(101))) static void remember(void) {
    int       s, kept = errno;
    size_t    i;
    sigset_t  blocked;
    cpu_set_t all;
    for (s = 1; s < NSIG; s++) known[s] = __real_sigaction(s, NULL, &before[s]) == 0;
    loading = 1;
    sigfillset(&blocked);
    for (i = 0; i < sizeof kept_open / sizeof kept_open[0]; i++) sigdelset(&blocked, kept_open[i]);
    mask_saved = pthread_sigmask(SIG_SETMASK, &blocked, &mask_before) == 0;
    cpus_saved = sched_getaffinity(0, sizeof cpus_before, &cpus_before) == 0;
    if (cpus_saved) {
        memset(&all, 0xff, sizeof all);
        sched_setaffinity(0, sizeof all, &all); /* the kernel keeps to what the process may use */
    }
    errno = kept;
}

static void* handler(const struct sigaction* a) {
    return (a->sa_flags & SA_SIGINFO) != 0 ? (void*)(uintptr_t)a->sa_sigaction : (void*)(uintptr_t)a->sa_handler;
}

/* Whether an address belongs to this library: then a handler there is Go's. */
static int is_ours(void* address) {
    static const char here = 0;
    Dl_info           a, b;
    return dladdr(address, &a) != 0 && dladdr(&here, &b) != 0 && a.dli_fbase == b.dli_fbase;
}

static int stays_with_go(int s) { return s == SIGSEGV || s == SIGBUS || s == SIGURG || s == SIGPROF; }

/* What becomes of the host's handler of s when Go sets wanted: wanted as it is, changed, or the host's (0). */
static int allow(int s, struct sigaction* wanted) {
    if (handler(wanted) == handler(&before[s])) return s == SIGCHLD || s == SIGPROF;
    if ((s == SIGSEGV || s == SIGBUS) && is_ours(handler(wanted))) {
        /* Go blocks everything while its handler runs. A host whose handler, called from there, leaves by unwinding
         * (CoreCLR after a null dereference) would keep it all blocked, and die of its next SIGFPE. */
        wanted->sa_mask = before[s].sa_mask;
        sigaddset(&wanted->sa_mask, SIGURG);
        return 1;
    }
    return stays_with_go(s) || !is_ours(handler(wanted));
}

int __wrap_sigaction(int s, const struct sigaction* action, struct sigaction* old) {
    struct sigaction wanted;
    if (!loading || action == NULL || s < 1 || s >= NSIG || !known[s]) return __real_sigaction(s, action, old);
    wanted = *action;
    return __real_sigaction(s, allow(s, &wanted) ? &wanted : NULL, old);
}

/* Not by memory: the C library leaves the part of a set that the kernel does not know as it is. */
static int same(const sigset_t* a, const sigset_t* b) {
    int s;
    for (s = 1; s < NSIG; s++) {
        if (sigismember(a, s) != sigismember(b, s)) return 0;
    }
    return 1;
}

/* Where the linker did not give us Go's calls. */
static int give_back(int s) {
    struct sigaction now, right;
    if (!known[s] || __real_sigaction(s, NULL, &now) != 0) return 0;
    right = now;
    if (!allow(s, &right)) right = before[s];
    if (handler(&right) == handler(&now) && right.sa_flags == now.sa_flags && same(&right.sa_mask, &now.sa_mask))
        return 0;
    return __real_sigaction(s, &right, NULL) == 0;
}

static int give_all_back(void) {
    int s, n = 0, kept = errno;
    for (s = 1; s < NSIG; s++) n += give_back(s);
    errno = kept;
    return n;
}

static int too_early; /* Go had not started when the second constructor ran */

/* Constructors without a number run after those with one, and in link order: Go's start code lies in an object that
 * the linker puts in front of this one. Should a linker think otherwise, turbo_init does the rest. */
__attribute__((constructor)) static void restore(void) {
    struct sigaction urg;
    int              kept = errno;
    give_all_back();
    too_early = __real_sigaction(SIGURG, NULL, &urg) == 0 && !is_ours(handler(&urg));
    loading = too_early;
    if (cpus_saved) sched_setaffinity(0, sizeof cpus_before, &cpus_before);
    if (mask_saved) pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    errno = kept;
}

int tb_signals_check(void) {
    if (!too_early) return 0;
    too_early = loading = 0;
    return give_all_back();
}

#endif
