/* hist.h - latencies in a histogram of fixed size: 16 steps per power of two, so a percentile is exact to 6 %. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>
#include <time.h>

static uint64_t hist_counts[64 * 16], hist_total;

static inline uint64_t hist_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void hist_add(uint64_t ns) {
    unsigned shift;
    ns |= 16;
    shift = 59u - (unsigned)__builtin_clzll(ns);
    hist_counts[shift * 16 + ((ns >> shift) & 15)]++;
    hist_total++;
}

/* The value below which part (0..1) of all lie, in microseconds. */
static inline double hist_us(double part) {
    uint64_t want = (uint64_t)((double)hist_total * part), seen = 0;
    for (unsigned i = 0; i < 64 * 16; i++) {
        seen += hist_counts[i];
        if (seen > want) return (double)((16 + (uint64_t)(i & 15)) << (i / 16)) / 1000;
    }
    return 0;
}

static inline void hist_clear(void) {
    for (unsigned i = 0; i < 64 * 16; i++) hist_counts[i] = 0;
    hist_total = 0;
}

#endif
