#include "match/hit_reader.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace cleanerd::match {
namespace {

constexpr int kKnownRank = 100;
constexpr std::size_t kContextBefore = 48;  // decoded bytes before a token, for its boundary

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
    case Entry::Kind::base64:
    case Entry::Kind::hex:
    case Entry::Kind::utf16: return look_encoded(entry, to, view);
    case Entry::Kind::known: return look_known(entry, to, view);
  }
}

void HitReader::look_rule(const Entry& entry, std::size_t to, const View& view) {
  const Rule& rule = matcher_.rules.rules[entry.index];
  if (rule.tier == Tier::path && std::ranges::find(view.path_rules, entry.index) == view.path_rules.end()) return;
  const std::uint64_t end = (view.offset + to) * view.unit;
  const auto found = std::ranges::find(found_, entry.index, &std::pair<std::size_t, std::uint64_t>::first);
  if (found != found_.end() && end <= found->second) return;
  const std::size_t first = to - std::min(to, matcher_.width(entry.index) + rule.before);
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

void HitReader::look_encoded(const Entry& entry, std::size_t to, const View& view) {
  const Rule& rule = matcher_.rules.rules[entry.index];
  const std::size_t literal = to - entry.width;
  const std::size_t back = rule.before + kContextBefore;
  const std::size_t ahead = std::min(matcher_.width(entry.index) + std::max(rule.reach, kKeywordReach),
                                     view.unit == 1 ? kMaxWidth + kMaxReach : kMaxReach / 2 - 64);
  // What follows a token of a whole line's length may be its next line, or something else.
  for (const Lines lines : {Lines::join, Lines::single}) {
    Spelled spelled;
    Encoding encoding = Encoding::utf16;
    if (entry.kind == Entry::Kind::base64) {
      spelled = read_base64(view.bytes, literal, entry.skip, entry.alignment, back, ahead, lines);
      encoding = view.unit == 1 ? Encoding::base64 : encoding;
    } else if (entry.kind == Entry::Kind::hex) {
      spelled = read_hex(view.bytes, literal, back, ahead, lines);
      encoding = view.unit == 1 ? Encoding::hex : encoding;
    } else {
      spelled = read_utf16(view.bytes, literal, back, ahead);
    }
    if (look_spelled(entry.index, spelled, encoding, view) || !spelled.joined) return;
  }
}

bool HitReader::look_spelled(std::size_t index, const Spelled& spelled, Encoding encoding, const View& view) {
  if (spelled.literal >= spelled.bytes.size()) return false;
  const Rule& rule = matcher_.rules.rules[index];
  const bool text = looks_like_text(std::string_view(spelled.bytes).substr(spelled.literal, 64));
  auto confirmed = matcher_.confirmer->look(index, spelled.bytes, {spelled.literal - std::min(spelled.literal, rule.before), spelled.literal + 1,
                                                                  spelled.bytes.size(), rule.before == 0, text, view.path});
  if (!confirmed) return false;
  keep({index, Match::kNone, encoding, confirmed->checked, (view.offset + spelled.first(confirmed->secret_begin)) * view.unit,
        (view.offset + spelled.last(confirmed->secret_end) + 1) * view.unit, SecretValue(confirmed->secret)}, rule.rank());
  OPENSSL_cleanse(confirmed->secret.data(), confirmed->secret.size());
  return true;
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
