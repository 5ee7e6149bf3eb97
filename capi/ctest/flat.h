/*
 * flat.h - the smallest writer of a Request head: method, url and one field, laid out by hand. It shares nothing with
 * turbohttp_head.h, and its fixed places let test_misuse break one thing at a time.
 */
#ifndef TURBO_CTEST_FLAT_H
#define TURBO_CTEST_FLAT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Where things lie in what flat_request writes. */
enum { FLAT_ROOT = 0, FLAT_NAME = 4, FLAT_VTABLE = 8, FLAT_TABLE = 28, FLAT_METHOD = 48, FLAT_AFTER = 52 };

static inline void flat_u16(uint8_t* at, uint32_t v) {
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}
static inline void flat_u32(uint8_t* at, uint32_t v) {
    flat_u16(at, v);
    flat_u16(at + 2, v >> 16);
}
static inline uint32_t flat_vector(uint8_t* buffer, uint32_t slot, uint32_t at, const void* data, uint32_t count,
                                   uint32_t size) {
    if (slot != 0) flat_u32(buffer + slot, at - slot);
    flat_u32(buffer + at, count);
    memcpy(buffer + at + 4, data, (size_t)count * size);
    buffer[at + 4 + count * size] = 0;
    return (at + 4 + count * size + 1 + 3) & ~UINT32_C(3);
}

/* flat_request returns the size. method: a name; name: of a header field, or NULL. */
static inline size_t flat_request(uint8_t* b, const char* method, const char* url, const char* name,
                                  const char* value) {
    static const char* const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"};
    uint32_t                 at = FLAT_AFTER, code = 9, i;
    for (i = 0; i < 9; i++)
        if (strcmp(known[i], method) == 0) code = i;
    memset(b, 0, FLAT_AFTER);
    flat_u32(b + FLAT_ROOT, FLAT_TABLE);
    memcpy(b + FLAT_NAME, "TRQ1", 4);
    /* vtable at 8: its size, the table's size, then the places of method, method_name, url, fields, octets */
    flat_u16(b + FLAT_VTABLE, 14);
    flat_u16(b + FLAT_VTABLE + 2, 24);
    flat_u16(b + FLAT_VTABLE + 4, FLAT_METHOD - FLAT_TABLE);
    flat_u16(b + FLAT_VTABLE + 6, code == 9 ? 4 : 0);
    flat_u16(b + FLAT_VTABLE + 8, 8);
    flat_u16(b + FLAT_VTABLE + 10, name ? 12 : 0);
    flat_u16(b + FLAT_VTABLE + 12, name ? 16 : 0);
    flat_u32(b + FLAT_TABLE, FLAT_TABLE - FLAT_VTABLE);
    b[FLAT_METHOD] = (uint8_t)code;
    if (code == 9) at = flat_vector(b, FLAT_TABLE + 4, at, method, (uint32_t)strlen(method), 1);
    at = flat_vector(b, FLAT_TABLE + 8, at, url, (uint32_t)strlen(url), 1);
    if (name) {
        char     octets[1024];
        uint32_t name_size = (uint32_t)strlen(name), value_size = (uint32_t)strlen(value);
        uint8_t  field[16];
        snprintf(octets, sizeof octets, "%s%s", name, value);
        flat_u32(field, 0);
        flat_u32(field + 4, name_size);
        flat_u32(field + 8, name_size);
        flat_u32(field + 12, value_size);
        at = flat_vector(b, FLAT_TABLE + 12, at, field, 1, 16);
        at = flat_vector(b, FLAT_TABLE + 16, at, octets, (uint32_t)strlen(octets), 1);
    }
    return at;
}

#endif
