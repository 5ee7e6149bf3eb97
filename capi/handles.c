/* handles.c - the tables of records, their generations, and the count of calls inside. */
#include "record.h"

#include <stdlib.h>

#define CHUNK        256
#define MAX_REQUESTS (1u << 20)
#define MAX_SMALL    1024 /* queues, and clients */

static tb_request* request_chunks[MAX_REQUESTS / CHUNK]; /* shared: set once */
static tb_queue*   queues[MAX_SMALL];
static tb_client*  clients[MAX_SMALL];
static uint32_t    request_count, queue_count, client_count; /* ever made; shared */
static uint64_t    requests_taken, requests_given;           /* shared */

static tb_pool free_requests, free_queues, free_clients;
static tb_lock lock; /* of the pools and the growth of the tables */

static tb_link* pool_take(tb_pool* pool) {
    tb_link* link = pool->first;
    if (link == NULL) link = tb_take(&pool->returned);
    if (link != NULL) pool->first = link->next;
    return link;
}

#define OWNER(type, link) ((type*)(void*)((char*)(link)-offsetof(type, free)))

static uint64_t first_id(uint32_t kind, uint32_t index) {
    return (uint64_t)kind << TB_INDEX_BITS | index; /* generation 0: never alive */
}

void tb_begin(uint64_t* state, uint64_t* id, uint64_t inside) {
    uint64_t next = (*id >> TB_GEN_SHIFT) + 1;
    if (next >> 40) next = 1;
    *id = (*id & ((UINT64_C(1) << TB_GEN_SHIFT) - 1)) | next << TB_GEN_SHIFT;
    __atomic_store_n(state, next << TB_GEN_SHIFT | inside, __ATOMIC_SEQ_CST);
}

tb_queue* tb_queue_new(void) {
    tb_queue* q = NULL;
    tb_link*  link;
    tb_lock_take(&lock);
    link = pool_take(&free_queues);
    if (link != NULL) {
        q = OWNER(tb_queue, link);
    } else if (queue_count < MAX_SMALL && (q = calloc(1, sizeof *q)) != NULL) {
        q->id = first_id(TB_KIND_QUEUE, queue_count);
        q->state = TB_RELEASED;
        q->handle = -1;
        tb_store(&queues[queue_count], q);
        tb_store(&queue_count, queue_count + 1);
    }
    if (q != NULL) {
        q->first = NULL;
        q->rest = NULL;
        q->woken = q->sleeping = 0;
        tb_store(&q->watched, 0);
        tb_queue_watchable(q);
        tb_begin(&q->state, &q->id, TB_INSIDE | TB_RECEIVING);
    }
    tb_lock_give(&lock);
    return q;
}

tb_client* tb_client_new(void) {
    tb_client* c = NULL;
    tb_link*   link;
    tb_lock_take(&lock);
    link = pool_take(&free_clients);
    if (link != NULL) {
        c = OWNER(tb_client, link);
    } else if (client_count < MAX_SMALL && (c = calloc(1, sizeof *c)) != NULL) {
        c->id = first_id(TB_KIND_CLIENT, client_count);
        c->index = client_count;
        c->state = TB_RELEASED;
        tb_store(&clients[client_count], c);
        tb_store(&client_count, client_count + 1);
    }
    if (c != NULL) {
        tb_store(&c->closing, 1); /* until the library has made its side */
        tb_begin(&c->state, &c->id, TB_INSIDE | TB_RECEIVING);
    }
    tb_lock_give(&lock);
    return c;
}

tb_request* tb_request_new(void) {
    tb_request* r = NULL;
    tb_link*    link;
    tb_lock_take(&lock);
    link = pool_take(&free_requests);
    if (link == NULL && request_count < MAX_REQUESTS) {
        tb_request* chunk = calloc(CHUNK, sizeof *chunk);
        if (chunk != NULL) {
            uint32_t i;
            for (i = 0; i < CHUNK; i++) {
                tb_request* n = &chunk[i];
                n->index = request_count + i;
                n->id = first_id(TB_KIND_REQUEST, n->index);
                n->state = TB_RELEASED;
                n->command_link.what = TB_LINK_REQUEST;
                n->event_link.what = TB_LINK_EVENTS;
                n->done_link.what = TB_LINK_DONE;
                n->free.next = i + 1 < CHUNK ? &chunk[i + 1].free : NULL;
            }
            tb_store(&request_chunks[request_count / CHUNK], chunk);
            tb_store(&request_count, request_count + CHUNK);
            link = &chunk[0].free;
            free_requests.first = chunk[0].free.next;
        }
    }
    tb_lock_give(&lock);
    if (link == NULL) return NULL;
    r = OWNER(tb_request, link);
    tb_add(&requests_taken, 1);
    tb_begin(&r->state, &r->id, 0);
    return r;
}

tb_queue* tb_queue_at(uint32_t index) { return index < MAX_SMALL ? tb_load(&queues[index]) : NULL; }

tb_client* tb_client_at(uint32_t index) { return index < MAX_SMALL ? tb_load(&clients[index]) : NULL; }

tb_request* tb_request_at(uint32_t index) {
    tb_request* chunk = index < MAX_REQUESTS ? tb_load(&request_chunks[index / CHUNK]) : NULL;
    return chunk == NULL ? NULL : &chunk[index % CHUNK];
}

uint64_t tb_requests_live(void) { return tb_load(&requests_taken) - tb_load(&requests_given); }

void tb_queue_free(tb_queue* q) {
    tb_queue_unwatch(q);
    tb_push(&free_queues.returned, &q->free);
}

void tb_client_free(tb_client* c) { tb_push(&free_clients.returned, &c->free); }

void tb_request_left(tb_request* r, uint32_t who) {
    if ((tb_or(&r->left, who) | who) != TB_LEFT_ALL) return;
    if (r->head != r->head_inline) tb_arena_put(r->head);
    if (r->spans != r->spans_inline) tb_arena_put(r->spans);
    tb_arena_put(r->copy);
    tb_chunk_drop(r->chunk);
    r->chunk = NULL;
    r->head = NULL;
    r->spans = NULL;
    r->copy = NULL;
    tb_add(&requests_given, 1);
    tb_push(&free_requests.returned, &r->free);
}

turbo_status tb_enter(uint64_t* state, uint64_t id, uint64_t how) {
    uint64_t now = tb_load(state);
    for (;;) {
        if ((now >> TB_GEN_SHIFT) != (id >> TB_GEN_SHIFT) || (now & TB_RELEASED) != 0) return TURBO_ERROR_STALE;
        if ((now & how) != 0 || (now & TB_INSIDES) == TB_INSIDES) return TURBO_ERROR_STATE;
        if (tb_cas(state, &now, (now + TB_INSIDE) | how)) return TURBO_OK;
    }
}

uint64_t tb_leave(uint64_t* state, uint64_t how) {
    return __atomic_sub_fetch(state, TB_INSIDE + how, __ATOMIC_SEQ_CST);
}
