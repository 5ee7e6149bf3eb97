// show.hpp - shows requests one after the other, in their order: bodies, heads, stories, errors or JSON lines.
#ifndef TURBO_CLI_SHOW_HPP
#define TURBO_CLI_SHOW_HPP

#include "options.hpp"
#include "outcome.hpp"
#include "output.hpp"
#include "print.hpp"

#include <string>
#include <string_view>

class Show {
  public:
    explicit Show(const Options& options);

    bool               open() { return bodies_.open(options_.output); }
    bool               close() { return bodies_.close(); }
    const std::string& error() const { return bodies_.error(); }

    // One request: begin, then head, body and progress as they come, then end.
    void begin(const Outcome& outcome);
    void head(const Outcome& outcome);
    bool body(std::string_view octets); // false: it cannot be written, see error
    bool flush();                       // the same
    void progress(const turbo_progress& progress);
    void end(const Outcome& outcome);

    bool has_bar() const { return bar_wanted_; }

  private:
    // Text beside bodies on stdout: heads, trailers, JSON lines.
    void out(const std::string& text);
    void err(const std::string& text);
    void log();

    const Options& options_;
    Output         bodies_;
    ProgressBar    bar_;
    turbo_progress last_{};
    bool           bar_wanted_;
};

#endif // TURBO_CLI_SHOW_HPP
