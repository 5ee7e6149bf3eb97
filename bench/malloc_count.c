/* malloc_count - counts what a process takes from the C heap. Preload the shared object (LD_PRELOAD); a program reads the
 * counters with malloc_count_read, which it finds by dlsym(RTLD_DEFAULT, …). The Go runtime maps its own memory by system
 * calls and appears in turbo_stats instead. */
#define _GNU_SOURCE
#include "malloc_count.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* p, size_t size);
void* __libc_memalign(size_t align, size_t size);
void  __libc_free(void* p);

static malloc_counts counts;
#define COUNT(field, by) __atomic_fetch_add(&counts.field, (by), __ATOMIC_RELAXED)

#define API __attribute__((visibility("default")))

API void malloc_count_read(malloc_counts* to) {
    to->allocations = __atomic_load_n(&counts.allocations, __ATOMIC_RELAXED);
    to->frees = __atomic_load_n(&counts.frees, __ATOMIC_RELAXED);
    to->bytes = __atomic_load_n(&counts.bytes, __ATOMIC_RELAXED);
    to->maps = __atomic_load_n(&counts.maps, __ATOMIC_RELAXED);
}

API void* malloc(size_t size) {
    COUNT(allocations, 1);
    COUNT(bytes, size);
    return __libc_malloc(size);
}
API void* calloc(size_t n, size_t size) {
    COUNT(allocations, 1);
    COUNT(bytes, n * size);
    return __libc_calloc(n, size);
}
API void* realloc(void* p, size_t size) {
    COUNT(allocations, 1);
    COUNT(bytes, size);
    return __libc_realloc(p, size);
}
API void free(void* p) {
    if (p) COUNT(frees, 1);
    __libc_free(p);
}
API void* memalign(size_t align, size_t size) {
    COUNT(allocations, 1);
    COUNT(bytes, size);
    return __libc_memalign(align, size);
}
API void* aligned_alloc(size_t align, size_t size) { return memalign(align, size); }
API int   posix_memalign(void** p, size_t align, size_t size) {
      *p = memalign(align, size);
      return *p ? 0 : 12;
}
API void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
    COUNT(maps, 1);
    return (void*)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}
