/*
 * head_bridge.c - turbohttp_head.h behind a pipe, for the tests of capi/codec: they hold what it writes and reads against
 * the code that flatc generates. All numbers on the pipe are 32 bits, least octet first.
 *
 *   head_bridge write    in:  method, expect, name, url, count of lines, then name and value of each
 *                        out: the finished Request
 *                        With method 255 it is Trailers, without name and url.
 *   head_bridge read     in:  a Response, or Trailers
 *                        out: status, version, reused, content_length (low, high), reason, url, address, tls, count and
 *                             statuses of informational heads, count of lines, then name and value of each; or, for a
 *                             view that it refuses, the number 2^32-1
 *
 * Octets are their size and themselves. On the way it tries what must not go wrong: every span that is too small, every
 * view that is cut or has one octet changed. Built with sanitizers, it dies where it looks or writes beside.
 */
#include "turbohttp_head.h"

#include <stdio.h>
#include <stdlib.h>

static void need(int condition, const char* what) {
    if (condition) return;
    fprintf(stderr, "head_bridge: %s\n", what);
    exit(1);
}

/* ---- The pipe -------------------------------------------------------------------------------- */
static int in32(uint32_t* value) {
    uint8_t raw[4];
    size_t  n = fread(raw, 1, 4, stdin);
    need(n == 4 || n == 0, "the input ends inside of a number");
    *value = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24;
    return n == 4;
}

static uint32_t must32(void) {
    uint32_t value = 0;
    need(in32(&value), "the input ends early");
    return value;
}

static void* allocate(size_t size) { /* exactly: the sanitizer sees one octet more */
    void* memory = malloc(size == 0 ? 1 : size);
    need(memory != NULL, "no memory");
    return memory;
}

static turbo_bytes in_octets(size_t size) {
    turbo_bytes b;
    uint8_t*    data = (uint8_t*)allocate(size);
    need(fread(data, 1, size, stdin) == size, "the input ends inside of octets");
    b.data = data;
    b.size = size;
    return b;
}

static void drop(turbo_bytes b) { free((void*)(uintptr_t)b.data); }

static void out32(uint32_t value) {
    uint8_t raw[4];
    raw[0] = (uint8_t)value;
    raw[1] = (uint8_t)(value >> 8);
    raw[2] = (uint8_t)(value >> 16);
    raw[3] = (uint8_t)(value >> 24);
    fwrite(raw, 1, 4, stdout);
}

static void out_octets(turbo_bytes b) {
    out32((uint32_t)b.size);
    if (b.size != 0) fwrite(b.data, 1, b.size, stdout);
}

/* ---- Writing --------------------------------------------------------------------------------- */
typedef struct words {
    int32_t      method;
    uint32_t     expect, count;
    turbo_bytes  name, url;
    turbo_bytes* lines;
} words;

static turbo_status write_words(const words* w, turbo_span span, turbo_bytes* head) {
    turbo_head_writer writer;
    uint32_t          i;
    if (w->method == 255) {
        turbo_head_begin_trailers(&writer, span);
    } else if (w->method == TURBO_METHOD_OTHER) {
        turbo_head_begin_named(&writer, span, w->name, w->url);
    } else {
        turbo_head_begin(&writer, span, w->method, w->url);
    }
    for (i = 0; i < w->count; i++) {
        if (w->expect && i == w->count / 2) turbo_head_expect_continue(&writer);
        turbo_head_field(&writer, w->lines[2 * i], w->lines[2 * i + 1]);
    }
    if (w->expect) turbo_head_expect_continue(&writer);
    return turbo_head_finish(&writer, head);
}

static turbo_span span_of(size_t size) {
    turbo_span span;
    span.data = (uint8_t*)allocate(size);
    span.size = size;
    memset(span.data, 0xA5, size == 0 ? 1 : size);
    return span;
}

static void write_one(const words* w) {
    turbo_span  none = {NULL, 0}, span, shifted;
    turbo_bytes head, again;
    size_t      needed, size, shift;
    need(write_words(w, none, &head) == TURBO_ERROR_LIMIT && head.data == NULL, "an empty span is large enough");
    needed = head.size;
    for (size = needed > 2000 ? needed - 2000 : 0; size < needed; size++) {
        span = span_of(size);
        need(write_words(w, span, &head) == TURBO_ERROR_LIMIT && head.data == NULL && head.size == needed,
             "a span too small is not told, or not how large it should be");
        free(span.data);
    }
    span = span_of(needed);
    need(write_words(w, span, &head) == TURBO_OK, "a span as large as asked for is not enough");
    need(head.data == span.data && head.size == needed, "the head is not where or as large as it should be");
    for (shift = 0; shift < 8; shift++) { /* larger, and of every alignment */
        shifted = span_of(needed + 37 + shift);
        again.data = NULL;
        shifted.data += shift;
        shifted.size -= shift;
        need(write_words(w, shifted, &again) == TURBO_OK && again.size == needed &&
                 memcmp(again.data, head.data, needed) == 0,
             "a larger span makes another head");
        need(shifted.data[needed + 36] == 0xA5 || w->count > 0, "a head without lines used the end of the span");
        free(shifted.data - shift);
    }
    out_octets(head);
    free(span.data);
}

static int write_all(void) {
    words    w;
    uint32_t method, i;
    while (in32(&method)) {
        w.method = (int32_t)method;
        w.expect = must32();
        w.name = in_octets(must32());
        w.url = in_octets(must32());
        w.count = must32();
        w.lines = (turbo_bytes*)allocate(2 * w.count * sizeof *w.lines);
        for (i = 0; i < 2 * w.count; i++) w.lines[i] = in_octets(must32());
        write_one(&w);
        for (i = 0; i < 2 * w.count; i++) drop(w.lines[i]);
        free(w.lines);
        drop(w.name);
        drop(w.url);
    }
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */
static unsigned sum; /* so that every octet is really read */

static void touch(turbo_bytes view, turbo_bytes part) {
    size_t i;
    need(part.data >= view.data && part.data + part.size <= view.data + view.size, "a part lies outside of the view");
    for (i = 0; i < part.size; i++) sum += part.data[i];
}

/* walk reads all that a view which may be broken has to offer. */
static int walk(turbo_bytes view) {
    turbo_head_reader reader;
    turbo_bytes       name, value, found;
    size_t            i;
    int64_t           got;
    turbo_status      status = turbo_head_trailers(view, &reader);
    need(status == TURBO_OK || status == TURBO_ERROR_INVALID, "another status than OK and INVALID");
    if (status != TURBO_OK || view.size == 0) status = turbo_head_response(view, &reader);
    need(status == TURBO_OK || status == TURBO_ERROR_INVALID, "another status than OK and INVALID");
    if (status != TURBO_OK) {
        need(reader.field_count == 0 && reader.url.data == NULL && reader.lines == NULL,
             "a refused view left something");
        return 0;
    }
    if (reader.url.data != NULL) {
        touch(view, reader.reason);
        touch(view, reader.url);
        touch(view, reader.address);
        touch(view, reader.tls);
    }
    for (i = 0; i < reader.informational_count; i++) sum += (unsigned)turbo_head_response_informational(&reader, i);
    need(turbo_head_response_informational(&reader, i) == 0, "an informational status behind the last");
    for (i = 0; i < reader.field_count; i++) {
        got = turbo_head_response_field(&reader, i, &name, &value);
        need(got == 1 || got == TURBO_ERROR_INVALID, "a line is neither there nor broken");
        if (got != 1) continue;
        touch(view, name);
        touch(view, value);
    }
    need(turbo_head_response_field(&reader, reader.field_count, &name, &value) == 0, "a line behind the last");
    if (turbo_head_response_header(&reader, turbo_text("nnnnn"), 1, &found) == 1) touch(view, found);
    return 1;
}

static void break_view(turbo_bytes view) {
    static const uint8_t changes[] = {0x01, 0x80, 0xFF, 0x7F, 0x10};
    turbo_bytes          cut;
    uint8_t*             copy;
    size_t               at, k;
    for (at = 0; at < view.size; at++) {
        copy = (uint8_t*)allocate(at);
        memcpy(copy, view.data, at);
        cut.data = copy;
        cut.size = at;
        walk(cut); /* without the padding at its end it is still good */
        free(copy);
    }
    copy = (uint8_t*)allocate(view.size);
    cut.data = copy;
    cut.size = view.size;
    memcpy(copy, view.data, view.size);
    for (at = 0; at < view.size; at++) {
        for (k = 0; k < sizeof changes; k++) {
            copy[at] = view.data[at] ^ changes[k];
            walk(cut);
        }
        copy[at] = view.data[at];
    }
    free(copy);
}

static void read_one(turbo_bytes view) {
    turbo_head_reader reader;
    turbo_bytes       name, value, found, other;
    size_t            i, j, k, same;
    if (!walk(view)) {
        out32(UINT32_MAX);
        return;
    }
    if (turbo_head_trailers(view, &reader) != TURBO_OK) turbo_head_response(view, &reader);
    out32(reader.status);
    out32(reader.version);
    out32(reader.reused);
    out32((uint32_t)(uint64_t)reader.content_length);
    out32((uint32_t)((uint64_t)reader.content_length >> 32));
    out_octets(reader.reason);
    out_octets(reader.url);
    out_octets(reader.address);
    out_octets(reader.tls);
    need(reader.url.data == NULL || reader.url.data == view.data || reader.url.data[reader.url.size] == 0,
         "no NUL follows the URL");
    out32((uint32_t)reader.informational_count);
    for (i = 0; i < reader.informational_count; i++) out32((uint32_t)turbo_head_response_informational(&reader, i));
    out32((uint32_t)reader.field_count);
    for (i = 0; i < reader.field_count; i++) {
        need(turbo_head_response_field(&reader, i, &name, &value) == 1, "a line of a good view is broken");
        out_octets(name);
        out_octets(value);
        for (k = same = 0; k < i; k++) { /* how many lines of that name came before: the cases use letters and '-' */
            turbo_head_response_field(&reader, k, &other, &found);
            for (j = 0; j < name.size && j < other.size && (other.data[j] | 32) == (name.data[j] | 32); j++) {
            }
            same += j == name.size && j == other.size;
        }
        need(turbo_head_response_header(&reader, name, same, &found) == 1 && found.data == value.data &&
                 found.size == value.size,
             "a line is not found by its name");
    }
    if (view.size < 1500) break_view(view);
}

static int read_all(void) {
    uint32_t    size;
    turbo_bytes view;
    while (in32(&size)) {
        view = in_octets(size);
        read_one(view);
        drop(view);
    }
    return 0;
}

int main(int argc, char** argv) {
    if (argc == 2 && strcmp(argv[1], "write") == 0) return write_all();
    if (argc == 2 && strcmp(argv[1], "read") == 0) return read_all();
    fprintf(stderr, "usage: head_bridge write|read\n");
    return 2;
}
