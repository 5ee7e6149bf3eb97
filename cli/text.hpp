// text.hpp - text from strangers, fit to be shown.
#ifndef TURBO_CLI_TEXT_HPP
#define TURBO_CLI_TEXT_HPP

#include <cstddef>
#include <string>
#include <string_view>

// A character in UTF-8 at the front of a text.
struct Character {
    std::size_t size = 0; // in octets; 0: there is no valid one
    char32_t    code = 0;
};
Character first_character(std::string_view text);

// Whether people can see it: no control, nothing without width, nothing that turns the direction of the text around it.
bool can_be_seen(char32_t code);

// Text for a terminal: what cannot be seen comes out as its number, \x1b or \u202e, and so does what is not UTF-8. A peer could
// move the cursor with it, or hide what it says. Tabs stay; line breaks do not.
std::string visible(std::string_view text);

#endif // TURBO_CLI_TEXT_HPP
