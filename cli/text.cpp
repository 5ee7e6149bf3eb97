#include "text.hpp"

#include <cstdio>

// RFC 3629 §4: no overlong ones, no surrogates.
Character first_character(std::string_view text) {
    auto     at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    auto     tail = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
    auto     low = [&](std::size_t i) { return static_cast<char32_t>(at(i) & 0x3f); };
    unsigned first = at(0), second = at(1);
    if (text.empty()) return {};
    if (first < 0x80) return {1, first};
    if (first < 0xc2 || first > 0xf4 || !tail(1)) return {};
    if (first < 0xe0) return {2, (first & 0x1fu) << 6 | low(1)};
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || !tail(2)) return {};
    if (first < 0xf0) return {3, (first & 0x0fu) << 12 | low(1) << 6 | low(2)};
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) || !tail(3)) return {};
    return {4, (first & 0x07u) << 18 | low(1) << 12 | low(2) << 6 | low(3)};
}

bool can_be_seen(char32_t code) {
    // Unicode's general categories Cc, Cf, Zl and Zp, as far as scripts do not need them, and what is no character.
    static const struct {
        char32_t first, last;
    } unseen[] = {{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
                  {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                  {0xfeff, 0xfeff}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff}};
    for (auto range : unseen) {
        if (code >= range.first && code <= range.last) return false;
    }
    return true;
}

std::string visible(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        Character   c = first_character(text);
        std::size_t size = c.size == 0 ? 1 : c.size;
        if (c.size != 0 && (can_be_seen(c.code) || c.code == '\t')) {
            out.append(text.substr(0, size));
        } else {
            char number[16];
            auto code = c.size == 0 ? static_cast<unsigned char>(text[0]) : static_cast<unsigned>(c.code);
            std::snprintf(number, sizeof number, c.size < 2 ? "\\x%02x" : code > 0xffff ? "\\U%08x" : "\\u%04x", code);
            out += number;
        }
        text.remove_prefix(size);
    }
    return out;
}
