/* cside_standin.c - plays the library's side of the border in C, so that the host's side can run under ThreadSanitizer
 * and AddressSanitizer, which do not understand Go.
 *
 * A service thread takes commands as service.go does; two connection threads answer as the sink does: a head, a body in
 * parts, DONE. What is told of a request depends on its timeout_ms, which the test uses as a script:
 *   parts = timeout_ms & 15, and 16: fail instead of an end; 32: answer only when cancelled; 64: ask about a certificate
 *   first, every other time with an end that comes before the answer. */
#include "../record.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS 2

typedef struct peer { /* the stand-in for the Go exchange of one record */
    pthread_mutex_t mu;
    struct peer*    next;
    tb_request*     r;
    uint8_t*        body[16];
    int             parts, done, freed, cancelled, queued, writes;
    uint8_t*        head;
} peer;

static peer*           peers[1 << 20];
static pthread_mutex_t jobs_mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t  jobs_cond = PTHREAD_COND_INITIALIZER;
static peer*           jobs;
static tb_op*          closers[64];
static size_t          closer_count;
static uint64_t        started, finished; /* under jobs_mu */

static const uint8_t* a_head(size_t* size) {
    /* A Response FlatBuffer without fields is enough for the border: it only carries it. */
    static const uint8_t view[16] = {12, 0, 0, 0, 'T', 'R', 'S', '1', 4, 0, 4, 0, 4, 0, 0, 0};
    *size = sizeof view;
    return view;
}

static void end(peer* p) { /* p->mu held; afterwards the record may live again */
    int i;
    for (i = 0; i < p->parts; i++) free(p->body[i]);
    p->parts = 0;
    free(p->head);
    p->head = NULL;
    tb_lib_leave(p->r);
}

/* What the host gave: writes leave at once, spans are filled with what a body of their own would hold. */
static void give_back(tb_lent* l, int32_t status) {
    while (l != NULL) {
        tb_lent* next = (tb_lent*)(void*)l->link.next;
        uint64_t bytes = status == TURBO_OK ? l->size : 0;
        size_t   i, k;
        int      told = 0;
        if (l->kind == TB_LENT_SPAN) {
            memset(l->part.data, 'f', (size_t)bytes);
        } else {
            for (i = 0; i < l->count; i++)
                for (k = 0; k < l->parts[i].size; k++)
                    if (l->parts[i].data[k] != (uint8_t)(k % 64 * 7)) {
                        fprintf(stderr, "a written span changed\n");
                        abort();
                    }
            if (bytes != 0) told = tb_lib_sent(l->request, (int64_t)bytes);
        }
        told |= tb_lib_home(l, bytes, status, tb_now());
        if (told) tb_lib_stir();
        l = next;
    }
}

static void done(peer* p, int32_t status) { /* p->mu held */
    tb_done d;
    memset(&d, 0, sizeof d);
    d.status = status;
    d.http_status = status == TURBO_OK ? 200 : 0;
    d.now = tb_now();
    if (status != TURBO_OK) {
        d.error = "stand-in: it failed as told";
        d.error_size = strlen(d.error);
    }
    p->done = 1;
    give_back(tb_lib_lent_close(p->r), TURBO_ERROR_CANCELLED);
    pthread_mutex_lock(&jobs_mu);
    finished++;
    pthread_mutex_unlock(&jobs_mu);
    if (tb_lib_done(p->r, d)) tb_lib_stir();
    if (p->freed) end(p);
}

static pthread_mutex_t asks_mu = PTHREAD_MUTEX_INITIALIZER;
static uint64_t        asks; /* under asks_mu */

/* A question, as verify.go makes it: an array of two certificates of 40 bytes, and a host. */
static void ask(tb_client* c) {
    tb_verify* v;
    int        told = 0;
    pthread_mutex_lock(&asks_mu);
    v = tb_lib_verify_new(c);
    if (v != NULL) {
        uint8_t* memory = malloc(2 * sizeof(turbo_bytes) + 80 + 4);
        uint8_t* text = memory + 2 * sizeof(turbo_bytes);
        v->memory = memory;
        memset(text, 0x30, 80);
        memcpy(text + 80, "host", 4);
        v->chain = (turbo_bytes*)(void*)memory;
        v->chain[0] = (turbo_bytes){text, 40};
        v->chain[1] = (turbo_bytes){text + 40, 40};
        v->host = (turbo_bytes){text + 80, 4};
        v->count = 2;
        v->verified = 1;
        v->now = tb_now();
        told = tb_lib_verify(v);
        if (++asks % 2 == 0) tb_lib_verify_over(v);
    }
    pthread_mutex_unlock(&asks_mu);
    if (told) tb_lib_stir();
}

static void answer(peer* p) {
    tb_request*    r = p->r;
    uint32_t       script;
    int            i, n, told;
    size_t         size, offset;
    const uint8_t* head;
    uint8_t*       memory = NULL;
    pthread_mutex_lock(&p->mu);
    script = r->timeout_ms;
    if ((script & 32) != 0 && !p->cancelled && !p->freed) {
        p->queued = 0; /* a cancel will come */
        pthread_mutex_unlock(&p->mu);
        return;
    }
    if (p->cancelled || p->freed) {
        done(p, TURBO_ERROR_CANCELLED);
        pthread_mutex_unlock(&p->mu);
        return;
    }
    if ((script & 64) != 0) ask(r->client);
    /* Lent memory is read, and checked, before DONE. */
    for (i = 0; i < (int)r->span_count; i++) {
        size_t k;
        for (k = 0; k < r->spans[i].size; k++) {
            if (r->spans[i].data[k] != (uint8_t)(k % 64 * 7)) {
                fprintf(stderr, "a lent span changed\n");
                abort();
            }
        }
        __atomic_fetch_add(&r->sent, r->spans[i].size, __ATOMIC_RELAXED);
    }
    head = a_head(&size);
    p->head = malloc(size);
    memcpy(p->head, head, size);
    if (tb_lib_head(r, p->head, size, 200, 0, tb_now())) tb_lib_stir();
    n = (int)(script & 15);
    offset = 0;
    for (i = 0; i < n; i++) {
        size_t k, part = 1 + (size_t)(i * 37);
        if (r->into.size != 0) {
            uint64_t at = tb_load(&r->received);
            if (part > r->into.size - at) part = r->into.size - at;
            memset(r->into.data + at, 'x', part);
            __atomic_fetch_add(&r->received, part, __ATOMIC_RELAXED);
            continue;
        }
        /* Every third part begins memory of its own, and those between lie behind each other and let it grow. */
        if (i % 3 == 0) {
            memory = p->body[p->parts++] = malloc(3 * 16 * 37);
        }
        for (k = 0; k < part; k++) memory[k] = (uint8_t)(offset++ * 7);
        if ((told = tb_lib_body(r, memory, part, tb_now())) < 0) abort();
        memory += part;
        if (told) tb_lib_stir();
        __atomic_fetch_add(&r->received, part, __ATOMIC_RELAXED);
    }
    if ((script & 16) == 0 && tb_lib_end(r, tb_now())) tb_lib_stir();
    done(p, (script & 16) != 0 ? TURBO_ERROR_CLOSED : TURBO_OK);
    pthread_mutex_unlock(&p->mu);
}

static void* work(void* unused) {
    (void)unused;
    for (;;) {
        peer* p;
        pthread_mutex_lock(&jobs_mu);
        while (jobs == NULL) pthread_cond_wait(&jobs_cond, &jobs_mu);
        p = jobs;
        jobs = p->next;
        pthread_mutex_unlock(&jobs_mu);
        answer(p);
    }
    return NULL;
}

static void give(peer* p) {
    pthread_mutex_lock(&jobs_mu);
    p->next = jobs;
    jobs = p;
    pthread_cond_signal(&jobs_cond);
    pthread_mutex_unlock(&jobs_mu);
}

static void take_command(const tb_command* c) {
    peer* p;
    if (c->op != NULL) {
        if (c->op->kind == TB_OP_CLIENT_DESTROY) {
            closers[closer_count++] = c->op; /* answered when nothing runs any more */
        } else {
            tb_lib_answer(c->op, TURBO_OK);
        }
        return;
    }
    if (c->verify != NULL) {
        pthread_mutex_lock(&asks_mu);
        tb_lib_verify_leave(c->verify);
        pthread_mutex_unlock(&asks_mu);
        return;
    }
    p = peers[c->index];
    if ((c->bits & TB_CMD_SUBMIT) != 0) {
        if (p == NULL) {
            p = peers[c->index] = calloc(1, sizeof *p);
            pthread_mutex_init(&p->mu, NULL);
        }
        pthread_mutex_lock(&p->mu);
        p->r = c->request;
        p->done = p->freed = p->cancelled = p->parts = p->writes = 0;
        p->queued = 1;
        pthread_mutex_unlock(&p->mu);
        pthread_mutex_lock(&jobs_mu);
        started++;
        pthread_mutex_unlock(&jobs_mu);
        give(p);
    }
    if ((c->bits & TB_CMD_LENT) != 0 && (c->bits & TB_CMD_FREE) == 0) {
        pthread_mutex_lock(&p->mu);
        if (!p->done) {
            tb_lent* l = tb_lib_lent(p->r);
            give_back(l, TURBO_OK);
            if (p->writes++ % 8 == 7 && tb_lib_stopped(p->r)) tb_lib_stir();
        }
        pthread_mutex_unlock(&p->mu);
    }
    if ((c->bits & TB_CMD_CONSUME) != 0 && (c->bits & TB_CMD_FREE) == 0) {
        pthread_mutex_lock(&p->mu);
        tb_lib_consumed(p->r);
        pthread_mutex_unlock(&p->mu);
    }
    if ((c->bits & (TB_CMD_CANCEL | TB_CMD_FREE)) != 0) {
        pthread_mutex_lock(&p->mu);
        p->cancelled = 1;
        if ((c->bits & TB_CMD_FREE) != 0) p->freed = 1;
        if (p->done) {
            if (p->freed) end(p);
        } else if (!p->queued) {
            p->queued = 1;
            give(p);
        }
        pthread_mutex_unlock(&p->mu);
    }
}

static void finish_closers(void) {
    size_t   i;
    uint32_t k;
    /* Close cancels everything. */
    for (k = 0; k < 1u << 20 && peers[k] != NULL; k++) {
        peer* p = peers[k];
        pthread_mutex_lock(&p->mu);
        if (!p->done && !p->queued) {
            p->cancelled = 1;
            p->queued = 1;
            give(p);
        }
        pthread_mutex_unlock(&p->mu);
    }
    pthread_mutex_lock(&jobs_mu);
    i = started == finished;
    pthread_mutex_unlock(&jobs_mu);
    if (i == 0) return;
    for (i = 0; i < closer_count; i++) tb_lib_answer(closers[i], TURBO_OK);
    closer_count = 0;
}

static void* serve(void* unused) {
    static tb_command batch[64];
    int               bell = eventfd(0, EFD_CLOEXEC);
    (void)unused;
    tb_lib_ready(bell, "stand-in");
    for (;;) {
        size_t i, n = tb_lib_take(batch, 64);
        for (i = 0; i < n; i++) take_command(&batch[i]);
        if (closer_count != 0) {
            finish_closers();
            tb_yield();
            continue;
        }
        if (n == 0 && tb_lib_sleep()) {
            uint64_t rung;
            if (read(bell, &rung, sizeof rung) < 0 && errno != EINTR) abort();
        }
    }
    return NULL;
}

static int log_on;

static void* chat(void* unused) { /* the log's writer */
    int i;
    (void)unused;
    for (i = 0;; i++) {
        char line[64];
        int  n = snprintf(line, sizeof line, "line %d", i);
        if (tb_load(&log_on)) tb_lib_log(TURBO_LOG_INFO, line, (size_t)n);
        if (i % 64 == 0) poll(NULL, 0, 1);
    }
    return NULL;
}

__attribute__((constructor)) static void start(void) {
    pthread_t t;
    int       i;
    for (i = 0; i < WORKERS; i++) pthread_create(&t, NULL, work, NULL);
    pthread_create(&t, NULL, serve, NULL);
    pthread_create(&t, NULL, chat, NULL);
    tb_store(&log_on, 1);
}
