#include "tls_options.hpp"

#include <turbohttp/turbohttp.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool parse_pin(std::string_view hex, Pin& pin) {
    if (hex.size() != 2 * pin.size()) return false;
    for (std::size_t i = 0; i < pin.size(); i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        pin[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

static bool read_file(const std::string& name, std::string& content, std::string& why) {
    std::FILE* file = std::fopen(name.c_str(), "rb");
    bool       good = file != nullptr;
    char       part[4096];
    for (std::size_t n = 1; good && n != 0;) {
        n = std::fread(part, 1, sizeof part, file);
        content.append(part, n);
        good = std::ferror(file) == 0;
    }
    if (!good) why = "cannot read " + name + ": " + std::strerror(errno);
    if (file != nullptr) std::fclose(file);
    if (good && content.empty()) why = name + " is empty"; // to the library, nothing would mean "the default"
    return good && !content.empty();
}

bool TlsConfig::load(const TlsOptions& options, std::string& why) {
    config_.provider = options.provider == "go" ? TURBO_TLS_GO_ONLY : TURBO_TLS_SYSTEM_PREFERRED;
    config_.insecure = options.insecure ? 1 : 0;
    if (!options.cacert.empty() && !read_file(options.cacert, roots_, why)) return false;
    if (!options.cert.empty()) {
        const std::string& key = options.key.empty() ? options.cert : options.key; // one file may hold both
        if (!read_file(options.cert, certificate_, why) || !read_file(key, key_, why)) return false;
    }
    config_.roots_pem = turbo::bytes(roots_);
    config_.certificate_pem = turbo::bytes(certificate_);
    config_.key_pem = turbo::bytes(key_);
    pins_ = options.pins;
    for (const Pin& pin : pins_) pin_views_.push_back({pin.data(), pin.size()});
    config_.pins = pin_views_.data();
    config_.pin_count = pin_views_.size();
    return true;
}
