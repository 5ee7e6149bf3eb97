/* test_log - log lines are fetched, oldest first, cut where the host has no room, and hold no secret. */
#include "common.h"

static turbo_queue  queue;
static turbo_client client;

int main(void) {
    char                 text[4096], cut[8];
    int32_t              level;
    int64_t              n;
    turbo_library_config config = mode_library();
    config.log_level = TURBO_LOG_TRACE;
    test_begin_bare("test_log", 60);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, &config), TURBO_OK);
    server_start();
    queue = queue_new();
    client = client_new(queue);
    hello(queue, client);
    /* secrets travel in fields and in the URL; neither is to be read in any line */
    call                     c;
    head_buffer              head;
    char                     url[256];
    turbo_request_options    o = turbo_request_options_default();
    static const char* const paths[] = {"/drop", "/garbage", "/half", "/hello"};
    for (int i = 0; i < 4; i++) {
        memset(&c, 0, sizeof c);
        o.user_data = (uint64_t)(uintptr_t)&c;
        snprintf(url, sizeof url, "http://127.0.0.1:%d%s?token=hunter2", server.port, paths[i]);
        CHECK_IS(
            turbo_submit(client, head_make_field(&head, "GET", url, "Authorization", "Bearer hunter3"), &o, &c.request),
            TURBO_OK);
        wait_done(queue, &c);
        CHECK(strstr(error_of(&c), "hunter") == NULL);
        release(&c);
    }
    memset(&c, 0, sizeof c);
    o.user_data = (uint64_t)(uintptr_t)&c;
    CHECK_IS(turbo_submit(client, head_make(&head, "GET", "http://user:hunter4@127.0.0.1:1/"), &o, &c.request),
             TURBO_OK);
    wait_done(queue, &c);
    CHECK(c.done.status != TURBO_OK);
    CHECK(strstr(error_of(&c), "hunter") == NULL);
    release(&c);

    /* the length is that of the whole line; a short buffer gets its beginning and a NUL; the line is taken */
    int lines = 0;
    memset(cut, 'x', sizeof cut);
    n = turbo_log_read(&level, cut, 5);
    if (n >= 0) {
        CHECK(n > 0 && level >= TURBO_LOG_ERROR && level <= TURBO_LOG_TRACE);
        CHECK(strlen(cut) == (size_t)(n < 4 ? n : 4) && cut[5] == 'x');
        lines++;
    }
    n = turbo_log_read(NULL, cut, 1);
    if (n >= 0) CHECK(cut[0] == 0);
    for (; lines < 100000; lines++) {
        level = 0;
        n = turbo_log_read(&level, text, sizeof text);
        if (n < 0) break;
        CHECK(level >= TURBO_LOG_ERROR && level <= TURBO_LOG_TRACE);
        CHECK(n > 0 && (n >= (int64_t)sizeof text || strlen(text) == (size_t)n));
        CHECK(strchr(text, '\n') == NULL);
        if (strstr(text, "hunter")) FAIL("a secret in the log: %s", text);
    }
    CHECK_IS(n, TURBO_ERROR_AGAIN);
    printf("  %d lines\n", lines);
    CHECK(lines > 0); /* at TRACE something was worth a line */
    CHECK_IS(turbo_log_read(&level, text, 0), TURBO_ERROR_AGAIN);
    /* a log that nobody reads stays small, and says how much it lost */
    turbo_stats before = stats_now();
    for (int i = 0; i < 5000; i++) {
        run(queue, client, "POST", i % 10 ? "/hello" : "/drop", NULL, &c);
        release(&c);
    }
    turbo_stats after = stats_now();
    CHECK(after.go_heap_bytes < before.go_heap_bytes + (8u << 20));
    for (lines = 0; lines < 1000000; lines++)
        if (turbo_log_read(NULL, text, sizeof text) < 0) break;
    CHECK(lines < 100000);
    return test_end(queue, client);
}
