// turbo - the command-line client: `turbo --help` says what it does.
#include "options.hpp"
#include "print.hpp"
#include "run.hpp"

#include <turbohttp/turbohttp.hpp>

#include <csignal>
#include <cstdio>

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // a reader that has seen enough is a failed write, not a death

    Options     options;
    std::string message;
    switch (parse_options({argv + 1, argv + argc}, options, message)) {
    case Command::help: return std::fputs(usage().c_str(), stdout) < 0 || std::fflush(stdout) != 0;
    case Command::version: {
        auto library = turbo::Library::start(); // then it knows all of its version
        return std::printf("turbo %s\n", turbo::Library::version()) < 0 || std::fflush(stdout) != 0;
    }
    case Command::nonsense: complain(message), std::fputs(usage().c_str(), stderr); return 2;
    case Command::unsupported: complain(message); return 3;
    case Command::run: break;
    }
    return run(options);
}
