#include "options.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

namespace {

using Text = std::string_view;

// A number of the command line: decimal digits, within [low, high].
bool number(Text text, std::uint64_t low, std::uint64_t high, std::uint64_t& out) {
    std::uint64_t n = 0;
    if (text.empty()) return false;
    for (char c : text) {
        if (c < '0' || c > '9') return false;
        auto digit = static_cast<std::uint64_t>(c - '0');
        if (n > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return false;
        n = n * 10 + digit;
    }
    if (n < low || n > high) return false;
    out = n;
    return true;
}

constexpr std::uint64_t most_ms = 0xfffffffe; // what a turbo_*_ms field can say; one more would mean "none"
const char* const       wanted_ms = "a number of milliseconds from 0 to 4294967294";
constexpr std::uint64_t most_bytes = std::uint64_t(1) << 62;
constexpr std::uint64_t most_data = std::uint64_t(1) << 40; // see body.cpp

bool field(Text text, std::vector<Field>& fields) {
    auto trim = [](Text t) {
        while (!t.empty() && (t.front() == ' ' || t.front() == '\t')) t.remove_prefix(1);
        while (!t.empty() && (t.back() == ' ' || t.back() == '\t')) t.remove_suffix(1);
        return t;
    };
    std::size_t colon = text.find(':');
    if (colon == Text::npos || colon == 0) return false;
    fields.push_back({std::string(text.substr(0, colon)), std::string(trim(text.substr(colon + 1)))});
    return true;
}

bool one_of(Text text, std::initializer_list<Text> list) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

bool set_provider(Options& o, Text v) {
    o.tls.provider = v;
    return one_of(v, {"system", "system-only", "go"});
}

bool set_pin(Options& o, Text v) {
    o.tls.pins.emplace_back();
    return parse_pin(v, o.tls.pins.back());
}

bool set_resolve(Options& o, Text v) {
    o.resolve.append(v).append("\n"); // what the line means is the library's to judge
    return !v.empty() && v.find('\n') == Text::npos;
}

bool set_data_size(Options& o, Text v) { return number(v, 0, most_data, o.data_size.emplace()); }
bool set_max_body(Options& o, Text v) { return number(v, 0, most_bytes, o.max_body.emplace()); }
template <bool Options::*flag> bool turn_on(Options& o, Text) { return o.*flag = true; }
bool                                any_value(Options&, Text) { return true; }

enum Built : bool { built = true, not_yet = false };

struct Option {
    const char* name;  // "-X", "--json"
    const char* value; // how the usage calls it; NULL: none
    const char* help;  // NULL: told with the option before
    bool (*set)(Options&, Text);
    bool        built = true;
    const char* wants = nullptr; // what a good value is, where its name in the usage does not say it all
};

// Every option of the contract, in the order of the usage. Setters say whether the value makes sense.
const Option table[] = {
    {"-X", "METHOD", "method (GET, or POST when a body is given)",
     [](Options& o, Text v) { return o.method = v, !v.empty(); }},
    {"-H", "'Name: value'", "request header, repeatable", [](Options& o, Text v) { return field(v, o.headers); }},
    {"-d", "STRING", "request body", [](Options& o, Text v) { return o.data = v, true; }},
    {"--data-size", "N", "request body: N bytes of 'a'", set_data_size, built, "a number from 0 to 1099511627776"},
    {"--chunked", nullptr, "send the body with unknown length", turn_on<&Options::chunked>},
    {"--trailer", "'Name: value'", "request trailer (with --chunked), repeatable",
     [](Options& o, Text v) { return field(v, o.trailers); }},
    {"--expect100", nullptr, "wait at most 1 s for 100 Continue before the body", turn_on<&Options::expect100>},
    {"--http1", nullptr, "force HTTP/1.1", turn_on<&Options::http1>},
    {"--http2", nullptr, "offer HTTP/2 only", turn_on<&Options::http2>, not_yet},
    {"--h2c", nullptr, "HTTP/2 without TLS", turn_on<&Options::h2c>, not_yet},
    {"--cacert", "FILE", "trust only these roots", [](Options& o, Text v) { return o.tls.cacert = v, !v.empty(); }},
    {"--cert", "FILE", "client certificate", [](Options& o, Text v) { return o.tls.cert = v, !v.empty(); }},
    {"--key", "FILE", "its private key (if it is not in the same file)",
     [](Options& o, Text v) { return o.tls.key = v, !v.empty(); }},
    {"--insecure", nullptr, "no verification of certificates", [](Options& o, Text) { return o.tls.insecure = true; }},
    {"--pin", "SHA256HEX", "accepted public key (SHA-256 of its SubjectPublicKeyInfo), repeatable", set_pin, built,
     "64 hexadecimal digits"},
    {"--tls", "system|system-only|go", "TLS provider (system preferred)", set_provider},
    {"--transport", "net|poll", "transport (net)",
     [](Options& o, Text v) {
         if (v == "poll") o.unsupported.push_back("--transport poll");
         return one_of(v, {"net", "poll"});
     }},
    {"--no-pool", nullptr, "plain memory path", turn_on<&Options::no_pool>},
    {"--guard", nullptr, "guarded memory: slow, finds misuse", turn_on<&Options::guard>},
    {"--resolve", "HOST:PORT:ADDR", "connect there for that host, repeatable", set_resolve},
    {"--proxy", "URL", "proxy for every request", any_value, not_yet},
    {"--follow", "N", "follow at most N redirects (0)",
     [](Options& o, Text v) {
         std::uint64_t n = 0;
         bool          good = number(v, 0, 1000000, n);
         if (n > 0) o.unsupported.push_back("--follow " + std::string(v));
         return good;
     },
     built, "a number from 0 to 1000000"},
    {"--user", "U:P", "credentials for the origin", [](Options&, Text v) { return v.find(':') != Text::npos; },
     not_yet},
    {"--auth", "basic|digest", "how to use them",
     [](Options&, Text v) {
         return one_of(v, {"basic", "digest"});
     },
     not_yet},
    {"--cookies", nullptr, "cookie jar in memory", any_value, not_yet},
    {"--decompress", nullptr, "negotiate and undo Content-Encoding", any_value, not_yet},
    {"--cache", nullptr, "cache in memory", any_value, not_yet},
    {"--max-body", "N", "fail when a body exceeds N bytes", set_max_body, built,
     "a number from 0 to 4611686018427387904"},
    {"--timeout-ms", "N", "deadline of each request (10000; 0: none)",
     [](Options& o, Text v) { return number(v, 0, most_ms, o.timeout_ms); }, built, wanted_ms},
    {"--delay-ms", "N", "pause between requests", [](Options& o, Text v) { return number(v, 0, most_ms, o.delay_ms); },
     built, wanted_ms},
    {"--repeat", "N", "run the list of URLs N times",
     [](Options& o, Text v) { return number(v, 1, 1u << 30, o.repeat); }, built, "a number from 1 to 1073741824"},
    {"--parallel", nullptr, "all requests at the same time (4096 at most; then the next as one ends)",
     turn_on<&Options::parallel>},
    {"--ws", nullptr, "WebSocket: echo every message", any_value, not_yet},
    {"--ws-deflate", nullptr, "offer permessage-deflate", any_value, not_yet},
    {"--ws-protocol", "P", "offer sub-protocols, comma separated", any_value, not_yet},
    {"--ws-send", "TEXT", "send this message first", any_value, not_yet},
    {"--ws-close", "CODE", "close after the first message",
     [](Options&, Text v) {
         std::uint64_t code = 0;
         return number(v, 1000, 4999, code);
     },
     not_yet, "a number from 1000 to 4999"},
    {"--ws-max", "N", "maximum message size accepted",
     [](Options&, Text v) {
         std::uint64_t size = 0;
         return number(v, 0, most_bytes, size);
     },
     not_yet, "a number from 0 to 4611686018427387904"},
    {"--json", nullptr, "one JSON line per result instead of the body", turn_on<&Options::json>},
    {"-o", "FILE", "bodies go to FILE, with a progress bar on a terminal",
     [](Options& o, Text v) { return o.output = v, !v.empty(); }},
    {"-i", nullptr, "show the response heads, as they were received", turn_on<&Options::include>},
    {"-v", nullptr, "tell the story of each request on stderr, with timings", turn_on<&Options::verbose>},
    {"--help", nullptr, "this page", nullptr},
    {"--version", nullptr, "versions of the library and its parts", nullptr},
};

const Option* find(Text name) {
    for (const Option& option : table) {
        if (name == option.name) return &option;
    }
    return nullptr;
}

// A wrong value for a message: of a field line and of credentials only how it begins.
std::string without_secrets(Text name, Text value) {
    if (!one_of(name, {"-H", "--trailer", "--user"})) return std::string(value);
    std::size_t end = name == "--user" ? 0 : value.find_first_of(" \t:=");
    return std::string(value.substr(0, end)) + (end < value.size() ? "..." : "");
}

// What is wrong with the options together.
std::string contradiction(const Options& o) {
    if (o.urls.empty()) return "no URL";
    if (std::find(o.urls.begin(), o.urls.end(), "") != o.urls.end()) return "an empty URL";
    if (o.data && o.data_size) return "-d and --data-size are two bodies for one request";
    if (o.chunked && !o.has_body()) return "--chunked needs a body: -d or --data-size";
    if (!o.trailers.empty() && !o.chunked) return "--trailer needs --chunked";
    if (o.expect100 && !o.has_body()) return "--expect100 needs a body: -d or --data-size";
    if (o.http1 + o.http2 + o.h2c > 1) return "--http1, --http2 and --h2c exclude each other";
    if (!o.tls.key.empty() && o.tls.cert.empty()) return "--key needs --cert";
    return "";
}

} // namespace

Command parse_options(const std::vector<std::string>& arguments, Options& options, std::string& message) {
    bool only_urls = false;
    for (std::size_t i = 0; i < arguments.size(); i++) {
        Text argument = arguments[i];
        if (only_urls || argument.size() < 2 || argument[0] != '-') {
            options.urls.emplace_back(argument);
            continue;
        }
        if (argument == "--") {
            only_urls = true;
            continue;
        }
        // "--name value", "--name=value", "-n value" and "-nvalue"
        bool          is_long = argument[1] == '-';
        std::size_t   equals = is_long ? argument.find('=') : Text::npos;
        Text          name = is_long ? argument.substr(0, equals) : argument.substr(0, 2);
        Text          value;
        const Option* option = find(name);
        if (option == nullptr) {
            message = "there is no option " + std::string(name);
            return Command::nonsense;
        }
        bool attached = is_long ? equals != Text::npos : argument.size() > 2;
        if (attached) value = argument.substr(is_long ? equals + 1 : 2);
        if (option->value == nullptr && attached) {
            message = std::string(name) + " takes no value";
            return Command::nonsense;
        }
        if (name == "--help") return Command::help;
        if (name == "--version") return Command::version;
        if (option->value != nullptr && !attached) {
            if (++i == arguments.size()) {
                message = std::string(name) + " needs a value: " + option->value;
                return Command::nonsense;
            }
            value = arguments[i];
        }
        if (!option->set(options, value)) {
            message = std::string(name) + " wants " + (option->wants != nullptr ? option->wants : option->value) +
                      ", not \"" + without_secrets(name, value) + "\"";
            return Command::nonsense;
        }
        if (!option->built) options.unsupported.emplace_back(name);
    }
    message = contradiction(options);
    if (!message.empty()) return Command::nonsense;
    if (options.tls.provider == "system-only") options.unsupported.emplace_back("--tls system-only");
    if (!options.unsupported.empty()) {
        message = options.unsupported.front() + " is not in this build";
        return Command::unsupported;
    }
    return Command::run;
}

std::string usage() {
    std::string page = "usage: turbo [options] URL [URL ...]\n";
    for (const Option& option : table) {
        std::string line = std::string("  ") + option.name;
        if (option.value != nullptr) line.append(" ").append(option.value);
        line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
        page += line + option.help + (option.built ? "" : " [not in this build]") + "\n";
    }
    return page + "exit status: 0 every request got a complete response, 1 some did not, 2 the command line makes no\n"
                  "sense, 3 an option is not in this build\n";
}
