/*
 * dl.h - the functions of turbohttp.h by dlopen: dl_open loads the library when the test wants it and fills one pointer
 * for each function; from then on turbo_init(…) calls through them. Include it after turbohttp.h.
 */
#ifndef TURBO_CTEST_DL_H
#define TURBO_CTEST_DL_H

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
#define DL_FUNCTIONS(X)                                                                                            \
    X(turbo_init) X(turbo_shutdown) X(turbo_version) X(turbo_status_text) X(turbo_log_read)                        \
    X(turbo_queue_create) X(turbo_queue_destroy) X(turbo_queue_poll) X(turbo_queue_wait) X(turbo_queue_wake)       \
    X(turbo_queue_handle) X(turbo_client_create) X(turbo_client_destroy) X(turbo_submit) X(turbo_request_write)    \
    X(turbo_request_reserve) X(turbo_request_commit) X(turbo_request_finish) X(turbo_request_cancel)               \
    X(turbo_request_release) X(turbo_request_error) X(turbo_request_timings) X(turbo_request_progress)             \
    X(turbo_response_head) X(turbo_response_trailers) X(turbo_response_lend) X(turbo_response_header)              \
    X(turbo_response_field) X(turbo_response_peek) X(turbo_response_consume) X(turbo_stats_read)
/* clang-format on */

#define DL_POINTER(f) __typeof__(f)* f;
static struct { DL_FUNCTIONS(DL_POINTER) } dl;
static void* dl_handle;

/* dl_path is path, or NAME in build/out: ../ from the directory of the program. */
static inline const char* dl_path(const char* name) {
    static char path[PATH_MAX + 64];
    ssize_t     n = readlink("/proc/self/exe", path, PATH_MAX);
    if (n <= 0) return name;
    path[n] = 0;
    *strrchr(path, '/') = 0;
    strcat(path, "/../");
    strcat(path, name);
    return path;
}

/* dl_open ends the process when there is no library. TURBO_LIBRARY names another file. */
static inline void dl_open(const char* path) {
    if (path == NULL) path = getenv("TURBO_LIBRARY");
    if (path == NULL) path = dl_path("libturbohttp.so");
    dl_handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (dl_handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        _exit(1);
    }
#define DL_FIND(f)                                  \
    *(void**)(void*)&dl.f = dlsym(dl_handle, #f);   \
    if (dl.f == NULL) {                             \
        fprintf(stderr, "%s lacks %s\n", path, #f); \
        _exit(1);                                   \
    }
    DL_FUNCTIONS(DL_FIND)
}

#define turbo_init             dl.turbo_init
#define turbo_shutdown         dl.turbo_shutdown
#define turbo_version          dl.turbo_version
#define turbo_status_text      dl.turbo_status_text
#define turbo_log_read         dl.turbo_log_read
#define turbo_queue_create     dl.turbo_queue_create
#define turbo_queue_destroy    dl.turbo_queue_destroy
#define turbo_queue_poll       dl.turbo_queue_poll
#define turbo_queue_wait       dl.turbo_queue_wait
#define turbo_queue_wake       dl.turbo_queue_wake
#define turbo_client_create    dl.turbo_client_create
#define turbo_client_destroy   dl.turbo_client_destroy
#define turbo_submit           dl.turbo_submit
#define turbo_request_cancel   dl.turbo_request_cancel
#define turbo_request_release  dl.turbo_request_release
#define turbo_request_error    dl.turbo_request_error
#define turbo_request_timings  dl.turbo_request_timings
#define turbo_request_progress dl.turbo_request_progress
#define turbo_response_head    dl.turbo_response_head
#define turbo_response_header  dl.turbo_response_header
#define turbo_response_field   dl.turbo_response_field
#define turbo_response_peek    dl.turbo_response_peek
#define turbo_response_consume dl.turbo_response_consume
#define turbo_stats_read       dl.turbo_stats_read

/* The header's inline function names the library's symbols; this is the same by pointers. */
static inline int64_t dl_response_read(turbo_request request, turbo_span into) {
    turbo_bytes part;
    int64_t     n;
    if (into.data == NULL || into.size == 0) return TURBO_ERROR_INVALID;
    n = turbo_response_peek(request, &part, 1);
    if (n <= 0) return n;
    if (part.size > into.size) part.size = into.size;
    memcpy(into.data, part.data, part.size);
    n = turbo_response_consume(request, part.size);
    return n < 0 ? n : (int64_t)part.size;
}
#define turbo_response_read dl_response_read

#endif
