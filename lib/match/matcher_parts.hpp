// What a Matcher is made of. Internal to the library.
#pragma once

#include <vector>

#include "match/confirm.hpp"
#include "match/database.hpp"
#include "match/known_variants.hpp"
#include "match/matcher.hpp"
#include "match/path_index.hpp"

namespace cleanerd::match {

// What a pattern of a database stands for.
struct Entry {
  enum class Kind { rule, base64, utf16, known };
  Kind kind;
  std::size_t index;   // rule, or anchor of a known value
  std::size_t width;   // bytes a hit spans at most
  std::size_t skip;    // base64: characters of the group that stand before the literal
};

struct PatternTable {
  PatternList patterns;
  std::vector<Entry> entries;
  Database database;
};

// What a hit needs around it: `width + kContext` before its end, and kMaxReach after.
inline constexpr std::size_t kContext = 512;
static_assert(kContext >= kKeywordReach);

struct Matcher::Parts {
  RuleSet rules;
  std::vector<SecretValue> known;
  KnownVariants variants;
  std::unique_ptr<Confirmer> confirmer;
  PatternTable any;    // every byte
  PatternTable text;
  PatternTable path;   // on files that fit a rule's path
  PathIndex paths;
};

}  // namespace cleanerd::match
