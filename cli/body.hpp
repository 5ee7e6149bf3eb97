// body.hpp - the request body of -d or --data-size, in little memory whatever its size.
#ifndef TURBO_CLI_BODY_HPP
#define TURBO_CLI_BODY_HPP

#include "options.hpp"

#include <turbohttp/turbohttp.hpp>

#include <vector>

class Body {
  public:
    explicit Body(const Options& options);
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    // The whole body for turbo_request_options, lent as long as this lives. The library can read it twice: a request that
    // found a stale connection, or is redirected, sends it again.
    const std::vector<turbo_bytes>& parts() const { return parts_; }

    // Copies what begins at offset into span, for a body of unknown length; returns how much, 0 at the end.
    std::size_t copy(std::uint64_t offset, turbo_span span) const;

  private:
    std::string              block_;
    std::uint64_t            size_ = 0;
    std::vector<turbo_bytes> parts_;
};

#endif // TURBO_CLI_BODY_HPP
