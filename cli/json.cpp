#include "json.hpp"

#include "text.hpp"

#include <cstdio>

namespace {

// \u1234, or two of them beyond U+FFFF (RFC 8259 §7).
std::string escape(char32_t code) {
    char text[16];
    auto unit = [&](char32_t u) {
        std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(u));
        return std::string(text);
    };
    return code < 0x10000 ? unit(code) : unit(0xd7c0 + (code >> 10)) + unit(0xdc00 + (code & 0x3ff));
}

std::string quote(std::string_view in, bool keep_utf8) {
    std::string out = "\"";
    while (!in.empty()) {
        auto      octet = static_cast<unsigned char>(in[0]);
        Character c = keep_utf8 ? first_character(in) : Character{};
        if (c.size == 0) c = {1, octet}; // octets are U+0000 to U+00FF
        if (octet == '"' || octet == '\\') {
            out.append({'\\', in[0]});
        } else if (!can_be_seen(c.code)) { // the same text, and a terminal that shows it is not steered
            out += escape(c.code);
        } else if (octet < 0x80 || c.size > 1) {
            out.append(in.substr(0, c.size));
        } else { // U+00A0 to U+00FF take two octets in UTF-8
            out.append({static_cast<char>(0xc0 | octet >> 6), static_cast<char>(0x80 | (octet & 0x3f))});
        }
        in.remove_prefix(c.size);
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
