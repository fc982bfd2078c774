// Small text helpers that the standard library lacks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cleanerd {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string to_upper_ascii(std::string_view text);
bool contains(std::string_view text, std::string_view part);

// `*` is any run, `?` any one character; everything else is literal. Linear in text × stars.
bool glob_match(std::string_view pattern, std::string_view text);

// What came from outside, made fit for a terminal: control characters and invalid UTF-8 become \xNN,
// and nothing longer than `limit` characters remains.
std::string printable(std::string_view text, std::size_t limit = 200);

// Short, of lower-case letters, dots and hyphens: a command's, option's or kind's name as one is usually written. What is none may be a
// secret that was typed in its place.
bool is_usual_word(std::string_view text);

// The password of every "scheme://user:password@" becomes "****".
std::string mask_url_passwords(std::string text);

// "1 image", "3 images".
std::string plural(std::size_t count, std::string_view noun);

}  // namespace cleanerd
