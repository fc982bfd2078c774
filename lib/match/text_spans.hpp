// Where in bytes text stands. Most of a root file system is machine code and tables, in which no token can be. Internal to the library.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace cleanerd::match {

// Printable ASCII, tab, and what ends a line.
constexpr bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte < 0x7F) || (byte >= '\t' && byte <= '\r');
}

// A run of this many text bytes, or bytes of UTF-16 text, lies within the spans wherever it stands.
inline constexpr std::size_t kLeastText = 15;

// Whether these bytes as they are can be found within spans: at least kLeastText of them, all text, or all UTF-16 text.
bool is_within_spans(std::string_view bytes);

struct Span {
  std::size_t begin;
  std::size_t end;
};

// In order and apart; `spans` is emptied before. They may hold other bytes, too. `way` is one of those that this processor has, the
// fastest first; they differ in nothing but time.
void find_text_spans(std::string_view bytes, std::vector<Span>& spans, std::size_t way = 0);
std::size_t ways_to_find_text_spans();

}  // namespace cleanerd::match
