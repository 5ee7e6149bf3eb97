/* response.c - the response head: as a FlatBuffer, or line by line. */
#include "record.h"

#include "../include/turbohttp_head.h"

/* Enters a request whose head has come. */
static turbo_status enter(turbo_request h, tb_request** r, int bad_argument) {
    turbo_status s;
    if (bad_argument) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    s = tb_request_enter(h, 0, r);
    if (s == TURBO_OK && (tb_load(&(*r)->told) & TB_TOLD_HEAD) == 0) {
        tb_request_leave(*r, 0);
        s = TURBO_ERROR_STATE;
    }
    return s;
}

static int bad(const void* out) { return out == NULL || tb_misaligned(out); }

turbo_status turbo_response_head(turbo_request request, turbo_bytes* head) {
    tb_request*  r;
    turbo_status s = enter(request, &r, bad(head));
    if (s != TURBO_OK) return s;
    head->data = r->response;
    head->size = r->response_size;
    tb_request_leave(r, 0);
    return TURBO_OK;
}

turbo_status turbo_response_trailers(turbo_request request, turbo_bytes* trailers) {
    tb_request*  r;
    turbo_status s;
    if (bad(trailers)) return tb_ready() ? TURBO_ERROR_INVALID : TURBO_ERROR_STATE;
    s = tb_request_enter(request, 0, &r);
    if (s != TURBO_OK) return s;
    if ((tb_load(&r->told) & TB_TOLD_DONE) == 0) {
        s = TURBO_ERROR_STATE;
    } else {
        trailers->data = r->trailers;
        trailers->size = r->trailers_size;
    }
    tb_request_leave(r, 0);
    return s;
}

int64_t turbo_response_header(turbo_request request, turbo_bytes name, size_t index, turbo_bytes* value) {
    tb_request*       r;
    turbo_head_reader reader;
    int64_t           n = enter(request, &r, bad(value) || name.data == NULL || name.size == 0);
    if (n != TURBO_OK) return n;
    n = turbo_head_response((turbo_bytes){r->response, r->response_size}, &reader);
    if (n == TURBO_OK) n = turbo_head_response_header(&reader, name, index, value);
    tb_request_leave(r, 0);
    return n;
}

int64_t turbo_response_field(turbo_request request, size_t index, turbo_bytes* name, turbo_bytes* value) {
    tb_request*       r;
    turbo_head_reader reader;
    int64_t           n = enter(request, &r, bad(name) || bad(value));
    if (n != TURBO_OK) return n;
    n = turbo_head_response((turbo_bytes){r->response, r->response_size}, &reader);
    if (n == TURBO_OK) n = turbo_head_response_field(&reader, index, name, value);
    tb_request_leave(r, 0);
    return n;
}
