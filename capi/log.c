/* log.c - lines from the library to whoever asks: a ring of slots without a lock.
 *
 * Each slot has a turn: turn == position: free for the writer of that position; position + 1: filled, for its reader.
 * One writer at a time (the library), any number of readers. A writer that finds the ring full takes the oldest line
 * itself and counts it as lost; one that finds a slot still being read counts its own line as lost. */
#include "record.h"

#include <stdio.h>

#define SLOTS 64u
#define LINE  1000u

typedef struct slot {
    uint64_t turn;
    int32_t  level;
    uint32_t size;
    char     text[LINE];
} slot;

static slot     slots[SLOTS];
static uint64_t oldest; /* shared: the next position to read */
static uint64_t newest; /* LIB: the next position to write */
static uint64_t lost;   /* LIB */

static slot* at(uint64_t position) { return &slots[position % SLOTS]; }

/* A turn counts from 1, so that zeroed memory is a free ring. */
static uint64_t free_turn(uint64_t position) { return position / SLOTS * 2; }

static int claim(uint64_t* position) {
    uint64_t p = tb_load(&oldest);
    for (;;) {
        if (tb_load(&at(p)->turn) != free_turn(p) + 1) {
            uint64_t again = tb_load(&oldest);
            if (again == p) return 0; /* empty */
            p = again;
            continue;
        }
        if (tb_cas(&oldest, &p, p + 1)) {
            *position = p;
            return 1;
        }
    }
}

static void give_back(uint64_t position) { tb_store(&at(position)->turn, free_turn(position) + 2); }

static int put(int32_t level, const char* text, size_t size) {
    slot* s = at(newest);
    if (tb_load(&s->turn) != free_turn(newest)) {
        uint64_t old;
        if (claim(&old)) {
            give_back(old);
            lost++;
        }
        if (tb_load(&s->turn) != free_turn(newest)) return 0;
    }
    s->level = level;
    s->size = (uint32_t)(size < LINE ? size : LINE);
    memcpy(s->text, text, s->size);
    tb_store(&s->turn, free_turn(newest) + 1);
    newest++;
    return 1;
}

void tb_lib_log(int32_t level, const char* text, size_t size) {
    if (!put(level, text, size)) lost++;
    if (lost != 0 && newest - tb_load(&oldest) < SLOTS) {
        char note[80];
        int  n = snprintf(note, sizeof note, "log: %llu older lines were lost: call turbo_log_read more often",
                          (unsigned long long)lost);
        if (put(TURBO_LOG_WARN, note, (size_t)n)) lost = 0;
    }
}

int64_t turbo_log_read(int32_t* level, char* text, size_t capacity) {
    uint64_t position;
    slot*    s;
    int64_t  n;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if ((text == NULL && capacity != 0) || (uintptr_t)level % sizeof(int32_t) != 0) return TURBO_ERROR_INVALID;
    if (!claim(&position)) return TURBO_ERROR_AGAIN;
    s = at(position);
    n = s->size;
    if (level != NULL) *level = s->level;
    if (capacity != 0) {
        size_t size = s->size < capacity - 1 ? s->size : capacity - 1;
        memcpy(text, s->text, size);
        text[size] = 0;
    }
    give_back(position);
    return n;
}
