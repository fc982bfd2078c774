#include "match/encoded.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "match/codec.hpp"

namespace cleanerd::match {
namespace {

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_hex(char c) { return nibble(c) >= 0; }

// The characters from `at` on, ends of lines left out, also those written as \n.
template <class Accept>
std::string collect(std::string_view text, std::size_t at, std::size_t limit, Accept accept, std::vector<std::size_t>& places) {
  std::string out;
  for (; at < text.size() && out.size() < limit; ++at) {
    if (accept(text[at])) {
      out += text[at];
      places.push_back(at);
    } else if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == 'n') {
      ++at;
    } else if (text[at] != '\n' && text[at] != '\r') {
      break;
    }
  }
  return out;
}

}  // namespace

Spelled::~Spelled() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

Spelled read_base64(std::string_view text, std::size_t literal, std::size_t skip, std::size_t back, std::size_t ahead) {
  Spelled out;
  if (literal < skip) return out;
  std::size_t begin = literal - skip;
  const auto group = [&](std::size_t at) { return std::ranges::all_of(text.substr(at, 4), is_base64); };
  if (!group(begin)) return out;
  std::size_t before = 0;
  while (before < back && begin >= 4 && group(begin - 4)) {
    begin -= 4;
    before += 3;
  }
  std::string characters = collect(text, begin, (before + ahead) * 4 / 3 + 4, is_base64, out.places);
  out.bytes = base64_decode(characters);
  out.bits = 6;
  // 0, 1 or 2 bytes into the group, for 0, 2 or 3 characters.
  out.literal = before + (skip == 0 ? 0 : skip - 1);
  OPENSSL_cleanse(characters.data(), characters.size());
  return out;
}

Spelled read_hex(std::string_view text, std::size_t literal, std::size_t back, std::size_t ahead) {
  Spelled out;
  std::size_t begin = literal;
  while (out.literal < back && begin >= 2 && is_hex(text[begin - 1]) && is_hex(text[begin - 2])) {
    begin -= 2;
    ++out.literal;
  }
  std::string characters = collect(text, begin, (out.literal + ahead) * 2, is_hex, out.places);
  for (std::size_t i = 0; i + 1 < characters.size(); i += 2)
    out.bytes += static_cast<char>(nibble(characters[i]) << 4 | nibble(characters[i + 1]));
  out.bits = 4;
  OPENSSL_cleanse(characters.data(), characters.size());
  return out;
}

Spelled read_utf16(std::string_view text, std::size_t literal, std::size_t back, std::size_t ahead) {
  Spelled out;
  std::size_t begin = literal;
  while (out.literal < back && begin >= 2 && text[begin - 1] == '\0' && text[begin - 2] != '\0') {
    begin -= 2;
    ++out.literal;
  }
  for (std::size_t i = begin; i < text.size() && out.bytes.size() < out.literal + ahead; i += 2) {
    out.bytes += text[i];
    out.places.push_back(i);
    if (i + 1 < text.size() && text[i + 1] != '\0') break;
  }
  return out;
}

}  // namespace cleanerd::match
