/* upload.c - the body of a TURBO_STREAM request: write, reserve and commit, finish. */
#include "record.h"

#define MAX_PARTS    65536u
#define MAX_RESERVE  (UINT32_C(1) << 20) /* 1 MiB, as the header says */
#define MAX_TRAILERS (UINT32_C(1) << 20)
#define CHUNK        (UINT32_C(16) << 10) /* one TLS record */

/* ---- The window --------------------------------------------------------------------------------- */
static int tell_writable(tb_request* r) {
    uint32_t bit = TURBO_WANT(TURBO_EVENT_WRITABLE);
    return tb_or(&r->events, bit) == 0 && tb_queue_push(r->queue, &r->event_link);
}

int tb_lib_sent(tb_request* r, int64_t n) {
    uint64_t sent = __atomic_add_fetch(&r->sent, (uint64_t)n, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->above, __ATOMIC_SEQ_CST) == 0 || tb_load(&r->queued) - sent >= r->window) return 0;
    return tb_swap(&r->above, 0) != 0 && tell_writable(r);
}

int tb_lib_stopped(tb_request* r) {
    tb_or(&r->told, TB_TOLD_STOPPED);
    return tb_swap(&r->above, 0) != 0 && tell_writable(r);
}

/* What is queued now, and the promise of WRITABLE when that is above the window. */
static int64_t fullness(tb_request* r) {
    uint64_t queued = r->queued - __atomic_load_n(&r->sent, __ATOMIC_SEQ_CST);
    if (queued <= r->window) return (int64_t)queued;
    __atomic_store_n(&r->above, 1, __ATOMIC_SEQ_CST);
    /* Either LIB sees the mark when the next bytes leave, or when no more is wanted, or we see it here. What is not wanted
     * is on its way back, not queued: who is told that it is would wait for a WRITABLE that nobody sends. */
    if ((__atomic_load_n(&r->told, __ATOMIC_SEQ_CST) & TB_TOLD_STOPPED) != 0)
        return tb_swap(&r->above, 0) != 0 ? 0 : (int64_t)queued;
    if (r->queued - __atomic_load_n(&r->sent, __ATOMIC_SEQ_CST) < r->window && tb_swap(&r->above, 0) != 0)
        return (int64_t)(r->queued - tb_load(&r->sent));
    return (int64_t)queued;
}

/* ---- Giving ------------------------------------------------------------------------------------- */
/* Enters a request that may still be given body. */
static turbo_status enter(turbo_request h, tb_request** r) {
    turbo_status s = tb_request_enter(h, TB_SENDING, r);
    if (s == TURBO_OK &&
        (!(*r)->stream || (*r)->ended || (tb_load(&(*r)->told) & (TB_TOLD_DONE | TB_TOLD_STOPPED)) != 0)) {
        tb_request_leave(*r, TB_SENDING);
        s = TURBO_ERROR_STATE;
    }
    return s;
}

/* Whether total more bytes, and perhaps the end, fit what the size promised. */
static int fits(const tb_request* r, uint64_t total, int end) {
    return r->send_total == 0 || (total <= r->send_total - r->queued && (!end || r->queued + total == r->send_total));
}

static int64_t give(tb_request* r, tb_lent* l) {
    uint64_t     size = l->size; /* LIB may free l at once */
    uint32_t     end = l->end = l->end || (r->send_total != 0 && r->queued + size == r->send_total);
    turbo_status s;
    tb_store(&r->queued, r->queued + size); /* before LIB can tell that it has left */
    s = tb_lent_give(r, l);
    if (s != TURBO_OK) return s;
    r->ended = end;
    return fullness(r);
}

static tb_lent* lent_new(uint32_t kind, size_t extra, uint32_t flags) {
    tb_lent* l = tb_arena_get(sizeof *l + extra);
    if (l == NULL) return NULL;
    memset(l, 0, sizeof *l);
    l->kind = kind;
    l->end = (flags & TURBO_END) != 0;
    l->parts = &l->part;
    return l;
}

/* ---- Write -------------------------------------------------------------------------------------- */
static turbo_status measure(const turbo_bytes* parts, size_t count, uint64_t* total) {
    size_t i;
    *total = 0;
    if (count != 0 && (parts == NULL || tb_misaligned(parts))) return TURBO_ERROR_INVALID;
    if (count > MAX_PARTS) return TURBO_ERROR_LIMIT;
    for (i = 0; i < count; i++) {
        if (parts[i].size == 0) continue;
        if (parts[i].data == NULL || (uintptr_t)parts[i].data + parts[i].size < (uintptr_t)parts[i].data)
            return TURBO_ERROR_INVALID;
        if (parts[i].size > UINT64_C(1) << 62 || (*total += parts[i].size) > UINT64_C(1) << 62)
            return TURBO_ERROR_INVALID;
    }
    return TURBO_OK;
}

static tb_lent* copied(const turbo_bytes* parts, size_t count, size_t total, uint32_t flags) {
    tb_lent* l;
    uint8_t* to;
    size_t   i;
    if (total > SIZE_MAX - sizeof *l) return NULL;
    l = lent_new(TB_LENT_COPY, total, flags);
    if (l == NULL || total == 0) return l;
    to = (uint8_t*)(l + 1);
    l->part.data = to;
    l->part.size = total;
    l->count = 1;
    for (i = 0; i < count; i++) {
        if (parts[i].size == 0) continue;
        memcpy(to, parts[i].data, parts[i].size);
        to += parts[i].size;
    }
    return l;
}

static tb_lent* borrowed(const turbo_bytes* parts, size_t count, uint32_t flags) {
    tb_lent* l = lent_new(TB_LENT_WRITE, count * sizeof(turbo_span), flags);
    size_t   i;
    if (l == NULL) return NULL;
    l->parts = (turbo_span*)(void*)(l + 1);
    for (i = 0; i < count; i++) {
        if (parts[i].size == 0) continue;
        l->parts[l->count].data = (uint8_t*)(uintptr_t)parts[i].data; /* read only */
        l->parts[l->count++].size = parts[i].size;
    }
    return l;
}

static int64_t write_parts(tb_request* r, const turbo_bytes* parts, size_t count, uint64_t total, uint64_t token,
                           uint32_t flags) {
    uint64_t queued = r->queued - tb_load(&r->sent);
    tb_lent* l;
    if (!fits(r, total, (flags & TURBO_END) != 0)) return TURBO_ERROR_INVALID;
    if (queued != 0 && queued + total > 4 * r->window) return TURBO_ERROR_LIMIT;
    l = (flags & TURBO_COPY) != 0 || total == 0 ? copied(parts, count, (size_t)total, flags)
                                                : borrowed(parts, count, flags);
    if (l == NULL) return TURBO_ERROR_LIMIT;
    l->size = total;
    l->token = token;
    return give(r, l);
}

/* A body of known size ends with its last byte. Who says so once more is right, also when the exchange is over by now. */
static int all_queued(turbo_request h) {
    tb_request* r;
    int         all;
    if (tb_request_enter(h, TB_SENDING, &r) != TURBO_OK) return 0;
    all = r->stream && r->send_total != 0 && r->queued == r->send_total;
    tb_request_leave(r, TB_SENDING);
    return all;
}

int64_t turbo_request_write(turbo_request request, const turbo_bytes* parts, size_t count, uint64_t token,
                            uint32_t flags) {
    tb_request*  r;
    uint64_t     total;
    int64_t      n;
    turbo_status s = measure(parts, count, &total);
    if ((flags & ~(uint32_t)(TURBO_COPY | TURBO_END)) != 0) s = TURBO_ERROR_UNSUPPORTED;
    if (s != TURBO_OK) return tb_ready() ? s : TURBO_ERROR_STATE;
    if (total == 0 && (flags & TURBO_END) != 0 && all_queued(request)) return 0;
    n = enter(request, &r);
    if (n != TURBO_OK) return n;
    n = write_parts(r, parts, count, total, token, flags);
    tb_request_leave(r, TB_SENDING);
    return n;
}

/* ---- Reserve and commit ------------------------------------------------------------------------- */
void tb_chunk_drop(tb_chunk* c) {
    if (c != NULL && __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0) tb_arena_put(c);
}

#define CHUNK_HEAD ((sizeof(tb_chunk) + 15) & ~(size_t)15)

/* Each commit lies in its chunk as a tb_lent with its bytes behind it. */
static turbo_status reserve(tb_request* r, size_t at_least, turbo_span* span) {
    tb_chunk* c = r->chunk;
    size_t    needed = sizeof(tb_lent) + (at_least == 0 ? 1 : at_least);
    r->reserved = 0; /* the view of the call before ends, whether this one works or not */
    if (c != NULL && c->size - c->used < needed) {
        r->chunk = NULL;
        tb_chunk_drop(c);
        c = NULL;
    }
    if (c == NULL) {
        size_t size = CHUNK_HEAD + needed;
        if (size < CHUNK) size = CHUNK;
        c = tb_arena_get(size);
        if (c == NULL) return TURBO_ERROR_LIMIT;
        c->refs = 1;
        c->size = size;
        c->used = CHUNK_HEAD;
        r->chunk = c;
    }
    span->data = (uint8_t*)c + c->used + sizeof(tb_lent);
    span->size = c->size - c->used - sizeof(tb_lent);
    r->reserved = span->size + 1;
    return TURBO_OK;
}

turbo_status turbo_request_reserve(turbo_request request, size_t at_least, turbo_span* span) {
    tb_request*  r;
    turbo_status s;
    if (span == NULL || tb_misaligned(span)) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    span->data = NULL;
    span->size = 0;
    if (at_least > MAX_RESERVE) return tb_ready() ? TURBO_ERROR_LIMIT : TURBO_ERROR_STATE;
    s = enter(request, &r);
    if (s != TURBO_OK) return s;
    s = reserve(r, at_least, span);
    tb_request_leave(r, TB_SENDING);
    return s;
}

static int64_t commit(tb_request* r, size_t size, uint32_t flags) {
    tb_chunk* c = r->chunk;
    tb_lent*  l;
    if (r->reserved == 0) return TURBO_ERROR_STATE;
    if (size > r->reserved - 1 || !fits(r, size, (flags & TURBO_END) != 0)) return TURBO_ERROR_INVALID;
    r->reserved = 0;
    l = (tb_lent*)(void*)((uint8_t*)c + c->used);
    memset(l, 0, sizeof *l);
    l->kind = TB_LENT_COMMIT;
    l->end = (flags & TURBO_END) != 0;
    l->size = size;
    l->parts = &l->part;
    l->count = size != 0;
    l->part.data = (uint8_t*)(l + 1);
    l->part.size = size;
    l->chunk = c;
    c->used = (c->used + sizeof *l + size + 15) & ~(size_t)15;
    if (c->used + sizeof *l >= c->size) {
        r->chunk = NULL; /* full: l has our reference */
    } else {
        __atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
    }
    return give(r, l);
}

int64_t turbo_request_commit(turbo_request request, size_t size, uint32_t flags) {
    tb_request* r;
    int64_t     n;
    if ((flags & ~(uint32_t)TURBO_END) != 0) return tb_ready() ? TURBO_ERROR_UNSUPPORTED : TURBO_ERROR_STATE;
    if (size == 0 && flags != 0 && all_queued(request)) return 0;
    n = enter(request, &r);
    if (n != TURBO_OK) return n;
    n = commit(r, size, flags);
    tb_request_leave(r, TB_SENDING);
    return n;
}

/* ---- Finish ------------------------------------------------------------------------------------- */
turbo_status turbo_request_finish(turbo_request request, turbo_bytes trailers) {
    tb_request* r;
    tb_lent*    l;
    int64_t     n;
    if (trailers.data == NULL || trailers.size == 0) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    if (trailers.size > MAX_TRAILERS) return tb_ready() ? TURBO_ERROR_LIMIT : TURBO_ERROR_STATE;
    n = enter(request, &r);
    if (n != TURBO_OK) return (turbo_status)n;
    if (r->send_total != 0) {
        n = TURBO_ERROR_INVALID;
    } else if ((l = lent_new(TB_LENT_TRAILERS, trailers.size, TURBO_END)) == NULL) {
        n = TURBO_ERROR_LIMIT;
    } else {
        l->part.data = (uint8_t*)(l + 1);
        l->part.size = trailers.size;
        memcpy(l->part.data, trailers.data, trailers.size);
        n = give(r, l);
    }
    tb_request_leave(r, TB_SENDING);
    return n < 0 ? (turbo_status)n : TURBO_OK;
}
