// Bytes written in an encoding, read around a literal that was found in it. Internal to the library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cleanerd::match {

struct Spelled {
  Spelled() = default;
  Spelled(Spelled&&) noexcept = default;
  Spelled& operator=(Spelled&&) noexcept = default;
  ~Spelled();

  std::string bytes;
  std::size_t literal = 0;          // where in `bytes` the literal begins
  std::vector<std::size_t> places;  // of the characters that spell them
  std::size_t bits = 8;             // of a byte that a character carries
  bool joined = false;              // an end of a line was passed over

  // The characters that spell bytes [begin, end).
  std::size_t first(std::size_t begin) const { return places[begin * 8 / bits]; }
  std::size_t last(std::size_t end) const { return places[(end * 8 + bits - 1) / bits - 1]; }
};

enum class Lines { join, single };

// `literal` is where it begins in `text`; up to `back` bytes before it and `ahead` from it on are read.
// Nothing (empty bytes) where the text around is not in that encoding.
// base64: the literal begins `skip` characters into a group, and what it spells `alignment` bytes.
Spelled read_base64(std::string_view text, std::size_t literal, std::size_t skip, std::size_t alignment, std::size_t back,
                    std::size_t ahead, Lines lines);
Spelled read_hex(std::string_view text, std::size_t literal, std::size_t back, std::size_t ahead, Lines lines);
Spelled read_utf16(std::string_view text, std::size_t literal, std::size_t back, std::size_t ahead);

}  // namespace cleanerd::match
