#include "show.hpp"

#include "json.hpp"
#include "text.hpp"

#include <cstdio>
#include <unistd.h>

// A bar is for somebody who looks and would see nothing else: not in a pipe, not between the lines of -v or --json.
Show::Show(const Options& options)
    : options_(options),
      bar_wanted_(options.to_file() && !options.json && !options.verbose && isatty(STDERR_FILENO) == 1) {
    if (bar_wanted_) ProgressBar::leave_the_line_on_signals();
}

// Flushed at once: on a terminal, heads and bodies stay in order, and a suite that reads lines gets each when it is there.
bool Show::out(const std::string& text) { return lines_.write(text) && lines_.flush(); }

void Show::err(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void Show::log() {
    char text[1024];
    // As many lines as were there when we began to look, about: a library that logs on and on does not keep us here.
    for (int i = 0; i < 1000 && turbo_log_read(nullptr, text, sizeof text) >= 0; i++) {
        std::string_view rest = text; // of a bug, a line and the stack
        for (std::size_t end = 0; end != rest.npos; rest.remove_prefix(end == rest.npos ? 0 : end + 1)) {
            end = rest.find('\n');
            err("* library: " + visible(rest.substr(0, end)) + "\n");
        }
    }
}

void Show::begin(const Outcome& outcome) {
    last_ = {};
    if (options_.verbose) err(story_of_request(outcome, options_));
}

bool Show::head(const Outcome& outcome) {
    if (options_.verbose) err(story_of_head(outcome));
    return !options_.include || options_.json || out(show_head(outcome));
}

bool Show::body(std::string_view octets) { return bodies_.write(octets); }
bool Show::flush() { return bodies_.flush(); }

void Show::progress(const turbo_progress& progress) {
    // What was read stays in stdio's memory no longer than until nothing more waits: a slow body is seen as it comes.
    bodies_.flush();
    last_ = progress;
    if (bar_wanted_) bar_.update(progress.received, progress.receive_total);
}

void Show::end(const Outcome& outcome) {
    bar_.finish(outcome.body_len, last_.receive_total);
    if (options_.include && !options_.json) (void)out(show_trailers(outcome)); // a failure stays in error
    if (options_.verbose) {
        log();
        err(story_of_end(outcome));
    }
    if (options_.json) {
        if (!out(json_line(outcome) + "\n")) return;
    } else if (!outcome.ok()) {
        err(show_error(outcome));
    }
    told_ |= !error().empty() && outcome.error == error();
}
