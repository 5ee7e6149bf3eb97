#include "run.hpp"

#include "exchange.hpp"
#include "print.hpp"
#include "show.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <thread>

namespace {

enum ExitStatus { exit_ok = 0, exit_failed = 1, exit_nonsense = 2, exit_unsupported = 3 };

int nonsense(const std::string& why) {
    complain(why);
    std::fputs(usage().c_str(), stderr);
    return exit_nonsense;
}

// The library names fields of its configuration; people gave options.
std::string in_our_words(std::string why) {
    const std::string words[][2] = {
        {"roots_pem", "--cacert"}, {"certificate_pem", "--cert"}, {"key_pem", "--key"}, {"resolve, line", "--resolve"}};
    for (const auto& [field, option] : words) {
        for (std::size_t at = 0; (at = why.find(field, at)) != why.npos; at += option.size()) {
            why.replace(at, field.size(), option);
        }
    }
    return why;
}

// So many requests of --parallel are open at once; the next begins when the first of them was shown. Far more than there are
// connections, so that none is idle, and little memory: each costs 3 KiB, and a body that waits for its turn to be shown.
constexpr std::size_t most_at_once = 4096;

class Runner {
  public:
    Runner(const Options& options, const Body& body, turbo::Queue& queue, turbo::Client& client, Show& show)
        : options_(options), queue_(queue), client_(client), show_(show), body_(body),
          count_(options.urls.size() * options.repeat) {}

    bool one_after_the_other() {
        for (std::size_t n = 0; n < count_; n++) {
            if (n != 0 && options_.delay_ms != 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(options_.delay_ms));
            }
            Exchange exchange(options_, body_, n, url(n));
            exchange.start(client_);
            exchange.show(show_);
            while (!exchange.done()) {
                if (!wait(exchange)) return false;
            }
            good_ &= exchange.outcome().ok();
            if (show_.nobody_reads()) return false;
        }
        return good_;
    }

    // Shown in order; those behind go on meanwhile.
    bool all_at_once() {
        std::deque<std::unique_ptr<Exchange>> open;
        std::size_t                           started = 0;
        for (std::size_t n = 0; n < count_; n++) {
            for (; started < count_ && open.size() < most_at_once; started++) {
                open.push_back(std::make_unique<Exchange>(options_, body_, started, url(started)));
                open.back()->start(client_);
            }
            Exchange& first = *open.front();
            first.show(show_);
            while (!first.done()) {
                if (!wait(first)) return false;
            }
            good_ &= first.outcome().ok();
            if (show_.nobody_reads()) return false;
            open.pop_front();
        }
        return good_;
    }

  private:
    const std::string& url(std::size_t n) const { return options_.urls[n % options_.urls.size()]; }

    // Waits for events and gives them to their exchanges; shown is the one in view.
    bool wait(Exchange& shown) {
        turbo_event  events[64];
        std::int64_t count = queue_.wait(events, 64, show_.has_bar() ? 200 : TURBO_NONE);
        if (count < 0) {
            complain(std::string("waiting for events: ") + turbo_status_text(static_cast<turbo_status>(count)));
            return false;
        }
        for (std::int64_t i = 0; i < count; i++) {
            reinterpret_cast<Exchange*>(static_cast<std::uintptr_t>(events[i].user_data))->event(events[i]);
        }
        if (show_.has_bar() && !shown.done()) shown.progress();
        return true;
    }

    const Options& options_;
    turbo::Queue&  queue_;
    turbo::Client& client_;
    Show&          show_;
    const Body&    body_;
    std::size_t    count_;
    bool           good_ = true;
};

turbo_client_config client_config(const Options& options, const TlsConfig& tls, turbo::Queue& queue) {
    turbo_client_config config = turbo_client_config_default();
    config.queue = queue.handle();
    config.flags = options.no_pool ? TURBO_NO_POOL : 0;
    config.tls = tls.get();
    config.resolve = turbo::bytes(options.resolve);
    config.window_bytes = window_bytes;
    config.connect_timeout_ms = TURBO_NONE; // --timeout-ms counts, whatever its time is spent with
    if (options.parallel) {
        // At the same time means it: no request waits for the connection of another. 256 leave descriptors to spare.
        std::uint64_t count = options.urls.size() * options.repeat;
        config.connections_per_host = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(count, 8, 256));
    }
    return config;
}

} // namespace

int run(const Options& options) {
    std::string why;
    TlsConfig   tls;
    if (!tls.load(options.tls, why)) return nonsense(why);

    // Destroyed in the opposite order: the client first, so that its last frames leave, then the library, and last the body
    // that was lent to them.
    Body                 body(options);
    turbo_library_config library_config = turbo_library_config_default();
    library_config.pool_guard = options.guard ? 1 : 0;
    library_config.log_level = options.verbose ? TURBO_LOG_INFO : TURBO_LOG_ERROR;
    auto library = turbo::Library::start(&library_config);
    if (!library) return complain(std::string("the library does not start: ") + library.status().text()), exit_failed;
    auto queue = turbo::Queue::create();
    if (!queue) return complain(std::string("no queue: ") + queue.status().text()), exit_failed;

    turbo_client_config config = client_config(options, tls, *queue);
    auto                client = turbo::Client::create(config, &why);
    if (!client) {
        if (why.empty()) why = client.status().text();
        if (client.status() == TURBO_ERROR_INVALID) return nonsense(in_our_words(why));
        complain(why);
        bool missing = client.status() == TURBO_ERROR_UNSUPPORTED || client.status() == TURBO_ERROR_PROVIDER;
        return missing ? exit_unsupported : exit_failed;
    }

    Show show(options); // from here on the command line makes sense: only now a file is overwritten
    if (!show.open()) return complain(show.error()), exit_failed;
    if (options.verbose && (options.tls.provider == "system" || options.tls.provider == "go")) {
        std::string provider = client->tls();
        bool        fallback = options.tls.provider == "system" && provider == "go";
        std::fprintf(stderr, "* TLS by %s%s\n", provider.c_str(), fallback ? ": there is no system provider here" : "");
    }

    Runner runner(options, body, *queue, *client, show);
    bool   good = options.parallel ? runner.all_at_once() : runner.one_after_the_other();
    if (!show.close()) {
        if (!show.told()) complain(show.error());
        good = false;
    }
    if (turbo::Status status = client->destroy(5000); !status) {
        complain(std::string("the client did not end in time: ") + status.text());
        good = false;
    }
    if (turbo_stats stats = turbo_stats_default();
        options.guard && turbo_stats_read({0}, &stats) == TURBO_OK && stats.guard_faults != 0) {
        complain("the guard found " + std::to_string(stats.guard_faults) +
                 " misuses of memory in the library; -v tells more");
        good = false;
    }
    return good ? exit_ok : exit_failed;
}
