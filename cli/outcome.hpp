// outcome.hpp - what became of a request, and the class of its failure.
#ifndef TURBO_CLI_OUTCOME_HPP
#define TURBO_CLI_OUTCOME_HPP

#include "options.hpp"

#include <turbohttp/turbohttp.hpp>

#include <cstdint>
#include <string>
#include <vector>

struct Outcome {
    std::size_t n = 0;
    std::string method, url; // as asked for

    bool                  have_head = false;
    unsigned              status = 0;
    std::string           version, reason;
    std::vector<Field>    headers, trailers;
    std::vector<unsigned> informational;
    std::string           final_url, address, tls;
    bool                  reused = false;

    std::uint64_t body_len = 0;
    std::string   body_sha256;

    // All empty: a complete response.
    std::string error_class, cert_reason, error;

    turbo_timings timings{};

    bool ok() const { return error_class.empty(); }
};

// The class of a failure; "" for TURBO_OK.
const char* error_class(turbo::Status status);

// What was wrong with a certificate; code is that of a DONE with TURBO_ERROR_CERTIFICATE.
const char* cert_reason(std::uint32_t code);

#endif // TURBO_CLI_OUTCOME_HPP
