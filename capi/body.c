/* body.c - the body of a response: LIB appends parts, the host looks at them and says how much it has used.
 *
 * A part is freed once the host's cursor is beyond a byte behind it: only then it has certainly left the part. Its bytes
 * go home earlier, as soon as all of them are used. While spans are lent LIB uses parts too, and the cursor stays behind
 * until the host's next call. */
#include "record.h"

#include <stdlib.h>

#define SPARES 8u                                      /* parts kept with a record for its next bodies */
#define PASSED ((size_t)1 << (sizeof(size_t) * 8 - 1)) /* in a part's size: HOST is beyond it, so it grows no more */

/* ---- The library's side: one call at a time for each request -------------------------------------- */
static tb_link* spare_parts; /* LIB, under the lock: parts of no record */
static tb_lock  lock;        /* between the library's threads only */
#define CHUNK 256

static tb_part* part_new(tb_request* r) {
    tb_part* p = r->spare;
    if (p != NULL) {
        r->spare = p->next;
        r->spares--;
        return p;
    }
    tb_lock_take(&lock);
    if (spare_parts == NULL) {
        tb_part* chunk = calloc(CHUNK, sizeof *chunk);
        int      i;
        for (i = 0; chunk != NULL && i < CHUNK; i++) {
            tb_link* link = (tb_link*)(void*)&chunk[i];
            link->next = spare_parts;
            spare_parts = link;
        }
    }
    p = (tb_part*)(void*)spare_parts;
    if (p != NULL) spare_parts = spare_parts->next;
    tb_lock_give(&lock);
    return p;
}

static void part_free(tb_request* r, tb_part* p) {
    if (r->spares < SPARES) {
        p->next = r->spare;
        r->spare = p;
        r->spares++;
        return;
    }
    tb_lock_take(&lock);
    ((tb_link*)(void*)p)->next = spare_parts;
    spare_parts = (tb_link*)(void*)p;
    tb_lock_give(&lock);
}

/* Lets the last part grow when the bytes follow it in memory: a host that does not look at single bytes pays for none of
 * them. Not once the host has passed the part, which it says in the same word. */
static int grow(tb_request* r, const uint8_t* data, size_t size) {
    tb_part* p = r->tail;
    size_t   had;
    if (p == NULL) return 0;
    had = tb_peek(&p->size);
    if ((had & PASSED) != 0 || p->data + had != data) return 0;
    p->end += size; /* LIB's own */
    if (tb_cas(&p->size, &had, had + size)) return 1;
    p->end -= size;
    return 0;
}

int tb_lib_body(tb_request* r, const uint8_t* data, size_t size, uint64_t now) {
    tb_part* p;
    if (grow(r, data, size)) {
        tb_store(&r->body_ns, now);
        tb_store(&r->bytes_told, r->tail->end); /* after the bytes: what the host consumes by it lies in its parts */
        return tb_body_tell(r);
    }
    p = part_new(r);
    if (p == NULL) return -1;
    p->next = NULL;
    p->data = data;
    p->size = size;
    p->end = tb_peek(&r->bytes_told) + size;
    if (r->tail == NULL) {
        r->oldest = p;
        tb_store(&r->parts, p);
    } else {
        tb_store(&r->tail->next, p);
    }
    r->tail = p;
    tb_store(&r->body_ns, now);
    /* Bytes before parts: what peek shows can be consumed at once. A host that consumes by the event's count may so be
     * ahead of parts_told for a moment; peek allows for it. */
    tb_store(&r->bytes_told, p->end);
    tb_store(&r->parts_told, tb_peek(&r->parts_told) + 1);
    return tb_body_tell(r);
}

uint64_t tb_lib_consumed(tb_request* r) {
    uint64_t consumed = tb_load(&r->consumed);
    uint64_t cursor = tb_load(&r->cursor);
    while (r->oldest != NULL && r->oldest->end < cursor) {
        tb_part* p = r->oldest;
        r->oldest = p->next;
        part_free(r, p);
    }
    return consumed;
}

void tb_lib_leave(tb_request* r) {
    while (r->oldest != NULL) {
        tb_part* p = r->oldest;
        r->oldest = p->next;
        part_free(r, p);
    }
    tb_request_left(r, TB_LEFT_LIB);
}

/* ---- The host's side: the caller holds TB_RECEIVING ------------------------------------------------ */
static size_t size_of(tb_part* p) { return tb_load(&p->size) & ~PASSED; }

/* Passes the part at, if the host has used all of it. LIB may let it grow at this very moment: then there is more of it. */
static void pass(tb_request* r) {
    size_t all = (size_t)r->at_offset;
    if (tb_cas(&r->at->size, &all, all | PASSED)) r->parts_passed++;
}

/* The part with the next byte, or NULL. */
static tb_part* current(tb_request* r) {
    if (r->at == NULL) {
        r->at = tb_load(&r->parts);
        r->at_offset = 0;
    } else if ((tb_load(&r->at->size) & PASSED) != 0) {
        tb_part* next = tb_load(&r->at->next);
        if (next == NULL) return NULL;
        r->at = next;
        r->at_offset = 0;
    }
    return r->at;
}

void tb_body_sync(tb_request* r) {
    uint64_t consumed = tb_load(&r->consumed);
    uint64_t left = consumed - r->cursor;
    while (left != 0) {
        tb_part* p = current(r);
        uint64_t here = size_of(p) - r->at_offset;
        if (here > left) here = left;
        r->at_offset += here;
        left -= here;
        if (r->at_offset == size_of(p)) pass(r);
    }
    tb_store(&r->cursor, consumed);
}

static int64_t peek(tb_request* r, turbo_bytes* segments, size_t capacity) {
    uint32_t told = tb_load(&r->told); /* before parts_told: the end is told after the last part */
    int64_t  n;
    uint64_t left;
    tb_part* p;
    size_t   i;
    if ((told & TB_TOLD_DONE) == 0 && (r->wants & TURBO_WANT(TURBO_EVENT_BODY)) == 0) return TURBO_ERROR_AGAIN;
    if (tb_load(&r->filling) != 0) return TURBO_ERROR_STATE;
    tb_body_sync(r);
    n = (int64_t)(tb_load(&r->parts_told) - r->parts_passed);
    left = tb_load(&r->bytes_told) - r->cursor; /* the last part may just have grown beyond what can be consumed */
    if (n <= 0 || left == 0) {
        if ((told & TB_TOLD_END) != 0) return 0;
        return (told & TB_TOLD_DONE) != 0 ? r->status : TURBO_ERROR_AGAIN;
    }
    p = current(r);
    for (i = 0; i < capacity && i < (uint64_t)n; i++) {
        size_t skip = i == 0 ? (size_t)r->at_offset : 0;
        size_t size = size_of(p) - skip;
        if (size > left) size = (size_t)left;
        segments[i].data = p->data + skip;
        segments[i].size = size;
        left -= size;
        p = tb_load(&p->next);
    }
    return n;
}

static turbo_status consume(tb_request* r, size_t size) {
    uint64_t consumed = tb_peek(&r->consumed);
    if (size > tb_load(&r->bytes_told) - consumed) return TURBO_ERROR_INVALID;
    if (size == 0) return TURBO_OK;
    tb_body_sync(r); /* what LIB used */
    tb_store(&r->consumed, consumed + size);
    tb_body_sync(r); /* and what we use */
    tb_order(r, TB_CMD_CONSUME);
    return TURBO_OK;
}

int64_t turbo_response_peek(turbo_request request, turbo_bytes* segments, size_t capacity) {
    tb_request* r;
    int64_t     n;
    if ((segments == NULL && capacity != 0) || tb_misaligned(segments)) {
        return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    }
    n = tb_request_enter(request, TB_RECEIVING, &r);
    if (n != TURBO_OK) return n;
    n = peek(r, segments, capacity);
    tb_request_leave(r, TB_RECEIVING);
    return n;
}

turbo_status turbo_response_consume(turbo_request request, size_t size) {
    tb_request*  r;
    turbo_status s = tb_request_enter(request, TB_RECEIVING, &r);
    if (s != TURBO_OK) return s;
    if ((tb_load(&r->told) & TB_TOLD_DONE) == 0 && (r->wants & TURBO_WANT(TURBO_EVENT_BODY)) == 0) {
        s = TURBO_ERROR_STATE;
    } else if (tb_load(&r->filling) != 0) {
        s = TURBO_ERROR_STATE;
    } else {
        s = consume(r, size);
    }
    tb_request_leave(r, TB_RECEIVING);
    return s;
}
