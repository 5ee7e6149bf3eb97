/*
 * turbohttp_head.h - writes the head and the trailers of a request and reads those of a response, without any FlatBuffers
 * library.
 *
 * What turbo_submit takes and turbo_response_head gives are FlatBuffers of turbohttp.fbs. Hosts with a FlatBuffers
 * library use that. For all others this header knows the three shapes; it is plain C, allocates nothing, calls nothing
 * of the library, and keeps no state but what you pass in.
 *
 *     uint8_t           memory[512];
 *     turbo_span        span = {memory, sizeof memory};
 *     turbo_head_writer writer;
 *     turbo_bytes       head;
 *     turbo_head_begin(&writer, span, TURBO_METHOD_GET, turbo_text("http://example.com/"));
 *     turbo_head_field(&writer, turbo_text("Accept"), turbo_text("application/json"));
 *     status = turbo_head_finish(&writer, &head);
 *
 *     turbo_head_reader response;
 *     turbo_bytes       type;
 *     status = turbo_head_response(view, &response);
 *     found = turbo_head_response_header(&response, turbo_text("content-type"), 0, &type);
 *
 * The words of turbohttp.h hold here too, but that "one" is your promise: nothing checks it. Memory may have any
 * alignment and the machine any byte order.
 */
#ifndef TURBOHTTP_HEAD_H
#define TURBOHTTP_HEAD_H

#include "turbohttp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TURBO_METHOD_GET = 0,
    TURBO_METHOD_HEAD,
    TURBO_METHOD_POST,
    TURBO_METHOD_PUT,
    TURBO_METHOD_DELETE,
    TURBO_METHOD_PATCH,
    TURBO_METHOD_OPTIONS,
    TURBO_METHOD_CONNECT,
    TURBO_METHOD_TRACE,
    TURBO_METHOD_OTHER /* see turbo_head_begin_named */
};
enum { TURBO_HTTP_UNKNOWN = 0, TURBO_HTTP_10 = 10, TURBO_HTTP_11 = 11 }; /* turbo_head_reader.version */

#define TURBO_HEAD_MAX UINT32_C(1048576) /* bytes: the library takes no larger request head */

/* ---- Writing a request, or trailers ----------------------------------------------------------------------- */
/* The writer's own; the memory is yours, on the stack is fine. Octets grow from the front of the span, the ranges that
 * name them from its back; turbo_head_finish brings them together. */
typedef struct turbo_head_writer {
    turbo_span   span;
    size_t       front;  /* where the next octet goes */
    size_t       octets; /* where the octets began, at their length */
    size_t       refs;   /* where the ways to the lines and, behind it, to the octets go */
    size_t       lines;
    turbo_status status; /* the first failure */
} turbo_head_writer;

/* Internal: value in the byte order of FlatBuffers. Threads: any. Blocks: no. Errors: none. */
static inline void turbo_head_put32(uint8_t* to, size_t value) {
    to[0] = (uint8_t)(value & 0xff);
    to[1] = (uint8_t)((value >> 8) & 0xff);
    to[2] = (uint8_t)((value >> 16) & 0xff);
    to[3] = (uint8_t)((value >> 24) & 0xff);
}

/* Internal: copies, and takes (NULL, 0). Threads: any. Blocks: no. Errors: none. */
static inline void turbo_head_copy(uint8_t* to, turbo_bytes from) {
    if (from.size != 0) memcpy(to, from.data, from.size);
}

/* Internal: the size of the finished head, were it finished now. Threads: any. Blocks: no. Errors: none. */
static inline size_t turbo_head_needed(const turbo_head_writer* writer) {
    return ((writer->front + 3) & ~(size_t)3) + 4 + 16 * writer->lines;
}

/* Internal: moves front by first + second + pad bytes and adds lines, and returns where front was if all that fits, or
 * 0. Beyond TURBO_HEAD_MAX it stops counting, so that nothing overflows. Threads: any. Blocks: no. Errors: none. */
static inline size_t turbo_head_claim(turbo_head_writer* writer, turbo_bytes first, turbo_bytes second, size_t pad,
                                      size_t lines) {
    size_t at = writer->front;
    if (writer->status != TURBO_OK && writer->status != TURBO_ERROR_LIMIT) return 0;
    if ((first.data == NULL && first.size != 0) || (second.data == NULL && second.size != 0)) {
        writer->status = TURBO_ERROR_INVALID;
        return 0;
    }
    if (turbo_head_needed(writer) <= TURBO_HEAD_MAX) {
        writer->front += pad;
        writer->front += first.size > TURBO_HEAD_MAX ? TURBO_HEAD_MAX : first.size;
        writer->front += second.size > TURBO_HEAD_MAX ? TURBO_HEAD_MAX : second.size;
        writer->lines += lines;
    }
    if (turbo_head_needed(writer) > TURBO_HEAD_MAX || turbo_head_needed(writer) > writer->span.size) {
        writer->status = TURBO_ERROR_LIMIT;
    }
    return writer->status == TURBO_OK ? at : 0;
}

/* Internal: appends a string, and returns where; 0 if it does not fit. Threads: any. Blocks: no. Errors: none. */
static inline size_t turbo_head_string(turbo_head_writer* writer, turbo_bytes text) {
    turbo_bytes none = {NULL, 0};
    size_t      zeros = 4 - text.size % 4; /* the NUL, and up to the next multiple of 4 */
    size_t      at = turbo_head_claim(writer, text, none, 4 + zeros, 0);
    if (at == 0) return 0;
    turbo_head_put32(writer->span.data + at, text.size);
    turbo_head_copy(writer->span.data + at + 4, text);
    memset(writer->span.data + at + 4 + text.size, 0, zeros);
    return at;
}

/* Internal: both beginnings; name is empty unless method is OTHER. Threads: any. Blocks: no. Errors: none. */
static inline void turbo_head_start(turbo_head_writer* writer, turbo_span span, int32_t method, turbo_bytes name,
                                    turbo_bytes url) {
    /* clang-format off */
    static const uint8_t start[68] = {
        32, 0, 0, 0, 'T', 'R', 'Q', '1',                       /*  0 where the Request is, identifier */
        16, 0, 28, 0,                                          /*  8 vtable of Request: its size, the table's size; */
        24, 0, 0, 0, 8, 0, 12, 0, 16, 0, 20, 0,                /*    method, method_name, url, fields, octets, policy */
        6, 0, 5, 0, 4, 0, 0, 0,                                /* 24 vtable of Policy: likewise; expect_continue */
        24, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0,                  /* 32 Request: vtable, method_name, url, */
        0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0,        /* 44 fields, octets, policy, method */
        36, 0, 0, 0, 0, 0, 0, 0                                /* 60 Policy: vtable, expect_continue */
    };
    /* clang-format on */
    turbo_bytes none = {NULL, 0};
    size_t      at;
    if (writer == NULL) return;
    memset(writer, 0, sizeof *writer);
    writer->span = span;
    writer->front = sizeof start;
    writer->refs = 44;
    if (method < 0 || method > TURBO_METHOD_OTHER || url.size == 0 || (span.data == NULL && span.size != 0) ||
        (method == TURBO_METHOD_OTHER) != (name.size != 0)) {
        writer->status = TURBO_ERROR_INVALID;
    }
    if (turbo_head_string(writer, url) != 0) {
        memcpy(span.data, start, sizeof start);
        span.data[56] = (uint8_t)method;
    }
    if (name.size != 0) {
        at = turbo_head_string(writer, name);
        if (at != 0) {
            span.data[14] = 4;
            turbo_head_put32(span.data + 36, at - 36);
        }
    }
    writer->octets = turbo_head_claim(writer, none, none, 4, 0);
}

/* Begins a request head in span, which the writer uses until turbo_head_finish; url is copied. A head needs about 90
 * bytes, the URL, and for each field its octets and 16 bytes. method is a TURBO_METHOD_*, not OTHER.
 * Threads: one. Blocks: no. Errors: told by turbo_head_finish. */
static inline void turbo_head_begin(turbo_head_writer* writer, turbo_span span, int32_t method, turbo_bytes url) {
    turbo_bytes none = {NULL, 0};
    turbo_head_start(writer, span, method, none, url);
}

/* Begins with a method by name, any token of RFC 9110 §9.1, such as PROPFIND or GET: case matters. name is copied.
 * Threads: one. Blocks: no. Errors: told by turbo_head_finish. */
static inline void turbo_head_begin_named(turbo_head_writer* writer, turbo_span span, turbo_bytes name,
                                          turbo_bytes url) {
    turbo_head_start(writer, span, TURBO_METHOD_OTHER, name, url);
}

/* Begins trailers (RFC 9110 §6.5) in span, for turbo_request_finish: they need about 40 bytes, and for each field its octets
 * and 16 bytes. Threads: one. Blocks: no. Errors: told by turbo_head_finish. */
static inline void turbo_head_begin_trailers(turbo_head_writer* writer, turbo_span span) {
    /* clang-format off */
    static const uint8_t start[28] = {
        16, 0, 0, 0, 'T', 'R', 'T', '1',                       /*  0 where the Trailers are, identifier */
        8, 0, 12, 0, 4, 0, 8, 0,                               /*  8 vtable: its size, the table's size; fields, octets */
        8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0                     /* 16 Trailers: vtable, fields, octets */
    };
    /* clang-format on */
    turbo_bytes none = {NULL, 0};
    if (writer == NULL) return;
    memset(writer, 0, sizeof *writer);
    writer->span = span;
    writer->front = sizeof start;
    writer->refs = 20;
    if (span.data == NULL && span.size != 0) writer->status = TURBO_ERROR_INVALID;
    writer->octets = turbo_head_claim(writer, none, none, 4, 0);
    if (writer->octets != 0) memcpy(span.data, start, sizeof start);
}

/* Appends a field line; name and value are copied. Threads: one. Blocks: no. Errors: told by turbo_head_finish. */
static inline void turbo_head_field(turbo_head_writer* writer, turbo_bytes name, turbo_bytes value) {
    size_t   at;
    uint8_t* line;
    if (writer == NULL) return;
    at = turbo_head_claim(writer, name, value, 0, 1);
    if (at == 0) return;
    turbo_head_copy(writer->span.data + at, name);
    turbo_head_copy(writer->span.data + at + name.size, value);
    at -= writer->octets + 4;
    line = writer->span.data + writer->span.size - 16 * writer->lines;
    turbo_head_put32(line, at);
    turbo_head_put32(line + 4, name.size);
    turbo_head_put32(line + 8, at + name.size);
    turbo_head_put32(line + 12, value.size);
}

/* Asks for Expect: 100-continue: the body waits up to a second for the server's word (RFC 9110 §10.1.1).
 * Threads: one. Blocks: no. Errors: told by turbo_head_finish. */
static inline void turbo_head_expect_continue(turbo_head_writer* writer) {
    if (writer != NULL && writer->status == TURBO_OK && writer->refs == 44) writer->span.data[64] = 1;
}

/* Ends the head, or the trailers: *head is a part of your span, ready for turbo_submit or turbo_request_finish, which copy
 * it. On LIMIT head->data is NULL and head->size says how large it must be; above TURBO_HEAD_MAX none is large enough. On
 * any other failure it is {0}.
 * Threads: one. Blocks: no. Errors: INVALID (null, no URL, no such method), LIMIT, STATE (finished before). */
static inline turbo_status turbo_head_finish(turbo_head_writer* writer, turbo_bytes* head) {
    uint8_t* data;
    uint8_t* low;
    uint8_t* high;
    uint8_t  line[16];
    size_t   at;
    if (head == NULL) return TURBO_ERROR_INVALID;
    head->data = NULL;
    head->size = 0;
    if (writer == NULL) return TURBO_ERROR_INVALID;
    if (writer->status == TURBO_ERROR_LIMIT) head->size = turbo_head_needed(writer);
    if (writer->status != TURBO_OK) return writer->status;

    data = writer->span.data;
    low = data + writer->span.size - 16 * writer->lines; /* the last line lies first: turn them around */
    high = data + writer->span.size - 16;
    for (at = writer->lines / 2; at > 0; at--, low += 16, high -= 16) {
        memcpy(line, low, 16);
        memcpy(low, high, 16);
        memcpy(high, line, 16);
    }
    turbo_head_put32(data + writer->refs + 4, writer->octets - writer->refs - 4);
    turbo_head_put32(data + writer->octets, writer->front - writer->octets - 4);
    for (at = writer->front; at % 4 != 0; at++) data[at] = 0;
    turbo_head_put32(data + writer->refs, at - writer->refs);
    turbo_head_put32(data + at, writer->lines);
    memmove(data + at + 4, data + writer->span.size - 16 * writer->lines, 16 * writer->lines);
    head->data = data;
    head->size = turbo_head_needed(writer);
    writer->status = TURBO_ERROR_STATE;
    return TURBO_OK;
}

/* A request head without fields, in one call; all as in turbo_head_begin and turbo_head_finish.
 * Threads: any. Blocks: no. Errors: INVALID, LIMIT. */
static inline turbo_status turbo_head_simple(turbo_span span, int32_t method, turbo_bytes url, turbo_bytes* head) {
    turbo_head_writer writer;
    turbo_head_begin(&writer, span, method, url);
    return turbo_head_finish(&writer, head);
}

/* ---- Reading a response, or its trailers ---------------------------------------------------------------------- */
typedef struct turbo_head_reader { /* all views live as long as the view that was read */
    uint16_t    status;            /* 100..999 */
    uint8_t     version;           /* TURBO_HTTP_* */
    uint8_t     reused;            /* 1: the connection had served before */
    int64_t     content_length;    /* bytes of the body as sent; -1: not said */
    size_t      field_count;
    turbo_bytes reason;            /* octets as received, may be empty */
    turbo_bytes url;               /* that answered; a NUL follows */
    turbo_bytes address;           /* of the connection, "192.0.2.1:443"; a NUL follows */
    turbo_bytes tls;               /* of the connection, "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1", empty without; a NUL follows */
    size_t      informational_count; /* 1xx heads before it, see turbo_head_response_informational */
    turbo_bytes octets;            /* the reader's own */
    const uint8_t* lines;          /* the reader's own */
    const uint8_t* informational;  /* the reader's own */
} turbo_head_reader;

/* Internal: a number in the byte order of FlatBuffers. Threads: any. Blocks: no. Errors: none. */
static inline uint32_t turbo_head_get16(const uint8_t* from) { return (uint32_t)from[0] | (uint32_t)from[1] << 8; }

/* Internal: a number in the byte order of FlatBuffers. Threads: any. Blocks: no. Errors: none. */
static inline uint32_t turbo_head_get32(const uint8_t* from) {
    return turbo_head_get16(from) | turbo_head_get16(from + 2) << 16;
}

/* Internal: sets *at to where the root table keeps the width bytes of its id-th field, or to 0 if it has none.
 * Threads: any. Blocks: no. Errors: INVALID. */
static inline turbo_status turbo_head_slot(turbo_bytes view, uint32_t id, uint32_t width, uint64_t* at) {
    uint64_t table = turbo_head_get32(view.data);
    int64_t  vtable;
    uint32_t vtable_size, table_size, offset;
    *at = 0;
    if (table + 4 > view.size) return TURBO_ERROR_INVALID;
    vtable = (int64_t)table - (int32_t)turbo_head_get32(view.data + table);
    if (vtable < 0 || (uint64_t)vtable + 4 > view.size) return TURBO_ERROR_INVALID;
    vtable_size = turbo_head_get16(view.data + vtable);
    table_size = turbo_head_get16(view.data + vtable + 2);
    if (vtable_size < 4 || vtable_size % 2 != 0 || (uint64_t)vtable + vtable_size > view.size || table_size < 4 ||
        table + table_size > view.size) {
        return TURBO_ERROR_INVALID;
    }
    if (4 + 2 * id + 2 > vtable_size) return TURBO_OK;
    offset = turbo_head_get16(view.data + vtable + 4 + 2 * id);
    if (offset == 0) return TURBO_OK;
    if (offset < 4 || offset + width > table_size) return TURBO_ERROR_INVALID;
    *at = table + offset;
    return TURBO_OK;
}

/* Internal: the id-th field of the root table, a vector of elements of element bytes with extra NULs (0, 1) behind it;
 * an absent one is empty. size counts elements. Threads: any. Blocks: no. Errors: INVALID. */
static inline turbo_status turbo_head_vector(turbo_bytes view, uint32_t id, uint32_t element, uint32_t extra,
                                             turbo_bytes* out) {
    uint64_t     at, count;
    turbo_status status = turbo_head_slot(view, id, 4, &at);
    out->data = view.data;
    out->size = 0;
    if (status != TURBO_OK || at == 0) return status;
    at += turbo_head_get32(view.data + at);
    if (at + 4 > view.size) return TURBO_ERROR_INVALID;
    count = turbo_head_get32(view.data + at);
    if (at + 4 + count * element + extra > view.size) return TURBO_ERROR_INVALID;
    if (extra != 0 && view.data[at + 4 + count] != 0) return TURBO_ERROR_INVALID;
    out->data = view.data + at + 4;
    out->size = (size_t)count;
    return TURBO_OK;
}

/* Reads a view of turbo_response_head into *out. Every range is checked against the view, so that other bytes give
 * INVALID and not a crash; fields of a newer library are passed over. On failure *out is {0}.
 * Threads: any. Blocks: no. Errors: INVALID. */
static inline turbo_status turbo_head_response(turbo_bytes view, turbo_head_reader* out) {
    turbo_bytes lines, informational;
    uint64_t    status, version, length, reused;
    if (out == NULL) return TURBO_ERROR_INVALID;
    memset(out, 0, sizeof *out);
    if (view.data == NULL || view.size < 8 || view.size > INT32_MAX || memcmp(view.data + 4, "TRS1", 4) != 0 ||
        turbo_head_slot(view, 0, 2, &status) != TURBO_OK ||
        turbo_head_vector(view, 1, 1, 0, &out->reason) != TURBO_OK ||
        turbo_head_slot(view, 2, 1, &version) != TURBO_OK ||
        turbo_head_vector(view, 3, 16, 0, &lines) != TURBO_OK ||
        turbo_head_vector(view, 4, 1, 0, &out->octets) != TURBO_OK ||
        turbo_head_vector(view, 5, 1, 1, &out->url) != TURBO_OK ||
        turbo_head_slot(view, 6, 8, &length) != TURBO_OK ||
        turbo_head_slot(view, 7, 1, &reused) != TURBO_OK ||
        turbo_head_vector(view, 8, 1, 1, &out->address) != TURBO_OK ||
        turbo_head_vector(view, 9, 2, 0, &informational) != TURBO_OK ||
        turbo_head_vector(view, 10, 1, 1, &out->tls) != TURBO_OK) {
        memset(out, 0, sizeof *out);
        return TURBO_ERROR_INVALID;
    }
    if (status != 0) out->status = (uint16_t)turbo_head_get16(view.data + status);
    out->version = TURBO_HTTP_UNKNOWN;
    if (version != 0) out->version = view.data[version];
    out->reused = (uint8_t)(reused != 0 && view.data[reused] != 0);
    out->content_length = -1;
    if (length != 0) {
        out->content_length = (int64_t)((uint64_t)turbo_head_get32(view.data + length) |
                                        (uint64_t)turbo_head_get32(view.data + length + 4) << 32);
    }
    out->lines = lines.data;
    out->field_count = lines.size;
    out->informational = informational.data;
    out->informational_count = informational.size;
    return TURBO_OK;
}

/* The status of the index-th informational head (1xx, RFC 9110 §15.2) that came before, 100 left out; 0 behind the last.
 * Threads: any. Blocks: no. Errors: INVALID. */
static inline int64_t turbo_head_response_informational(const turbo_head_reader* reader, size_t index) {
    if (reader == NULL) return TURBO_ERROR_INVALID;
    if (index >= reader->informational_count) return 0;
    return (int64_t)turbo_head_get16(reader->informational + 2 * index);
}

/* Reads a view of turbo_response_trailers into *out, whose field lines are then read like those of a response; the rest of
 * it is zero. A view of size 0 has no lines. Checks as turbo_head_response. Threads: any. Blocks: no. Errors: INVALID. */
static inline turbo_status turbo_head_trailers(turbo_bytes view, turbo_head_reader* out) {
    turbo_bytes lines;
    if (out == NULL) return TURBO_ERROR_INVALID;
    memset(out, 0, sizeof *out);
    if (view.size == 0) return TURBO_OK;
    if (view.data == NULL || view.size < 8 || view.size > INT32_MAX || memcmp(view.data + 4, "TRT1", 4) != 0 ||
        turbo_head_vector(view, 0, 16, 0, &lines) != TURBO_OK ||
        turbo_head_vector(view, 1, 1, 0, &out->octets) != TURBO_OK) {
        memset(out, 0, sizeof *out);
        return TURBO_ERROR_INVALID;
    }
    out->lines = lines.data;
    out->field_count = lines.size;
    return TURBO_OK;
}

/* The index-th field line of all, in the order received: views, which may be empty. Returns 1, or 0 behind the last.
 * Threads: any. Blocks: no. Errors: INVALID. */
static inline int64_t turbo_head_response_field(const turbo_head_reader* reader, size_t index, turbo_bytes* name,
                                                turbo_bytes* value) {
    const uint8_t* line;
    uint32_t       name_at, name_size, value_at, value_size;
    if (reader == NULL || name == NULL || value == NULL) return TURBO_ERROR_INVALID;
    if (index >= reader->field_count) return 0;
    line = reader->lines + 16 * index;
    name_at = turbo_head_get32(line);
    name_size = turbo_head_get32(line + 4);
    value_at = turbo_head_get32(line + 8);
    value_size = turbo_head_get32(line + 12);
    if (name_at > reader->octets.size || name_size > reader->octets.size - name_at || value_at > reader->octets.size ||
        value_size > reader->octets.size - value_at) {
        return TURBO_ERROR_INVALID;
    }
    name->data = reader->octets.data + name_at;
    name->size = name_size;
    value->data = reader->octets.data + value_at;
    value->size = value_size;
    return 1;
}

/* The value of the index-th line called name (the case of ASCII letters ignored): a view. Returns 1, or 0 if there is
 * none. Threads: any. Blocks: no. Errors: INVALID. */
static inline int64_t turbo_head_response_header(const turbo_head_reader* reader, turbo_bytes name, size_t index,
                                                 turbo_bytes* value) {
    turbo_bytes other, found;
    size_t      i, k;
    int64_t     got;
    if (value == NULL || name.data == NULL) return TURBO_ERROR_INVALID;
    for (i = 0; (got = turbo_head_response_field(reader, i, &other, &found)) == 1; i++) {
        if (other.size != name.size) continue;
        for (k = 0; k < name.size; k++) {
            unsigned int a = other.data[k], b = name.data[k];
            if (a - 'A' < 26) a += 32;
            if (b - 'A' < 26) b += 32;
            if (a != b) break;
        }
        if (k < name.size || index-- != 0) continue;
        *value = found;
        return 1;
    }
    return got;
}

#ifdef __cplusplus
}
#endif
#endif /* TURBOHTTP_HEAD_H */
