/*
 * turbohttp.h - HTTP for Unity, C++ and any host that can call C.
 *
 * A program in five calls: turbo_init, turbo_queue_create, turbo_client_create, turbo_submit and, once per
 * frame, turbo_queue_poll. Every function here is plain C inside the library: it writes to a shared record
 * or reads one. The calling thread never enters the Go runtime, and the library never calls your code.
 *
 * MEMORY    copied    the library has taken what it needs when the call returns; the memory stays yours.
 *           borrowed  the library keeps your pointer: leave the memory alone (in C#: pinned) until the
 *                     event named here gives it back. A call that fails borrows nothing.
 *           view      memory of the library, to read. A view ends only by a call of yours, the one named
 *                     here; never by time, never by the peer.
 * THREADS   "any": from any thread, one the library has never seen included, several at once.
 *           "one": from any thread, but one call at a time on one handle. A second call at the same moment gets
 *           STATE and changes nothing. No lock here is shared with the library's threads.
 * BLOCKING  Only a function that says "Blocks: yes" ever waits.
 * ERRORS    A turbo_status is TURBO_OK or negative; an int64_t is a count or a negative turbo_status. A function
 *           reports what can be seen at once: nulls, sizes, handles, state. What must be parsed or tried (URL,
 *           FlatBuffer, network) fails in DONE. Left out of the lists below because any function may return them:
 *           INTERNAL, a bug, caught before it reached you; and STATE before turbo_init, after turbo_shutdown and in a
 *           forked child (turbo_version and turbo_status_text always work; turbo_init says below when it does not).
 * STRUCTS   Start from turbo_*_default(), which sets struct_size. Zero in any other field means "the library's
 *           default"; TURBO_NONE (64-bit fields: TURBO_NONE64) means "without limit", unless a field says otherwise.
 *           Sizes are multiples of 8 on every platform; a field that an older library does not know must be zero there,
 *           or the call answers UNSUPPORTED.
 */
#ifndef TURBOHTTP_H
#define TURBOHTTP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TURBO_VERSION_MAJOR 0
#define TURBO_VERSION_MINOR 1
#define TURBO_VERSION_PATCH 0
#define TURBO_ABI_VERSION   1 /* grows only when an existing binary would break */
#define TURBO_NONE          UINT32_MAX
#define TURBO_NONE64        UINT64_MAX

#if defined(_WIN32) && !defined(TURBO_STATIC) && !defined(TURBO_BUILD)
#define TURBO_API __declspec(dllimport)
#elif defined(__GNUC__) && !defined(_WIN32)
#define TURBO_API __attribute__((visibility("default")))
#else
#define TURBO_API
#endif
#define TURBO_DEFINE_DEFAULT(type)              \
    static inline type type##_default(void) {   \
        type v;                                 \
        memset(&v, 0, sizeof v);                \
        v.struct_size = (uint32_t)sizeof v;     \
        return v;                               \
    }

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---------------------------------------------------------------------------------- */
typedef int32_t turbo_status;
enum {
    TURBO_OK                = 0,
    TURBO_ERROR_INVALID     = -1,   /* an argument, option, URL or FlatBuffer makes no sense */
    TURBO_ERROR_STALE       = -2,   /* a handle that is null, released or of another kind */
    TURBO_ERROR_STATE       = -3,   /* a good call at the wrong moment */
    TURBO_ERROR_AGAIN       = -4,   /* nothing now; for bodies an event tells when */
    TURBO_ERROR_LIMIT       = -5,   /* a configured limit, or your span, is too small */
    TURBO_ERROR_UNSUPPORTED = -6,   /* not on this platform or in this build */
    TURBO_ERROR_ABI         = -7,   /* header and library do not fit together */
    TURBO_ERROR_CANCELLED   = -8,
    TURBO_ERROR_TIMEOUT     = -9,   /* .code: TURBO_PHASE_* in which time ran out */
    TURBO_ERROR_INTERNAL    = -10,  /* a bug in TurboHTTP; the message says where */
    TURBO_ERROR_RESOLVE     = -100, /* no address for the host */
    TURBO_ERROR_CONNECT     = -101, /* no address accepted the connection; .code is the system's error number */
    TURBO_ERROR_CLOSED      = -102, /* the peer closed or reset too early; .code is the system's error number or 0 */
    TURBO_ERROR_IO          = -103, /* the socket failed on our side (descriptors, memory, network down); .code is the
                                       system's error number */
    TURBO_ERROR_TLS         = -200, /* handshake or record failed; .code is the TLS alert, sent or received, 0: none */
    TURBO_ERROR_CERTIFICATE = -201, /* the certificate was not accepted; .code: TURBO_CERTIFICATE_* */
    TURBO_ERROR_PROVIDER    = -202, /* no TLS provider satisfies the configuration */
    TURBO_ERROR_PROTOCOL    = -300  /* the peer broke the protocol */
};
enum {
    TURBO_PHASE_QUEUE = 1, /* waiting for a connection of the pool */
    TURBO_PHASE_RESOLVE,
    TURBO_PHASE_CONNECT,
    TURBO_PHASE_TLS, /* the handshake; also while turbo_verify_answer is awaited */
    TURBO_PHASE_SEND,
    TURBO_PHASE_WAIT, /* for the response head */
    TURBO_PHASE_BODY
};
enum {
    TURBO_CERTIFICATE_OTHER = 0,  /* none of these; the message says what */
    TURBO_CERTIFICATE_EXPIRED,    /* it, or one above it */
    TURBO_CERTIFICATE_NOT_YET,    /* valid in the future only: often this machine's clock is wrong */
    TURBO_CERTIFICATE_HOST,       /* made for other names than the URL's host */
    TURBO_CERTIFICATE_UNTRUSTED,  /* no trusted root signed it, or this system has no roots */
    TURBO_CERTIFICATE_CONSTRAINT, /* an authority went beyond what it may sign */
    TURBO_CERTIFICATE_WEAK,       /* signed with SHA-1 or MD5, or an RSA key below 2048 bits */
    TURBO_CERTIFICATE_USAGE,      /* not made for servers */
    TURBO_CERTIFICATE_PIN,        /* trusted, but none of its keys is pinned */
    TURBO_CERTIFICATE_ANSWER      /* turbo_verify_answer said no, or nothing in time */
};

/* ---- Memory and handles ---------------------------------------------------------------------- */
typedef struct turbo_bytes { const uint8_t* data; size_t size; } turbo_bytes; /* to read; text is UTF-8 */
typedef struct turbo_span  { uint8_t* data; size_t size; } turbo_span;        /* to write */

/* A handle is a number with a generation inside: a stale one is an error, never a crash. Passed by value and
 * identical to a uint64_t in every calling convention; compare .id, leave the rest alone. {0} is null. */
typedef struct turbo_queue   { uint64_t id; } turbo_queue;
typedef struct turbo_client  { uint64_t id; } turbo_client;
typedef struct turbo_request { uint64_t id; } turbo_request; /* one exchange: request and response */

static inline turbo_bytes turbo_text(const char* text) {
    turbo_bytes b;
    b.data = (const uint8_t*)text;
    b.size = text ? strlen(text) : 0;
    return b;
}

/* ---- Library --------------------------------------------------------------------------------- */
enum { TURBO_LOG_ERROR = 1, TURBO_LOG_WARN = 2, TURBO_LOG_INFO = 3, TURBO_LOG_TRACE = 4 };
typedef struct turbo_library_config {
    uint32_t struct_size;
    uint32_t pool_guard;   /* 1: canaries, poison and leak traces on every pooled buffer; slow */
    uint64_t pool_bytes;   /* pooled memory kept for reuse at most; default 64 MiB */
    uint32_t threads;      /* threads that run Go code at once, at most; default 1: a game owns its cores (docs/adr/0004) */
    uint32_t log_level;    /* TURBO_LOG_*; default WARN */
} turbo_library_config;
TURBO_DEFINE_DEFAULT(turbo_library_config)

/* Waits until the library, which starts itself when it is loaded, is ready; pass TURBO_ABI_VERSION. Again, after an
 * editor's domain reload, it is harmless: config (copied, or NULL) counts in the process's first success only. Not from
 * DllMain or a static constructor. STATE: in a forked child, or a turbo_shutdown has not ended yet. Threads: any. Blocks:
 * yes, some ms once. Errors: INVALID, STATE, ABI, TIMEOUT, UNSUPPORTED. */
TURBO_API turbo_status turbo_init(uint32_t abi_version, const turbo_library_config* config);

/* Destroys every client and queue: all handles are stale, requests' too; views end, waits end, events not taken are
 * dropped, no borrowed memory is in use. Do this before your code is unloaded; turbo_init starts anew. (The library
 * stays; a Go runtime cannot be unloaded.) After TIMEOUT borrowed memory is still in use: call again.
 * Threads: any. Blocks: yes, up to timeout_ms. Errors: TIMEOUT. */
TURBO_API turbo_status turbo_shutdown(uint32_t timeout_ms);

/* "0.1.0 go1.26.8 linux/amd64", or "0.1.0" until turbo_init has succeeded once: static memory. Threads: any. Blocks: no. Errors: none. */
TURBO_API const char* turbo_version(void);

/* One English line for any number: static memory. Threads: any. Blocks: no. Errors: none. */
TURBO_API const char* turbo_status_text(turbo_status status);

/* Takes the oldest log line: copies it with a NUL, cut to capacity, and returns its full length; AGAIN when there
 * is none. level may be NULL. Secrets are redacted. A full log drops the oldest and says how many.
 * Threads: any. Blocks: no. Errors: INVALID, AGAIN. */
TURBO_API int64_t turbo_log_read(int32_t* level, char* text, size_t capacity);

/* ---- Completion queue ------------------------------------------------------------------------ */
enum {
    TURBO_EVENT_HEAD     = 1, /* the final head is here */
    TURBO_EVENT_BODY     = 2, /* body bytes or the end can be read. Queued when some arrive and no BODY of this request
                                 waits already; may be spurious: drain until AGAIN or 0 */
    TURBO_EVENT_WRITABLE = 3, /* what was queued for sending fell below the window again, or no more of it is wanted; only
                                 after a write or commit that told you it was above */
    TURBO_EVENT_SENT     = 4, /* the bytes written with .token are yours again: .bytes of them went out, .status says why
                                 not all (CLOSED: the server answered without them) */
    TURBO_EVENT_FILLED   = 5, /* the span lent with .token is yours again and holds .bytes of body: all it can hold, or
                                 less at the end of the body; .status is not OK when the body broke off */
    TURBO_EVENT_DONE     = 6, /* over, .status says how. Once, always, last, after every SENT and FILLED; whatever was
                                 borrowed is yours. .source is the id also when it was released before */
    TURBO_EVENT_VERIFY   = 7  /* of a client: a handshake waits for turbo_verify_answer with this .token */
};
enum { /* .flags of DONE: what is known about how far it got, so that the host may decide to try again */
    TURBO_FACT_SENT   = 1, /* some bytes of it left this machine */
    TURBO_FACT_REUSED = 2, /* it travelled on a connection that had served before */
    TURBO_FACT_UNSEEN = 4  /* the server certainly did not act on it: safe to send again, POST too */
};
#define TURBO_WANT(kind) (UINT32_C(1) << (kind)) /* mask for HEAD and BODY; the others always come */

typedef struct turbo_event { /* 64 bytes everywhere */
    int32_t      kind;
    turbo_status status;
    uint64_t     source;      /* .id of the turbo_request; VERIFY: of the turbo_client */
    uint64_t     user_data;   /* from your options; VERIFY: from the client's config */
    uint64_t     token;       /* SENT, FILLED: from your call; VERIFY: for turbo_verify_chain and _answer */
    uint64_t     bytes;       /* BODY: that can be read now; SENT, FILLED: see there; DONE: of body received */
    uint64_t     time_ns;     /* monotonic, when it happened */
    uint32_t     code;        /* see the statuses */
    uint16_t     http_status; /* HEAD, DONE; 0: no head came */
    uint16_t     flags;       /* DONE: TURBO_FACT_* */
    uint64_t     reserved;
} turbo_event;

/* Events are readiness, not a log: a request has at most one HEAD, BODY, WRITABLE and DONE waiting, and every span that
 * you gave brings its own SENT or FILLED; so a queue is never full. It serves any number of clients. Threads: any. Blocks: no. Errors: INVALID, LIMIT. */
TURBO_API turbo_status turbo_queue_create(turbo_queue* queue);

/* Drops events not taken; requests of destroyed clients can still be read until their release.
 * Threads: any. Blocks: no. Errors: STALE, STATE (a client still uses it, or a poll or wait is under way). */
TURBO_API turbo_status turbo_queue_destroy(turbo_queue queue);

/* Takes up to capacity events, oldest first, and returns how many: the call for once per frame.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API int64_t turbo_queue_poll(turbo_queue queue, turbo_event* events, size_t capacity);

/* Polls, but waits for a first event, turbo_queue_wake or the timeout (returns 0); TURBO_NONE: no timeout.
 * Threads: one. Blocks: yes, up to timeout_ms. Errors: INVALID, STALE, STATE. */
TURBO_API int64_t turbo_queue_wait(turbo_queue queue, turbo_event* events, size_t capacity, uint32_t timeout_ms);

/* Ends the turbo_queue_wait under way, or the next one. Threads: any. Blocks: no. Errors: STALE. */
TURBO_API turbo_status turbo_queue_wake(turbo_queue queue);

/* For hosts with a loop of their own (epoll, libuv): a descriptor, an eventfd, that is readable while events wait and until
 * a poll has taken all of them (at times until the poll behind that); only poll it, never read it. It belongs to the queue
 * and is closed with it. Once asked for, a burst of events costs a system call. Threads: any. Blocks: no. Errors: INVALID,
 * STALE, LIMIT (no descriptor is left), UNSUPPORTED. */
TURBO_API turbo_status turbo_queue_handle(turbo_queue queue, intptr_t* handle);

/* ---- Client ---------------------------------------------------------------------------------- */
enum {
    TURBO_TLS_SYSTEM_PREFERRED = 0, /* the system's TLS library where this build has one, else Go's */
    TURBO_TLS_SYSTEM_ONLY = 1,      /* PROVIDER where there is none; so far, everywhere */
    TURBO_TLS_GO_ONLY = 2
};
typedef struct turbo_tls_config {
    uint32_t           struct_size;
    uint32_t           provider;         /* TURBO_TLS_* */
    uint32_t           min_version;      /* 0x0303 (TLS 1.2, the default) or 0x0304 */
    uint32_t           insecure;         /* 1: no check of chain, dates and name (pins then hold for the certificate that was
                                            sent); for tests, logged */
    turbo_bytes        roots_pem;        /* certificates to trust instead of the system's */
    turbo_bytes        certificate_pem;  /* of this client, its own first; sent only to a server that passed all checks */
    turbo_bytes        key_pem;          /* its private key, not encrypted */
    const turbo_bytes* pins;             /* SHA-256 of accepted public keys (SubjectPublicKeyInfo, DER), 32 bytes each: one in
                                            the verified chain is enough; give a backup. docs/tls.md: how to make them */
    size_t             pin_count;        /* at most 256 */
    uint32_t           pins_report_only; /* 1: a chain without a pinned key is logged, not refused */
    uint32_t           ask;              /* 1: a VERIFY event for each full handshake whose checks passed */
} turbo_tls_config;
TURBO_DEFINE_DEFAULT(turbo_tls_config)

enum { TURBO_NO_POOL = 256 /* fresh memory for every buffer: the slow, plain path, to compare with */ };

typedef struct turbo_client_config {
    uint32_t                struct_size;
    uint32_t                flags;                /* TURBO_NO_POOL */
    turbo_queue             queue;                /* required: where the events of this client go */
    uint64_t                user_data;            /* of VERIFY events */
    const turbo_tls_config* tls;                  /* NULL: defaults, which are right for servers on the internet */
    const void*             reserved_pointer;
    turbo_bytes             user_agent;           /* default "turbohttp/0.1"; a request's own User-Agent comes first */
    turbo_bytes             resolve;              /* lines "host:port:address\n" (IPv6 in brackets): connect there for that host; 64 KiB at most */
    uint32_t                connections_per_host; /* per origin; default 8 */
    uint32_t                connect_timeout_ms;   /* resolving, connecting and the TLS handshake; default 10,000 */
    uint32_t                request_timeout_ms;   /* default: none */
    uint32_t                idle_timeout_ms;      /* of pooled connections; default 60,000 */
    uint32_t                lifetime_ms;          /* of connections: beyond it they serve no further request; default: none */
    uint32_t                max_retries;          /* of a request whose connection turned out to be stale, where that is safe; default 1;
                                                     TURBO_NONE: never */
    uint32_t                max_head_bytes;       /* of a response; default 64 KiB */
    uint32_t                window_bytes;         /* body held unread before the peer is slowed down, and body queued for sending
                                                     before you are; default 256 KiB. However small the pieces in which a body
                                                     comes, its memory is within 3 times the bytes held, and 128 KiB */
    uint64_t                max_body_bytes;       /* default 64 MiB when collected, without limit when streamed */
} turbo_client_config;
TURBO_DEFINE_DEFAULT(turbo_client_config)

/* A client owns connections. config and all it points to is copied; what tls holds is parsed, so that a broken certificate
 * is found here. On failure why (or NULL) holds the story, cut to why_capacity, with a NUL. LIMIT: 1024 clients exist, no
 * memory, or a text is too long: user_agent 256 bytes, roots 16 MiB, certificate and key 1 MiB. Threads: any. Blocks: yes,
 * some ms. Errors: INVALID, STALE, STATE, LIMIT, UNSUPPORTED, PROVIDER. */
TURBO_API turbo_status turbo_client_create(const turbo_client_config* config, turbo_client* client, char* why,
                                           size_t why_capacity);

/* Cancels everything and waits until nothing borrowed is in use; every request still yields DONE and may still be
 * read until its release. After TIMEOUT call again. Threads: one. Blocks: yes, up to timeout_ms.
 * Errors: STALE, STATE, TIMEOUT. */
TURBO_API turbo_status turbo_client_destroy(turbo_client client, uint32_t timeout_ms);

/* The network changed under us (Wi-Fi to cellular, resume from the background): idle connections are closed, those that are
 * being made are made anew, names are resolved anew, and the peers of busy ones are asked for a sign of life: without one
 * within 6 s the request fails with CLOSED (or moves on, see max_retries). Threads: any. Blocks: no. Errors: STALE, STATE
 * (the client is being destroyed), LIMIT (no memory). */
TURBO_API turbo_status turbo_client_network_changed(turbo_client client);

/* Opens connections to the origin of url (copied, at most 64 KiB) ahead of the first request, until count are there; one
 * that is not used ends like an idle one. What cannot be opened is told by the log alone. LIMIT: count is above
 * connections_per_host or 1024, the url too long, or no memory. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE (the
 * client is being destroyed), LIMIT. */
TURBO_API turbo_status turbo_client_preconnect(turbo_client client, turbo_bytes url, uint32_t count);

/* The TLS library behind this client: "go"; static memory; "" if stale. Threads: any. Blocks: no. Errors: none. */
TURBO_API const char* turbo_client_tls(turbo_client client);

/* What a VERIFY event asks about. *host (may be NULL) and up to capacity certificates (DER, the server's first, as verified)
 * are views until the answer; *verified (may be NULL) is 0 only where insecure skipped the checks. Returns how many
 * certificates there are. Threads: one. Blocks: no. Errors: INVALID, STALE. */
TURBO_API int64_t turbo_verify_chain(turbo_client client, uint64_t token, turbo_bytes* host, int32_t* verified,
                                     turbo_bytes* chain_der, size_t capacity);

/* Lets that handshake go on (accept: 1) or fail with CERTIFICATE (0), and ends the views. An answer can refuse, never accept
 * what the checks refused. Without one in the connect timeout the handshake fails as if refused; the views stay until the
 * answer, which is then STATE, or turbo_client_destroy. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_verify_answer(turbo_client client, uint64_t token, int32_t accept);

/* ---- Request --------------------------------------------------------------------------------- */
enum {
    TURBO_COPY   = 1, /* body bytes are copied, not borrowed */
    TURBO_STREAM = 2, /* options: the body follows by write, or reserve and commit */
    TURBO_END    = 4  /* write, commit: this was the last of the body */
};

typedef struct turbo_request_options {
    uint32_t           struct_size;
    uint32_t           flags;          /* TURBO_COPY, or TURBO_STREAM */
    uint32_t           events;         /* TURBO_WANT bits. BODY streams: peek or lend as bytes arrive. Without it the body is
                                          collected whole, up to max_body_bytes, and can be read from DONE until release */
    uint32_t           timeout_ms;     /* for the whole exchange; default: the client's */
    const turbo_bytes* body;           /* array copied, bytes borrowed until DONE */
    size_t             body_count;     /* 0 with TURBO_STREAM */
    uint64_t           body_size;      /* TURBO_STREAM: bytes that will follow, if known; 0: unknown */
    turbo_span         into;           /* size not 0: the response body goes here, not with BODY: borrowed until DONE, whose
                                          .bytes says how much it holds, after a failure too; LIMIT if too small */
    uint64_t           max_body_bytes; /* default: the client's */
    uint64_t           user_data;
} turbo_request_options;
TURBO_DEFINE_DEFAULT(turbo_request_options)

/* Sends a request. head is a FlatBuffer, root type Request of turbohttp.fbs (turbohttp_head.h writes it without any
 * library), of any alignment and at most 1 MiB; it and options (or NULL) are copied. What starts ends in one DONE, where
 * all later failures are told; give the handle back with turbo_request_release. On failure *request is {0}; LIMIT: 2^20
 * requests are open, head too large, more than 65,536 body parts, or no memory. Threads: any. Blocks: no. Errors: INVALID,
 * STALE, STATE (the client is being destroyed), LIMIT, UNSUPPORTED. */
TURBO_API turbo_status turbo_submit(turbo_client client, turbo_bytes head, const turbo_request_options* options,
                                    turbo_request* request);

/* Queues bytes of a TURBO_STREAM body and returns how many bytes are now queued: above the client's window_bytes, wait for
 * WRITABLE before you write more. A call that would pass four windows while something is queued gets LIMIT, as do more than
 * 65,536 parts, and no memory. The array is copied, the bytes are borrowed until SENT with this token (TURBO_COPY: copied,
 * no SENT), which always comes before DONE. INVALID also when they are more, or at the end less, than body_size; STATE
 * after the end of the body or of the exchange, and when the server answered without wanting more. A call that fails queues
 * and borrows nothing, one without bytes brings no SENT. A body of known size ends with its last byte; TURBO_END may say so
 * once more. flags: TURBO_COPY, TURBO_END. Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, LIMIT, UNSUPPORTED. */
TURBO_API int64_t turbo_request_write(turbo_request request, const turbo_bytes* parts, size_t count, uint64_t token,
                                      uint32_t flags);

/* Lends you memory to write body bytes into, without a copy by the library: span is a view, at_least bytes or more, to
 * write until commit or the next reserve. Never refused for fullness: commit tells when to wait. LIMIT: over 1 MiB, or no
 * memory. STATE as turbo_request_write. Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, LIMIT. */
TURBO_API turbo_status turbo_request_reserve(turbo_request request, size_t at_least, turbo_span* span);

/* Queues the first size bytes of the view of reserve, which ends; returns as turbo_request_write does. flags: TURBO_END.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, UNSUPPORTED. */
TURBO_API int64_t turbo_request_commit(turbo_request request, size_t size, uint32_t flags);

/* Ends a streamed body of unknown size with trailers: a FlatBuffer, root type Trailers of turbohttp.fbs (turbohttp_head.h
 * writes it), of at most 1 MiB; copied. What is wrong in it fails in DONE. INVALID also when body_size was given.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, LIMIT. */
TURBO_API turbo_status turbo_request_finish(turbo_request request, turbo_bytes trailers);

/* Asks it to stop; DONE follows, CANCELLED unless it was faster. Threads: any. Blocks: no. Errors: STALE. */
TURBO_API turbo_status turbo_request_cancel(turbo_request request);

/* Gives the handle back; its views end. Unfinished, it is cancelled, and DONE still comes once: only then is what it
 * borrowed yours. Threads: any. Blocks: no. Errors: STALE. */
TURBO_API turbo_status turbo_request_release(turbo_request request);

/* After DONE: copies the story of the failure, with a NUL, cut to capacity; returns its full length (0: no failure).
 * Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API int64_t turbo_request_error(turbo_request request, char* text, size_t capacity);

typedef struct turbo_timings { /* nanoseconds after turbo_submit; 0: did not happen */
    uint64_t started_ns; /* turbo_submit itself, on the monotonic clock of events */
    uint64_t connecting, resolved, connected, secured, sent, first_byte, done;
} turbo_timings;
/* Fills timings. After DONE. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_request_timings(turbo_request request, turbo_timings* timings);

typedef struct turbo_progress { uint64_t sent, send_total, received, receive_total; } turbo_progress; /* total 0: unknown */
/* Body bytes so far, for a progress bar; a few loads. Threads: any. Blocks: no. Errors: INVALID, STALE. */
TURBO_API turbo_status turbo_request_progress(turbo_request request, turbo_progress* progress);

/* ---- Response: of a request that has told HEAD or DONE --------------------------------------- */
/* head: a view until release of a FlatBuffer, root type Response: status, version, headers, URL, connection; aligned
 * to 8 bytes. STATE while no head has come. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_response_head(turbo_request request, turbo_bytes* head);

/* The trailers behind the body, after DONE: a view until release of a FlatBuffer, root type Trailers, or of size 0 when
 * there are none. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_response_trailers(turbo_request request, turbo_bytes* trailers);

/* Without FlatBuffers: the index-th line called name (case ignored), its value a view until release. Returns 1, or 0
 * if there is none. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API int64_t turbo_response_header(turbo_request request, turbo_bytes name, size_t index, turbo_bytes* value);

/* The index-th line of all, in the order received, views until release. Returns 1, or 0 behind the last.
 * Threads: any. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API int64_t turbo_response_field(turbo_request request, size_t index, turbo_bytes* name, turbo_bytes* value);

/* Fills up to capacity views of the received segments, in order, until consume or release; returns how many there are, of
 * which at most capacity are filled; a later call may show the last one longer. 0 is the end of a complete body; a broken one
 * ends with DONE's status. A collected body says AGAIN before DONE. STATE while lent spans are out.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, AGAIN, DONE's. */
TURBO_API int64_t turbo_response_peek(turbo_request request, turbo_bytes* segments, size_t capacity);

/* Drops the first size body bytes: their views end, and the peer may send as much again.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_response_consume(turbo_request request, size_t size);

/* Peek, copy and consume in one: moves body bytes into the span and returns how many; 0 as above.
 * Threads: one. Blocks: no. Errors: as turbo_response_peek. */
static inline int64_t turbo_response_read(turbo_request request, turbo_span into) {
    turbo_bytes part;
    int64_t n;
    if (into.data == NULL || into.size == 0) return TURBO_ERROR_INVALID;
    n = turbo_response_peek(request, &part, 1);
    if (n <= 0) return n;
    if (part.size > into.size) part.size = into.size;
    memcpy(into.data, part.data, part.size);
    n = turbo_response_consume(request, part.size);
    return n < 0 ? n : (int64_t)part.size;
}

/* Lends a span of at least one byte to fill with a streamed body, behind the bytes consumed so far and in the order lent;
 * borrowed until FILLED with this token, which always comes before DONE. For a collected body: STATE; after DONE too, peek
 * or read what is left then.
 * Threads: one. Blocks: no. Errors: INVALID, STALE, STATE, LIMIT. */
TURBO_API turbo_status turbo_response_lend(turbo_request request, turbo_span span, uint64_t token);

/* ---- Diagnostics ----------------------------------------------------------------------------- */
typedef struct turbo_stats { /* 160 bytes everywhere */
    uint32_t struct_size, guard_faults;                         /* faults: overrun, double return, late use */
    uint64_t pool_rents, pool_returns, pool_misses, pool_bytes; /* in use: rents - returns */
    uint64_t object_rents, object_returns, object_misses;
    uint64_t requests_started, requests_done, connections_opened, connections_open;
    uint64_t bytes_sent, bytes_received, spans_borrowed, events_waiting;
    /* What it costs, in the open: bytes in use, objects and bytes ever allocated, collections ever. */
    uint64_t go_heap_bytes, go_heap_allocs, go_heap_alloc_bytes, go_gc_cycles;
} turbo_stats;
TURBO_DEFINE_DEFAULT(turbo_stats)

/* Fills what fits in stats->struct_size and sets it to what was filled; {0} asks about the whole library. Of a client: its
 * requests, connections and bytes; the rest is the library's.
 * Threads: any. Blocks: yes, some ms. Errors: INVALID, STALE, STATE. */
TURBO_API turbo_status turbo_stats_read(turbo_client client, turbo_stats* stats);

#ifdef __cplusplus
}
#endif
#endif /* TURBOHTTP_H */
