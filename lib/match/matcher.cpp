#include "match/matcher.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <set>

#include "match/database_cache.hpp"
#include "match/expression.hpp"
#include "match/matcher_parts.hpp"
#include "match/text_spans.hpp"

namespace cleanerd::match {
namespace {

constexpr std::size_t kMinStable = 4;  // base64 characters, met by chance once in 16 MB of base64
constexpr std::size_t kMinPrefix = 3;

void add_rule(PatternTable& table, const Rule& rule, std::size_t index) {
  table.patterns.add_expression(rule.pattern);
  table.entries.push_back({Entry::Kind::rule, index, 0});
}

// A prefix in base64: the characters that depend on nothing else, and where these are too few, classes for those at their ends.
void add_base64(PatternTable& table, const std::string& prefix, std::size_t index, std::size_t alignment, Base64 alphabet) {
  const std::string text = base64_encode(std::string(alignment, '\0') + prefix, alphabet);
  std::size_t first = (alignment * 8 + 5) / 6;
  const std::size_t last = (alignment + prefix.size()) * 8 / 6;
  if (last - first >= kMinStable) {
    table.patterns.add_literal(text.substr(first, last - first));
    table.entries.push_back({Entry::Kind::base64, index, last - first, first, alignment});
  } else if (last - first == kMinStable - 1 && alignment > 0) {
    // By what stands before and after, some of a character's six bits.
    std::set<char> before, after;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      before.insert(base64_encode(std::string(alignment, c) + prefix, alphabet)[first - 1]);
      after.insert(base64_encode(std::string(alignment, '\0') + prefix + c + c, alphabet)[last]);
    }
    const auto any_of = [](const std::set<char>& set) {
      std::string out = "[";
      for (const char c : set) (c == '-' ? out += '\\' : out) += c;
      return out + "]";
    };
    table.patterns.add_expression(any_of(before) + RE2::QuoteMeta(text.substr(first, last - first)) + any_of(after));
    --first;
    table.entries.push_back({Entry::Kind::base64, index, last + 1 - first, first, alignment});
  }
}

// The literal beginnings of a token, as they look in base64 at each alignment, in hex and in UTF-16.
void add_encoded(PatternTable& table, const Rule& rule, std::size_t index) {
  for (const std::string& prefix : rule.prefixes) {
    if (prefix.size() < kMinPrefix) continue;
    for (std::size_t alignment = 0; alignment < 3; ++alignment) {
      add_base64(table, prefix, index, alignment, Base64::standard);
      const std::string padded = std::string(alignment, '\0') + prefix + std::string(2, '\0');
      if (base64_encode(padded, Base64::url) != base64_encode(padded, Base64::standard)) add_base64(table, prefix, index, alignment, Base64::url);
    }
    for (const bool upper_case : {false, true}) {
      const std::string digits = hex_encode(prefix, upper_case);
      if (upper_case && digits == hex_encode(prefix, false)) continue;
      table.patterns.add_literal(digits);
      table.entries.push_back({Entry::Kind::hex, index, digits.size()});
    }
    std::string wide;
    for (const char c : prefix) (wide += c) += '\0';
    wide.pop_back();
    table.patterns.add_literal(wide);
    table.entries.push_back({Entry::Kind::utf16, index, wide.size()});
  }
}

void add_known(Matcher::Parts& parts) {
  const KnownVariants& variants = parts.variants;
  for (std::size_t i = 0; i < variants.anchors.size(); ++i) {
    const Anchor& anchor = variants.anchors[i];
    const std::string_view bytes = variants.bytes(variants.variants[anchor.variant]).substr(anchor.offset, anchor.size);
    const bool within_spans = is_within_spans(bytes);
    PatternTable& table = parts.tables[within_spans ? kKnownSpans : kKnownBytes];
    if (within_spans) parts.anchors.add(bytes);
    else table.patterns.add_literal(bytes);
    table.entries.push_back({Entry::Kind::known, i, anchor.size});
  }
  parts.anchors.build();
}

// Whether all that the pattern finds lies in a run of text that is long enough, what `confirm` wants around it counted.
bool is_of_text(const Rule& rule) {
  const std::size_t width = text_width(rule.pattern);
  return width != 0 && std::max(width, text_width(rule.confirm)) >= kLeastText;
}

void add_any(Matcher::Parts& parts, const Rule& rule, std::size_t index) {
  const bool of_text = is_of_text(rule);
  add_rule(parts.tables[of_text ? kSpans : kBytes], rule, index);
  if (rule.prefixes.empty()) return;
  // What is encoded is text whatever it was, and longer: 12 bytes make 16 characters of base64.
  const bool is_long = of_text || pattern_width(rule.pattern).value_or(Width{}).least >= 12;
  add_encoded(parts.tables[is_long ? kSpans : kBytes], rule, index);
}

}  // namespace

bool Matcher::has_compiled_rules(const std::string& cache_directory) { return has_cached_database(cache_directory, "rules-spans"); }

Result<Matcher> Matcher::make(RuleSet rules, std::vector<SecretValue> known, const Options& options) {
  if (auto ready = prepare_vectorscan(); !ready) return std::move(ready).error();
  auto parts = std::make_unique<Parts>();
  parts->rules = std::move(rules);
  parts->known = std::move(known);
  parts->widths = std::make_unique<std::atomic<std::size_t>[]>(parts->rules.rules.size());
  for (std::size_t i = 0; i < parts->rules.rules.size(); ++i) {
    const Rule& rule = parts->rules.rules[i];
    for (const std::string& path : rule.paths) parts->paths.add(path, i);
    if (rule.pattern.empty()) continue;
    if (rule.tier == Tier::any) add_any(*parts, rule, i);
    else add_rule(parts->tables[rule.tier == Tier::text ? kText : kPath], rule, i);
  }
  parts->variants = make_variants(parts->known);
  add_known(*parts);
  // What is known is kept nowhere.
  constexpr std::array kNames = {"rules-bytes", "rules-spans", "", "", "rules-text", "rules-path"};
  static_assert(kNames.size() == kTables);
  for (std::size_t i = 0; i < kTables; ++i) {
    PatternTable& table = parts->tables[i];
    auto database = cached_database(table.patterns, *kNames[i] == '\0' ? "" : options.cache_directory, kNames[i]);
    if (!database) return std::move(database).error();
    table.database = std::move(*database);
    table.patterns = {};
  }
  parts->confirmer = std::make_unique<Confirmer>(parts->rules);
  return Matcher(std::move(parts));
}

Matcher::Matcher(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

std::span<const Rule> Matcher::rules() const { return parts_->rules.rules; }
std::span<const SecretValue> Matcher::known() const { return parts_->known; }
std::span<const std::size_t> Matcher::unsearchable() const { return parts_->variants.unsearchable; }
bool Matcher::is_locked() const { return all_secure_memory_is_locked(); }

std::size_t Matcher::memory() const {
  std::size_t total = 0;
  for (const PatternTable& table : parts_->tables) {
    std::size_t size = 0;
    if (table.database && hs_database_size(table.database.get(), &size) == HS_SUCCESS) total += size;
  }
  return total;
}

std::size_t Matcher::Parts::width(std::size_t rule) const {
  std::size_t width = widths[rule];
  if (width == 0) {
    width = std::min(pattern_width(rules.rules[rule].pattern).value_or(Width{}).most, kMaxWidth);
    widths[rule] = width;
  }
  return width;
}

}  // namespace cleanerd::match
