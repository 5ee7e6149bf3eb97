/* tls.c - what a host says about TLS, looked at and copied. */
#include "record.h"

#define MAX_ROOTS (UINT32_C(16) << 20) /* bytes; the roots of the web are a quarter of a MiB */
#define MAX_PEM   (UINT32_C(1) << 20)  /* bytes of a client's chain, and of its key */
#define MAX_PINS  256u
#define PIN_SIZE  32u

static turbo_status bytes_copy(turbo_bytes* ours, turbo_bytes theirs, size_t most, const char** why) {
    void* copy;
    if (theirs.size == 0) return TURBO_OK;
    *why = "a field of config.tls has a size but no data";
    if (theirs.data == NULL) return TURBO_ERROR_INVALID;
    *why = "a field of config.tls is larger than 16 MiB (roots_pem) or 1 MiB (the others)";
    if (theirs.size > most) return TURBO_ERROR_LIMIT;
    *why = "no memory is left for config.tls";
    copy = tb_arena_get(theirs.size);
    if (copy == NULL) return TURBO_ERROR_LIMIT;
    memcpy(copy, theirs.data, theirs.size);
    ours->data = copy;
    ours->size = theirs.size;
    return TURBO_OK;
}

/* All pins in one block, the array in front. */
static turbo_status pins_copy(turbo_tls_config* ours, const turbo_bytes* theirs, size_t count, const char** why) {
    turbo_bytes* list;
    uint8_t*     to;
    size_t       i;
    if (count == 0) return TURBO_OK;
    *why = "config.tls.pins is NULL or misaligned, but pin_count is not 0";
    if (theirs == NULL || tb_misaligned(theirs)) return TURBO_ERROR_INVALID;
    *why = "config.tls.pin_count is above 256";
    if (count > MAX_PINS) return TURBO_ERROR_LIMIT;
    *why = "no memory is left for config.tls";
    list = tb_arena_get(count * (sizeof *list + PIN_SIZE));
    if (list == NULL) return TURBO_ERROR_LIMIT;
    ours->pins = list;
    *why = "a pin of config.tls is not 32 bytes: it is the SHA-256 of a public key, not in hex and not in base64";
    to = (uint8_t*)(list + count);
    for (i = 0; i < count; i++, to += PIN_SIZE) {
        if (theirs[i].data == NULL || theirs[i].size != PIN_SIZE) return TURBO_ERROR_INVALID;
        memcpy(to, theirs[i].data, PIN_SIZE);
        list[i].data = to;
        list[i].size = PIN_SIZE;
    }
    ours->pin_count = count;
    return TURBO_OK;
}

turbo_status tb_tls_copy(turbo_tls_config* ours, const turbo_tls_config* theirs, const char** why) {
    turbo_tls_config c;
    turbo_status     s = tb_struct_copy(&c, sizeof c, theirs);
    memset(ours, 0, sizeof *ours);
    *why = "config.tls sets a field that this version does not know";
    if (s == TURBO_ERROR_UNSUPPORTED) return s;
    *why = "config.tls is misaligned, or its struct_size is wrong: start from turbo_tls_config_default()";
    if (s != TURBO_OK) return s;
    *why = "a field of config.tls has a value that it cannot have: provider, insecure, pins_report_only or ask";
    if (c.provider > TURBO_TLS_GO_ONLY || c.insecure > 1 || c.pins_report_only > 1 || c.ask > 1)
        return TURBO_ERROR_INVALID;
    ours->provider = c.provider;
    ours->min_version = c.min_version;
    ours->insecure = c.insecure;
    ours->pins_report_only = c.pins_report_only;
    ours->ask = c.ask;
    s = bytes_copy(&ours->roots_pem, c.roots_pem, MAX_ROOTS, why);
    if (s == TURBO_OK) s = bytes_copy(&ours->certificate_pem, c.certificate_pem, MAX_PEM, why);
    if (s == TURBO_OK) s = bytes_copy(&ours->key_pem, c.key_pem, MAX_PEM, why);
    if (s == TURBO_OK) s = pins_copy(ours, c.pins, c.pin_count, why);
    if (s != TURBO_OK) tb_tls_free(ours);
    return s;
}

void tb_tls_free(turbo_tls_config* ours) {
    /* A key does not stay behind in memory that others are given. The asm keeps the compiler from leaving it out. */
    if (ours->key_pem.data != NULL) memset((void*)(uintptr_t)ours->key_pem.data, 0, ours->key_pem.size);
    __asm__ volatile("" : : "r"(ours->key_pem.data) : "memory");
    tb_arena_put((void*)(uintptr_t)ours->roots_pem.data);
    tb_arena_put((void*)(uintptr_t)ours->certificate_pem.data);
    tb_arena_put((void*)(uintptr_t)ours->key_pem.data);
    tb_arena_put((void*)(uintptr_t)ours->pins);
    memset(ours, 0, sizeof *ours);
}
