// json.hpp - the line that test suites read.
#ifndef TURBO_CLI_JSON_HPP
#define TURBO_CLI_JSON_HPP

#include "outcome.hpp"

#include <string>
#include <string_view>

// One line, without its newline. Always valid UTF-8 and valid JSON (RFC 8259), whatever the peer sent: reason, headers and
// trailers are octets, and octet N becomes the character U+00NN, as in ISO-8859-1. So nothing is lost: encode a value as
// Latin-1 and it is what came over the wire. What the library says (error, final_url) is UTF-8 already, and octets in it that
// are not become U+00NN too.
std::string json_line(const Outcome& outcome);

// A JSON string of octets, as told above; of text, where valid UTF-8 stays.
std::string json_octets(std::string_view octets);
std::string json_text(std::string_view text);

#endif // TURBO_CLI_JSON_HPP
