/* request.c - submit, cancel, release, and what can be asked about a request. */
#include "record.h"

#define MAX_HEAD  (UINT32_C(1) << 20) /* 1 MiB, as the header says */
#define MAX_SPANS 65536u
#define WANTS     (TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY) | TURBO_WANT(TURBO_EVENT_DONE))

turbo_status tb_request_enter(turbo_request h, uint64_t how, tb_request** r) {
    if (!tb_ready()) return TURBO_ERROR_STATE;
    *r = TB_KIND(h.id) == TB_KIND_REQUEST ? tb_request_at(TB_INDEX(h.id)) : NULL;
    return *r == NULL ? TURBO_ERROR_STALE : tb_enter(&(*r)->state, h.id, how);
}

void tb_request_leave(tb_request* r, uint64_t how) {
    uint64_t behind = tb_leave(&r->state, how);
    if ((behind & TB_RELEASED) == 0 || (behind & TB_INSIDES) != 0) return;
    tb_order(r, TB_CMD_FREE); /* the last command of this life */
    tb_request_left(r, TB_LEFT_HOST);
}

/* ---- Submit ------------------------------------------------------------------------------------- */
static turbo_status check_options(const turbo_request_options* o, uint64_t* total) {
    size_t i;
    *total = 0;
    uint32_t stream = o->flags & TURBO_STREAM;
    if ((o->flags & ~(uint32_t)(TURBO_COPY | TURBO_STREAM)) != 0 || (o->events & ~WANTS) != 0)
        return TURBO_ERROR_UNSUPPORTED;
    if (o->body_count != 0 && (o->body == NULL || tb_misaligned(o->body))) return TURBO_ERROR_INVALID;
    if (stream ? o->body_count != 0 || o->body_size > UINT64_C(1) << 62 : o->body_size != 0) return TURBO_ERROR_INVALID;
    if (o->body_count > MAX_SPANS) return TURBO_ERROR_LIMIT;
    for (i = 0; i < o->body_count; i++) {
        const turbo_bytes* b = &o->body[i];
        if (b->size != 0 && (b->data == NULL || (uintptr_t)b->data + b->size < (uintptr_t)b->data))
            return TURBO_ERROR_INVALID;
        if (b->size > UINT64_C(1) << 62 || (*total += b->size) > UINT64_C(1) << 62) return TURBO_ERROR_INVALID;
    }
    if (o->into.size != 0 && o->into.data == NULL) return TURBO_ERROR_INVALID;
    if (o->into.size != 0) {
        if ((o->events & TURBO_WANT(TURBO_EVENT_BODY)) != 0) return TURBO_ERROR_INVALID;
        if ((uintptr_t)o->into.data + o->into.size < (uintptr_t)o->into.data) return TURBO_ERROR_INVALID;
    }
    return TURBO_OK;
}

/* The body: as lent spans, or as one copied span. 0: no memory. */
static int take_body(tb_request* r, const turbo_request_options* o, uint64_t total) {
    size_t i;
    r->spans = r->spans_inline;
    r->span_count = 0;
    r->copy = NULL;
    r->send_total = total;
    if (total == 0) return 1;
    if ((o->flags & TURBO_COPY) != 0) {
        uint8_t* to;
        if (total > SIZE_MAX - 64) return 0;
        to = r->copy = tb_arena_get((size_t)total);
        if (to == NULL) return 0;
        r->spans[0].data = to;
        r->spans[0].size = (size_t)total;
        r->span_count = 1;
        for (i = 0; i < o->body_count; i++) {
            if (o->body[i].size == 0) continue;
            memcpy(to, o->body[i].data, o->body[i].size);
            to += o->body[i].size;
        }
        return 1;
    }
    if (o->body_count > TB_SPANS_INLINE) {
        turbo_span* spans = tb_arena_get(o->body_count * sizeof *spans);
        if (spans == NULL) return 0;
        r->spans = spans;
    }
    for (i = 0; i < o->body_count; i++) {
        if (o->body[i].size == 0) continue;
        r->spans[r->span_count].data = (uint8_t*)(uintptr_t)o->body[i].data; /* read only */
        r->spans[r->span_count++].size = o->body[i].size;
        r->borrowed++;
    }
    return 1;
}

static void clear(tb_request* r) {
    r->left = r->forgotten = 0;
    r->consumed = r->cursor = r->sent = r->received = r->receive_total = 0;
    r->filling = r->above = r->ended = 0;
    r->queued = r->reserved = 0;
    r->lent = NULL;
    r->trailers = NULL;
    r->trailers_size = 0;
    r->commands = r->events = 0;
    __atomic_store_n(&r->told, 0, __ATOMIC_RELAXED);
    r->borrowed = 0;
    r->response = NULL;
    r->head_status = r->http_status = 0;
    r->error = NULL;
    r->error_size = 0;
    r->parts = r->at = r->tail = r->oldest = NULL;
    r->parts_told = r->bytes_told = r->at_offset = r->parts_passed = 0;
}

static void abandon(tb_request* r) {
    tb_or(&r->state, TB_RELEASED);
    tb_request_left(r, TB_LEFT_ALL);
}

static turbo_status submit(tb_client* c, turbo_bytes head, const turbo_request_options* o, uint64_t total,
                           turbo_request* request) {
    tb_request* r = tb_request_new();
    if (r == NULL) return TURBO_ERROR_LIMIT;
    clear(r);
    r->client = c;
    r->queue = c->queue;
    r->user_data = o->user_data;
    r->wants = o->events;
    r->timeout_ms = o->timeout_ms;
    r->max_body_bytes = o->max_body_bytes;
    r->into = o->into;
    r->head = head.size <= TB_HEAD_INLINE ? r->head_inline : tb_arena_get(head.size);
    r->spans = r->spans_inline;
    r->copy = NULL;
    r->chunk = NULL;
    r->stream = (o->flags & TURBO_STREAM) != 0;
    r->window = c->config.window_bytes != 0 ? c->config.window_bytes : UINT64_C(256) << 10;
    if (r->head == NULL) {
        r->head = r->head_inline;
        abandon(r);
        return TURBO_ERROR_LIMIT;
    }
    memcpy(r->head, head.data, head.size);
    r->head_size = head.size;
    if (!take_body(r, o, total)) {
        abandon(r);
        return TURBO_ERROR_LIMIT;
    }
    if (r->stream) r->send_total = o->body_size;
    if (r->into.size != 0) r->borrowed++;
    tb_borrow(r->borrowed);
    r->started_ns = tb_now();
    request->id = r->id; /* before the library may answer */
    tb_order(r, TB_CMD_SUBMIT);
    return TURBO_OK;
}

turbo_status turbo_submit(turbo_client client, turbo_bytes head, const turbo_request_options* options,
                          turbo_request* request) {
    turbo_request_options o;
    tb_client*            c;
    turbo_status          s;
    uint64_t              total;
    if (request == NULL || tb_misaligned(request)) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    request->id = 0;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (options == NULL) {
        o = turbo_request_options_default();
    } else if ((s = tb_struct_copy(&o, sizeof o, options)) != TURBO_OK) {
        return s;
    }
    if (head.data == NULL || head.size == 0) return TURBO_ERROR_INVALID;
    if (head.size > MAX_HEAD) return TURBO_ERROR_LIMIT;
    if ((s = check_options(&o, &total)) != TURBO_OK) return s;

    c = TB_KIND(client.id) == TB_KIND_CLIENT ? tb_client_at(TB_INDEX(client.id)) : NULL;
    s = c == NULL ? TURBO_ERROR_STALE : tb_enter(&c->state, client.id, 0);
    if (s != TURBO_OK) return s;
    s = __atomic_load_n(&c->closing, __ATOMIC_SEQ_CST) != 0 ? TURBO_ERROR_STATE : submit(c, head, &o, total, request);
    tb_leave(&c->state, 0);
    return s;
}

/* ---- Cancel and release ------------------------------------------------------------------------- */
turbo_status turbo_request_cancel(turbo_request request) {
    tb_request*  r;
    turbo_status s = tb_request_enter(request, 0, &r);
    if (s != TURBO_OK) return s;
    if ((tb_load(&r->told) & TB_TOLD_DONE) == 0) tb_order(r, TB_CMD_CANCEL);
    tb_request_leave(r, 0);
    return TURBO_OK;
}

/* The caller is inside. */
static turbo_status release(tb_request* r) {
    uint64_t     before = tb_or(&r->state, TB_RELEASED);
    turbo_status s = TURBO_OK;
    if ((before & TB_RELEASED) != 0) {
        s = TURBO_ERROR_STALE;
    } else if ((before & TB_INSIDES) > TB_INSIDE) {
        tb_order(r, TB_CMD_CANCEL); /* others are inside: stop it now, the last of them sends it home */
    }
    tb_request_leave(r, 0);
    return s;
}

turbo_status turbo_request_release(turbo_request request) {
    tb_request*  r;
    turbo_status s = tb_request_enter(request, 0, &r);
    return s != TURBO_OK ? s : release(r);
}

void tb_request_end(tb_request* r) {
    if (tb_enter(&r->state, tb_load(&r->state), 0) != TURBO_OK) return;
    tb_store(&r->forgotten, 1);
    release(r);
}

/* ---- Questions ---------------------------------------------------------------------------------- */
int64_t turbo_request_error(turbo_request request, char* text, size_t capacity) {
    tb_request* r;
    int64_t     n;
    if (text == NULL && capacity != 0) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    n = tb_request_enter(request, 0, &r);
    if (n != TURBO_OK) return n;
    if ((tb_load(&r->told) & TB_TOLD_DONE) == 0) {
        n = TURBO_ERROR_STATE;
    } else {
        n = (int64_t)r->error_size;
        if (capacity != 0) {
            size_t size = r->error_size < capacity - 1 ? r->error_size : capacity - 1;
            if (size != 0) memcpy(text, r->error, size);
            text[size] = 0;
        }
    }
    tb_request_leave(r, 0);
    return n;
}

turbo_status turbo_request_timings(turbo_request request, turbo_timings* timings) {
    tb_request*  r;
    turbo_status s;
    if (timings == NULL || (uintptr_t)timings % sizeof(uint32_t) != 0) {
        return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    }
    s = tb_request_enter(request, 0, &r);
    if (s != TURBO_OK) return s;
    if ((tb_load(&r->told) & TB_TOLD_DONE) == 0) {
        s = TURBO_ERROR_STATE;
    } else {
        memcpy(timings, &r->timings, sizeof *timings);
    }
    tb_request_leave(r, 0);
    return s;
}

turbo_status turbo_request_progress(turbo_request request, turbo_progress* progress) {
    tb_request*    r;
    turbo_progress p;
    turbo_status   s;
    if (progress == NULL || (uintptr_t)progress % sizeof(uint32_t) != 0)
        return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    s = tb_request_enter(request, 0, &r);
    if (s != TURBO_OK) return s;
    p.sent = tb_load(&r->sent);
    p.send_total = r->send_total;
    p.received = tb_load(&r->received);
    p.receive_total = tb_load(&r->receive_total);
    memcpy(progress, &p, sizeof p);
    tb_request_leave(r, 0);
    return TURBO_OK;
}
