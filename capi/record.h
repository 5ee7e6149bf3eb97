/*
 * record.h - what the two sides of the border share: the layout of the records, and who may touch which field.
 *
 * HOST marks fields that only threads of the host write, LIB those that only the library's threads write. Fields under
 * "shared" are touched by both, always through the atomic helpers below. Everything else is written before a record is
 * linked into a list and read after it was taken out of it: the list's release and acquire order them.
 *
 * This header and the .c files of this directory know nothing of Go. The other side of the border calls the tb_lib_*
 * functions: service.go and sink.go in the library, a stand-in written in C under ThreadSanitizer.
 */
#ifndef TB_RECORD_H
#define TB_RECORD_H

#include "../include/turbohttp.h"

/* ---- Atomics: plain fields and compiler builtins, because cgo cannot read _Atomic fields -------- */
#define tb_load(p)           __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define tb_peek(p)           __atomic_load_n((p), __ATOMIC_RELAXED)
#define tb_store(p, v)       __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define tb_swap(p, v)        __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define tb_add(p, v)         __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define tb_or(p, v)          __atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define tb_cas(p, expect, v) __atomic_compare_exchange_n((p), (expect), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)

/* ---- Handles ----------------------------------------------------------------------------------- */
/* id: bits 0..19 index, 20..22 kind, 23..62 generation. Never 0, because a kind is never 0. */
enum { TB_KIND_QUEUE = 1, TB_KIND_CLIENT = 2, TB_KIND_REQUEST = 3, TB_KIND_VERIFY = 4 };
#define TB_INDEX_BITS 20
#define TB_GEN_SHIFT  23
#define TB_INDEX(id)  ((uint32_t)((id) & ((UINT64_C(1) << TB_INDEX_BITS) - 1)))
#define TB_KIND(id)   ((uint32_t)(((id) >> TB_INDEX_BITS) & 7))

/* The state word of a record: bits 0..19 count the calls inside (queues: and the clients on them), 20 one of these is
 * receiving (queues: polling; clients: destroying), 21 one is sending, 22 released, 23..62 generation as in the id. */
#define TB_INSIDE    UINT64_C(1)
#define TB_INSIDES   ((UINT64_C(1) << 20) - 1)
#define TB_RECEIVING (UINT64_C(1) << 20)
#define TB_SENDING   (UINT64_C(1) << 21)
#define TB_RELEASED  (UINT64_C(1) << 22)

/* ---- Intrusive lists --------------------------------------------------------------------------- */
/* Push: compare-and-swap onto a stack. Take: everything at once by exchange with NULL, so there is no ABA; the taker
 * reverses it into first-in-first-out order. A link is in at most one list. */
typedef struct tb_link {
    struct tb_link* next;
    uint32_t        what; /* TB_LINK_* */
    uint32_t        unused;
} tb_link;
enum { TB_LINK_REQUEST = 1, TB_LINK_OP, TB_LINK_EVENTS, TB_LINK_DONE, TB_LINK_LENT, TB_LINK_ANSWER, TB_LINK_VERIFY };

/* ---- Pools of records: returned by anyone, taken by host threads only ----------------------------- */
typedef struct tb_pool {
    tb_link* returned; /* shared: a stack */
    tb_link* first;    /* HOST, under the pool's lock, which only host threads take */
} tb_pool;

/* ---- Body parts --------------------------------------------------------------------------------- */
typedef struct tb_part {  /* a received segment; LIB makes and frees it, HOST reads it */
    struct tb_part* next; /* shared: set once */
    const uint8_t*  data;
    size_t          size; /* shared: LIB lets the last one grow until HOST has passed it */
    uint64_t        end;  /* LIB: offset in the body of the byte behind it */
} tb_part;

/* ---- Lent memory ---------------------------------------------------------------------------------- */
/* Memory of commits: as many as fit share one. Whoever lets go last puts it back. */
typedef struct tb_chunk {
    uint32_t refs; /* shared */
    uint32_t unused;
    size_t   size, used; /* bytes, this header included */
} tb_chunk;

/* One write, commit, finish or lend. HOST makes it and links it into its record; LIB uses it; SENT or FILLED takes it back
 * through the queue, whatever is no event goes back at once. */
enum { TB_LENT_WRITE = 1, TB_LENT_COPY, TB_LENT_COMMIT, TB_LENT_TRAILERS, TB_LENT_SPAN };
typedef struct tb_lent {
    tb_link            link; /* the first member */
    struct tb_request* request;
    uint64_t           token;
    uint32_t           kind;
    uint32_t           end;   /* nothing of the body follows */
    uint64_t           size;  /* bytes */
    size_t             count; /* of parts; none is empty */
    turbo_span*        parts;
    turbo_span         part;  /* for those that have one */
    tb_chunk*          chunk; /* TB_LENT_COMMIT: where it lies */
    uint64_t           from;  /* LIB: bytes of the body before it; TB_LENT_SPAN: bytes filled so far */
    /* told by LIB */
    uint64_t bytes, time_ns;
    int32_t  status;
    uint32_t unused;
} tb_lent;

/* ---- Queue -------------------------------------------------------------------------------------- */
typedef struct tb_queue {
    uint64_t state; /* shared */
    uint64_t id;
    tb_link* incoming; /* shared: pushed by LIB */
    uint32_t sleeping; /* shared: a waiter sleeps on it */
    uint32_t woken;    /* shared: turbo_queue_wake came */
    uint64_t pushed;   /* shared: links ever pushed */
    uint32_t watched;  /* shared: TB_WATCHED and so on */
    uint32_t setting;  /* shared: who is about to set the handle, and TB_HANDLE_OVER */
    int32_t  handle;   /* shared: for turbo_queue_handle, or below 0 */
    /* The rest belongs to whoever holds TB_RECEIVING. */
    tb_link*           first;
    struct tb_request* rest; /* the last poll was full: these events of this request come first */
    uint64_t           rest_bits;
    uint64_t           popped;
    tb_link            free;
} tb_queue;
enum { TB_UNWATCHED, TB_WATCHED, TB_SIGNALLING, TB_SIGNALLED };
#define TB_HANDLE_OVER (UINT32_C(1) << 31) /* the queue is destroyed: the last one who sets the handle closes it */

/* ---- Client ------------------------------------------------------------------------------------- */
typedef struct tb_client {
    uint64_t            state; /* shared */
    uint64_t            id;
    tb_queue*           queue;
    uint32_t            closing; /* shared: no submit any more */
    uint32_t            index;
    turbo_client_config config;   /* user_agent points to agent; tls and resolve last as long as turbo_client_create */
    turbo_tls_config    tls;      /* what config.tls points to, with copies of all that this points to */
    const char*         tls_name; /* LIB: static */
    char                agent[256];
    tb_link             free;
} tb_client;

/* ---- Questions about certificates ----------------------------------------------------------------- */
/* LIB makes one, fills it and tells the queue; the host's last call sends it back as a command. Two parties let go of it: the
 * queue (VERIFY taken or dropped) and the library (the command seen). Slots are used again; the token is a handle. */
#define TB_VERIFIES 1024
typedef struct tb_verify {
    uint64_t     state; /* shared, as of a record: TB_RECEIVING is the answer */
    uint64_t     id;    /* the token */
    uint64_t     client_id, user_data;
    uint64_t     now; /* when it was asked */
    tb_queue*    queue;
    uint32_t     index;
    uint32_t     left;   /* shared: TB_LEFT_QUEUE, TB_LEFT_LIB */
    uint32_t     over;   /* shared: the handshake waits no more */
    int32_t      accept; /* HOST, before the command */
    int32_t      verified;
    uint32_t     count;
    turbo_bytes  host;
    turbo_bytes* chain;  /* count of them */
    void*        memory; /* of host and chain: malloc */
    tb_link      command_link;
    tb_link      event_link;
    tb_link      free;
} tb_verify;

/* ---- Operations: most are waited for by the host thread that made them ---------------------------- */
enum {
    TB_OP_INIT = 1,
    TB_OP_CLIENT_CREATE,
    TB_OP_CLIENT_DESTROY,
    TB_OP_STATS,
    TB_OP_SHUTDOWN,
    TB_OP_CLIENT_NETWORK, /* these two nobody waits for */
    TB_OP_CLIENT_PRECONNECT
};
typedef struct tb_op {
    tb_link              link;
    uint32_t             kind;
    uint32_t             holders;  /* shared: host and library; the last one frees */
    uint32_t             answered; /* shared: slept on */
    int32_t              status;
    tb_client*           client;
    turbo_bytes          text; /* a copy behind the op */
    uint32_t             count;
    turbo_library_config library;
    turbo_stats          stats;
    char                 why[512];
} tb_op;

/* ---- Request ------------------------------------------------------------------------------------ */
enum { TB_CMD_SUBMIT = 1, TB_CMD_CONSUME = 2, TB_CMD_CANCEL = 4, TB_CMD_FREE = 8, TB_CMD_LENT = 16 };
enum { TB_TOLD_HEAD = 1, TB_TOLD_END = 2, TB_TOLD_DONE = 4, TB_TOLD_STOPPED = 8 };
enum { TB_LEFT_HOST = 1, TB_LEFT_QUEUE = 2, TB_LEFT_LIB = 4, TB_LEFT_ALL = 7 };
#define TB_HEAD_INLINE  512
#define TB_SPANS_INLINE 4

typedef struct tb_request {
    /* shared */
    uint64_t state;
    uint32_t commands; /* TB_CMD_* not yet seen by LIB; linked while not 0 */
    uint32_t left;     /* TB_LEFT_*: who has no more business with the record */
    uint64_t consumed; /* body bytes told as parts that were dropped; LIB while filling is not 0, else HOST */
    uint64_t cursor;   /* of them, what the host's place in the parts is beyond; HOST */
    tb_link* lent;     /* pushed by HOST; TB_LENT_CLOSED behind DONE */
    uint32_t filling;  /* lent spans that did not come back */
    uint32_t above;    /* a write told the host that it is above the window */
    uint64_t queued;   /* body bytes ever queued for sending; HOST */
    uint32_t events;   /* 1 << TURBO_EVENT_* not yet seen by HOST; linked while not 0 */
    uint32_t told;     /* TB_TOLD_*: what may be read below */
    tb_link  command_link;
    tb_link  event_link;
    tb_link  done_link;
    uint64_t sent, received; /* body bytes so far; LIB */

    /* written by turbo_submit */
    uint64_t    id;
    tb_client*  client;
    tb_queue*   queue;
    uint64_t    user_data;
    uint32_t    wants; /* 1 << TURBO_EVENT_* */
    uint32_t    timeout_ms;
    uint64_t    max_body_bytes;
    uint64_t    started_ns;
    uint64_t    send_total;
    uint64_t    window;
    uint32_t    stream;   /* TURBO_STREAM */
    uint32_t    ended;    /* HOST: the end of the body was queued; TB_SENDING */
    tb_chunk*   chunk;    /* HOST: where reserve gives memory; TB_SENDING */
    size_t      reserved; /* HOST: bytes of the view that commit will end, plus 1; 0: none */
    uint8_t*    head;     /* head_inline, or of the arena */
    size_t      head_size;
    turbo_span* spans; /* the body: spans_inline, or of the arena */
    size_t      span_count;
    void*       copy; /* TURBO_COPY: the bytes, of the arena */
    turbo_span  into;
    uint64_t    borrowed;  /* spans of the host that DONE gives back */
    uint32_t    forgotten; /* shared: a shutdown released it, because nobody else did */

    /* told by LIB: TB_TOLD_HEAD */
    const uint8_t* response;
    size_t         response_size;
    uint64_t       receive_total;
    uint64_t       head_ns;
    uint32_t       head_status;
    /* told by LIB: TB_TOLD_DONE */
    uint32_t       http_status;
    int32_t        status;
    uint32_t       code;
    uint32_t       facts;
    uint64_t       done_ns;
    const char*    error;
    size_t         error_size;
    const uint8_t* trailers; /* a FlatBuffer, or NULL */
    size_t         trailers_size;
    turbo_timings  timings;

    /* the body: LIB appends, HOST reads on */
    tb_part* parts;      /* shared: the first one ever, set once */
    uint64_t parts_told; /* shared: how many were appended */
    uint64_t bytes_told; /* shared: and their bytes */
    uint64_t body_ns;    /* when the newest came; shared */
    tb_part* tail;       /* LIB */
    tb_part* oldest;     /* LIB: the first one not yet freed */
    tb_part* spare;      /* LIB: freed ones, for the next bodies of this record */
    uint32_t spares;     /* LIB */
    uint32_t index;
    tb_part* at;           /* HOST: the part that peek shows first; TB_RECEIVING */
    uint64_t at_offset;    /* HOST */
    uint64_t parts_passed; /* HOST */

    tb_link    free;
    turbo_span spans_inline[TB_SPANS_INLINE];
    uint8_t    head_inline[TB_HEAD_INLINE];
} tb_request;

/* ---- Called by the library's side --------------------------------------------------------------- */
typedef struct tb_command {
    tb_request* request; /* or NULL */
    tb_op*      op;      /* or NULL */
    tb_verify*  verify;  /* or NULL: the host has let go of it */
    uint32_t    bits;    /* TB_CMD_* of request */
    uint32_t    index;   /* of request */
} tb_command;

/* The library is up: commands are taken. version is static; bell is a descriptor to write eight bytes to when it sleeps. */
void tb_lib_ready(int bell, const char* version);
/* Takes up to capacity commands, oldest first. One thread at a time. */
size_t tb_lib_take(tb_command* commands, size_t capacity);
/* 1: there is nothing to do, wait for the bell. 0: look again. */
int tb_lib_sleep(void);

/* Wakes the hosts that wait for what was told since. One wake-up for a batch is what makes the border cheap, so those that
 * tell only say (1) when a host sleeps. */
void tb_lib_stir(void);

/* One call at a time for each request; body parts stay readable until tb_lib_consumed passed them or tb_lib_leave. */
int tb_lib_head(tb_request* r, const uint8_t* view, size_t size, uint32_t http_status, uint64_t total, uint64_t now);
int tb_lib_body(tb_request* r, const uint8_t* data, size_t size, uint64_t now); /* below 0: no memory */
int tb_lib_end(tb_request* r, uint64_t now);
uint64_t tb_lib_consumed(tb_request* r); /* body bytes dropped so far, parts behind them are freed */

/* What the host lent since the last call, oldest first; NULL: nothing. */
tb_lent* tb_lib_lent(tb_request* r);
/* The same, and nothing can be lent any more: before tb_lib_done. */
tb_lent* tb_lib_lent_close(tb_request* r);
/* Gives it back: bytes of it went out, or were filled. 1: stir. */
int tb_lib_home(tb_lent* l, uint64_t bytes, int32_t status, uint64_t now);
/* n more bytes of the body left (after a repeat: fewer), and for a stream perhaps WRITABLE. 1: stir. */
int tb_lib_sent(tb_request* r, int64_t n);
/* No more of the body is wanted. 1: stir. */
int tb_lib_stopped(tb_request* r);
/* While spans are lent: n bytes that were told as parts went into one. */
void tb_lib_used(tb_request* r, uint64_t n);
typedef struct tb_done {
    int32_t        status;
    uint32_t       code, facts, http_status;
    uint64_t       now;
    const char*    error;
    size_t         error_size;
    const uint8_t* trailers;
    size_t         trailers_size;
    turbo_timings  timings;
} tb_done;
int  tb_lib_done(tb_request* r, tb_done done);
void tb_lib_leave(tb_request* r); /* after TB_CMD_FREE and tb_lib_done: nothing of r is used any more */

void tb_lib_answer(tb_op* op, int32_t status);

/* A question: new (NULL: too many are open), filled by the caller, then told. One thread at a time. */
tb_verify* tb_lib_verify_new(tb_client* c);
int        tb_lib_verify(tb_verify* v);
void       tb_lib_verify_over(tb_verify* v);  /* an answer comes too late */
void       tb_lib_verify_leave(tb_verify* v); /* after its command */
/* A log line; level TURBO_LOG_*. One thread at a time. */
void     tb_lib_log(int32_t level, const char* text, size_t size);
uint64_t tb_lib_borrowed(void);
uint64_t tb_lib_events_waiting(void);

/* ---- Inside the host's side --------------------------------------------------------------------- */
extern uint32_t tb_state; /* shared: TB_STATE_* */
enum { TB_STATE_LOADED = 0, TB_STATE_READY, TB_STATE_STOPPING, TB_STATE_STOPPED, TB_STATE_FORKED };
static inline int tb_ready(void) { return tb_load(&tb_state) == TB_STATE_READY; }

/* handles.c */
tb_queue*   tb_queue_new(void);  /* the caller is inside and receiving: it leaves when all is set up */
tb_client*  tb_client_new(void); /* the same */
tb_request* tb_request_new(void);
tb_queue*   tb_queue_at(uint32_t index); /* NULL beyond what was ever made */
tb_client*  tb_client_at(uint32_t index);
tb_request* tb_request_at(uint32_t index);
void        tb_begin(uint64_t* state, uint64_t* id, uint64_t inside); /* a new life: handles of the old one are stale */
void        tb_queue_free(tb_queue* q);
void        tb_client_free(tb_client* c);
void        tb_request_left(tb_request* r, uint32_t who); /* the last one to leave frees */
uint64_t    tb_requests_live(void);
turbo_status tb_enter(uint64_t* state, uint64_t id, uint64_t how); /* OK, STALE or STATE */
uint64_t     tb_leave(uint64_t* state, uint64_t how);              /* the state behind it */

/* list.c */
void     tb_bell_set(int bell);
int      tb_push(tb_link** list, tb_link* link); /* 1: the list was empty */
tb_link* tb_take(tb_link** list);                /* all, oldest first */
tb_link* tb_reverse(tb_link* newest);
void     tb_order(tb_request* r, uint32_t bits); /* TB_CMD_* */
void     tb_operate(tb_op* op);
void     tb_hand_back(tb_verify* v);

/* verify.c */
void tb_verify_left(tb_verify* v, uint32_t who); /* the last one to leave frees */
void tb_verify_end(tb_client* c);                /* answers what nobody answered; the client is closed */

/* queue.c */
void tb_borrow(uint64_t spans);
int  tb_body_tell(tb_request* r);               /* LIB: a BODY event, if wanted */
int  tb_queue_push(tb_queue* q, tb_link* link); /* 1: a waiter sleeps, it is to be stirred */
void tb_queue_drop(tb_queue* q);                /* events not taken; the caller holds TB_RECEIVING */
void tb_queue_watchable(tb_queue* q);           /* the record is about to be a new queue */
void tb_queue_unwatch(tb_queue* q);             /* its handle ends */
void tb_queue_stir(tb_queue* q);                /* a waiter looks again */
int  tb_queue_end(tb_queue* q); /* shutdown: drops events and releases it, once no call is inside; 0: not yet */

/* request.c */
turbo_status tb_request_enter(turbo_request h, uint64_t how, tb_request** r);
void         tb_request_end(tb_request* r);                 /* shutdown: releases it, if nobody did */
void         tb_request_leave(tb_request* r, uint64_t how); /* the last one out of a released request sends it home */

/* lent.c */
#define TB_LENT_CLOSED ((tb_link*)(uintptr_t)1)
void         tb_lent_free(tb_lent* l);
turbo_status tb_lent_give(tb_request* r, tb_lent* l); /* to LIB; STATE: the exchange has ended, and l is freed */
void         tb_lent_emit(tb_lent* l, turbo_event* e);

/* upload.c */
void tb_chunk_drop(tb_chunk* c); /* or NULL */

/* body.c */
void tb_body_sync(tb_request* r); /* the caller holds TB_RECEIVING and nothing is lent */

/* arena.c */
void* tb_arena_get(size_t size); /* NULL: no memory; host threads only */
void  tb_arena_put(void* memory);

/* op.c */
tb_op*       tb_op_new(uint32_t kind);
tb_op*       tb_op_alone(uint32_t kind, turbo_bytes text); /* nobody waits: the library frees it; text is copied */
turbo_status tb_op_wait(tb_op* op, uint64_t deadline_ns);  /* TIMEOUT, or the answer */
void         tb_op_put(tb_op* op);

/* os_*.c */
uint64_t tb_now(void);                                                   /* monotonic nanoseconds */
void tb_word_wait(uint32_t* word, uint32_t value, uint64_t deadline_ns); /* returns early at will; deadline 0: none */
void tb_word_wake(uint32_t* word);
void tb_bell_ring(int bell);
int  tb_handle_new(void); /* to be polled by the host; below 0: none is left */
void tb_handle_set(int handle);
void tb_handle_clear(int handle);
void tb_handle_close(int handle);
void tb_yield(void);
typedef struct tb_lock {
    uint32_t word;
} tb_lock; /* between host threads only */
void tb_lock_take(tb_lock* lock);
void tb_lock_give(tb_lock* lock);

/* signals.c */
int tb_signals_check(void); /* the second look; how many signals it gave back */

/* library.c */
/* Copies a struct of the caller, whose first field is its size, into ours: fields that it does not have are zero, and
 * fields that we do not have must be. OK, INVALID or UNSUPPORTED. */
turbo_status      tb_struct_copy(void* ours, size_t size, const void* theirs);
static inline int tb_misaligned(const void* p) { return (uintptr_t)p % sizeof(void*) != 0; }

/* tls.c */
/* Copies a turbo_tls_config and all it points to, after a look at it; refuse says why not. OK: give it back by free. */
turbo_status tb_tls_copy(turbo_tls_config* ours, const turbo_tls_config* theirs, const char** why);
void         tb_tls_free(turbo_tls_config* ours);

/* client.c */
void         tb_client_retire(tb_client* c);                      /* after a close that succeeded; ends TB_RECEIVING */
turbo_status tb_client_close(tb_client* c, uint64_t deadline_ns); /* the caller holds TB_RECEIVING; not freed yet */

#endif /* TB_RECORD_H */
