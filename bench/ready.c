/* ready LIBRARY - milliseconds from dlopen to turbo_init's OK, in a process that has done nothing else. */
#define _GNU_SOURCE
#include "peers/hist.h"
#include "turbohttp.h"

#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char** argv) {
    uint64_t start = hist_now();
    void*    library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    uint64_t loaded = hist_now();
    turbo_status (*init)(uint32_t, const turbo_library_config*);
    if (library == NULL) {
        fprintf(stderr, "ready: %s\n", dlerror());
        return 1;
    }
    *(void**)(void*)&init = dlsym(library, "turbo_init");
    if (init == NULL || init(TURBO_ABI_VERSION, NULL) != TURBO_OK) return 1;
    printf("%.3f %.3f\n", (double)(hist_now() - start) / 1e6, (double)(loaded - start) / 1e6);
    return 0;
}
