/* What turbohttp.h and turbohttp_head.h use of the C library, for compilers that have none for the target at hand: to check
 * the layout of structs for 32 bits and for other systems on a machine that has no such C library. */
#ifndef TURBO_SHIM_STRING_H
#define TURBO_SHIM_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
int    memcmp(const void* a, const void* b, size_t size);
void*  memcpy(void* to, const void* from, size_t size);
void*  memmove(void* to, const void* from, size_t size);
void*  memset(void* to, int octet, size_t size);
size_t strlen(const char* text);
#ifdef __cplusplus
}
#endif
#endif
