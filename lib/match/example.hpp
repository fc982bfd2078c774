// Examples are written as generators, so that no token stands in the repository: `ghp_{base62:30}{crc32}`.
// {CLASS:N} is N random characters (classes in example.cpp), {crc32} the base62 CRC-32 of what stands since the last '_',
// {uuid}, {jwt}, {wif}, {xprv}, {bech32:HRP}, {BECH32:HRP}, {pem:LABEL}, {openssh}, {bytes:N}, {repeat:TEXT:N}, {b64:EXAMPLE},
// {b64d:BASE64} (decoded); `{{` is a brace, `{nl}` a line's end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cleanerd::match {

Result<std::string> expand_example(std::string_view text, std::uint64_t seed);

}  // namespace cleanerd::match
