// From a database's hit to a match: decoded where it was encoded, confirmed, and the most telling one of those that overlap.
// Internal to the library.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "match/encoded.hpp"
#include "match/matcher.hpp"
#include "match/matcher_parts.hpp"

namespace cleanerd::match {

struct View {
  std::string_view bytes;
  std::uint64_t offset;  // of the first byte, in units
  unsigned unit;         // bytes of the stream that a byte of the view stands for
  bool text;
  std::string_view path;
  std::span<const std::size_t> path_rules;
};

class HitReader {
 public:
  explicit HitReader(const Matcher::Parts& matcher) : matcher_(matcher) {}

  void clear();
  // A hit of `entry` that ends at `to` in the view.
  void look(const Entry& entry, std::size_t to, const View& view);
  void whole_file(std::size_t rule, const Sink& sink);
  // Hands out what ends at or before `before`.
  void report(std::uint64_t before, const Sink& sink);

 private:
  void look_rule(const Entry& entry, std::size_t to, const View& view);
  void look_encoded(const Entry& entry, std::size_t to, const View& view);
  bool look_spelled(std::size_t rule, const Spelled& spelled, Encoding encoding, const View& view);
  void look_known(const Entry& entry, std::size_t to, const View& view);
  void keep(Match match, int rank);

  struct Kept {
    Match match;
    int rank;
  };
  const Matcher::Parts& matcher_;
  std::vector<Kept> kept_;
  std::vector<std::pair<std::size_t, std::uint64_t>> found_;  // rule → where its last match ended, in the stream
};

}  // namespace cleanerd::match
