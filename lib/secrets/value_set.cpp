#include "secrets/value_set.hpp"

#include <algorithm>
#include <cstring>

namespace cleanerd::secrets {
namespace {

std::uint64_t prefix_at(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

std::size_t slot(std::uint64_t prefix) { return static_cast<std::size_t>((prefix * 0x9E3779B97F4A7C15u) >> 48); }

}  // namespace

void ValueSet::add(KnownValue known) {
  const std::string_view bytes = known.value.reveal();
  if (bytes.size() < kPrefix) return;
  const std::uint64_t prefix = prefix_at(bytes.data());
  const auto [first, last] = by_prefix_.equal_range(prefix);
  if (std::any_of(first, last, [&](const auto& entry) { return values_[entry.second].value == known.value; })) return;
  maybe_[slot(prefix)] = true;
  by_prefix_.emplace(prefix, values_.size());
  values_.push_back(std::move(known));
}

void ValueSet::search(std::string_view text, const std::function<void(std::size_t, const KnownValue&)>& on_match) const {
  if (values_.empty()) return;
  for (std::size_t i = 0; i + kPrefix <= text.size(); ++i) {
    const std::uint64_t prefix = prefix_at(text.data() + i);
    if (!maybe_[slot(prefix)]) continue;
    const auto [first, last] = by_prefix_.equal_range(prefix);
    for (auto entry = first; entry != last; ++entry) {
      const KnownValue& known = values_[entry->second];
      if (text.substr(i).starts_with(known.value.reveal())) on_match(i, known);
    }
  }
}

bool ValueSet::any_in(std::string_view text) const {
  bool found = false;
  search(text, [&](std::size_t, const KnownValue&) { found = true; });
  return found;
}

std::string ValueSet::redact(std::string_view text) const {
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  search(text, [&](std::size_t at, const KnownValue& known) { spans.emplace_back(at, at + known.value.size()); });
  std::ranges::sort(spans);
  std::string out;
  std::size_t at = 0;
  for (const auto& [first, last] : spans) {
    if (last <= at) continue;
    if (first > at) out += text.substr(at, first - at);
    if (first >= at) out += "****";
    at = last;
  }
  return out += text.substr(at);
}

}  // namespace cleanerd::secrets
