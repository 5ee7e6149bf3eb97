// exchange.hpp - one request from its submission to what became of it.
#ifndef TURBO_CLI_EXCHANGE_HPP
#define TURBO_CLI_EXCHANGE_HPP

#include "body.hpp"
#include "options.hpp"
#include "outcome.hpp"
#include "sha256.hpp"
#include "show.hpp"

#include <turbohttp/turbohttp.hpp>

#include <string>
#include <string_view>

// The client's window, in bytes: how much of a request body is queued at once.
constexpr std::uint32_t window_bytes = 256 << 10;

class Exchange {
  public:
    // All referred to must outlive it.
    Exchange(const Options& options, const Body& body, std::size_t n, const std::string& url);
    Exchange(const Exchange&) = delete; // events point here
    Exchange& operator=(const Exchange&) = delete;

    // Submits. A request that cannot even start is done at once.
    void start(turbo::Client& client);
    // Takes an event whose user_data points here.
    void event(const turbo_event& event);
    bool done() const { return done_; }

    // It is its turn to be shown: what came so far and, from now on, what comes. Until then bodies that will be shown are
    // kept in memory.
    void show(Show& show);
    void progress();

    const Outcome& outcome() const { return outcome_; }

  private:
    void upload();
    void take_head();
    void take_body();
    bool take(std::string_view octets);
    void fail(const char* error_class, const std::string& error);
    void give_up(const char* error_class, const std::string& error);
    void finish(turbo::Status status, std::uint32_t code);
    void end();

    const Options& options_;
    const Body&    body_;
    turbo::Request request_;
    Outcome        outcome_;
    Show*          show_ = nullptr;
    Sha256         sha256_;
    std::string    kept_;
    std::uint64_t  uploaded_ = 0;
    bool           done_ = false;
};

#endif // TURBO_CLI_EXCHANGE_HPP
