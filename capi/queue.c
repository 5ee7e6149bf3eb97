/* queue.c - completion queues. LIB pushes links, the host takes them all and turns them into events. */
#include "record.h"

#define OWNER(member, link) ((tb_request*)(void*)((char*)(link)-offsetof(tb_request, member)))
#define QUESTION(link)      ((tb_verify*)(void*)((char*)(link)-offsetof(tb_verify, event_link)))

/* ---- The library's side ------------------------------------------------------------------------- */
int tb_queue_push(tb_queue* q, tb_link* link) {
    tb_add(&q->pushed, 1);
    tb_push(&q->incoming, link);
    return __atomic_load_n(&q->sleeping, __ATOMIC_SEQ_CST) != 0 ||
           __atomic_load_n(&q->watched, __ATOMIC_SEQ_CST) == TB_WATCHED;
}

void tb_lib_stir(void) {
    uint32_t  i;
    tb_queue* q;
    for (i = 0; (q = tb_queue_at(i)) != NULL; i++) {
        if (__atomic_load_n(&q->incoming, __ATOMIC_SEQ_CST) != NULL) tb_queue_stir(q);
    }
}

/* The handle of a destroyed queue is closed by whoever is last to leave it: by the host, or by a thread of LIB that was about
 * to set it, so that neither waits for the other and nothing is written to a number that is somebody else's by now. */
static void leave_handle(tb_queue* q, uint32_t left) {
    int32_t handle;
    if (left != TB_HANDLE_OVER) return;
    handle = __atomic_exchange_n(&q->handle, -1, __ATOMIC_SEQ_CST);
    if (handle >= 0) tb_handle_close(handle);
}

void tb_queue_unwatch(tb_queue* q) { leave_handle(q, tb_or(&q->setting, TB_HANDLE_OVER) | TB_HANDLE_OVER); }

/* A record is used again. When somebody is still on his way out of its old handle, the handle serves the new queue. */
void tb_queue_watchable(tb_queue* q) {
    __atomic_fetch_and(&q->setting, ~TB_HANDLE_OVER, __ATOMIC_SEQ_CST);
    if (q->handle >= 0) tb_handle_clear(q->handle);
}

/* One at a time, and only from WATCHED: SIGNALLED stands for a handle that is set, so that the poll that takes the mark away
 * clears it. A poll that comes while it is being set leaves both to the next one. */
static void signal_handle(tb_queue* q) {
    uint32_t watched = TB_WATCHED;
    if (!tb_cas(&q->watched, &watched, TB_SIGNALLING)) return;
    if ((__atomic_fetch_add(&q->setting, 1, __ATOMIC_SEQ_CST) & TB_HANDLE_OVER) == 0)
        tb_handle_set(__atomic_load_n(&q->handle, __ATOMIC_SEQ_CST));
    watched = TB_SIGNALLING; /* not so: the record serves another queue by now */
    tb_cas(&q->watched, &watched, TB_SIGNALLED);
    leave_handle(q, __atomic_sub_fetch(&q->setting, 1, __ATOMIC_SEQ_CST));
}

void tb_queue_stir(tb_queue* q) {
    if (tb_swap(&q->sleeping, 0) != 0) tb_word_wake(&q->sleeping);
    if (tb_load(&q->watched) == TB_WATCHED) signal_handle(q);
}

static int tell(tb_request* r, int32_t kind) {
    uint32_t bit = TURBO_WANT(kind);
    return (r->wants & bit) != 0 && tb_or(&r->events, bit) == 0 && tb_queue_push(r->queue, &r->event_link);
}

int tb_lib_head(tb_request* r, const uint8_t* view, size_t size, uint32_t http_status, uint64_t total, uint64_t now) {
    r->response = view;
    r->response_size = size;
    r->head_status = http_status;
    r->head_ns = now;
    tb_store(&r->receive_total, total);
    tb_or(&r->told, TB_TOLD_HEAD);
    return tell(r, TURBO_EVENT_HEAD);
}

int tb_body_tell(tb_request* r) { return tell(r, TURBO_EVENT_BODY); }

int tb_lib_end(tb_request* r, uint64_t now) {
    tb_store(&r->body_ns, now);
    tb_or(&r->told, TB_TOLD_END);
    return tell(r, TURBO_EVENT_BODY);
}

static uint64_t borrowed; /* spans of the host in use; shared */

uint64_t tb_lib_borrowed(void) { return tb_load(&borrowed); }

void tb_borrow(uint64_t spans) {
    if (spans != 0) tb_add(&borrowed, spans);
}

int tb_lib_done(tb_request* r, tb_done done) {
    r->status = done.status;
    r->code = done.code;
    r->facts = done.facts;
    r->http_status = done.http_status;
    r->done_ns = done.now;
    r->error = done.error;
    r->error_size = done.error_size;
    r->trailers = done.trailers;
    r->trailers_size = done.trailers_size;
    r->timings = done.timings;
    if (r->borrowed != 0) tb_add(&borrowed, -r->borrowed);
    tb_or(&r->told, TB_TOLD_DONE);
    return tb_queue_push(r->queue, &r->done_link);
}

/* ---- The host's side ---------------------------------------------------------------------------- */
/* One event out of bits, lowest kind first. */
static void emit(tb_request* r, uint64_t* bits, turbo_event* e) {
    memset(e, 0, sizeof *e);
    e->source = r->id;
    e->user_data = r->user_data;
    if ((*bits & TURBO_WANT(TURBO_EVENT_HEAD)) != 0) {
        *bits &= ~(uint64_t)TURBO_WANT(TURBO_EVENT_HEAD);
        e->kind = TURBO_EVENT_HEAD;
        e->http_status = (uint16_t)r->head_status;
        e->time_ns = r->head_ns;
    } else if ((*bits & TURBO_WANT(TURBO_EVENT_WRITABLE)) != 0 && (*bits & TURBO_WANT(TURBO_EVENT_BODY)) == 0) {
        *bits = 0;
        e->kind = TURBO_EVENT_WRITABLE;
        e->time_ns = tb_now();
    } else {
        *bits &= ~(uint64_t)TURBO_WANT(TURBO_EVENT_BODY);
        e->kind = TURBO_EVENT_BODY;
        e->bytes = tb_load(&r->bytes_told) - tb_load(&r->consumed);
        e->time_ns = tb_load(&r->body_ns);
    }
}

static void emit_done(tb_request* r, turbo_event* e) {
    memset(e, 0, sizeof *e);
    e->source = r->id;
    e->user_data = r->user_data;
    e->kind = TURBO_EVENT_DONE;
    e->status = r->status;
    e->code = r->code;
    e->flags = (uint16_t)r->facts;
    e->http_status = (uint16_t)r->http_status;
    e->bytes = tb_load(&r->received);
    e->time_ns = r->done_ns;
}

/* 1: the event, unless the question was answered before it was asked. */
static int emit_verify(tb_verify* v, turbo_event* e) {
    if ((tb_load(&v->state) & TB_RELEASED) != 0) return 0;
    memset(e, 0, sizeof *e);
    e->kind = TURBO_EVENT_VERIFY;
    e->source = v->client_id;
    e->user_data = v->user_data;
    e->token = v->id;
    e->time_ns = v->now;
    return 1;
}

static int64_t take(tb_queue* q, turbo_event* events, size_t capacity) {
    size_t n = 0;
    while (n < capacity) {
        tb_link*    link;
        tb_request* r;
        if (q->rest != NULL) {
            emit(q->rest, &q->rest_bits, &events[n++]);
            if (q->rest_bits == 0) q->rest = NULL;
            continue;
        }
        link = q->first;
        if (link == NULL) {
            q->first = tb_take(&q->incoming);
            if (q->first == NULL) break;
            continue;
        }
        q->first = link->next;
        tb_store(&q->popped, q->popped + 1);
        if (link->what == TB_LINK_DONE) {
            r = OWNER(done_link, link);
            emit_done(r, &events[n++]);
            tb_request_left(r, TB_LEFT_QUEUE);
            continue;
        }
        if (link->what == TB_LINK_LENT) {
            tb_lent_emit((tb_lent*)(void*)link, &events[n++]);
            continue;
        }
        if (link->what == TB_LINK_VERIFY) {
            n += (size_t)emit_verify(QUESTION(link), &events[n]);
            tb_verify_left(QUESTION(link), TB_LEFT_QUEUE);
            continue;
        }
        r = OWNER(event_link, link);
        q->rest_bits = tb_swap(&r->events, 0); /* from here on LIB may link it again */
        if ((tb_load(&r->state) & TB_RELEASED) == 0) q->rest = r;
    }
    return (int64_t)n;
}

/* The handle is cleared before events are taken: what comes behind that signals anew. */
static int64_t drain(tb_queue* q, turbo_event* events, size_t capacity) {
    int64_t n;
    if (tb_load(&q->watched) == 0) return take(q, events, capacity);
    if (tb_load(&q->watched) == TB_SIGNALLED) {
        tb_handle_clear(q->handle);
        __atomic_store_n(&q->watched, TB_WATCHED, __ATOMIC_SEQ_CST);
    }
    n = take(q, events, capacity);
    if (n == 0) { /* the handle may be set for the queue that the record was before */
        uint32_t watched = TB_WATCHED;
        if (tb_cas(&q->watched, &watched, TB_SIGNALLING)) { /* nobody else sets or clears it meanwhile */
            tb_handle_clear(q->handle);
            __atomic_store_n(&q->watched, TB_WATCHED, __ATOMIC_SEQ_CST);
        }
    }
    if (q->rest != NULL || q->first != NULL || __atomic_load_n(&q->incoming, __ATOMIC_SEQ_CST) != NULL)
        tb_queue_stir(q);
    return n;
}

void tb_queue_drop(tb_queue* q) {
    for (;;) {
        tb_link* link = q->first;
        q->rest = NULL;
        if (link == NULL) {
            q->first = tb_take(&q->incoming);
            if (q->first == NULL) return;
            continue;
        }
        q->first = link->next;
        tb_store(&q->popped, q->popped + 1);
        if (link->what == TB_LINK_DONE) {
            tb_request_left(OWNER(done_link, link), TB_LEFT_QUEUE);
        } else if (link->what == TB_LINK_LENT) {
            tb_lent_free((tb_lent*)(void*)link);
        } else if (link->what == TB_LINK_VERIFY) {
            tb_verify_left(QUESTION(link), TB_LEFT_QUEUE);
        } else {
            tb_swap(&OWNER(event_link, link)->events, 0);
        }
    }
}

uint64_t tb_lib_events_waiting(void) {
    uint64_t  sum = 0;
    uint32_t  i;
    tb_queue* q;
    for (i = 0; (q = tb_queue_at(i)) != NULL; i++) {
        uint64_t popped = tb_load(&q->popped);
        sum += tb_load(&q->pushed) - popped;
    }
    return sum;
}

static tb_queue* lookup(turbo_queue h) { return TB_KIND(h.id) == TB_KIND_QUEUE ? tb_queue_at(TB_INDEX(h.id)) : NULL; }

static turbo_status enter(turbo_queue h, uint64_t how, tb_queue** q) {
    *q = lookup(h);
    return *q == NULL ? TURBO_ERROR_STALE : tb_enter(&(*q)->state, h.id, how);
}

/* The caller holds TB_RECEIVING. */
static void retire(tb_queue* q) {
    tb_queue_drop(q);
    tb_or(&q->state, TB_RELEASED);
    tb_leave(&q->state, TB_RECEIVING);
    while ((tb_load(&q->state) & TB_INSIDES) != 0) tb_yield();
    tb_queue_free(q);
}

turbo_status turbo_queue_create(turbo_queue* queue) {
    tb_queue* q;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (queue == NULL || tb_misaligned(queue)) return TURBO_ERROR_INVALID;
    queue->id = 0;
    q = tb_queue_new();
    if (q == NULL) return TURBO_ERROR_LIMIT;
    if (!tb_ready()) { /* a shutdown that began meanwhile waits for us to leave, or never saw this queue */
        retire(q);
        return TURBO_ERROR_STATE;
    }
    queue->id = q->id;
    tb_leave(&q->state, TB_RECEIVING);
    return TURBO_OK;
}

turbo_status turbo_queue_destroy(turbo_queue queue) {
    tb_queue*    q;
    turbo_status s;
    uint64_t     alone, next;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    s = enter(queue, TB_RECEIVING, &q);
    if (s != TURBO_OK) return s;
    /* Only when this call is the only one inside: every client on it is inside, too. */
    alone = (queue.id >> TB_GEN_SHIFT << TB_GEN_SHIFT) + TB_INSIDE + TB_RECEIVING;
    next = alone | TB_RELEASED;
    if (!tb_cas(&q->state, &alone, next)) {
        tb_leave(&q->state, TB_RECEIVING);
        return TURBO_ERROR_STATE;
    }
    tb_queue_drop(q);
    tb_leave(&q->state, TB_RECEIVING);
    tb_queue_free(q);
    return TURBO_OK;
}

int tb_queue_end(tb_queue* q) {
    uint64_t     id = tb_load(&q->state);
    turbo_status s = tb_enter(&q->state, id, TB_RECEIVING);
    if (s == TURBO_ERROR_STALE) return 1;
    if (s == TURBO_OK) {
        retire(q);
        return 1;
    }
    tb_queue_stir(q);
    return 0;
}

int64_t turbo_queue_poll(turbo_queue queue, turbo_event* events, size_t capacity) {
    tb_queue* q;
    int64_t   n;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (events == NULL || capacity == 0 || (uintptr_t)events % sizeof(void*) != 0) return TURBO_ERROR_INVALID;
    n = enter(queue, TB_RECEIVING, &q);
    if (n != TURBO_OK) return n;
    n = drain(q, events, capacity);
    tb_leave(&q->state, TB_RECEIVING);
    return n;
}

int64_t turbo_queue_wait(turbo_queue queue, turbo_event* events, size_t capacity, uint32_t timeout_ms) {
    tb_queue* q;
    int64_t   n;
    uint64_t  deadline = 0;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (events == NULL || capacity == 0 || (uintptr_t)events % sizeof(void*) != 0) return TURBO_ERROR_INVALID;
    n = enter(queue, TB_RECEIVING, &q);
    if (n != TURBO_OK) return n;
    if (timeout_ms != TURBO_NONE) deadline = tb_now() + (uint64_t)timeout_ms * 1000000u;
    for (;;) {
        n = drain(q, events, capacity);
        if (n != 0 || tb_swap(&q->woken, 0) != 0) break;
        if (!tb_ready()) {
            n = TURBO_ERROR_STATE;
            break;
        }
        if (deadline != 0 && tb_now() >= deadline) break;
        __atomic_store_n(&q->sleeping, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&q->incoming, __ATOMIC_SEQ_CST) == NULL &&
            __atomic_load_n(&q->woken, __ATOMIC_SEQ_CST) == 0 && tb_ready()) {
            tb_word_wait(&q->sleeping, 1, deadline);
        }
        tb_swap(&q->sleeping, 0);
    }
    tb_leave(&q->state, TB_RECEIVING);
    return n;
}

turbo_status turbo_queue_wake(turbo_queue queue) {
    tb_queue*    q;
    turbo_status s;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    s = enter(queue, 0, &q);
    if (s != TURBO_OK) return s;
    __atomic_store_n(&q->woken, 1, __ATOMIC_SEQ_CST);
    tb_queue_stir(q);
    tb_leave(&q->state, 0);
    return TURBO_OK;
}

turbo_status turbo_queue_handle(turbo_queue queue, intptr_t* handle) {
    static tb_lock lock;
    tb_queue*      q;
    turbo_status   s;
    if (handle == NULL || tb_misaligned(handle)) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    *handle = -1;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    s = enter(queue, 0, &q);
    if (s != TURBO_OK) return s;
    tb_lock_take(&lock);
    if (q->handle < 0) q->handle = tb_handle_new();
    if (q->handle < 0) {
        s = TURBO_ERROR_LIMIT;
    } else {
        *handle = q->handle;
        if (tb_load(&q->watched) == 0) {
            __atomic_store_n(&q->watched, TB_WATCHED, __ATOMIC_SEQ_CST);
            tb_queue_stir(q); /* events may wait already */
        }
    }
    tb_lock_give(&lock);
    tb_leave(&q->state, 0);
    return s;
}
