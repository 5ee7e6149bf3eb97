/* verify.c - questions about certificates: a host is shown a chain and answers. */
#include "record.h"

#include <stdlib.h>

static tb_verify* slots[TB_VERIFIES]; /* shared: set once */
static uint32_t   slot_count;         /* LIB */
static tb_link*   returned;           /* shared: a stack */
static tb_link*   first_free;         /* LIB */

#define OWNER(link) ((tb_verify*)(void*)((char*)(link)-offsetof(tb_verify, free)))

/* ---- The library's side ------------------------------------------------------------------------- */
tb_verify* tb_lib_verify_new(tb_client* c) {
    tb_verify* v = NULL;
    if (first_free == NULL) first_free = tb_take(&returned);
    if (first_free != NULL) {
        v = OWNER(first_free);
        first_free = first_free->next;
    } else if (slot_count < TB_VERIFIES && (v = calloc(1, sizeof *v)) != NULL) {
        v->index = slot_count;
        v->id = (uint64_t)TB_KIND_VERIFY << TB_INDEX_BITS | slot_count; /* generation 0: never alive */
        v->state = TB_RELEASED;
        v->command_link.what = TB_LINK_ANSWER;
        v->event_link.what = TB_LINK_VERIFY;
        tb_store(&slots[slot_count++], v);
    }
    if (v == NULL) return NULL;
    v->client_id = c->id;
    v->user_data = c->config.user_data;
    v->queue = c->queue;
    v->accept = 0;
    tb_store(&v->left, 0);
    tb_store(&v->over, 0);
    return v;
}

int tb_lib_verify(tb_verify* v) {
    tb_begin(&v->state, &v->id, 0); /* from here on the host may find it */
    return tb_queue_push(v->queue, &v->event_link);
}

void tb_lib_verify_over(tb_verify* v) { tb_store(&v->over, 1); }

void tb_lib_verify_leave(tb_verify* v) { tb_verify_left(v, TB_LEFT_LIB); }

void tb_verify_left(tb_verify* v, uint32_t who) {
    if ((tb_or(&v->left, who) | who) != (TB_LEFT_QUEUE | TB_LEFT_LIB)) return;
    free(v->memory);
    v->memory = NULL;
    tb_push(&returned, &v->free);
}

/* ---- The host's side ---------------------------------------------------------------------------- */
static turbo_status enter(turbo_client client, uint64_t token, uint64_t how, tb_verify** v) {
    uint32_t     index = TB_INDEX(token);
    turbo_status s;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    *v = TB_KIND(token) == TB_KIND_VERIFY && index < TB_VERIFIES ? tb_load(&slots[index]) : NULL;
    s = *v == NULL ? TURBO_ERROR_STALE : tb_enter(&(*v)->state, token, how);
    if (s == TURBO_OK && (*v)->client_id != client.id) {
        tb_leave(&(*v)->state, how);
        return TURBO_ERROR_STALE;
    }
    return s;
}

/* The last one out of an answered question sends it back. */
static void leave(tb_verify* v, uint64_t how) {
    uint64_t behind = tb_leave(&v->state, how);
    if ((behind & TB_RELEASED) != 0 && (behind & TB_INSIDES) == 0) tb_hand_back(v);
}

/* The caller holds TB_RECEIVING. */
static void answer(tb_verify* v, int32_t accept) {
    v->accept = accept;
    tb_or(&v->state, TB_RELEASED);
    leave(v, TB_RECEIVING);
}

int64_t turbo_verify_chain(turbo_client client, uint64_t token, turbo_bytes* host, int32_t* verified,
                           turbo_bytes* chain_der, size_t capacity) {
    tb_verify* v;
    int64_t    n;
    size_t     i;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if ((chain_der == NULL && capacity != 0) || tb_misaligned(chain_der) || tb_misaligned(host) ||
        (uintptr_t)verified % sizeof(int32_t) != 0)
        return TURBO_ERROR_INVALID;
    n = enter(client, token, 0, &v);
    if (n != TURBO_OK) return n;
    if (host != NULL) *host = v->host;
    if (verified != NULL) *verified = v->verified;
    for (i = 0; i < capacity && i < v->count; i++) chain_der[i] = v->chain[i];
    n = v->count;
    leave(v, 0);
    return n;
}

turbo_status turbo_verify_answer(turbo_client client, uint64_t token, int32_t accept) {
    tb_verify*   v;
    turbo_status s;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (accept != 0 && accept != 1) return TURBO_ERROR_INVALID;
    s = enter(client, token, TB_RECEIVING, &v);
    if (s != TURBO_OK) return s;
    if (tb_load(&v->over) != 0) s = TURBO_ERROR_STATE;
    answer(v, accept);
    return s;
}

void tb_verify_end(tb_client* c) {
    tb_verify* v;
    uint32_t   i;
    for (i = 0; i < TB_VERIFIES && (v = tb_load(&slots[i])) != NULL; i++) {
        if (tb_enter(&v->state, tb_load(&v->state), TB_RECEIVING) != TURBO_OK) continue; /* or it is being answered */
        if (v->client_id == c->id)
            answer(v, 0);
        else
            leave(v, TB_RECEIVING);
    }
}
