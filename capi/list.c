/* list.c - the intrusive lists and the command list with its doorbell. */
#include "record.h"

int tb_push(tb_link** list, tb_link* link) {
    tb_link* first = tb_peek(list);
    do {
        __atomic_store_n(&link->next, first, __ATOMIC_RELAXED);
    } while (!tb_cas(list, &first, link));
    return first == NULL;
}

tb_link* tb_reverse(tb_link* newest) {
    tb_link* oldest = NULL;
    while (newest != NULL) {
        tb_link* next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

tb_link* tb_take(tb_link** list) { return tb_reverse(tb_load(list) == NULL ? NULL : tb_swap(list, NULL)); }

/* ---- Commands: host to library ------------------------------------------------------------------ */
static tb_link* commands;       /* shared: pushed by any host thread */
static tb_link* commands_taken; /* LIB */
static uint32_t asleep;         /* shared: LIB waits for the bell */
static int      bell_handle = -1;

static void post(tb_link* link) {
    tb_push(&commands, link);
    /* The push and this load are sequentially consistent, as are the store and the load in tb_lib_sleep: either the
     * sleeper sees the command, or we see the sleeper. */
    if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST) != 0 && tb_swap(&asleep, 0) != 0) tb_bell_ring(bell_handle);
}

void tb_order(tb_request* r, uint32_t bits) {
    if (tb_or(&r->commands, bits) == 0) post(&r->command_link);
}

void tb_operate(tb_op* op) { post(&op->link); }

void tb_hand_back(tb_verify* v) { post(&v->command_link); }

#define OWNER(type, member, link) ((type*)(void*)((char*)(link)-offsetof(type, member)))

size_t tb_lib_take(tb_command* out, size_t capacity) {
    size_t n = 0;
    while (n < capacity) {
        tb_link* link = commands_taken;
        if (link == NULL) {
            commands_taken = tb_take(&commands);
            if (commands_taken == NULL) break;
            continue;
        }
        commands_taken = link->next;
        memset(&out[n], 0, sizeof out[n]);
        if (link->what == TB_LINK_OP) {
            out[n].op = OWNER(tb_op, link, link);
        } else if (link->what == TB_LINK_ANSWER) {
            out[n].verify = OWNER(tb_verify, command_link, link);
        } else {
            tb_request* r = OWNER(tb_request, command_link, link);
            out[n].request = r;
            out[n].index = r->index;
            out[n].bits = tb_swap(&r->commands, 0); /* from here on the host may link it again */
        }
        n++;
    }
    return n;
}

int tb_lib_sleep(void) {
    __atomic_store_n(&asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&commands, __ATOMIC_SEQ_CST) == NULL) return 1;
    /* If a host took the mark meanwhile, the bell rings for nothing; the sleeper then finds it rung and looks again. */
    tb_swap(&asleep, 0);
    return 0;
}

void tb_bell_set(int bell) { bell_handle = bell; }
