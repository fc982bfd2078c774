// What tells a secret from bytes that only look like one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "match/rule.hpp"

namespace cleanerd::match {

// Shannon's, in bits a byte.
double entropy(std::string_view bytes);

// Whether the longest run of letters and digits changes between capitals, small letters and digits as often as what was made
// at random does, and not as words and mangled names do.
bool looks_generated(std::string_view bytes);

// Six digits, as GitHub's and npm's tokens end: github.blog/2021-04-05-behind-githubs-new-authentication-token-formats.
std::string crc32_base62(std::string_view bytes);
std::string base58check(std::string_view payload);
std::string bech32(std::string_view human_readable, std::string_view payload);  // lower case

// The secret that `captured` holds where it passes the check: itself, or for basic_auth the password in it.
std::optional<std::string> passes(Check check, std::string_view captured);

}  // namespace cleanerd::match
