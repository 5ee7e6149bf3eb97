// print.hpp - what people see: heads, the story of a request, errors, a progress bar.
#ifndef TURBO_CLI_PRINT_HPP
#define TURBO_CLI_PRINT_HPP

#include "outcome.hpp"

#include <cstdint>
#include <string>

// turbo: text, on stderr
void complain(const std::string& text);

// The head for -i, the trailers behind the body: for standard output, and so octet for octet what the peer sent, like the body
// between them. All else here goes to stderr, where people look: it is made visible.
std::string show_head(const Outcome& outcome);
std::string show_trailers(const Outcome& outcome);

// The story for -v: before the request, when its head came, when it is over.
std::string story_of_request(const Outcome& outcome, const Options& options);
std::string story_of_head(const Outcome& outcome);
std::string story_of_end(const Outcome& outcome);

// "turbo: GET http://…: the story (class)"
std::string show_error(const Outcome& outcome);

// "12.3 MiB"
std::string show_bytes(std::uint64_t bytes);

// A line on stderr that is drawn again and again, five times a second at most.
class ProgressBar {
  public:
    // Draws when it is time; total 0: unknown.
    void update(std::uint64_t received, std::uint64_t total);
    // Draws the last state, and leaves the line.
    void finish(std::uint64_t received, std::uint64_t total);

    // Whoever presses Ctrl-C finds the prompt on a line of its own. The process still dies by the signal.
    static void leave_the_line_on_signals();

  private:
    void draw(std::uint64_t received, std::uint64_t total, std::uint64_t now_ms);

    std::uint64_t began_ms_ = 0, drawn_ms_ = 0;
    bool          drawn_ = false;
};

#endif // TURBO_CLI_PRINT_HPP
