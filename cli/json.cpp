#include "json.hpp"

namespace {

// The length of the UTF-8 sequence that text begins with; 0: it is none (RFC 3629 §4: no overlong ones, no surrogates).
std::size_t utf8(std::string_view text) {
    auto     at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    auto     tail = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
    unsigned first = at(0), second = at(1);
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4 || !tail(1)) return 0;
    if (first < 0xe0) return 2;
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || !tail(2)) return 0;
    if (first < 0xf0) return 3;
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f) || !tail(3)) return 0;
    return 4;
}

std::string quote(std::string_view in, bool keep_utf8) {
    std::string out = "\"";
    while (!in.empty()) {
        auto        octet = static_cast<unsigned char>(in[0]);
        std::size_t size = keep_utf8 && octet >= 0x80 ? utf8(in) : 0;
        if (size != 0) {
            out.append(in.substr(0, size));
        } else if (octet == '"' || octet == '\\') {
            out.append({'\\', in[0]});
        } else if (octet < 0x20 || octet == 0x7f) {
            const char* hex = "0123456789abcdef";
            out.append("\\u00").append({hex[octet >> 4], hex[octet & 15]});
        } else if (octet < 0x80) {
            out += in[0];
        } else { // U+0080 to U+00FF take two octets in UTF-8
            out.append({static_cast<char>(0xc0 | octet >> 6), static_cast<char>(0x80 | (octet & 0x3f))});
        }
        in.remove_prefix(size == 0 ? 1 : size);
    }
    return out + '"';
}

std::string fields(const std::vector<Field>& list) {
    std::string out = "[";
    for (const Field& field : list) {
        if (out.size() > 1) out += ',';
        out += '[' + json_octets(field.name) + ',' + json_octets(field.value) + ']';
    }
    return out + ']';
}

} // namespace

std::string json_octets(std::string_view octets) { return quote(octets, false); }
std::string json_text(std::string_view text) { return quote(text, true); }

std::string json_line(const Outcome& o) {
    std::string line = "{\"n\":" + std::to_string(o.n) + ",\"ok\":" + (o.ok() ? "true" : "false");
    if (o.have_head) {
        std::string informational;
        for (unsigned status : o.informational) {
            informational += (informational.empty() ? "" : ",") + std::to_string(status);
        }
        line += ",\"status\":" + std::to_string(o.status) + ",\"reason\":" + json_octets(o.reason) +
                ",\"version\":" + json_text(o.version) + ",\"headers\":" + fields(o.headers) +
                ",\"trailers\":" + fields(o.trailers) + ",\"informational\":[" + informational +
                "],\"body_len\":" + std::to_string(o.body_len) + ",\"body_sha256\":" + json_text(o.body_sha256);
    }
    line += ",\"final_url\":" + json_text(o.final_url) + ",\"redirects\":0";
    line += ",\"error_class\":" + json_text(o.error_class);
    if (!o.cert_reason.empty()) line += ",\"cert_reason\":" + json_text(o.cert_reason);
    return line + ",\"error\":" + json_text(o.error) + "}";
}
