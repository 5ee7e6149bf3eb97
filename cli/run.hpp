// run.hpp - all requests of a command line, on one client.
#ifndef TURBO_CLI_RUN_HPP
#define TURBO_CLI_RUN_HPP

#include "options.hpp"

// Runs them and shows what became of them; returns the exit status.
int run(const Options& options);

#endif // TURBO_CLI_RUN_HPP
