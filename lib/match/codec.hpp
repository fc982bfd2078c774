// The encodings in which a secret is written: to look for it in them, and to read what was found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cleanerd::match {

enum class Encoding { plain, base64, percent, hex, json, shell, xml, utf16 };
std::string_view to_string(Encoding encoding);

enum class Base64 { standard, url, padded };  // padded: standard, with '='
std::string base64_encode(std::string_view bytes, Base64 alphabet);

// Both alphabets; stops at the first byte that belongs to neither.
std::string base64_decode(std::string_view text);
bool is_base64(char c);

std::string percent_encode(std::string_view bytes, bool upper_case);
std::string hex_encode(std::string_view bytes, bool upper_case);

enum class JsonStyle { plain, html_safe, slashes };  // html_safe: Go's encoding/json, <, > and & as \u00XX
std::string json_escape(std::string_view bytes, JsonStyle style);
std::string xml_escape(std::string_view bytes);

enum class ShellQuotes { single_closed, single_doubled, double_quotes, backslashes };
std::string shell_quote(std::string_view bytes, ShellQuotes quotes);

}  // namespace cleanerd::match
