/* client.c - create and destroy, and what else is asked of a client. */
#include "record.h"

#include <stdio.h>

#define MAX_RESOLVE    65536u /* a thousand lines */
#define MAX_URL        65536u
#define MAX_AHEAD      1024u /* connections that one call may ask for, whatever the configuration */
#define USUAL_PER_HOST 8u    /* as the header says */

static tb_client* lookup(turbo_client h) {
    return TB_KIND(h.id) == TB_KIND_CLIENT ? tb_client_at(TB_INDEX(h.id)) : NULL;
}

static turbo_status refuse(char* why, size_t capacity, turbo_status status, const char* text) {
    if (why != NULL && capacity != 0) snprintf(why, capacity, "%s", text);
    return status;
}

void tb_client_retire(tb_client* c) {
    tb_queue* q = c->queue;
    tb_verify_end(c);
    tb_or(&c->state, TB_RELEASED); /* no new call enters; those inside only look at closing */
    tb_leave(&c->state, TB_RECEIVING);
    while ((tb_load(&c->state) & TB_INSIDES) != 0) tb_yield();
    tb_client_free(c);
    tb_leave(&q->state, 0);
}

/* The caller is inside c, as tb_client_new made it; on failure c is given up. */
static turbo_status start(tb_client* c, char* why, size_t capacity) {
    tb_op*       op = tb_op_new(TB_OP_CLIENT_CREATE);
    turbo_status s;
    if (op == NULL) return refuse(why, capacity, TURBO_ERROR_LIMIT, "no memory is left for a client");
    op->client = c;
    tb_operate(op);
    s = tb_op_wait(op, 0);
    if (s != TURBO_OK) refuse(why, capacity, s, op->why);
    tb_op_put(op);
    return s;
}

/* The same, with the lines of config.resolve copied for as long as it takes. */
static turbo_status start_with(tb_client* c, turbo_bytes resolve, char* why, size_t capacity) {
    void*        copy = NULL;
    turbo_status s;
    if (resolve.size != 0) {
        copy = tb_arena_get(resolve.size);
        if (copy == NULL) return refuse(why, capacity, TURBO_ERROR_LIMIT, "no memory is left for config.resolve");
        memcpy(copy, resolve.data, resolve.size);
    }
    c->config.resolve.data = copy;
    s = start(c, why, capacity);
    c->config.resolve.data = NULL;
    c->config.resolve.size = 0;
    tb_arena_put(copy);
    return s;
}

/* The caller has entered q. The client stays inside, so that nobody can destroy q, until it is retired. */
static turbo_status create(tb_queue* q, turbo_client_config* config, turbo_client* client, char* why, size_t capacity) {
    tb_client*   c = tb_client_new();
    turbo_status s = TURBO_ERROR_STATE;
    if (c == NULL) {
        tb_leave(&q->state, 0);
        return refuse(why, capacity, TURBO_ERROR_LIMIT,
                      "1024 clients exist already, or no memory is left: destroy a client");
    }
    c->queue = q;
    if (config->tls != NULL) {
        const char* text;
        s = tb_tls_copy(&c->tls, config->tls, &text);
        if (s != TURBO_OK) {
            tb_client_retire(c);
            return refuse(why, capacity, s, text);
        }
        config->tls = &c->tls;
        s = TURBO_ERROR_STATE;
    }
    if (config->user_agent.size != 0) {
        memcpy(c->agent, config->user_agent.data, config->user_agent.size);
        config->user_agent.data = (const uint8_t*)c->agent;
    }
    c->config = *config;
    c->tls_name = "";
    /* Asked again, now that a shutdown can see the client: either it finds the client, or we find it. */
    if (tb_ready()) s = start_with(c, config->resolve, why, capacity);
    if (config->tls != NULL) tb_tls_free(&c->tls); /* the library has parsed it */
    c->config.tls = NULL;
    if (s != TURBO_OK) {
        tb_client_retire(c);
        return s;
    }
    client->id = c->id;
    __atomic_store_n(&c->closing, 0, __ATOMIC_SEQ_CST);
    tb_leave(&c->state, TB_RECEIVING);
    return TURBO_OK;
}

turbo_status turbo_client_create(const turbo_client_config* config, turbo_client* client, char* why, size_t capacity) {
    turbo_client_config c;
    tb_queue*           q;
    turbo_status        s;
    size_t              i;
    if (why != NULL && capacity != 0) why[0] = 0;
    if (client != NULL && !tb_misaligned(client)) client->id = 0;
    if (!tb_ready()) return refuse(why, capacity, TURBO_ERROR_STATE, "call turbo_init first (a forked child cannot)");
    if (client == NULL || tb_misaligned(client))
        return refuse(why, capacity, TURBO_ERROR_INVALID, "client is NULL or misaligned");
    if (config == NULL)
        return refuse(why, capacity, TURBO_ERROR_INVALID, "config is NULL; it names the queue for events");
    s = tb_struct_copy(&c, sizeof c, config);
    if (s == TURBO_ERROR_UNSUPPORTED)
        return refuse(why, capacity, s, "config sets a field that this version does not know");
    if (s != TURBO_OK)
        return refuse(why, capacity, s,
                      "config is misaligned, or its struct_size is wrong: start from turbo_client_config_default()");
    if ((c.flags & ~(uint32_t)TURBO_NO_POOL) != 0)
        return refuse(why, capacity, TURBO_ERROR_UNSUPPORTED, "config.flags has a bit that this version does not know");
    if (c.reserved_pointer != NULL)
        return refuse(why, capacity, TURBO_ERROR_UNSUPPORTED, "config.reserved_pointer is not NULL");
    if (c.user_agent.size != 0 && c.user_agent.data == NULL)
        return refuse(why, capacity, TURBO_ERROR_INVALID, "config.user_agent has a size but no data");
    if (c.user_agent.size > sizeof((tb_client*)0)->agent)
        return refuse(why, capacity, TURBO_ERROR_LIMIT, "config.user_agent is longer than 256 bytes");
    for (i = 0; i < c.user_agent.size; i++) {
        if (c.user_agent.data[i] < ' ' || c.user_agent.data[i] == 0x7f) {
            return refuse(why, capacity, TURBO_ERROR_INVALID,
                          "config.user_agent has a control octet, perhaps a line end: it is one line of text");
        }
    }
    if (c.resolve.size != 0 && c.resolve.data == NULL)
        return refuse(why, capacity, TURBO_ERROR_INVALID, "config.resolve has a size but no data");
    if (c.resolve.size > MAX_RESOLVE)
        return refuse(why, capacity, TURBO_ERROR_LIMIT, "config.resolve is longer than 64 KiB");
    q = TB_KIND(c.queue.id) == TB_KIND_QUEUE ? tb_queue_at(TB_INDEX(c.queue.id)) : NULL;
    s = q == NULL ? TURBO_ERROR_STALE : tb_enter(&q->state, c.queue.id, 0);
    if (s != TURBO_OK)
        return refuse(why, capacity, s, "config.queue is not a queue of turbo_queue_create, or it was destroyed");
    return create(q, &c, client, why, capacity);
}

turbo_status tb_client_close(tb_client* c, uint64_t deadline_ns) {
    tb_op*       op;
    turbo_status s;
    __atomic_store_n(&c->closing, 1, __ATOMIC_SEQ_CST);
    /* A submit that passed the check above is short: when no call but ours is inside, its command is in the list, and
     * ours comes behind it. */
    while ((tb_load(&c->state) & TB_INSIDES) > TB_INSIDE) {
        if (tb_now() >= deadline_ns) return TURBO_ERROR_TIMEOUT;
        tb_yield();
    }
    op = tb_op_new(TB_OP_CLIENT_DESTROY);
    if (op == NULL) return TURBO_ERROR_TIMEOUT;
    op->client = c;
    tb_operate(op);
    s = tb_op_wait(op, deadline_ns);
    tb_op_put(op);
    return s;
}

turbo_status turbo_client_destroy(turbo_client client, uint32_t timeout_ms) {
    tb_client*   c;
    turbo_status s;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    c = lookup(client);
    s = c == NULL ? TURBO_ERROR_STALE : tb_enter(&c->state, client.id, TB_RECEIVING);
    if (s != TURBO_OK) return s;
    s = tb_client_close(c, timeout_ms == TURBO_NONE ? UINT64_MAX / 2 : tb_now() + (uint64_t)timeout_ms * 1000000u + 1);
    if (s == TURBO_OK) {
        tb_client_retire(c);
        return TURBO_OK;
    }
    tb_leave(&c->state, TB_RECEIVING);
    return s;
}

const char* turbo_client_tls(turbo_client client) {
    tb_client*  c = tb_ready() ? lookup(client) : NULL;
    const char* name;
    if (c == NULL || tb_enter(&c->state, client.id, 0) != TURBO_OK) return "";
    name = c->tls_name;
    tb_leave(&c->state, 0);
    return name;
}

/* ---- Asked of a client, and not waited for ------------------------------------------------------ */
/* The caller is inside c. Its operation is in the list before it leaves, and destroy's comes behind it. */
static turbo_status ask(tb_client* c, uint32_t kind, turbo_bytes text, uint32_t count) {
    tb_op* op;
    if (__atomic_load_n(&c->closing, __ATOMIC_SEQ_CST) != 0) return TURBO_ERROR_STATE;
    op = tb_op_alone(kind, text);
    if (op == NULL) return TURBO_ERROR_LIMIT;
    op->client = c;
    op->count = count;
    tb_operate(op);
    return TURBO_OK;
}

turbo_status turbo_client_network_changed(turbo_client client) {
    const turbo_bytes nothing = {NULL, 0};
    tb_client*        c;
    turbo_status      s;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    c = lookup(client);
    s = c == NULL ? TURBO_ERROR_STALE : tb_enter(&c->state, client.id, 0);
    if (s != TURBO_OK) return s;
    s = ask(c, TB_OP_CLIENT_NETWORK, nothing, 0);
    tb_leave(&c->state, 0);
    return s;
}

turbo_status turbo_client_preconnect(turbo_client client, turbo_bytes url, uint32_t count) {
    tb_client*   c;
    turbo_status s;
    uint32_t     most;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (url.data == NULL || url.size == 0 || count == 0) return TURBO_ERROR_INVALID;
    if (url.size > MAX_URL || count > MAX_AHEAD) return TURBO_ERROR_LIMIT;
    c = lookup(client);
    s = c == NULL ? TURBO_ERROR_STALE : tb_enter(&c->state, client.id, 0);
    if (s != TURBO_OK) return s;
    most = c->config.connections_per_host != 0 ? c->config.connections_per_host : USUAL_PER_HOST;
    s = count > most ? TURBO_ERROR_LIMIT : ask(c, TB_OP_CLIENT_PRECONNECT, url, count);
    tb_leave(&c->state, 0);
    return s;
}

/* ---- Statistics --------------------------------------------------------------------------------- */
turbo_status turbo_stats_read(turbo_client client, turbo_stats* stats) {
    tb_client*   c = NULL;
    tb_op*       op;
    uint32_t     size;
    turbo_status s = TURBO_OK;
    if (!tb_ready()) return TURBO_ERROR_STATE;
    if (stats == NULL || (uintptr_t)stats % sizeof(uint32_t) != 0) return TURBO_ERROR_INVALID;
    size = stats->struct_size;
    if (size < sizeof(uint64_t) || size > 65536) return TURBO_ERROR_INVALID;
    if (client.id != 0) {
        c = lookup(client);
        s = c == NULL ? TURBO_ERROR_STALE : tb_enter(&c->state, client.id, 0);
        if (s != TURBO_OK) return s;
    }
    op = tb_op_new(TB_OP_STATS);
    if (op == NULL) {
        s = TURBO_ERROR_INTERNAL;
    } else {
        op->client = c;
        tb_operate(op);
        s = tb_op_wait(op, 0);
        if (s == TURBO_OK) {
            if (size > sizeof op->stats) size = (uint32_t)sizeof op->stats;
            op->stats.struct_size = size;
            memcpy(stats, &op->stats, size);
        }
        tb_op_put(op);
    }
    if (c != NULL) tb_leave(&c->state, 0);
    return s;
}
