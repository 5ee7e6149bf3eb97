#include "exchange.hpp"

Exchange::Exchange(const Options& options, const Body& body, std::size_t n, const std::string& url)
    : options_(options), body_(body) {
    outcome_.n = n;
    outcome_.url = outcome_.final_url = url;
    outcome_.method = !options.method.empty() ? options.method : options.has_body() ? "POST" : "GET";
}

void Exchange::start(turbo::Client& client) {
    turbo::RequestHead head(outcome_.method, outcome_.url);
    for (const Field& field : options_.headers) head.field(field.name, field.value);
    if (options_.expect100) head.expect_continue();

    turbo_request_options options = turbo_request_options_default();
    options.events = TURBO_WANT(TURBO_EVENT_HEAD) | TURBO_WANT(TURBO_EVENT_BODY);
    options.user_data = reinterpret_cast<std::uintptr_t>(this);
    options.timeout_ms = options_.timeout_ms == 0 ? TURBO_NONE : static_cast<std::uint32_t>(options_.timeout_ms);
    options.max_body_bytes = options_.max_body.value_or(0); // 0 is "the default" there, see take
    if (options_.chunked) {
        options.flags = TURBO_STREAM;
    } else {
        options.body = body_.parts().data();
        options.body_count = body_.parts().size();
    }
    turbo::Result<turbo::Request> request = client.submit(head, &options);
    if (!request) {
        fail(error_class(request.status()), request.status().text());
        done_ = true;
        return;
    }
    request_ = *std::move(request);
    if (options_.chunked) upload();
}

void Exchange::upload() {
    turbo::Trailers trailers;
    for (const Field& field : options_.trailers) trailers.field(field.name, field.value);
    auto source = [this](turbo_span span) {
        std::size_t size = body_.copy(uploaded_, span);
        uploaded_ += size;
        return size;
    };
    turbo::Status status = request_.send(source, window_bytes, options_.trailers.empty() ? nullptr : &trailers);
    // STATE: it failed, or the server answered without wanting more. DONE tells which.
    if (!status && status != TURBO_ERROR_AGAIN && status != TURBO_ERROR_STATE) {
        give_up(error_class(status), std::string("sending the body: ") + status.text());
    }
}

void Exchange::event(const turbo_event& event) {
    switch (event.kind) {
    case TURBO_EVENT_HEAD: take_head(); break;
    case TURBO_EVENT_BODY: take_body(); break;
    case TURBO_EVENT_WRITABLE: upload(); break;
    case TURBO_EVENT_DONE: finish(event.status, event.code); break;
    default: break; // nothing is lent for which SENT or FILLED would come
    }
}

void Exchange::take_head() {
    turbo::Result<turbo::ResponseHead> head = request_.head();
    if (!head) return give_up("other", std::string("the response head: ") + head.status().text());
    outcome_.have_head = true;
    outcome_.status = head->status();
    outcome_.version = head->version() == TURBO_HTTP_10 ? "1.0" : "1.1";
    outcome_.reason = head->reason();
    outcome_.final_url = head->url();
    outcome_.address = head->address();
    outcome_.tls = head->tls();
    outcome_.reused = head->reused();
    for (auto [name, value] : head->fields()) outcome_.headers.push_back({std::string(name), std::string(value)});
    for (std::size_t i = 0; head->informational(i) != 0; i++) outcome_.informational.push_back(head->informational(i));
    if (show_ != nullptr && !show_->head(outcome_)) give_up("other", show_->error());
}

void Exchange::take_body() {
    if (!outcome_.ok()) return; // given up: what still comes is nobody's
    (void)request_.receive([this](std::string_view octets) { return take(octets); }); // a failure is told by DONE
    progress();
}

bool Exchange::take(std::string_view octets) {
    if (options_.max_body == 0 && !octets.empty()) {
        give_up("limit", "the response body is larger than 0 bytes");
        return false;
    }
    if (options_.shows_bodies()) {
        if (show_ == nullptr) {
            kept_.append(octets);
        } else if (!show_->body(octets)) {
            give_up("other", show_->error());
            return false;
        }
    }
    outcome_.body_len += octets.size();
    if (options_.json) sha256_.update(octets);
    return true;
}

// The first failure counts: what comes later is its consequence.
void Exchange::fail(const char* error_class, const std::string& error) {
    if (!outcome_.ok()) return;
    outcome_.error_class = error_class;
    outcome_.error = error;
}

void Exchange::give_up(const char* error_class, const std::string& error) {
    fail(error_class, error);
    request_.cancel();
}

void Exchange::finish(turbo::Status status, std::uint32_t code) {
    if (outcome_.have_head) take_body();
    if (!status) {
        std::string story = request_.error();
        if (outcome_.ok() && status == TURBO_ERROR_CERTIFICATE) outcome_.cert_reason = cert_reason(code);
        fail(error_class(status), story.empty() ? status.text() : story);
    }
    if (auto trailers = request_.trailers()) {
        for (auto [name, value] : *trailers) outcome_.trailers.push_back({std::string(name), std::string(value)});
    }
    if (auto timings = request_.timings()) outcome_.timings = *timings;
    if (options_.json) outcome_.body_sha256 = sha256_.hex();
    request_.release();
    done_ = true;
    if (show_ != nullptr) end();
}

void Exchange::end() {
    if (!show_->flush()) fail("other", show_->error());
    show_->end(outcome_);
}

void Exchange::progress() {
    if (show_ != nullptr && request_) show_->progress(request_.progress());
}

void Exchange::show(Show& show) {
    show_ = &show;
    show.begin(outcome_);
    bool good = !outcome_.have_head || show.head(outcome_);
    good = good && (kept_.empty() || show.body(kept_));
    std::string().swap(kept_);
    if (done_) {
        if (!good) fail("other", show.error());
        end();
    } else if (!good) {
        give_up("other", show.error());
    }
}
