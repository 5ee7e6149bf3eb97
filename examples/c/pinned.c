/* pinned URL - an https GET that accepts only servers whose key is known to the game. */
#include "turbohttp.h"
#include "turbohttp_head.h"

#include <stdio.h>

/* SHA-256 of public keys: the server's, and that of a key which lies in a safe for the day when the first is lost. */
static const uint8_t keys[2][32] = {
    {0x2f, 0x4b, 0x90, 0x11, 0x83, 0x6c, 0xd7, 0x05, 0xaa, 0x3e, 0x61, 0xf8, 0x9d, 0x42, 0x17, 0xbc,
     0x70, 0xe5, 0x38, 0x0a, 0xc9, 0x56, 0xf1, 0x2b, 0x84, 0xdd, 0x63, 0x1e, 0x97, 0x40, 0xb2, 0x7f},
    {0xc1, 0x08, 0x5d, 0x9e, 0x27, 0xfa, 0x44, 0xb3, 0x16, 0x8c, 0xe0, 0x72, 0x3b, 0xd9, 0x65, 0x0f,
     0x91, 0x2a, 0xf6, 0x58, 0xbd, 0x03, 0x7e, 0xc4, 0x49, 0xa7, 0x10, 0xeb, 0x36, 0x8f, 0xd2, 0x54},
};

int main(int argc, char** argv) {
    turbo_client_config config = turbo_client_config_default();
    turbo_tls_config    tls = turbo_tls_config_default();
    turbo_bytes         pins[2] = {{keys[0], 32}, {keys[1], 32}}, head;
    uint8_t             memory[1024];
    turbo_span          span = {memory, sizeof memory};
    turbo_client        client;
    turbo_request       request;
    turbo_event         event;
    char                story[512];

    tls.pins = pins;
    tls.pin_count = 2;
    config.tls = &tls; /* copied, as everything in it */
    if (turbo_init(TURBO_ABI_VERSION, NULL) != TURBO_OK || turbo_queue_create(&config.queue) != TURBO_OK) return 1;
    if (turbo_client_create(&config, &client, story, sizeof story) != TURBO_OK) return puts(story), 1;

    turbo_head_simple(span, TURBO_METHOD_GET, turbo_text(argc > 1 ? argv[1] : "https://api.example.com/"), &head);
    if (turbo_submit(client, head, NULL, &request) != TURBO_OK) return 1;
    while (turbo_queue_poll(config.queue, &event, 1) == 0) { /* a game draws a frame here */
    }
    if (event.status == TURBO_ERROR_CERTIFICATE && event.code == TURBO_CERTIFICATE_PIN) {
        puts("This is not our server, or the game is older than the server's keys.");
    }
    if (turbo_request_error(request, story, sizeof story) > 0) puts(story);
    turbo_request_release(request);
    turbo_shutdown(1000);
    return event.status != TURBO_OK;
}
