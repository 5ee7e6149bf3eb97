/*
 * turbohttp.hpp - TurboHTTP for C++17: handles that give themselves back, text as std::string_view, results instead of
 * out-parameters. Header-only; link with libturbohttp.
 *
 *     auto library = turbo::Library::start();
 *     auto queue = turbo::Queue::create();
 *     turbo_client_config config = turbo_client_config_default();
 *     config.queue = queue->handle();
 *     auto client = turbo::Client::create(config);
 *     turbo::RequestHead head("GET", "http://example.com/");
 *     auto request = client->submit(head);
 *     turbo_event event;
 *     while (queue->poll(&event, 1) == 0) {} // a game draws a frame here
 *
 * It adds no policy: each call is the one of turbohttp.h whose name it bears, and the words of that header (copied,
 * borrowed, view; Threads, Blocks, Errors) hold here. No function throws by itself; std::string and std::vector may when
 * there is no memory, and what uses them says "Allocates". It compiles with -fno-exceptions and -fno-rtti.
 *
 * Declare in the order Library, Queue, Client, Request: destructors then run in the order that the library wants.
 */
#ifndef TURBOHTTP_HPP
#define TURBOHTTP_HPP

#include <turbohttp.h>
#include <turbohttp_head.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turbo {

/// The octets of b as text: a view that lives as long as b's. Threads: any. Blocks: no. Errors: none.
inline std::string_view text(turbo_bytes b) noexcept {
    return b.size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(b.data), b.size);
}

/// The octets of s for a call of turbohttp.h: a view that lives as long as s. Threads: any. Blocks: no. Errors: none.
inline turbo_bytes bytes(std::string_view s) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

/// A turbo_status that knows its text. True means TURBO_OK. Threads: any. Blocks: no. Errors: none.
class Status {
  public:
    constexpr Status(turbo_status code = TURBO_OK) noexcept : code_(code) {} // NOLINT: a status is a status
    constexpr turbo_status code() const noexcept { return code_; }
    constexpr explicit     operator bool() const noexcept { return code_ == TURBO_OK; }
    /// One English line, static memory.
    const char* text() const noexcept { return turbo_status_text(code_); }

    friend constexpr bool operator==(Status a, Status b) noexcept { return a.code_ == b.code_; }
    friend constexpr bool operator!=(Status a, Status b) noexcept { return a.code_ != b.code_; }

  private:
    turbo_status code_;
};

/// A value or the reason why there is none. Like a pointer, it may be asked for its value only when it is true.
template <class T> class [[nodiscard]] Result {
  public:
    Result(Status why) noexcept : status_(why) {}          // NOLINT: a failure is a result
    Result(T value) noexcept : value_(std::move(value)) {} // NOLINT: a value too
    explicit operator bool() const noexcept { return static_cast<bool>(status_); }
    Status   status() const noexcept { return status_; }
    T&       operator*() & noexcept { return value_; }
    T&&      operator*() && noexcept { return std::move(value_); }
    T*       operator->() noexcept { return &value_; }

  private:
    Status status_;
    T      value_{};
};

/// The library in use: the process's first one configures it, each one's end shuts it down.
class Library {
  public:
    Library() noexcept = default;
    Library(Library&& other) noexcept : running_(std::exchange(other.running_, false)) {}
    Library& operator=(Library&& other) noexcept {
        std::swap(running_, other.running_);
        return *this;
    }
    ~Library() { shutdown(1000); }

    /// Waits until the library is ready; config is copied. Threads: any. Blocks: yes, some ms once. Errors: as turbo_init.
    static Result<Library> start(const turbo_library_config* config = nullptr) noexcept {
        Status status = turbo_init(TURBO_ABI_VERSION, config);
        if (!status) return status;
        Library library;
        library.running_ = true;
        return library;
    }

    /// Destroys every client and queue of the process; the destructor does so with a second to spare. After TIMEOUT call
    /// again: memory that you lent is still in use. Threads: any. Blocks: yes, up to timeout_ms. Errors: TIMEOUT.
    Status shutdown(std::uint32_t timeout_ms) noexcept {
        if (!running_) return TURBO_OK;
        Status status = turbo_shutdown(timeout_ms);
        if (status) running_ = false;
        return status;
    }

    /// Static memory. Threads: any. Blocks: no. Errors: none.
    static const char* version() noexcept { return turbo_version(); }

  private:
    bool running_ = false;
};

/// A completion queue, owned. Destroy it after its clients: else it lives on until the library is shut down.
class Queue {
  public:
    Queue() noexcept = default;
    Queue(Queue&& other) noexcept : handle_(std::exchange(other.handle_, turbo_queue{0})) {}
    Queue& operator=(Queue&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Queue() {
        if (handle_.id != 0) turbo_queue_destroy(handle_);
    }

    /// Threads: any. Blocks: no. Errors: LIMIT.
    static Result<Queue> create() noexcept {
        Queue  queue;
        Status status = turbo_queue_create(&queue.handle_);
        if (!status) return status;
        return queue;
    }

    /// For turbo_client_config.queue; still owned here.
    turbo_queue handle() const noexcept { return handle_; }

    /// Takes up to capacity events, oldest first. Threads: one. Blocks: no. Errors: INVALID, STALE, STATE.
    std::int64_t poll(turbo_event* events, std::size_t capacity) noexcept {
        return turbo_queue_poll(handle_, events, capacity);
    }
    /// Waits for a first event; 0: the time is over or wake was called. Threads: one. Blocks: yes, up to timeout_ms
    /// (TURBO_NONE: for ever). Errors: INVALID, STALE, STATE.
    std::int64_t wait(turbo_event* events, std::size_t capacity, std::uint32_t timeout_ms) noexcept {
        return turbo_queue_wait(handle_, events, capacity, timeout_ms);
    }
    /// Ends the wait under way, or the next one. Threads: any. Blocks: no. Errors: STALE.
    Status wake() noexcept { return turbo_queue_wake(handle_); }

  private:
    turbo_queue handle_{0};
};

/// The field lines of a response or its trailers, in the order received: a view that lives as long as the request.
/// Range-for gives pairs of name and value; names are as received, octets may be any. Threads: one. Blocks: no.
class Fields {
  public:
    using value_type = std::pair<std::string_view, std::string_view>;

    class iterator {
      public:
        iterator(const turbo_head_reader* reader, std::size_t at) noexcept : reader_(reader), at_(at) {}
        value_type operator*() const noexcept {
            turbo_bytes name{}, value{};
            if (turbo_head_response_field(reader_, at_, &name, &value) != 1) return {};
            return {turbo::text(name), turbo::text(value)};
        }
        iterator& operator++() noexcept {
            at_++;
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

      private:
        const turbo_head_reader* reader_;
        std::size_t              at_;
    };

    Fields() noexcept = default;
    explicit Fields(const turbo_head_reader& reader) noexcept : reader_(reader) {}
    iterator    begin() const noexcept { return {&reader_, 0}; }
    iterator    end() const noexcept { return {&reader_, reader_.field_count}; }
    std::size_t size() const noexcept { return reader_.field_count; }

    /// Sets value to that of the index-th line called name (the case of ASCII letters ignored). Errors: none.
    bool find(std::string_view name, std::string_view& value, std::size_t index = 0) const noexcept {
        turbo_bytes found{};
        if (turbo_head_response_header(&reader_, bytes(name), index, &found) != 1) return false;
        value = turbo::text(found);
        return true;
    }

  private:
    turbo_head_reader reader_{};
};

/// A response head that was read: views that live as long as the request.
class ResponseHead {
  public:
    ResponseHead() noexcept = default;
    explicit ResponseHead(const turbo_head_reader& reader) noexcept : reader_(reader) {}

    unsigned         status() const noexcept { return reader_.status; }
    int              version() const noexcept { return reader_.version; } ///< TURBO_HTTP_*
    std::string_view reason() const noexcept { return text(reader_.reason); }
    std::string_view url() const noexcept { return text(reader_.url); }         ///< that answered
    std::string_view address() const noexcept { return text(reader_.address); } ///< of the connection
    std::string_view tls() const noexcept { return text(reader_.tls); } ///< "TLS1.3 …" of the connection; empty without
    bool             reused() const noexcept { return reader_.reused != 0; }
    std::int64_t     content_length() const noexcept { return reader_.content_length; } ///< bytes; -1: not said
    Fields           fields() const noexcept { return Fields(reader_); }
    /// The index-th status of the 1xx heads before it, 100 left out; 0 behind the last.
    unsigned informational(std::size_t index) const noexcept {
        return static_cast<unsigned>(turbo_head_response_informational(&reader_, index));
    }

  private:
    turbo_head_reader reader_{};
};

/// A request head in the making. It keeps its memory, so that the same object used again does not allocate anew.
/// Allocates. Threads: one.
class RequestHead {
  public:
    RequestHead(std::string_view method, std::string_view url) : method_(method), url_(url) {}

    /// Appends a field line; name and value are copied. What is wrong in them fails in DONE.
    RequestHead& field(std::string_view name, std::string_view value) {
        fields_.emplace_back(name, value);
        return *this;
    }
    /// The body waits up to a second for the server's 100 (RFC 9110 §10.1.1).
    RequestHead& expect_continue() noexcept {
        expect_ = true;
        return *this;
    }

    /// The FlatBuffer for turbo_submit: a view until the next call. Blocks: no. Errors: INVALID (no URL, no method), LIMIT
    /// (above TURBO_HEAD_MAX).
    Result<turbo_bytes> encode() {
        return write([this](turbo_head_writer* writer, turbo_span span) {
            turbo_head_begin_named(writer, span, bytes(method_), bytes(url_));
            if (expect_) turbo_head_expect_continue(writer);
        });
    }

  protected:
    RequestHead() = default;
    // The writer says how much memory it needs, so that it is run twice at most.
    template <class Begin> Result<turbo_bytes> write(Begin begin) {
        turbo_bytes done{};
        if (memory_.empty()) memory_.resize(512);
        for (;;) {
            turbo_head_writer writer;
            begin(&writer, turbo_span{memory_.data(), memory_.size()});
            for (const auto& [name, value] : fields_) turbo_head_field(&writer, bytes(name), bytes(value));
            Status status = turbo_head_finish(&writer, &done);
            if (status) return done;
            if (status != TURBO_ERROR_LIMIT || done.size > TURBO_HEAD_MAX || done.size <= memory_.size()) return status;
            memory_.resize(done.size);
        }
    }

  private:
    std::string                                      method_, url_;
    std::vector<std::pair<std::string, std::string>> fields_;
    std::vector<std::uint8_t>                        memory_;
    bool                                             expect_ = false;
};

/// Trailers in the making, for Request::finish. As RequestHead.
class Trailers : private RequestHead {
  public:
    Trailers() = default;
    Trailers& field(std::string_view name, std::string_view value) {
        RequestHead::field(name, value);
        return *this;
    }
    /// The FlatBuffer for turbo_request_finish: a view until the next call. Blocks: no. Errors: LIMIT.
    Result<turbo_bytes> encode() { return write(turbo_head_begin_trailers); }
};

/// One exchange, owned: the destructor releases it. Unfinished, it is cancelled then, and its DONE still comes; only that
/// gives back what it borrowed.
class Request {
  public:
    Request() noexcept = default;
    explicit Request(turbo_request handle) noexcept : handle_(handle) {}
    Request(Request&& other) noexcept : handle_(std::exchange(other.handle_, turbo_request{0})) {}
    Request& operator=(Request&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Request() { release(); }

    turbo_request handle() const noexcept { return handle_; }
    explicit      operator bool() const noexcept { return handle_.id != 0; }

    /// Gives the handle back; views end. Threads: any. Blocks: no. Errors: STALE.
    Status release() noexcept {
        if (handle_.id == 0) return TURBO_OK;
        return turbo_request_release(std::exchange(handle_, turbo_request{0}));
    }
    /// DONE follows, CANCELLED unless it was faster. Threads: any. Blocks: no. Errors: STALE.
    Status cancel() noexcept { return turbo_request_cancel(handle_); }

    /// After HEAD. Views until release. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE.
    Result<ResponseHead> head() const noexcept {
        turbo_bytes       view{};
        turbo_head_reader reader;
        Status            status = turbo_response_head(handle_, &view);
        if (status) status = turbo_head_response(view, &reader);
        if (!status) return status;
        return ResponseHead(reader);
    }
    /// After DONE. Views until release. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE.
    Result<Fields> trailers() const noexcept {
        turbo_bytes       view{};
        turbo_head_reader reader{};
        Status            status = turbo_response_trailers(handle_, &view);
        if (status) status = turbo_head_trailers(view, &reader);
        if (!status) return status;
        return Fields(reader);
    }

    /// After DONE: the story of the failure, empty without one. Allocates. Threads: any. Blocks: no. Errors: none.
    std::string error() const {
        std::int64_t size = turbo_request_error(handle_, nullptr, 0);
        if (size <= 0) return {};
        std::string story(static_cast<std::size_t>(size), '\0');
        turbo_request_error(handle_, story.data(), story.size() + 1); // a string ends in a NUL of its own
        return story;
    }
    /// After DONE. Threads: any. Blocks: no. Errors: INVALID, STALE, STATE.
    Result<turbo_timings> timings() const noexcept {
        turbo_timings timings{};
        Status        status = turbo_request_timings(handle_, &timings);
        if (!status) return status;
        return timings;
    }
    /// Body bytes so far; zeros if stale. Threads: any. Blocks: no. Errors: none.
    turbo_progress progress() const noexcept {
        turbo_progress progress{};
        turbo_request_progress(handle_, &progress);
        return progress;
    }

    /// Hands what has come of a streamed body to sink, a bool(std::string_view), piece by piece and without a copy; each
    /// piece lives for that call. OK: the body is complete. AGAIN: a BODY event tells when there is more. CANCELLED: sink
    /// said false; its piece counts as taken, and the exchange goes on until you cancel it. Threads: one. Blocks: no.
    /// Errors: as turbo_response_peek, and CANCELLED.
    template <class Sink> Status receive(Sink&& sink) {
        for (;;) {
            turbo_bytes  part[16];
            std::int64_t count = turbo_response_peek(handle_, part, 16);
            if (count <= 0) return static_cast<turbo_status>(count);
            std::size_t taken = 0;
            bool        more = true;
            for (std::int64_t i = 0; i < count && i < 16 && more; i++) {
                more = sink(turbo::text(part[i]));
                taken += part[i].size;
            }
            Status status = turbo_response_consume(handle_, taken);
            if (!status) return status;
            if (!more) return TURBO_ERROR_CANCELLED;
        }
    }

    /// Fills a TURBO_STREAM body from source, a size_t(turbo_span) that writes into the span and returns how many bytes;
    /// 0 ends the body, with trailers unless NULL. window is the client's window_bytes. OK: all is queued. AGAIN: a
    /// WRITABLE event tells when to call again. Threads: one. Blocks: no. Errors: as turbo_request_reserve, _commit and
    /// _finish; STATE also when the server answered without wanting more, which is no failure: DONE tells.
    template <class Source> Status send(Source&& source, std::size_t window, Trailers* trailers = nullptr) {
        for (;;) {
            turbo_span span{};
            Status     status = turbo_request_reserve(handle_, std::size_t(64) << 10, &span);
            if (!status) return status;
            std::size_t size = source(span);
            if (size == 0 && trailers != nullptr) {
                Result<turbo_bytes> last = trailers->encode();
                return last ? Status(turbo_request_finish(handle_, *last)) : last.status();
            }
            std::int64_t queued = turbo_request_commit(handle_, size, size == 0 ? TURBO_END : 0);
            if (queued < 0) return static_cast<turbo_status>(queued);
            if (size == 0) return TURBO_OK;
            if (static_cast<std::uint64_t>(queued) > window) return TURBO_ERROR_AGAIN;
        }
    }

  private:
    turbo_request handle_{0};
};

/// A client, owned: the destructor destroys it with five seconds to spare.
class Client {
  public:
    Client() noexcept = default;
    Client(Client&& other) noexcept : handle_(std::exchange(other.handle_, turbo_client{0})) {}
    Client& operator=(Client&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Client() { destroy(5000); }

    /// config is copied. On failure why (or NULL) holds the story; Allocates for it. Threads: any. Blocks: yes, some ms.
    /// Errors: as turbo_client_create.
    static Result<Client> create(const turbo_client_config& config, std::string* why = nullptr) {
        Client client;
        char   story[512] = "";
        Status status = turbo_client_create(&config, &client.handle_, story, sizeof story);
        if (status) return client;
        if (why != nullptr) *why = story;
        return status;
    }

    turbo_client handle() const noexcept { return handle_; }

    /// Sends a request; head and options are copied, a body in options is borrowed until DONE. Allocates. Threads: any, but
    /// one on one head. Blocks: no. Errors: as turbo_submit and RequestHead::encode.
    Result<Request> submit(RequestHead& head, const turbo_request_options* options = nullptr) {
        Result<turbo_bytes> encoded = head.encode();
        if (!encoded) return encoded.status();
        turbo_request request{0};
        Status        status = turbo_submit(handle_, *encoded, options, &request);
        if (!status) return status;
        return Request(request);
    }

    /// The TLS library behind this client: static memory; "" if stale. Threads: any. Blocks: no. Errors: none.
    const char* tls() const noexcept { return turbo_client_tls(handle_); }

    /// Cancels everything and waits until nothing borrowed is in use. After TIMEOUT call again. Threads: one. Blocks: yes,
    /// up to timeout_ms. Errors: STALE, STATE, TIMEOUT.
    Status destroy(std::uint32_t timeout_ms) noexcept {
        if (handle_.id == 0) return TURBO_OK;
        Status status = turbo_client_destroy(handle_, timeout_ms);
        if (status != TURBO_ERROR_TIMEOUT) handle_ = turbo_client{0};
        return status;
    }

  private:
    turbo_client handle_{0};
};

} // namespace turbo
#endif // TURBOHTTP_HPP
