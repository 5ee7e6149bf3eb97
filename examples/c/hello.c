/* hello URL - a GET in five calls, without threads and without callbacks. */
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>

int main(int argc, char** argv) {
    turbo_client_config config = turbo_client_config_default();
    uint8_t             memory[1024];
    turbo_span          span = {memory, sizeof memory};
    turbo_bytes         head, part;
    turbo_client        client;
    turbo_request       request;
    turbo_event         event;
    char                story[256];

    if (turbo_init(TURBO_ABI_VERSION, NULL) != TURBO_OK || turbo_queue_create(&config.queue) != TURBO_OK) return 1;
    if (turbo_client_create(&config, &client, story, sizeof story) != TURBO_OK) return puts(story), 1;

    turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(argc > 1 ? argv[1] : "http://example.com/"), &head);
    if (turbo_submit(client, head, NULL, &request) != TURBO_OK) return 1;

    while (turbo_queue_poll(config.queue, &event, 1) == 0) { /* a game draws a frame here */
    }
    if (event.status == TURBO_OK) {
        printf("HTTP %u, %llu bytes\n", event.http_status, (unsigned long long)event.bytes);
        while (turbo_response_peek(request, &part, 1) > 0) { /* segment by segment, as it was received */
            fwrite(part.data, 1, part.size, stdout);
            turbo_response_consume(request, part.size);
        }
    } else {
        turbo_request_error(request, story, sizeof story);
        printf("%s: %s\n", turbo_status_text(event.status), story);
    }
    turbo_request_release(request);
    turbo_shutdown(1000);
    return event.status != TURBO_OK;
}
