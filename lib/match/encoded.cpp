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

constexpr std::size_t kBase64Line = 60;  // characters of the shortest lines in use: 64 in PEM, 76 in MIME, 60 of uuencode
constexpr std::size_t kHexLine = 32;     // xxd and od

// The characters from `at` on. A line's end, also one written as \n, is passed over only after a whole line.
template <class Accept>
std::string collect(Spelled& out, std::string_view text, std::size_t at, std::size_t limit, std::size_t line, Accept accept) {
  std::string characters;
  const auto ends_line = [&](std::size_t end) {
    if (text[end - 1] == '\r') --end;
    return end >= line && std::ranges::all_of(text.substr(end - line, line), accept);
  };
  while (at < text.size() && characters.size() < limit) {
    if (accept(text[at])) {
      characters += text[at];
      out.places.push_back(at++);
      continue;
    }
    const std::size_t size = text[at] == '\n' || text[at] == '\r' ? 1 : text.substr(at).starts_with("\\n") ? 2 : 0;
    if (size == 0 || line == 0 || !ends_line(at)) break;
    out.joined = true;
    at += size;
  }
  return characters;
}

}  // namespace

Spelled::~Spelled() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

Spelled read_base64(std::string_view text, std::size_t literal, std::size_t skip, std::size_t alignment, std::size_t back,
                    std::size_t ahead, Lines lines) {
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
  std::string characters = collect(out, text, begin, (before + ahead) * 4 / 3 + 4, lines == Lines::join ? kBase64Line : 0, is_base64);
  out.bytes = base64_decode(characters);
  out.bits = 6;
  out.literal = before + alignment;
  OPENSSL_cleanse(characters.data(), characters.size());
  return out;
}

Spelled read_hex(std::string_view text, std::size_t literal, std::size_t back, std::size_t ahead, Lines lines) {
  Spelled out;
  std::size_t begin = literal;
  while (out.literal < back && begin >= 2 && is_hex(text[begin - 1]) && is_hex(text[begin - 2])) {
    begin -= 2;
    ++out.literal;
  }
  std::string characters = collect(out, text, begin, (out.literal + ahead) * 2, lines == Lines::join ? kHexLine : 0, is_hex);
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
