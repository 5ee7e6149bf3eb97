#include "output.hpp"

#include <cerrno>
#include <cstring>

bool Output::fail(const char* what) {
    if (error_.empty()) error_ = std::string("cannot ") + what + " " + name_ + ": " + std::strerror(errno);
    return false;
}

bool Output::open(const std::string& name) {
    if (name.empty() || name == "-") {
        file_ = stdout, name_ = "the standard output";
        return true;
    }
    name_ = name;
    file_ = std::fopen(name.c_str(), "wb");
    return file_ != nullptr || fail("open");
}

bool Output::write(std::string_view octets) {
    if (!error_.empty()) return false;
    return std::fwrite(octets.data(), 1, octets.size(), file_) == octets.size() || fail("write to");
}

bool Output::flush() { return error_.empty() && (std::fflush(file_) == 0 || fail("write to")); }

bool Output::close() {
    if (file_ == nullptr) return error_.empty();
    if (file_ == stdout) return flush();
    std::FILE* file = file_;
    file_ = nullptr;
    return (std::fclose(file) == 0 || fail("write to")) && error_.empty();
}
