// output.hpp - where bodies go: standard output, or the file of -o.
#ifndef TURBO_CLI_OUTPUT_HPP
#define TURBO_CLI_OUTPUT_HPP

#include <cstdio>
#include <string>
#include <string_view>

class Output {
  public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output() { close(); }

    // name empty or "-": standard output. False: error() says why.
    bool open(const std::string& name);
    // False once something could not be written; error() says why.
    bool write(std::string_view octets);
    bool flush();
    bool close();

    const std::string& error() const { return error_; }

  private:
    bool fail(const char* what);

    std::FILE*  file_ = nullptr;
    std::string name_, error_;
};

#endif // TURBO_CLI_OUTPUT_HPP
