/* library.c - init, shutdown, version, and the words for a status. */
#define _GNU_SOURCE
#include "record.h"

#include <pthread.h>

uint32_t tb_state = TB_STATE_LOADED;

static uint32_t    lib_up;                 /* shared: slept on */
static const char* version_text = "0.1.0"; /* the library gives the long one once it is up */
static tb_lock     lifecycle;              /* one init or shutdown at a time */
static uint32_t    configured;             /* under lifecycle */

static void forked(void) { tb_store(&tb_state, TB_STATE_FORKED); }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, forked); }

void tb_lib_ready(int bell, const char* version) {
    tb_bell_set(bell);
    tb_store(&version_text, version);
    tb_store(&lib_up, 1);
    tb_word_wake(&lib_up);
}

const char* turbo_version(void) { return tb_load(&version_text); }

turbo_status tb_struct_copy(void* ours, size_t size, const void* theirs) {
    const uint8_t* from = theirs;
    uint32_t       their_size;
    size_t         i;
    if (theirs == NULL || tb_misaligned(theirs)) return TURBO_ERROR_INVALID;
    memcpy(&their_size, theirs, sizeof their_size);
    if (their_size < 8 || their_size > 4096 || their_size % 8 != 0) return TURBO_ERROR_INVALID;
    memset(ours, 0, size);
    memcpy(ours, theirs, their_size < size ? their_size : size);
    for (i = size; i < their_size; i++) {
        if (from[i] != 0) return TURBO_ERROR_UNSUPPORTED;
    }
    return TURBO_OK;
}

/* ---- Init --------------------------------------------------------------------------------------- */
static turbo_status init_locked(const turbo_library_config* config) {
    uint64_t     deadline = tb_now() + UINT64_C(10000000000); /* 10 s: a start takes a few ms */
    turbo_status s = TURBO_OK;
    uint32_t     state = tb_load(&tb_state);
    if (state == TB_STATE_READY) return TURBO_OK;
    if (state == TB_STATE_STOPPING || state == TB_STATE_FORKED) return TURBO_ERROR_STATE;
    while (tb_load(&lib_up) == 0) {
        if (tb_now() >= deadline) return TURBO_ERROR_TIMEOUT;
        tb_word_wait(&lib_up, 0, deadline);
    }
    tb_signals_check();
    if (!configured) {
        tb_op* op = tb_op_new(TB_OP_INIT);
        if (op == NULL) return TURBO_ERROR_TIMEOUT;
        op->library = *config;
        tb_operate(op);
        s = tb_op_wait(op, deadline);
        tb_op_put(op);
        if (s != TURBO_OK) return s;
        configured = 1;
    }
    tb_store(&tb_state, TB_STATE_READY);
    return TURBO_OK;
}

turbo_status turbo_init(uint32_t abi_version, const turbo_library_config* config) {
    turbo_library_config c = turbo_library_config_default();
    turbo_status         s;
    if (tb_load(&tb_state) == TB_STATE_FORKED) return TURBO_ERROR_STATE;
    if (abi_version != TURBO_ABI_VERSION) return TURBO_ERROR_ABI;
    if (config != NULL && (s = tb_struct_copy(&c, sizeof c, config)) != TURBO_OK) return s;
    if (c.pool_guard > 1 || c.log_level > TURBO_LOG_TRACE) return TURBO_ERROR_INVALID;
    tb_lock_take(&lifecycle);
    s = init_locked(&c);
    tb_lock_give(&lifecycle);
    return s;
}

/* ---- Shutdown ----------------------------------------------------------------------------------- */
/* Each step can be left on a timeout and entered again: what was ended stays ended. */
static int end_clients(uint64_t deadline) {
    tb_client* c;
    uint32_t   i;
    for (i = 0; (c = tb_client_at(i)) != NULL; i++) {
        for (;;) {
            turbo_status s = tb_enter(&c->state, tb_load(&c->state), TB_RECEIVING);
            if (s == TURBO_ERROR_STALE) break;
            if (s == TURBO_OK) {
                s = tb_client_close(c, deadline);
                if (s != TURBO_OK) {
                    tb_leave(&c->state, TB_RECEIVING);
                    return 0;
                }
                tb_client_retire(c);
                break;
            }
            if (tb_now() >= deadline) return 0; /* somebody destroys it at this moment */
            tb_yield();
        }
    }
    return 1;
}

static int end_queues(uint64_t deadline) {
    tb_queue* q;
    uint32_t  i;
    for (i = 0; (q = tb_queue_at(i)) != NULL; i++) {
        while (!tb_queue_end(q)) {
            if (tb_now() >= deadline) return 0;
            tb_yield();
        }
    }
    return 1;
}

static int end_requests(uint64_t deadline) {
    tb_request* r;
    uint32_t    i;
    for (i = 0; (r = tb_request_at(i)) != NULL; i++) tb_request_end(r);
    while (tb_requests_live() != 0) {
        if (tb_now() >= deadline) return 0;
        tb_yield();
    }
    return 1;
}

static turbo_status shutdown_locked(uint64_t deadline) {
    uint32_t     state = tb_load(&tb_state);
    tb_op*       op;
    turbo_status s;
    if (state == TB_STATE_FORKED || state == TB_STATE_LOADED) return TURBO_ERROR_STATE;
    if (state == TB_STATE_STOPPED) return TURBO_OK;
    __atomic_store_n(&tb_state, TB_STATE_STOPPING, __ATOMIC_SEQ_CST);
    if (!end_clients(deadline) || !end_queues(deadline) || !end_requests(deadline)) return TURBO_ERROR_TIMEOUT;
    op = tb_op_new(TB_OP_SHUTDOWN);
    if (op == NULL) return TURBO_ERROR_TIMEOUT;
    tb_operate(op);
    s = tb_op_wait(op, deadline);
    tb_op_put(op);
    if (s == TURBO_OK) tb_store(&tb_state, TB_STATE_STOPPED);
    return s;
}

turbo_status turbo_shutdown(uint32_t timeout_ms) {
    uint64_t     deadline = timeout_ms == TURBO_NONE ? UINT64_MAX / 2 : tb_now() + (uint64_t)timeout_ms * 1000000u + 1;
    turbo_status s;
    if (tb_load(&tb_state) == TB_STATE_FORKED) return TURBO_ERROR_STATE;
    tb_lock_take(&lifecycle);
    s = shutdown_locked(deadline);
    tb_lock_give(&lifecycle);
    return s;
}

/* ---- Words -------------------------------------------------------------------------------------- */
const char* turbo_status_text(turbo_status status) {
    switch (status) {
    case TURBO_OK: return "it worked";
    case TURBO_ERROR_INVALID: return "an argument, option, URL or FlatBuffer makes no sense";
    case TURBO_ERROR_STALE: return "the handle is null, released or of another kind";
    case TURBO_ERROR_STATE: return "a good call at the wrong moment";
    case TURBO_ERROR_AGAIN: return "nothing now, try again later";
    case TURBO_ERROR_LIMIT: return "a configured limit, or the memory given, is too small";
    case TURBO_ERROR_UNSUPPORTED: return "not on this platform or in this build";
    case TURBO_ERROR_ABI: return "header and library do not fit together";
    case TURBO_ERROR_CANCELLED: return "cancelled";
    case TURBO_ERROR_TIMEOUT: return "time ran out";
    case TURBO_ERROR_INTERNAL: return "a bug in TurboHTTP";
    case TURBO_ERROR_RESOLVE: return "no address was found for the host";
    case TURBO_ERROR_CONNECT: return "no address accepted the connection";
    case TURBO_ERROR_CLOSED: return "the peer closed the connection too early";
    case TURBO_ERROR_IO: return "the socket failed on our side";
    case TURBO_ERROR_TLS: return "the TLS handshake or a TLS record failed";
    case TURBO_ERROR_CERTIFICATE: return "the certificate was not accepted";
    case TURBO_ERROR_PROVIDER: return "no TLS provider satisfies the configuration";
    case TURBO_ERROR_PROTOCOL: return "the peer broke the protocol";
    default: return status > 0 ? "a count, not a status" : "a status that this version does not know";
    }
}
