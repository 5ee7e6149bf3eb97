/* test_tls - https through the border: what is accepted, what is refused and in which words, pins, client certificates,
 * questions to the host, resumption, cut bodies, and what is found broken before anything connects. */
#include "common.h"

static turbo_queue queue;

/* ---- What the server gave us ---------------------------------------------------------------------- */
typedef struct file {
    uint8_t     data[4096];
    turbo_bytes bytes;
} file;
static file root_pem, client_pem, client_key, pin, ports;

static void fetch(turbo_client client, const char* path, file* f) {
    call c;
    int  end;
    run(queue, client, "GET", path, NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.http_status, 200);
    f->bytes.data = f->data;
    f->bytes.size = body_take(c.request, f->data, sizeof f->data - 1, &end);
    f->data[f->bytes.size] = 0;
    release(&c);
}

static int port_of(const char* name) {
    char        find[32];
    const char* at;
    snprintf(find, sizeof find, "%s ", name);
    at = strstr((const char*)ports.data, find);
    CHECK(at != NULL);
    return atoi(at + strlen(find));
}

static const char* url(const char* host, const char* name, const char* path) {
    static char text[4][256];
    static int  next;
    char*       to = text[next++ % 4];
    snprintf(to, 256, "https://%s:%d%s", host, port_of(name), path);
    return to;
}

static turbo_tls_config trusting(void) {
    turbo_tls_config tls = turbo_tls_config_default();
    tls.roots_pem = root_pem.bytes;
    return tls;
}

static turbo_client client_with(const turbo_tls_config* tls) {
    turbo_client_config config = client_config(queue);
    config.tls = tls;
    config.user_data = 77;
    return client_make(&config);
}

static void gone(turbo_client client) { CHECK_IS(turbo_client_destroy(client, 10000), TURBO_OK); }

/* fails: one request, whose story has all the words, separated by '|'. */
static void fails(const turbo_tls_config* tls, const char* to, turbo_status status, uint32_t code, const char* words) {
    turbo_client client = client_with(tls);
    call         c;
    char         list[256], *word, *rest = list;
    run(queue, client, "GET", to, NULL, &c);
    CHECK_DONE(&c, status);
    CHECK_IS(c.done.code, code);
    snprintf(list, sizeof list, "%s", words);
    while ((word = strsep(&rest, "|")) != NULL)
        if (strstr(error_of(&c), word) == NULL) FAIL("%s: no \"%s\" in: %s", to, word, error_of(&c));
    if (status == TURBO_ERROR_CERTIFICATE) CHECK_IS(c.done.flags, TURBO_FACT_UNSEEN);
    release(&c);
    gone(client);
}

static void drain_log(void) {
    char text[256];
    while (turbo_log_read(NULL, text, sizeof text) >= 0) {
    }
}

static int logged(const char* words) {
    char text[2048];
    while (turbo_log_read(NULL, text, sizeof text) >= 0)
        if (strstr(text, words) != NULL) return 1;
    return 0;
}

/* ---- Good servers ------------------------------------------------------------------------------------ */
static void exchange(turbo_client client, const char* name, const char* version) {
    turbo_head_reader head;
    turbo_bytes       view;
    turbo_timings     t;
    call              c;
    run(queue, client, "GET", url("localhost", name, "/bytes?n=300000&seed=3"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, 300000, 3);
    CHECK_IS(turbo_response_head(c.request, &view), TURBO_OK);
    CHECK_IS(turbo_head_response(view, &head), TURBO_OK);
    if (memcmp(head.tls.data, version, strlen(version)) != 0) FAIL("TLS is %s", (const char*)head.tls.data);
    CHECK_IS(turbo_request_timings(c.request, &t), TURBO_OK);
    CHECK(t.secured > t.connected && t.sent >= t.secured);
    release(&c);
    run(queue, client, "GET", url("localhost", name, "/hello"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK(c.done.flags & TURBO_FACT_REUSED);
    CHECK_IS(turbo_request_timings(c.request, &t), TURBO_OK);
    CHECK_IS(t.secured, 0);
    release(&c);
}

static void good(void) {
    turbo_tls_config tls = trusting();
    turbo_client     client = client_with(&tls), stale;
    uint8_t*         body = malloc(2000000);
    turbo_bytes      part = {body, 2000000};
    call             c;
    exchange(client, "good", "TLS1.3 TLS_");
    exchange(client, "tls12", "TLS1.2 TLS_");
    CHECK(strcmp(turbo_client_tls(client), "go") == 0);
    hello(queue, client); /* http beside it */

    turbo_request_options o = turbo_request_options_default();
    content_fill(body, 2000000, 9);
    o.body = &part;
    o.body_count = 1;
    run(queue, client, "POST", url("127.0.0.1", "good", "/echo"), &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, 2000000, 9);
    release(&c);
    free(body);
    stale = client;
    gone(client);
    CHECK(strcmp(turbo_client_tls(stale), "") == 0);
}

/* A body that comes piece by piece, and one that goes into memory of ours. */
static void streamed(void) {
    enum { SIZE = 200000, PIECE = 5000 };
    static uint8_t        data[SIZE], back[SIZE];
    turbo_tls_config      tls = trusting();
    turbo_client          client = client_with(&tls);
    turbo_request_options o = turbo_request_options_default();
    call                  c;
    content_fill(data, SIZE, 4);
    o.flags = TURBO_STREAM;
    CHECK_IS(submit(client, "POST", url("localhost", "good", "/echo"), &o, &c), TURBO_OK);
    for (size_t at = 0; at < SIZE; at += PIECE) {
        turbo_bytes part = {data + at, PIECE};
        CHECK(turbo_request_write(c.request, &part, 1, 0, TURBO_COPY | (at + PIECE == SIZE ? TURBO_END : 0)) >= 0);
    }
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, SIZE, 4);
    release(&c);

    o = turbo_request_options_default();
    o.into.data = back;
    o.into.size = SIZE;
    run(queue, client, "GET", url("localhost", "good", "/bytes?n=200000&seed=6"), &o, &c);
    CHECK_DONE(&c, TURBO_OK);
    CHECK_IS(c.done.bytes, SIZE);
    CHECK(content_is(back, SIZE, 6, 0));
    release(&c);
    gone(client);
}

static void resumption(void) {
    turbo_tls_config tls = trusting();
    turbo_client     client = client_with(&tls);
    for (int version = 0; version < 2; version++) {
        const char* name = version ? "tls12" : "good";
        /* each answer ends its connection, and the tickets came before it */
        CHECK_IS(number(queue, client, url("localhost", name, "/resumed")), 0);
        CHECK_IS(number(queue, client, url("localhost", name, "/resumed")), 1);
        CHECK_IS(number(queue, client, url("127.0.0.1", name, "/resumed")), 0); /* another host to us */
    }
    gone(client);
}

/* ---- Refused servers ---------------------------------------------------------------------------------- */
static void refused(void) {
    turbo_tls_config tls = trusting(), one = trusting();
    fails(&tls, url("localhost", "other", "/hello"), TURBO_ERROR_CERTIFICATE, TURBO_CERTIFICATE_HOST,
          "localhost|other.example|certificate");
    fails(&tls, url("localhost", "expired", "/hello"), TURBO_ERROR_CERTIFICATE, TURBO_CERTIFICATE_EXPIRED,
          "expired on|renew");
    fails(&tls, url("localhost", "untrusted", "/hello"), TURBO_ERROR_CERTIFICATE, TURBO_CERTIFICATE_UNTRUSTED,
          "Nobody's Root|roots_pem");
    fails(NULL, url("localhost", "good", "/hello"), TURBO_ERROR_CERTIFICATE, TURBO_CERTIFICATE_UNTRUSTED, "root");
    one.min_version = 0x0304;
    fails(&one, url("localhost", "tls12", "/hello"), TURBO_ERROR_TLS, 70, "version");
}

static void pins(void) {
    static const uint8_t zeros[32];
    turbo_bytes          bad = {zeros, 32}, both[2];
    turbo_tls_config     tls = trusting();
    turbo_client         client;
    call                 c;
    both[0] = bad;
    both[1] = pin.bytes;
    CHECK_IS(pin.bytes.size, 32);
    tls.pins = both;
    tls.pin_count = 2; /* the first is a backup whose key nobody uses yet */
    client = client_with(&tls);
    run(queue, client, "GET", url("localhost", "good", "/hello"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    gone(client);
    tls.pin_count = 1;
    fails(&tls, url("localhost", "good", "/hello"), TURBO_ERROR_CERTIFICATE, TURBO_CERTIFICATE_PIN, "pinned|localhost");
    drain_log();
    tls.pins_report_only = 1;
    client = client_with(&tls);
    run(queue, client, "GET", url("localhost", "good", "/hello"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    gone(client);
    CHECK(logged("report only"));
}

static void insecure(void) {
    turbo_tls_config tls = turbo_tls_config_default();
    turbo_client     client;
    call             c;
    drain_log();
    tls.insecure = 1;
    client = client_with(&tls);
    CHECK(logged("insecure"));
    run(queue, client, "GET", url("localhost", "untrusted", "/hello"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    gone(client);
}

static void client_certificate(void) {
    turbo_tls_config tls = trusting();
    turbo_client     client;
    call             c;
    fails(&tls, url("localhost", "players", "/hello"), TURBO_ERROR_TLS, 116, "certificate_pem");
    tls.certificate_pem = client_pem.bytes;
    tls.key_pem = client_key.bytes;
    client = client_with(&tls);
    run(queue, client, "GET", url("localhost", "players", "/hello"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);
    gone(client);
}

/* ---- Bodies that end, and that are cut ------------------------------------------------------------------ */
static void cut(void) {
    turbo_tls_config tls = trusting();
    turbo_client     client = client_with(&tls);
    call             c;
    run(queue, client, "GET", url("localhost", "good", "/close?n=70000&seed=5"), NULL, &c);
    CHECK_DONE(&c, TURBO_OK);
    body_is(c.request, 70000, 5);
    release(&c);
    run(queue, client, "GET", url("localhost", "good", "/close?n=70000&seed=5&cut=1"), NULL, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    CHECK(strstr(error_of(&c), "close_notify") != NULL);
    release(&c);
    run(queue, client, "GET", url("localhost", "good", "/half"), NULL, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    release(&c);
    run(queue, client, "GET", url("localhost", "good", "/reset"), NULL, &c);
    CHECK_DONE(&c, TURBO_ERROR_CLOSED);
    release(&c);
    gone(client);
}

/* ---- Time ------------------------------------------------------------------------------------------------ */
static void silent(void) {
    turbo_tls_config      tls = trusting();
    turbo_client_config   config = client_config(queue);
    turbo_request_options o = turbo_request_options_default();
    turbo_client          client;
    call                  c, d;
    config.tls = &tls;
    client = client_make(&config);
    o.timeout_ms = 100;
    run(queue, client, "GET", url("localhost", "silent", "/"), &o, &c);
    CHECK_DONE(&c, TURBO_ERROR_TIMEOUT);
    CHECK_IS(c.done.code, TURBO_PHASE_TLS);
    release(&c);
    CHECK_IS(submit(client, "GET", url("localhost", "silent", "/"), NULL, &c), TURBO_OK);
    sleep_ms(50);
    CHECK_IS(turbo_request_cancel(c.request), TURBO_OK);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
    CHECK_IS(c.done.flags, TURBO_FACT_UNSEEN);
    release(&c);
    CHECK_IS(submit(client, "GET", url("localhost", "silent", "/"), NULL, &c), TURBO_OK);
    CHECK_IS(submit(client, "GET", url("localhost", "good", "/hello"), NULL, &d), TURBO_OK);
    wait_done(queue, &d);
    gone(client); /* in the middle of a handshake */
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
    release(&c);
    release(&d);

    config.connect_timeout_ms = 100;
    client = client_make(&config);
    run(queue, client, "GET", url("localhost", "silent", "/"), NULL, &c);
    CHECK_DONE(&c, TURBO_ERROR_TIMEOUT);
    CHECK_IS(c.done.code, TURBO_PHASE_TLS);
    release(&c);
    gone(client);
}

/* ---- Questions ------------------------------------------------------------------------------------------- */
/* next_question waits for a VERIFY; other events go to their calls. */
static turbo_event next_question(turbo_client client) {
    uint64_t end = now_ns() + WAIT_MS * UINT64_C(1000000);
    for (;;) {
        turbo_event e;
        int64_t     n = turbo_queue_wait(queue, &e, 1, 100);
        CHECK(n >= 0);
        if (n == 1 && e.kind == TURBO_EVENT_VERIFY) {
            CHECK(e.source == client.id && e.user_data == 77 && e.token != 0 && e.time_ns != 0);
            return e;
        }
        if (n == 1) call_event(&e);
        if (now_ns() > end) FAIL("no VERIFY within %d ms", WAIT_MS);
    }
}

static void questions(void) {
    turbo_tls_config tls = trusting();
    turbo_bytes      chain[8], host;
    int32_t          verified = -1;
    turbo_client     client, other;
    turbo_event      e;
    call             c;
    tls.ask = 1;
    client = client_with(&tls);
    other = client_with(&tls);
    CHECK_IS(submit(client, "GET", url("localhost", "good", "/hello"), NULL, &c), TURBO_OK);
    e = next_question(client);
    CHECK_IS(turbo_verify_chain(client, e.token, &host, &verified, chain, 8), 2);
    CHECK(host.size == 9 && memcmp(host.data, "localhost", 9) == 0 && verified == 1);
    CHECK(chain[0].size > 100 && chain[0].data[0] == 0x30 && chain[1].size > 100 && chain[1].data[0] == 0x30);
    CHECK_IS(turbo_verify_chain(client, e.token, NULL, NULL, NULL, 0), 2);
    CHECK_IS(turbo_verify_chain(client, e.token, NULL, NULL, NULL, 1), TURBO_ERROR_INVALID);
    CHECK_IS(turbo_verify_chain(other, e.token, NULL, NULL, NULL, 0), TURBO_ERROR_STALE);
    CHECK_IS(turbo_verify_chain(client, 0, NULL, NULL, NULL, 0), TURBO_ERROR_STALE);
    CHECK_IS(turbo_verify_chain(client, c.request.id, NULL, NULL, NULL, 0), TURBO_ERROR_STALE);
    CHECK_IS(turbo_verify_answer(other, e.token, 1), TURBO_ERROR_STALE);
    CHECK_IS(turbo_verify_answer(client, e.token, 2), TURBO_ERROR_INVALID);
    CHECK_IS(c.dones, 0);
    CHECK_IS(turbo_verify_answer(client, e.token, 1), TURBO_OK);
    CHECK_IS(turbo_verify_answer(client, e.token, 1), TURBO_ERROR_STALE);
    CHECK_IS(turbo_verify_chain(client, e.token, NULL, NULL, NULL, 0), TURBO_ERROR_STALE);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_OK);
    release(&c);

    CHECK_IS(submit(other, "GET", url("localhost", "good", "/hello"), NULL, &c), TURBO_OK);
    e = next_question(other);
    CHECK_IS(turbo_verify_answer(other, e.token, 0), TURBO_OK);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CERTIFICATE);
    CHECK_IS(c.done.code, TURBO_CERTIFICATE_ANSWER);
    release(&c);

    /* what nobody answers ends with the client */
    CHECK_IS(submit(other, "GET", url("localhost", "good", "/hello"), NULL, &c), TURBO_OK);
    e = next_question(other);
    CHECK_IS(turbo_verify_chain(other, e.token, NULL, NULL, chain, 8), 2);
    gone(other);
    CHECK_IS(turbo_verify_answer(other, e.token, 1), TURBO_ERROR_STALE);
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CANCELLED);
    release(&c);
    gone(client);
}

static void late_answer(void) {
    turbo_tls_config    tls = trusting();
    turbo_client_config config = client_config(queue);
    turbo_bytes         chain[8];
    turbo_client        client;
    turbo_event         e;
    call                c;
    uint8_t             first;
    tls.ask = 1;
    config.tls = &tls;
    config.user_data = 77;
    config.connect_timeout_ms = 150;
    client = client_make(&config);
    CHECK_IS(submit(client, "GET", url("localhost", "good", "/hello"), NULL, &c), TURBO_OK);
    e = next_question(client);
    CHECK_IS(turbo_verify_chain(client, e.token, NULL, NULL, chain, 8), 2);
    first = chain[0].data[0];
    wait_done(queue, &c);
    CHECK_DONE(&c, TURBO_ERROR_CERTIFICATE);
    CHECK_IS(c.done.code, TURBO_CERTIFICATE_ANSWER);
    CHECK(strstr(error_of(&c), "turbo_verify_answer") != NULL);
    release(&c);
    CHECK(chain[0].data[0] == first); /* still a view */
    CHECK_IS(turbo_verify_chain(client, e.token, NULL, NULL, chain, 8), 2);
    CHECK_IS(turbo_verify_answer(client, e.token, 1), TURBO_ERROR_STATE);
    CHECK_IS(turbo_verify_answer(client, e.token, 1), TURBO_ERROR_STALE);

    /* an event that was never taken, of a client that is gone */
    CHECK_IS(submit(client, "GET", url("localhost", "good", "/hello"), NULL, &c), TURBO_OK);
    sleep_ms(50);
    gone(client);
    wait_done(queue, &c);
    release(&c);
}

/* ---- Found when the client is made ------------------------------------------------------------------------ */
static void made(turbo_tls_config tls, turbo_status status, const char* word) {
    turbo_client_config config = client_config(queue);
    turbo_client        client;
    char                why[512];
    config.tls = &tls;
    CHECK_IS(turbo_client_create(&config, &client, why, sizeof why), status);
    CHECK(client.id == 0);
    if (strstr(why, word) == NULL) FAIL("no \"%s\" in: %s", word, why);
}

static void broken(void) {
    turbo_tls_config tls = trusting();
    turbo_bytes      short_pin = {pin.data, 31}, one_pin = {pin.data, 32};
    tls.provider = TURBO_TLS_SYSTEM_ONLY;
    made(tls, TURBO_ERROR_PROVIDER, "SYSTEM_PREFERRED");
    tls.provider = 3;
    made(tls, TURBO_ERROR_INVALID, "provider");
    tls = trusting();
    tls.roots_pem = turbo_text("/etc/ssl/cert.pem");
    made(tls, TURBO_ERROR_INVALID, "roots_pem");
    tls = trusting();
    tls.roots_pem.data = NULL;
    made(tls, TURBO_ERROR_INVALID, "no data");
    tls = trusting();
    tls.certificate_pem = client_pem.bytes;
    made(tls, TURBO_ERROR_INVALID, "key_pem");
    tls.key_pem = client_pem.bytes;
    made(tls, TURBO_ERROR_INVALID, "key_pem");
    tls = trusting();
    tls.min_version = 0x0302;
    made(tls, TURBO_ERROR_INVALID, "min_version");
    tls.min_version = 0x10303;
    made(tls, TURBO_ERROR_INVALID, "min_version");
    tls = trusting();
    tls.pins = &short_pin;
    tls.pin_count = 1;
    made(tls, TURBO_ERROR_INVALID, "32 bytes");
    tls.pins = &one_pin;
    tls.pin_count = 257;
    made(tls, TURBO_ERROR_LIMIT, "256");
    tls.pins = NULL;
    tls.pin_count = 1;
    made(tls, TURBO_ERROR_INVALID, "pins");
    tls = trusting();
    tls.struct_size = 4;
    made(tls, TURBO_ERROR_INVALID, "struct_size");
    tls = trusting();
    tls.ask = 2;
    made(tls, TURBO_ERROR_INVALID, "ask");
}

int main(void) {
    turbo_client plain;
    test_begin("test_tls", 100);
    server_start();
    queue = queue_new();
    plain = client_new(queue);
    fetch(plain, "/tls/ports", &ports);
    fetch(plain, "/tls/root.pem", &root_pem);
    fetch(plain, "/tls/client.pem", &client_pem);
    fetch(plain, "/tls/client.key", &client_key);
    fetch(plain, "/tls/pin", &pin);
    good();
    streamed();
    resumption();
    refused();
    pins();
    insecure();
    client_certificate();
    cut();
    silent();
    questions();
    late_answer();
    broken();
    return test_end(queue, plain);
}
