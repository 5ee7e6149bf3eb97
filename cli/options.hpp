// options.hpp - the command line, understood.
#ifndef TURBO_CLI_OPTIONS_HPP
#define TURBO_CLI_OPTIONS_HPP

#include "tls_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct Field {
    std::string name, value;
};

struct Options {
    std::vector<std::string> urls;

    std::string                  method; // empty: GET, or POST with a body
    std::vector<Field>           headers, trailers;
    std::optional<std::string>   data;
    std::optional<std::uint64_t> data_size; // bytes of 'a'
    bool                         chunked = false, expect100 = false;

    std::optional<std::uint64_t> max_body;           // bytes
    std::uint64_t                timeout_ms = 10000; // 0: none
    std::uint64_t                delay_ms = 0, repeat = 1;
    bool                         parallel = false;

    bool        http1 = false, http2 = false, h2c = false;
    bool        no_pool = false, guard = false;
    std::string resolve; // lines for turbo_client_config.resolve
    TlsOptions  tls;

    std::string output; // -o; empty or "-": stdout
    bool        include = false, verbose = false, json = false;

    std::vector<std::string> unsupported; // options of the contract that this build does not have

    bool has_body() const { return data.has_value() || data_size.has_value(); }
    bool to_file() const { return !output.empty() && output != "-"; }
    // Bodies are shown, or wait to be shown, unless JSON takes their place on stdout.
    bool shows_bodies() const { return !json || to_file(); }
};

enum class Command {
    run,
    help,
    version,
    nonsense,   // message says why
    unsupported // message names the option
};

// Reads the command line; what it means is in the result, what it asks for in options.
Command parse_options(const std::vector<std::string>& arguments, Options& options, std::string& message);

// What --help says, and what follows a command line that makes no sense.
std::string usage();

#endif // TURBO_CLI_OPTIONS_HPP
