#include "print.hpp"

#include "text.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <unistd.h>

namespace {

std::string as_received(const std::vector<Field>& fields) {
    std::string out;
    for (const Field& field : fields) out += field.name + ": " + field.value + "\n";
    return out;
}

std::string lines(const char* before, const std::vector<Field>& fields) {
    std::string out;
    for (const Field& field : fields) out += before + visible(field.name + ": " + field.value) + "\n";
    return out;
}

std::string first_line(const Outcome& o) {
    return "HTTP/" + o.version + " " + std::to_string(o.status) + (o.reason.empty() ? "" : " " + o.reason);
}

// A URL as it may lie in the log of a build server: without query, and without what could be a user name and a password, even
// where the URL makes so little sense that they end behind what looks like a host.
std::string without_secrets(std::string url) {
    std::size_t slashes = url.find("//"), begin = slashes == std::string::npos ? 0 : slashes + 2, at = url.rfind('@');
    if (at != std::string::npos && at > begin) url.replace(begin, at - begin, "...");
    return url.substr(0, url.find_first_of("?#"));
}

std::string decimal(double value, const char* unit) {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f %s", value, unit);
    return text;
}

std::uint64_t now_ms() {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

volatile std::sig_atomic_t bar_on_the_line = 0;

extern "C" void leave_the_line(int number) {
    if (bar_on_the_line != 0 && write(STDERR_FILENO, "\n", 1) < 0) {
    }              // nothing helps then
    raise(number); // its action is the default again: it ends the process when this returns
}

} // namespace

void complain(const std::string& text) { std::fprintf(stderr, "turbo: %s\n", visible(text).c_str()); }

std::string show_head(const Outcome& o) { return first_line(o) + "\n" + as_received(o.headers) + "\n"; }
std::string show_trailers(const Outcome& o) { return as_received(o.trailers); }

std::string story_of_request(const Outcome& o, const Options& options) {
    std::string out = "> " + visible(o.method + " " + o.url) + "\n" + lines("> ", options.headers);
    if (options.data) out += "* request body: " + std::to_string(options.data->size()) + " bytes\n";
    if (options.data_size) out += "* request body: " + std::to_string(*options.data_size) + " bytes\n";
    return out + lines("> (trailer) ", options.trailers);
}

std::string story_of_head(const Outcome& o) {
    std::string out = "* connection to " + o.address + (o.reused ? ", used before\n" : ", new\n");
    if (!o.tls.empty()) out += "* " + visible(o.tls) + "\n";
    for (unsigned status : o.informational) out += "< " + std::to_string(status) + " (informational)\n";
    return out + "< " + visible(first_line(o)) + "\n" + lines("< ", o.headers);
}

std::string story_of_end(const Outcome& o) {
    std::string out = lines("< (trailer) ", o.trailers);
    std::string times;
    auto        time = [&](const char* what, std::uint64_t ns) {
        if (ns != 0)
            times += (times.empty() ? "" : ", ") + (what + (" " + decimal(static_cast<double>(ns) / 1e6, "ms")));
    };
    const turbo_timings& t = o.timings;
    time("began to connect", t.connecting);
    time("resolved", t.resolved);
    time("connected", t.connected);
    time("secured", t.secured);
    time("sent", t.sent);
    time("first byte", t.first_byte);
    time("done", t.done);
    out += "* response body: " + std::to_string(o.body_len) + " bytes\n";
    if (!times.empty()) out += "* since the start: " + times + "\n";
    return out;
}

std::string show_error(const Outcome& o) {
    // The library's stories end in the request as a rule, in the same words; then it need not be named again.
    // Neither shows the query, which may hold secrets.
    std::string url = o.url.substr(0, o.url.find_first_of("?#"));
    bool        named = o.error.find(("(" + o.method + " " + url).substr(0, 300)) != std::string::npos;
    return "turbo: " + visible((named ? "" : o.method + " " + without_secrets(o.url) + ": ") + o.error) + " [" +
           o.error_class + (o.cert_reason.empty() ? "" : ": " + o.cert_reason) + "]\n";
}

std::string show_bytes(std::uint64_t bytes) {
    const char* units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    double      value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (value >= 1024 && unit < 3) value /= 1024, unit++;
    return decimal(value, units[unit]);
}

void ProgressBar::update(std::uint64_t received, std::uint64_t total) {
    std::uint64_t now = now_ms();
    if (began_ms_ == 0) began_ms_ = now;
    if (!drawn_ || now - drawn_ms_ >= 200) draw(received, total, now);
}

void ProgressBar::finish(std::uint64_t received, std::uint64_t total) {
    if (!drawn_) return;
    draw(received, total, now_ms());
    bar_on_the_line = 0;
    std::fputc('\n', stderr);
    *this = ProgressBar();
}

void ProgressBar::leave_the_line_on_signals() {
    struct sigaction leave {};
    leave.sa_handler = leave_the_line;
    leave.sa_flags =
        SA_ONSTACK | static_cast<int>(SA_RESETHAND); // the library's threads ask for ONSTACK; once is enough
    for (int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue; // as under nohup
        sigaction(number, &leave, nullptr);
    }
}

void ProgressBar::draw(std::uint64_t received, std::uint64_t total, std::uint64_t now) {
    constexpr std::size_t width = 30;
    std::string           line = "\r";
    if (total != 0) {
        double part = std::min(1.0, static_cast<double>(received) / static_cast<double>(total));
        auto   full = static_cast<std::size_t>(part * width);
        char   percent[16];
        std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(part * 100));
        line += percent + (" [" + std::string(full, '=') + std::string(width - full, ' ') + "] ");
    }
    line += show_bytes(received);
    if (total != 0) line += " of " + show_bytes(total);
    if (now > began_ms_) line += ", " + show_bytes(received * 1000 / (now - began_ms_)) + "/s";
    bar_on_the_line = 1;
    std::fprintf(stderr, "%s\x1b[K", line.c_str()); // clear what a longer line left
    std::fflush(stderr);
    drawn_ = true, drawn_ms_ = now;
}
