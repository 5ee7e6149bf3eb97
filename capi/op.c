/* op.c - operations: most are waited for by a host thread (create, destroy, statistics). */
#include "record.h"

#include <stdlib.h>

tb_op* tb_op_new(uint32_t kind) {
    tb_op* op = tb_arena_get(sizeof *op);
    if (op == NULL) return NULL;
    memset(op, 0, sizeof *op);
    op->link.what = TB_LINK_OP;
    op->kind = kind;
    op->holders = 2;
    return op;
}

tb_op* tb_op_alone(uint32_t kind, turbo_bytes text) {
    tb_op* op = tb_arena_get(sizeof *op + text.size);
    if (op == NULL) return NULL;
    memset(op, 0, sizeof *op);
    op->link.what = TB_LINK_OP;
    op->kind = kind;
    op->holders = 1;
    if (text.size != 0) memcpy(op + 1, text.data, text.size);
    op->text.data = (const uint8_t*)(op + 1);
    op->text.size = text.size;
    return op;
}

turbo_status tb_op_wait(tb_op* op, uint64_t deadline_ns) {
    while (tb_load(&op->answered) == 0) {
        if (deadline_ns != 0 && tb_now() >= deadline_ns) return TURBO_ERROR_TIMEOUT;
        tb_word_wait(&op->answered, 0, deadline_ns);
    }
    return op->status;
}

void tb_op_put(tb_op* op) {
    if (__atomic_sub_fetch(&op->holders, 1, __ATOMIC_ACQ_REL) == 0) tb_arena_put(op);
}

void tb_lib_answer(tb_op* op, int32_t status) {
    op->status = status;
    tb_store(&op->answered, 1);
    tb_word_wake(&op->answered); /* op is ours until the next line */
    tb_op_put(op);
}
