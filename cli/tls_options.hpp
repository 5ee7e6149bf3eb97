// tls_options.hpp - the options that a client's TLS configuration is made of.
#ifndef TURBO_CLI_TLS_OPTIONS_HPP
#define TURBO_CLI_TLS_OPTIONS_HPP

#include <turbohttp.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using Pin = std::array<std::uint8_t, 32>; // SHA-256 of a public key

struct TlsOptions {
    std::string      cacert, cert, key; // names of files
    bool             insecure = false;
    std::vector<Pin> pins;
    std::string      provider; // empty, "system", "system-only" or "go"
};

// Reads the 64 hex digits of a pin; false when they are none.
bool parse_pin(std::string_view hex, Pin& pin);

// What turbo_client_config.tls points to, with the files' contents that it views.
class TlsConfig {
  public:
    TlsConfig() = default;
    TlsConfig(const TlsConfig&) = delete; // the config points in here
    TlsConfig& operator=(const TlsConfig&) = delete;

    // False: a file cannot be read, and why says which. What is in the files is the library's to judge.
    bool load(const TlsOptions& options, std::string& why);

    const turbo_tls_config* get() const { return &config_; }

  private:
    turbo_tls_config         config_ = turbo_tls_config_default();
    std::string              roots_, certificate_, key_;
    std::vector<Pin>         pins_;
    std::vector<turbo_bytes> pin_views_;
};

#endif // TURBO_CLI_TLS_OPTIONS_HPP
