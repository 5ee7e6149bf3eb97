/* arena.c - memory of the host's side for copies: heads, span arrays, TURBO_COPY bodies.
 *
 * Taken by host threads, put back by anyone. Size classes are powers of two from 1 KiB to 1 MiB; larger memory comes from
 * malloc and goes back to it. What was used once stays for reuse, up to KEPT bytes. */
#include "record.h"

#include <stdlib.h>

#define SMALLEST 10u /* 1 KiB */
#define LARGEST  20u /* 1 MiB */
#define CLASSES  (LARGEST - SMALLEST + 1)
#define KEPT     (UINT64_C(16) << 20)

typedef struct block { /* 32 bytes in front of the memory given out */
    tb_link  link;
    uint64_t size_class;
    uint64_t unused;
} block;

static tb_pool  pools[CLASSES];
static uint64_t kept; /* bytes in the pools; shared */
static tb_lock  lock;

static uint32_t class_of(size_t size) {
    uint32_t shift = SMALLEST;
    while (shift <= LARGEST && ((size_t)1 << shift) < size) shift++;
    return shift - SMALLEST;
}

void* tb_arena_get(size_t size) {
    uint32_t c = class_of(size);
    block*   b = NULL;
    size_t   whole;
    if (c < CLASSES) {
        tb_link* link;
        tb_lock_take(&lock);
        link = pools[c].first;
        if (link == NULL) link = tb_take(&pools[c].returned);
        if (link != NULL) pools[c].first = link->next;
        tb_lock_give(&lock);
        if (link != NULL) {
            b = (block*)(void*)link;
            __atomic_sub_fetch(&kept, (uint64_t)1 << (c + SMALLEST), __ATOMIC_RELAXED);
            return b + 1;
        }
        size = (size_t)1 << (c + SMALLEST);
    }
    whole = size + sizeof *b;
    if (whole < size) return NULL;
    b = malloc(whole);
    if (b == NULL) return NULL;
    b->size_class = c;
    return b + 1;
}

void tb_arena_put(void* memory) {
    block*   b;
    uint64_t size;
    if (memory == NULL) return;
    b = (block*)memory - 1;
    if (b->size_class >= CLASSES) {
        free(b);
        return;
    }
    size = (uint64_t)1 << (b->size_class + SMALLEST);
    if (__atomic_add_fetch(&kept, size, __ATOMIC_RELAXED) > KEPT) {
        __atomic_sub_fetch(&kept, size, __ATOMIC_RELAXED);
        free(b);
        return;
    }
    tb_push(&pools[b->size_class].returned, &b->link);
}
