// Literals of at least kLeastText bytes, found in a fraction of the time that it takes to look at every byte: four bytes at every twelfth
// place tell whether they can belong to one. Internal to the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "match/secure_memory.hpp"
#include "match/text_spans.hpp"

namespace cleanerd::match {

class AnchorIndex {
 public:
  // `bytes` outlive it. The number of each literal is its place.
  void add(std::string_view bytes) { literals_.push_back(bytes); }
  // Once, after the last one was added.
  void build();

  // Adds where literals stand within the span: their number, and where they end in `bytes`.
  void find(std::string_view bytes, const Span& span, std::vector<std::pair<unsigned, std::size_t>>& hits) const;

 private:
  static constexpr std::size_t kGram = 4;
  static constexpr std::size_t kStride = kLeastText - kGram + 1;  // one of the looks falls into whatever is long enough

  // One of the grams of a literal that may be met first: its number and, in the low bits, where the gram stands in it.
  using Slot = std::uint32_t;
  static constexpr unsigned kOffsetBits = 4;
  static_assert(kStride <= 1u << kOffsetBits);

  std::uint32_t hash(const char* gram) const;
  bool may_have(std::uint32_t hash) const { return (filter_[hash >> 6] >> (hash & 63) & 1) != 0; }
  std::uint32_t bucket(std::uint32_t hash) const { return hash >> kFilterBits; }

  static constexpr unsigned kFilterBits = 4;  // of the hash: so many more than tell the bucket

  template <class T>
  using Vector = std::vector<T, SecureAllocator<T>>;
  std::vector<std::string_view> literals_;
  Vector<Slot> slots_;                  // by bucket
  Vector<std::uint32_t> buckets_;       // where each begins in slots_, and the end
  Vector<std::uint64_t> filter_;
  unsigned shift_ = 0;
};

}  // namespace cleanerd::match
