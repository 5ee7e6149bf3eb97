/* test_fork - a forked child has none of the library's threads: every call there answers STATE at once, and nothing the
 * child does reaches the parent, which goes on. */
#include "common.h"

static turbo_queue  queue;
static turbo_client client;

static void child(call* open) {
    turbo_event         event;
    turbo_bytes         a, b;
    turbo_timings       timings;
    turbo_progress      progress;
    turbo_stats         stats = turbo_stats_default();
    turbo_queue         q;
    turbo_client        c, whole = {0};
    turbo_request       r, mine = open->request;
    char                text[32];
    head_buffer         head;
    turbo_client_config config = client_config(queue);
    alarm(20);
    CHECK_IS(turbo_init(TURBO_ABI_VERSION, NULL), TURBO_ERROR_STATE);
    CHECK(turbo_version() != NULL && turbo_status_text(-3) != NULL);
    CHECK_IS(turbo_queue_create(&q), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_poll(queue, &event, 1), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_wait(queue, &event, 1, TURBO_NONE), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_wake(queue), TURBO_ERROR_STATE);
    CHECK_IS(turbo_queue_destroy(queue), TURBO_ERROR_STATE);
    CHECK_IS(turbo_client_create(&config, &c, text, sizeof text), TURBO_ERROR_STATE);
    CHECK_IS(turbo_client_destroy(client, TURBO_NONE), TURBO_ERROR_STATE);
    CHECK_IS(turbo_submit(client, head_make(&head, "GET", "/hello"), NULL, &r), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_cancel(mine), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_release(mine), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_error(mine, text, sizeof text), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_timings(mine, &timings), TURBO_ERROR_STATE);
    CHECK_IS(turbo_request_progress(mine, &progress), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_head(mine, &a), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_header(mine, turbo_text("a"), 0, &a), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_field(mine, 0, &a, &b), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_peek(mine, &a, 1), TURBO_ERROR_STATE);
    CHECK_IS(turbo_response_consume(mine, 0), TURBO_ERROR_STATE);
    CHECK_IS(turbo_stats_read(whole, &stats), TURBO_ERROR_STATE);
    CHECK_IS(turbo_log_read(NULL, text, sizeof text), TURBO_ERROR_STATE);
    CHECK_IS(turbo_shutdown(TURBO_NONE), TURBO_ERROR_STATE);
    exit(0); /* with the atexit handlers and destructors, as a careless child would */
}

static int   busy = 1;
static void* load(void* arg) {
    (void)arg;
    while (__atomic_load_n(&busy, __ATOMIC_ACQUIRE)) {
        turbo_queue  q = queue_new();
        turbo_client c = client_new(q);
        for (int i = 0; i < 20; i++) hello(q, c);
        CHECK_IS(turbo_client_destroy(c, 10000), TURBO_OK);
        CHECK_IS(turbo_queue_destroy(q), TURBO_OK);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[3];
    call      open;
    test_begin("test_fork", 90);
    server_start();
    queue = queue_new();
    client = client_new(queue);
    CHECK_IS(submit(client, "GET", "/slow?ms=1500", NULL, &open), TURBO_OK);
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, load, NULL) == 0);
    for (int i = 0; i < 40; i++) { /* at any moment of the others */
        int   status;
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0) {
            close(server.in); /* else the parent's end of it would not end the server */
            child(&open);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) FAIL("the child ended with %x", status);
    }
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    wait_done(queue, &open);
    CHECK_DONE(&open, TURBO_OK);
    release(&open);
    hello(queue, client);
    /* fork and exec, as a launcher does */
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", (char*)NULL);
        _exit(127);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    return test_end(queue, client);
}
