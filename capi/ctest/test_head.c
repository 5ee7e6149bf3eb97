/* test_head - turbohttp_head.h alone: it needs no library, neither ours nor FlatBuffers. What it writes and reads is held
 * against the generated code by the tests of capi/codec; here are its manners. */
#include "turbohttp_head.h"

#include "head_sample.h"

#include <stdio.h>
#include <stdlib.h>

static int checks;

#define CHECK(condition)                                                               \
    do {                                                                               \
        checks++;                                                                      \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: test_head: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

static int same(turbo_bytes b, const char* text) { return b.size == strlen(text) && memcmp(b.data, text, b.size) == 0; }

static turbo_span span_of(uint8_t* data, size_t size) {
    turbo_span span;
    span.data = data;
    span.size = size;
    return span;
}

static int find(turbo_bytes in, const char* text) {
    size_t i, n = strlen(text);
    for (i = 0; i + n <= in.size; i++)
        if (memcmp(in.data + i, text, n) == 0) return 1;
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */
static void typical(turbo_head_writer* w, turbo_span span) {
    turbo_head_begin(w, span, TURBO_METHOD_POST, turbo_text("http://example.com/"));
    turbo_head_field(w, turbo_text("Accept"), turbo_text("*/*"));
    turbo_head_field(w, turbo_text("X-Empty"), turbo_text(""));
    turbo_head_field(w, turbo_text("X-Last"), turbo_text("z"));
    turbo_head_expect_continue(w);
}

static void a_request_in_three_lines(void) {
    uint8_t           memory[512];
    turbo_span        span = {memory, sizeof memory};
    turbo_head_writer writer;
    turbo_bytes       head;
    turbo_head_begin(&writer, span, TURBO_METHOD_GET, turbo_text("http://example.com/"));
    turbo_head_field(&writer, turbo_text("Accept"), turbo_text("application/json"));
    CHECK(turbo_head_finish(&writer, &head) == TURBO_OK);
    CHECK(head.data == memory && head.size <= 200);
    CHECK(memcmp(head.data + 4, "TRQ1", 4) == 0);
    CHECK(find(head, "http://example.com/") && find(head, "Acceptapplication/json"));
}

static void a_request_in_one_call(void) {
    uint8_t     memory[128];
    turbo_bytes head, again;
    CHECK(turbo_head_simple(span_of(memory, sizeof memory), TURBO_METHOD_HEAD, turbo_text("http://a/"), &head) ==
          TURBO_OK);
    CHECK(head.data == memory && find(head, "http://a/"));
    CHECK(turbo_head_simple(span_of(memory, head.size - 1), TURBO_METHOD_HEAD, turbo_text("http://a/"), &again) ==
          TURBO_ERROR_LIMIT);
    CHECK(again.data == NULL && again.size == head.size);
}

static void every_span_too_small_says_what_is_needed(void) {
    turbo_head_writer w;
    turbo_bytes       head;
    size_t            size, needed, i;
    typical(&w, span_of(NULL, 0));
    CHECK(turbo_head_finish(&w, &head) == TURBO_ERROR_LIMIT && head.data == NULL);
    needed = head.size;
    for (size = 0; size <= needed; size++) {
        uint8_t* memory = (uint8_t*)malloc(size + 16);
        CHECK(memory != NULL);
        memset(memory, 0x5A, size + 16);
        typical(&w, span_of(memory, size));
        CHECK(turbo_head_finish(&w, &head) == (size < needed ? TURBO_ERROR_LIMIT : TURBO_OK));
        CHECK(head.size == needed && head.data == (size < needed ? NULL : memory));
        for (i = size; i < size + 16; i++) CHECK(memory[i] == 0x5A);
        free(memory);
    }
}

static void a_head_is_the_same_at_every_alignment(void) {
    uint8_t           memory[512], first[512];
    turbo_head_writer w;
    turbo_bytes       head;
    size_t            shift, size = 0;
    for (shift = 0; shift < 9; shift++) {
        memset(memory, (int)shift, sizeof memory);
        typical(&w, span_of(memory + shift, sizeof memory - 2 * shift));
        CHECK(turbo_head_finish(&w, &head) == TURBO_OK);
        if (shift == 0) {
            size = head.size;
            memcpy(first, head.data, size);
        }
        CHECK(head.size == size && memcmp(first, head.data, size) == 0);
    }
}

static void what_makes_no_sense_is_told_at_the_end(void) {
    uint8_t           memory[512];
    turbo_span        span = {memory, sizeof memory}, nowhere = {NULL, 16};
    turbo_bytes       url = turbo_text("http://a/"), null_text = {NULL, 3}, huge = {memory, SIZE_MAX}, head;
    turbo_head_writer w;
    int               i;
    CHECK(turbo_head_simple(span, -1, url, &head) == TURBO_ERROR_INVALID && head.data == NULL && head.size == 0);
    CHECK(turbo_head_simple(span, TURBO_METHOD_OTHER, url, &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(span, TURBO_METHOD_OTHER + 1, url, &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(NULL), &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(""), &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(span, TURBO_METHOD_GET, null_text, &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(nowhere, TURBO_METHOD_GET, url, &head) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_simple(span, TURBO_METHOD_GET, url, NULL) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_finish(NULL, &head) == TURBO_ERROR_INVALID);
    turbo_head_begin(NULL, span, TURBO_METHOD_GET, url);
    turbo_head_begin_named(NULL, span, turbo_text("M"), url);
    turbo_head_field(NULL, url, url);
    turbo_head_expect_continue(NULL);

    turbo_head_begin_named(&w, span, turbo_text(""), url);
    CHECK(turbo_head_finish(&w, &head) == TURBO_ERROR_INVALID);
    turbo_head_begin_named(&w, span, turbo_text("PROPFIND"), url);
    turbo_head_field(&w, null_text, url);
    turbo_head_field(&w, url, url); /* the first failure stays */
    CHECK(turbo_head_finish(&w, &head) == TURBO_ERROR_INVALID && head.data == NULL && head.size == 0);

    turbo_head_begin_named(&w, span, turbo_text("PROPFIND"), url);
    CHECK(turbo_head_finish(&w, &head) == TURBO_OK && find(head, "PROPFIND"));
    CHECK(turbo_head_finish(&w, &head) == TURBO_ERROR_STATE && head.data == NULL); /* and again */

    /* nothing overflows, however large and many */
    for (i = 0; i < 3; i++) {
        turbo_head_begin(&w, span, TURBO_METHOD_GET, i == 0 ? huge : url);
        turbo_head_field(&w, i == 1 ? huge : url, i == 2 ? huge : url);
        turbo_head_field(&w, huge, huge);
        CHECK(turbo_head_finish(&w, &head) == TURBO_ERROR_LIMIT && head.data == NULL && head.size > TURBO_HEAD_MAX);
    }
}

static void a_head_of_a_mebibyte_is_the_largest(void) {
    size_t      large = TURBO_HEAD_MAX + 4096, url_size, needed;
    uint8_t*    memory = (uint8_t*)malloc(large);
    uint8_t*    text = (uint8_t*)malloc(large);
    turbo_bytes url, head;
    CHECK(memory != NULL && text != NULL);
    memset(text, 'a', large);
    url.data = text;
    url.size = 1;
    CHECK(turbo_head_simple(span_of(memory, large), TURBO_METHOD_GET, url, &head) == TURBO_OK);
    needed = head.size; /* of a URL of 1 to 3 octets */
    url_size = 3 + TURBO_HEAD_MAX - needed;
    url.size = url_size;
    CHECK(turbo_head_simple(span_of(memory, large), TURBO_METHOD_GET, url, &head) == TURBO_OK &&
          head.size == TURBO_HEAD_MAX);
    url.size = url_size + 1;
    CHECK(turbo_head_simple(span_of(memory, large), TURBO_METHOD_GET, url, &head) == TURBO_ERROR_LIMIT &&
          head.size > TURBO_HEAD_MAX);
    free(memory);
    free(text);
}

/* ---- Reading --------------------------------------------------------------------------------- */
static turbo_bytes sample(void) {
    turbo_bytes view;
    view.data = head_sample;
    view.size = sizeof head_sample;
    return view;
}

static void a_response_is_read(void) {
    static const char* const lines[][2] = {{"Content-Type", "text/html"},
                                           {"Set-Cookie", "a=1"},
                                           {"X-Empty", ""},
                                           {"SET-COOKIE", "b=2"},
                                           {"Set_Cookie", "c"}};
    turbo_head_reader        r;
    turbo_bytes              name, value;
    size_t                   i;
    CHECK(turbo_head_response(sample(), &r) == TURBO_OK);
    CHECK(r.status == 404 && r.version == TURBO_HTTP_11 && r.reused == 1 && r.content_length == INT64_C(5000000000));
    CHECK(same(r.reason, "Not Found") && same(r.url, "http://example.com/a?b") && same(r.address, "192.0.2.1:80"));
    CHECK(same(r.tls, "TLS1.3 TLS_AES_128_GCM_SHA256 http/1.1") && r.tls.data[r.tls.size] == 0);
    CHECK(r.url.data[r.url.size] == 0 && r.address.data[r.address.size] == 0);
    CHECK(r.field_count == 5);
    for (i = 0; i < 5; i++) {
        CHECK(turbo_head_response_field(&r, i, &name, &value) == 1);
        CHECK(same(name, lines[i][0]) && same(value, lines[i][1]));
    }
    CHECK(turbo_head_response_field(&r, 5, &name, &value) == 0);
    CHECK(turbo_head_response_field(&r, SIZE_MAX, &name, &value) == 0);

    CHECK(turbo_head_response_header(&r, turbo_text("content-type"), 0, &value) == 1 && same(value, "text/html"));
    CHECK(turbo_head_response_header(&r, turbo_text("set-cookie"), 0, &value) == 1 && same(value, "a=1"));
    CHECK(turbo_head_response_header(&r, turbo_text("set-cookie"), 1, &value) == 1 && same(value, "b=2"));
    CHECK(turbo_head_response_header(&r, turbo_text("set-cookie"), 2, &value) == 0);
    CHECK(turbo_head_response_header(&r, turbo_text("SET_COOKIE"), 0, &value) == 1 && same(value, "c"));
    CHECK(turbo_head_response_header(&r, turbo_text("x-empty"), 0, &value) == 1 && value.size == 0);
    CHECK(turbo_head_response_header(&r, turbo_text("accept"), 0, &value) == 0);
    CHECK(turbo_head_response_header(&r, turbo_text(""), 0, &value) == 0);

    CHECK(turbo_head_response(sample(), NULL) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_field(NULL, 0, &name, &value) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_field(&r, 0, NULL, &value) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_field(&r, 0, &name, NULL) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_header(NULL, turbo_text("a"), 0, &value) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_header(&r, turbo_text(NULL), 0, &value) == TURBO_ERROR_INVALID);
    CHECK(turbo_head_response_header(&r, turbo_text("a"), 0, NULL) == TURBO_ERROR_INVALID);
}

/* walk reads all there is and checks that it lies in the view. */
static int walk(turbo_bytes view) {
    turbo_head_reader r;
    turbo_bytes       part[4];
    size_t            i, k;
    turbo_status      status = turbo_head_response(view, &r);
    CHECK(status == TURBO_OK || (status == TURBO_ERROR_INVALID && r.field_count == 0));
    if (status != TURBO_OK) return 0;
    part[0] = r.reason;
    part[1] = r.url;
    part[2] = r.address;
    part[3] = r.tls;
    for (i = 0;; i++) {
        for (k = 0; k < 4; k++) {
            CHECK(part[k].data >= view.data && part[k].size <= view.size &&
                  part[k].data <= view.data + view.size - part[k].size);
        }
        if (i == r.field_count) return 1;
        if (turbo_head_response_field(&r, i, &part[0], &part[1]) != 1) return 0;
    }
}

static void a_broken_view_is_refused_or_harmless(void) {
    uint8_t     copy[sizeof head_sample];
    turbo_bytes view;
    size_t      at;
    int         value, taken = 0;
    view.data = copy;
    memcpy(copy, head_sample, sizeof copy);
    for (at = 0; at < sizeof copy; at++) { /* cut: sanitizers see a look behind the end */
        uint8_t* cut = (uint8_t*)malloc(at + 1);
        CHECK(cut != NULL);
        memcpy(cut + 1, head_sample, at); /* and not aligned */
        view.data = cut + 1;
        view.size = at;
        walk(view);
        free(cut);
    }
    view.data = copy;
    view.size = sizeof copy;
    for (at = 0; at < sizeof copy; at++) {
        for (value = 0; value < 256; value++) {
            copy[at] = (uint8_t)value;
            taken += walk(view);
        }
        copy[at] = head_sample[at];
    }
    CHECK(taken > 256); /* text may be anything */
    view.data = NULL;
    CHECK(!walk(view));
    view.data = copy;
    view.size = SIZE_MAX;
    {
        turbo_head_reader r;
        CHECK(turbo_head_response(view, &r) == TURBO_ERROR_INVALID);
    }
}

int main(void) {
    a_request_in_three_lines();
    a_request_in_one_call();
    every_span_too_small_says_what_is_needed();
    a_head_is_the_same_at_every_alignment();
    what_makes_no_sense_is_told_at_the_end();
    a_head_of_a_mebibyte_is_the_largest();
    a_response_is_read();
    a_broken_view_is_refused_or_harmless();
    printf("ok test_head\n");
    return 0;
}
