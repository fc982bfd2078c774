#include "match/hit_reader.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace cleanerd::match {
namespace {

constexpr int kKnownRank = 100;
constexpr std::size_t kMaxEncoded = 12 * 1024;  // characters of base64 read for one hit: kMaxReach decoded, and line ends

bool covers(const Match& outer, const Match& inner) { return outer.begin <= inner.begin && outer.end >= inner.end; }
bool overlap(const Match& a, const Match& b) { return a.begin < b.end && b.begin < a.end; }

bool looks_like_text(std::string_view bytes) {
  return std::ranges::none_of(bytes, [](char c) { return static_cast<unsigned char>(c) < 0x09 || c == 0x7F; });
}

}  // namespace

void HitReader::clear() {
  kept_.clear();
  found_.clear();
}

void HitReader::look(const Entry& entry, std::size_t to, const View& view) {
  switch (entry.kind) {
    case Entry::Kind::rule: return look_rule(entry, to, view);
    case Entry::Kind::base64: return look_base64(entry, to, view);
    case Entry::Kind::utf16: return look_utf16(entry, to, view);
    case Entry::Kind::known: return look_known(entry, to, view);
  }
}

void HitReader::look_rule(const Entry& entry, std::size_t to, const View& view) {
  const Rule& rule = matcher_.rules.rules[entry.index];
  if (rule.tier == Tier::path && std::ranges::find(view.path_rules, entry.index) == view.path_rules.end()) return;
  const std::uint64_t end = (view.offset + to) * view.unit;
  const auto found = std::ranges::find(found_, entry.index, &std::pair<std::size_t, std::uint64_t>::first);
  if (found != found_.end() && end <= found->second) return;
  const std::size_t first = to - std::min(to, entry.width + rule.before);
  const std::size_t from = first - std::min(first, kContext);
  const std::string_view window = view.bytes.substr(from, to - from + std::max(rule.reach, kKeywordReach));
  const std::size_t reach = std::min(window.size(), to - from + std::max<std::size_t>(rule.reach, 8));
  auto confirmed = matcher_.confirmer->look(entry.index, window, {first - from, to - from, reach, false, view.text, view.path});
  if (!confirmed) return;
  const auto place = [&](std::size_t at) { return (view.offset + from + at) * view.unit; };
  const std::uint64_t match_end = place(confirmed->end);
  if (found != found_.end()) found->second = std::max(found->second, match_end);
  else found_.emplace_back(entry.index, match_end);
  keep({entry.index, Match::kNone, view.unit == 1 ? Encoding::plain : Encoding::utf16, confirmed->checked, place(confirmed->secret_begin),
        place(confirmed->secret_end), SecretValue(confirmed->secret)}, rule.rank());
  OPENSSL_cleanse(confirmed->secret.data(), confirmed->secret.size());
}

void HitReader::look_base64(const Entry& entry, std::size_t to, const View& view) {
  const std::string_view bytes = view.bytes;
  const std::size_t literal = to - entry.width;
  if (literal < entry.skip) return;
  // Back over whole groups of four, for what stands before the token; then on, over line ends.
  std::size_t begin = literal - entry.skip;
  const auto group = [&](std::size_t at) { return std::ranges::all_of(bytes.substr(at, 4), is_base64); };
  if (!group(begin)) return;
  std::size_t before = 0;
  while (before < 48 && begin >= 4 && group(begin - 4)) {
    begin -= 4;
    before += 3;
  }
  std::string text;
  std::vector<std::size_t> places;
  for (std::size_t i = begin; i < bytes.size() && text.size() < kMaxEncoded; ++i) {
    if (is_base64(bytes[i])) {
      text += bytes[i];
      places.push_back(i);
    } else if (bytes[i] == '\\' && i + 1 < bytes.size() && bytes[i + 1] == 'n') {
      ++i;
    } else if (bytes[i] != '\n' && bytes[i] != '\r') {
      break;
    }
  }
  std::string decoded = base64_decode(text);
  // Where the prefix begins within its group: 0, 1 or 2 bytes in, for 0, 2 or 3 characters.
  const std::size_t first = before + (entry.skip == 0 ? 0 : entry.skip - 1);
  if (first < decoded.size()) {
    const bool is_text = looks_like_text(std::string_view(decoded).substr(first, 64));
    const auto confirmed = matcher_.confirmer->look(entry.index, decoded, {first, first + 1, decoded.size(), true, is_text, view.path});
    if (confirmed && confirmed->secret_end * 8 / 6 <= places.size()) {
      const std::size_t from = places[confirmed->secret_begin * 8 / 6];
      const std::size_t last = places[(confirmed->secret_end * 8 + 5) / 6 - 1];
      keep({entry.index, Match::kNone, Encoding::base64, confirmed->checked, (view.offset + from) * view.unit, (view.offset + last + 1) * view.unit,
            SecretValue(confirmed->secret)}, matcher_.rules.rules[entry.index].rank());
    }
  }
  OPENSSL_cleanse(decoded.data(), decoded.size());
  OPENSSL_cleanse(text.data(), text.size());
}

void HitReader::look_utf16(const Entry& entry, std::size_t to, const View& view) {
  const std::size_t first = to - entry.width;
  std::string narrow;
  for (std::size_t i = first; i < view.bytes.size() && narrow.size() < kMaxReach / 2; i += 2) {
    if (i + 1 < view.bytes.size() && view.bytes[i + 1] != '\0') {
      narrow += view.bytes[i];
      break;
    }
    narrow += view.bytes[i];
  }
  const auto confirmed = matcher_.confirmer->look(entry.index, narrow, {0, 1, narrow.size(), true, true, view.path});
  if (confirmed)
    keep({entry.index, Match::kNone, Encoding::utf16, confirmed->checked, view.offset + first + confirmed->secret_begin * 2,
          view.offset + first + confirmed->secret_end * 2 - 1, SecretValue(confirmed->secret)},
         matcher_.rules.rules[entry.index].rank());
  OPENSSL_cleanse(narrow.data(), narrow.size());
}

void HitReader::look_known(const Entry& entry, std::size_t to, const View& view) {
  const Anchor& anchor = matcher_.variants.anchors[entry.index];
  const Variant& variant = matcher_.variants.variants[anchor.variant];
  const std::string_view bytes = matcher_.variants.bytes(variant);
  // Lines may have ended before the anchor too: the beginning is then a few bytes further back.
  const std::size_t slack = variant.wraps && anchor.offset > 0 ? 4 : 0;
  for (std::size_t extra = 0; extra <= slack; ++extra) {
    const std::size_t back = entry.width + anchor.offset + extra;
    if (back > to) return;
    const std::size_t end = variant_end(bytes, variant.wraps, view.bytes, to - back);
    if (end == std::string_view::npos) continue;
    return keep({Match::kNone, variant.known, view.unit == 1 ? variant.encoding : Encoding::utf16, true, (view.offset + to - back) * view.unit,
                 (view.offset + end) * view.unit, matcher_.known[variant.known]}, kKnownRank);
  }
}

void HitReader::whole_file(std::size_t rule, const Sink& sink) {
  Match match;
  match.rule = rule;
  sink(std::move(match));
}

void HitReader::keep(Match match, int rank) {
  for (std::size_t i = 0; i < kept_.size();) {
    const Kept& other = kept_[i];
    if (!overlap(other.match, match)) {
      ++i;
      continue;
    }
    const bool both_known = match.known != Match::kNone && other.match.known != Match::kNone;
    if (both_known && match.known != other.match.known && !covers(other.match, match) && !covers(match, other.match)) {
      ++i;
      continue;
    }
    // A known value within a longer secret does not stand for that one.
    const auto beats = [](const Kept& a, const Kept& b) {
      if (a.rank == kKnownRank && b.rank != kKnownRank) return covers(a.match, b.match);
      if (a.rank != b.rank) return a.rank > b.rank;
      return a.match.end - a.match.begin >= b.match.end - b.match.begin;
    };
    const Kept mine{match, rank};
    if (beats(other, mine)) return;
    if (beats(mine, other)) kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
    else ++i;
  }
  kept_.push_back({std::move(match), rank});
}

void HitReader::report(std::uint64_t before, const Sink& sink) {
  std::ranges::sort(kept_, {}, [](const Kept& kept) { return std::pair(kept.match.begin, kept.match.end); });
  std::erase_if(kept_, [&](Kept& kept) {
    if (kept.match.end > before) return false;
    sink(std::move(kept.match));
    return true;
  });
}

}  // namespace cleanerd::match
