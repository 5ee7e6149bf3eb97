/* malloc_count.h - see malloc_count.c */
#ifndef BENCH_MALLOC_COUNT_H
#define BENCH_MALLOC_COUNT_H

#include <stdint.h>

typedef struct malloc_counts {
    uint64_t allocations; /* malloc, calloc, realloc, aligned ones */
    uint64_t frees;
    uint64_t bytes; /* asked for */
    uint64_t maps;  /* mmap through the C library */
} malloc_counts;

void malloc_count_read(malloc_counts* to);

#endif
