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

    bool open() { return bodies_.open(options_.output) && lines_.open(""); }
    bool close() { return bodies_.close() && lines_.close(); }
    // What could not be written, and why; "": all could. told: people know already.
    const std::string& error() const { return lines_.error().empty() ? bodies_.error() : lines_.error(); }
    bool               told() const { return told_; }
    // Nobody would see more results: the reader has left, or the disk is full.
    bool nobody_reads() const { return options_.json ? !lines_.error().empty() : !error().empty(); }

    // One request: begin, then head, body and progress as they come, then end.
    void begin(const Outcome& outcome);
    bool head(const Outcome& outcome);
    bool body(std::string_view octets); // false, as of the others: it cannot be written, see error
    bool flush();
    void progress(const turbo_progress& progress);
    void end(const Outcome& outcome);

    bool has_bar() const { return bar_wanted_; }

  private:
    bool out(const std::string& text);
    void err(const std::string& text);
    void log();

    const Options& options_;
    Output         bodies_, lines_; // lines: text beside bodies, on stdout: heads, trailers, JSON lines
    ProgressBar    bar_;
    turbo_progress last_{};
    bool           bar_wanted_, told_ = false;
};

#endif // TURBO_CLI_SHOW_HPP
