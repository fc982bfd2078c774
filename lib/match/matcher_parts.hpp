// What a Matcher is made of. Internal to the library.
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "match/anchor_index.hpp"
#include "match/confirm.hpp"
#include "match/database.hpp"
#include "match/known_variants.hpp"
#include "match/matcher.hpp"
#include "match/path_index.hpp"

namespace cleanerd::match {

// What a pattern of a database stands for.
struct Entry {
  enum class Kind { rule, base64, hex, utf16, known };
  Kind kind;
  std::size_t index;  // rule, or anchor of a known value
  std::size_t width;  // bytes of the literal; a rule's are matcher.width()
  std::size_t skip = 0;       // base64: characters of the group that stand before the literal
  std::size_t alignment = 0;  // and bytes before the prefix

  bool is_spelled() const { return kind == Kind::base64 || kind == Kind::hex || kind == Kind::utf16; }
};

struct PatternTable {
  PatternList patterns;
  std::vector<Entry> entries;
  Database database;
};

// What a hit needs around it: `width + kContext` before its end, and kMaxReach after.
inline constexpr std::size_t kContext = 512;
static_assert(kContext >= kKeywordReach);

// A hit on a spelled prefix needs twice as much after it (hex, UTF-16), and ends of lines.
inline constexpr std::size_t kMaxSpelled = (kMaxWidth + kMaxReach) * 2 + 512;
static_assert(kMaxSpelled + 2 * (kMaxBefore + 64) + kContext < Scanner::kOverlap);

// Where what a table holds is looked for.
enum : std::size_t {
  kBytes,       // every byte
  kSpans,       // spans of text (text_spans.hpp): what cannot be elsewhere
  kKnownBytes,  // the same of known values
  kKnownSpans,
  kText,        // text files
  kPath,        // files that fit a rule's path
  kTables
};

struct Matcher::Parts {
  RuleSet rules;
  std::vector<SecretValue> known;
  KnownVariants variants;
  std::unique_ptr<Confirmer> confirmer;
  std::unique_ptr<std::atomic<std::size_t>[]> widths;  // by rule; 0: not known yet
  std::array<PatternTable, kTables> tables;
  AnchorIndex anchors;  // in place of the database of kKnownSpans
  PathIndex paths;

  // Bytes that a rule's pattern spans at most. Few rules are ever hit, so it is asked then.
  std::size_t width(std::size_t rule) const;
};

}  // namespace cleanerd::match
