/* lent.c - memory on its way: what a write, a commit, a finish or a lend gave to the library, and how it comes back. */
#include "record.h"

void tb_lent_free(tb_lent* l) {
    if (l->kind == TB_LENT_COMMIT) {
        tb_chunk_drop(l->chunk);
    } else {
        tb_arena_put(l);
    }
}

static uint64_t spans_of(const tb_lent* l) {
    return l->kind == TB_LENT_WRITE ? l->count : l->kind == TB_LENT_SPAN ? 1 : 0;
}

turbo_status tb_lent_give(tb_request* r, tb_lent* l) {
    tb_link* first = tb_load(&r->lent);
    l->request = r;
    l->link.what = TB_LINK_LENT;
    tb_borrow(spans_of(l)); /* before LIB can give it back */
    if (l->kind == TB_LENT_SPAN) tb_add(&r->filling, 1);
    do {
        if (first == TB_LENT_CLOSED) {
            tb_borrow(-spans_of(l));
            if (l->kind == TB_LENT_SPAN) tb_add(&r->filling, (uint32_t)-1);
            tb_lent_free(l);
            return TURBO_ERROR_STATE;
        }
        __atomic_store_n(&l->link.next, first, __ATOMIC_RELAXED);
    } while (!tb_cas(&r->lent, &first, &l->link));
    tb_order(r, TB_CMD_LENT);
    return TURBO_OK;
}

void tb_lent_emit(tb_lent* l, turbo_event* e) {
    memset(e, 0, sizeof *e);
    e->kind = l->kind == TB_LENT_SPAN ? TURBO_EVENT_FILLED : TURBO_EVENT_SENT;
    e->status = l->status;
    e->source = l->request->id;
    e->user_data = l->request->user_data;
    e->token = l->token;
    e->bytes = l->bytes;
    e->time_ns = l->time_ns;
    tb_lent_free(l);
}

/* ---- The library's side ------------------------------------------------------------------------- */
tb_lent* tb_lib_lent(tb_request* r) {
    tb_link* all = tb_load(&r->lent);
    while (all != NULL && all != TB_LENT_CLOSED && !tb_cas(&r->lent, &all, NULL)) continue;
    return all == TB_LENT_CLOSED ? NULL : (tb_lent*)(void*)tb_reverse(all);
}

tb_lent* tb_lib_lent_close(tb_request* r) {
    tb_link* all = tb_swap(&r->lent, TB_LENT_CLOSED);
    return all == TB_LENT_CLOSED ? NULL : (tb_lent*)(void*)tb_reverse(all);
}

int tb_lib_home(tb_lent* l, uint64_t bytes, int32_t status, uint64_t now) {
    tb_request* r = l->request;
    l->bytes = bytes;
    l->status = status;
    l->time_ns = now;
    tb_borrow(-spans_of(l));
    if (l->kind == TB_LENT_SPAN) tb_add(&r->filling, (uint32_t)-1);
    if (l->kind == TB_LENT_SPAN || l->kind == TB_LENT_WRITE) return tb_queue_push(r->queue, &l->link);
    tb_lent_free(l);
    return 0;
}

void tb_lib_used(tb_request* r, uint64_t n) { tb_store(&r->consumed, tb_peek(&r->consumed) + n); }

/* ---- The host's side ---------------------------------------------------------------------------- */
turbo_status turbo_response_lend(turbo_request request, turbo_span span, uint64_t token) {
    tb_request*  r;
    tb_lent*     l;
    turbo_status s;
    if (span.data == NULL || span.size == 0 || (uintptr_t)span.data + span.size < (uintptr_t)span.data)
        return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    s = tb_request_enter(request, TB_RECEIVING, &r);
    if (s != TURBO_OK) return s;
    if ((r->wants & TURBO_WANT(TURBO_EVENT_BODY)) == 0) {
        s = TURBO_ERROR_STATE;
    } else if ((l = tb_arena_get(sizeof *l)) == NULL) {
        s = TURBO_ERROR_LIMIT;
    } else {
        if (tb_load(&r->filling) == 0) tb_body_sync(r);
        memset(l, 0, sizeof *l);
        l->kind = TB_LENT_SPAN;
        l->token = token;
        l->size = span.size;
        l->parts = &l->part;
        l->count = 1;
        l->part = span;
        s = tb_lent_give(r, l);
    }
    tb_request_leave(r, TB_RECEIVING);
    return s;
}
