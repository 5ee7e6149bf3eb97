/* asan_control c|go - a program with an error that AddressSanitizer has to find, so that asan.sh knows that it looks: it
 * gives the library a span and says that it is longer than it is. The library's C writes into it (c), or its Go (go). */
#include "common.h"

int main(int argc, char** argv) {
    turbo_queue           queue;
    turbo_client          client;
    turbo_client_config   config;
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    uint8_t*              small = malloc(20);
    CHECK(argc == 2 && small != NULL);
    test_begin("asan_control", 60);
    server_start();
    queue = queue_new();
    if (strcmp(argv[1], "c") == 0) {
        config = client_config(queue);
        config.resolve = turbo_text("nonsense");
        turbo_client_create(&config, &client, (char*)small, 64);
    } else {
        client = client_new(queue);
        o.into = (turbo_span){small, 1500};
        run(queue, client, "GET", "/bytes?n=1500&seed=1", &o, &c);
    }
    printf("nobody saw it\n");
    return 0;
}
