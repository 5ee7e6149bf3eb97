/* os_linux.c - what the border asks of Linux: a clock, sleeping on a word, a bell, a lock between host threads. */
#define _GNU_SOURCE
#include "record.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint64_t tb_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void tb_word_wait(uint32_t* word, uint32_t value, uint64_t deadline_ns) {
    struct timespec  t;
    struct timespec* until = NULL;
    int              kept = errno;
    if (deadline_ns != 0) {
        t.tv_sec = (time_t)(deadline_ns / 1000000000u);
        t.tv_nsec = (long)(deadline_ns % 1000000000u);
        until = &t;
    }
    /* WAIT_BITSET takes an absolute time on the monotonic clock; WAIT a relative one. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, until, NULL, FUTEX_BITSET_MATCH_ANY);
    errno = kept;
}

void tb_word_wake(uint32_t* word) {
    int kept = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
    errno = kept;
}

void tb_bell_ring(int bell) {
    uint64_t one = 1;
    int      kept = errno;
    ssize_t  n;
    do {
        n = write(bell, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    errno = kept;
}

int tb_handle_new(void) {
    int kept = errno;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    errno = kept;
    return fd;
}

void tb_handle_set(int handle) { tb_bell_ring(handle); }

void tb_handle_clear(int handle) {
    uint64_t count;
    int      kept = errno;
    while (read(handle, &count, sizeof count) < 0 && errno == EINTR) {
    }
    errno = kept;
}

void tb_handle_close(int handle) { close(handle); }

void tb_yield(void) { sched_yield(); }

/* 0 free, 1 taken, 2 taken and somebody sleeps. */
void tb_lock_take(tb_lock* lock) {
    uint32_t free = 0;
    if (tb_cas(&lock->word, &free, 1)) return;
    while (tb_swap(&lock->word, 2) != 0) tb_word_wait(&lock->word, 2, 0);
}

void tb_lock_give(tb_lock* lock) {
    if (tb_swap(&lock->word, 0) == 2) tb_word_wake(&lock->word);
}
