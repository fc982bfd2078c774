#include "match/confirm.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "match/checks.hpp"
#include "match/codec.hpp"
#include "match/path_index.hpp"

namespace cleanerd::match {
namespace {

constexpr int kMaxGroups = 5;  // the whole and four
constexpr double kRandomToken = 3.9;  // 36 random characters of 62 have 4.2 to 4.9
constexpr int kMaxMemory = 2 << 20;
constexpr int kMaxTries = 8;   // matches that a window of one hit may hold

bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// The word character before `at` belongs to an escape: \n, %3D, \u003d, \x3d, or a terminal's colour code.
bool ends_an_escape(std::string_view text, std::size_t at) {
  if (at >= 2 && text[at - 2] == '\\' && std::string_view("nrtbfv0").find(text[at - 1]) != std::string_view::npos) return true;
  if (at >= 3 && text[at - 3] == '%' && is_hex(text[at - 2]) && is_hex(text[at - 1])) return true;
  if (at >= 4 && text[at - 4] == '\\' && text[at - 3] == 'x' && is_hex(text[at - 2]) && is_hex(text[at - 1])) return true;
  if (at >= 6 && text[at - 6] == '\\' && text[at - 5] == 'u' && is_hex(text[at - 1])) return true;
  if (text[at - 1] != 'm') return false;
  std::size_t i = at - 1;
  while (i > 0 && ((text[i - 1] >= '0' && text[i - 1] <= '9') || text[i - 1] == ';')) --i;
  return i >= 2 && text[i - 1] == '[' && (text[i - 2] == '\x1b' || is_word(text[i - 2]));
}

bool bounded(const Rule& rule, std::string_view text, std::size_t begin, std::size_t end) {
  if (rule.boundary == Boundary::none) return true;
  if (rule.left_boundary && begin > 0 && is_word(text[begin]) && is_word(text[begin - 1]) && !ends_an_escape(text, begin)) return false;
  if (end >= text.size() || end == begin) return true;
  const char next = text[end];
  if (rule.boundary == Boundary::base64 && (is_base64(next) || next == '=')) return false;
  return !is_word(next) || !is_word(text[end - 1]);
}

bool has_keyword(const Rule& rule, std::string_view text, const Confirmer::Place& place) {
  if (rule.keywords.empty()) return true;
  const std::size_t from = place.first > kKeywordReach ? place.first - kKeywordReach : 0;
  const std::string near = to_upper_ascii(text.substr(from, place.to - from + kKeywordReach));
  return std::ranges::any_of(rule.keywords, [&](const std::string& word) { return contains(near, to_upper_ascii(word)); });
}

}  // namespace

const RE2& Expression::re2() const {
  std::call_once(once_, [this] {
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    options.set_log_errors(false);
    options.set_max_mem(max_memory_);
    re2_ = std::make_unique<RE2>(text_, options);
  });
  return *re2_;
}

Confirmer::Confirmer(const RuleSet& rules) : rules_(rules) {
  for (const Rule& rule : rules.rules) {
    Compiled compiled;
    const bool to_hit = rule.confirm.empty();
    compiled.at_hit = std::make_unique<Expression>(to_hit ? "(?:" + rule.pattern + ")\\z" : rule.confirm, kMaxMemory);
    compiled.anchored = std::make_unique<Expression>(to_hit ? rule.pattern : rule.confirm, kMaxMemory);
    for (const std::string& allow : rule.allow) compiled.allow.push_back(std::make_unique<Expression>(allow, kMaxMemory));
    compiled_.push_back(std::move(compiled));
  }
  for (const AllowRule& allow : rules.allows)
    allows_.push_back({allow.pattern.empty() ? nullptr : std::make_unique<Expression>(allow.pattern, kMaxMemory), &allow});
}

std::optional<Confirmed> Confirmer::look(std::size_t index, std::string_view window, const Place& place) const {
  const Rule& rule = rules_.rules[index];
  if (!has_keyword(rule, window, place)) return std::nullopt;
  const RE2& re2 = (place.anchored ? compiled_[index].anchored : compiled_[index].at_hit)->re2();
  if (!re2.ok()) return std::nullopt;
  const bool to_hit = rule.confirm.empty() && !place.anchored;
  const std::size_t end = to_hit ? place.to : place.reach;
  const int groups = std::min(re2.NumberOfCapturingGroups() + 1, kMaxGroups);
  const re2::StringPiece text(window.data(), end);
  std::size_t from = place.first;
  for (int tries = 0; tries < kMaxTries && from < place.to; ++tries) {
    re2::StringPiece found[kMaxGroups];
    if (!re2.Match(text, from, end, place.anchored ? RE2::ANCHOR_START : RE2::UNANCHORED, found, groups)) return std::nullopt;
    const auto begin = static_cast<std::size_t>(found[0].data() - window.data());
    if (begin >= place.to || found[0].empty()) return std::nullopt;
    if (auto confirmed = judge(index, window, found, groups, place)) return confirmed;
    if (place.anchored) return std::nullopt;
    from = begin + 1;
  }
  return std::nullopt;
}

std::optional<Confirmed> Confirmer::judge(std::size_t index, std::string_view window, const re2::StringPiece* groups, int count,
                                          const Place& place) const {
  const Rule& rule = rules_.rules[index];
  const auto begin = static_cast<std::size_t>(groups[0].data() - window.data());
  const std::size_t end = begin + groups[0].size();
  const bool free = bounded(rule, window, begin, end);
  if (place.text && !free) return std::nullopt;
  const re2::StringPiece* captured = &groups[0];
  for (int i = 1; i < count; ++i) {
    if (groups[i].data() != nullptr && !groups[i].empty()) {
      captured = &groups[i];
      break;
    }
  }
  const std::string_view bytes(captured->data(), captured->size());
  if (!free && rule.check == Check::none && !looks_generated(bytes)) return std::nullopt;
  if (rule.entropy > 0 && entropy(bytes) < rule.entropy) return std::nullopt;
  auto secret = passes(rule.check, bytes);
  const bool checked = secret && rule.check != Check::none && rule.check != Check::mixed;
  // A token between boundaries that no checksum confirms can still be one: of an older form, or cut and pasted.
  if (!secret && rule.check == Check::crc32_base62 && place.text && entropy(bytes) >= kRandomToken) secret = std::string(bytes);
  if (!secret || allowed(index, *secret, place.path)) return std::nullopt;
  const auto secret_begin = static_cast<std::size_t>(bytes.data() - window.data());
  return Confirmed{begin, end, secret_begin, secret_begin + bytes.size(), std::move(*secret), checked};
}

bool Confirmer::allowed(std::size_t index, std::string_view secret, std::string_view path) const {
  const re2::StringPiece piece(secret.data(), secret.size());
  for (const auto& allow : compiled_[index].allow)
    if (RE2::PartialMatch(piece, allow->re2())) return true;
  for (const Allow& allow : allows_) {
    const auto any = [](const std::vector<std::string>& list, const auto& fits) { return list.empty() || std::ranges::any_of(list, fits); };
    if (!any(allow.rule->rules, [&](const std::string& glob) { return glob_match(glob, rules_.rules[index].id); })) continue;
    if (!any(allow.rule->paths, [&](const std::string& glob) { return glob_match(glob, path); })) continue;
    if (allow.expression == nullptr || RE2::PartialMatch(piece, allow.expression->re2())) return true;
  }
  return false;
}

}  // namespace cleanerd::match
