#include "match/anchor_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cleanerd::match {

std::uint32_t AnchorIndex::hash(const char* gram) const {
  std::uint32_t value;
  std::memcpy(&value, gram, sizeof(value));
  return (value * 0x9E3779B1u) >> shift_;
}

void AnchorIndex::build() {
  if (literals_.empty()) return;
  const std::size_t count = literals_.size() * kStride;
  const auto bucket_bits = static_cast<unsigned>(std::clamp<std::size_t>(static_cast<std::size_t>(std::bit_width(count)), 6, 26));
  shift_ = 32 - bucket_bits - kFilterBits;
  filter_.assign((std::size_t{1} << (bucket_bits + kFilterBits)) / 64, 0);
  buckets_.assign((std::size_t{1} << bucket_bits) + 1, 0);
  slots_.resize(count);
  const auto each = [&](const auto& visit) {
    for (std::uint32_t literal = 0; literal < literals_.size(); ++literal)
      for (std::uint32_t offset = 0; offset < kStride; ++offset) visit(literal << kOffsetBits | offset, hash(literals_[literal].data() + offset));
  };
  each([&](Slot, std::uint32_t hash) {
    filter_[hash >> 6] |= std::uint64_t{1} << (hash & 63);
    ++buckets_[bucket(hash)];
  });
  // Counts become ends, and, as the slots are filled in from behind, beginnings.
  for (std::size_t i = 1; i < buckets_.size(); ++i) buckets_[i] += buckets_[i - 1];
  each([&](Slot slot, std::uint32_t hash) { slots_[--buckets_[bucket(hash)]] = slot; });
}

void AnchorIndex::find(std::string_view bytes, const Span& span, std::vector<std::pair<unsigned, std::size_t>>& hits) const {
  if (literals_.empty()) return;
  for (std::size_t at = span.begin; at + kGram <= span.end; at += kStride) {
    const std::uint32_t key = hash(bytes.data() + at);
    if (!may_have(key)) continue;
    for (std::uint32_t i = buckets_[bucket(key)]; i < buckets_[bucket(key) + 1]; ++i) {
      const std::uint32_t number = slots_[i] >> kOffsetBits, offset = slots_[i] % (1u << kOffsetBits);
      const std::string_view literal = literals_[number];
      if (at < offset) continue;
      if (bytes.substr(at - offset, literal.size()) == literal) hits.emplace_back(number, at - offset + literal.size());
    }
  }
}

}  // namespace cleanerd::match
