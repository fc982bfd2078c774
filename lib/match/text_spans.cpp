#include "match/text_spans.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

namespace cleanerd::match {
namespace {

// Text is told by groups of 8 bytes that are text throughout: any run of 15 bytes holds such a one, at most 7 bytes from each of its ends.
constexpr std::size_t kGroup = 8;
constexpr std::size_t kBlock = 64;
static_assert(kLeastText == 2 * kGroup - 1);

// Spans that are closer become one: to begin a search costs as much as some hundred bytes of it.
constexpr std::size_t kApart = 128;

#ifdef __SSE2__
template <class Test>
std::uint64_t bits(const char* block, const Test& test) {
  std::uint64_t out = 0;
  for (unsigned i = 0; i < kBlock; i += 16) {
    const __m128i hit = test(_mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i)));
    out |= std::uint64_t{static_cast<unsigned>(_mm_movemask_epi8(hit))} << i;
  }
  return out;
}

// x lies in [low, low + count) where x - low, taken as a signed number from -128 on, is below -128 + count.
__m128i within(__m128i bytes, int low, int count) {
  return _mm_cmplt_epi8(_mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - low))), _mm_set1_epi8(static_cast<char>(-128 + count)));
}

std::uint64_t text_bits(const char* block) {
  return bits(block, [](__m128i bytes) { return _mm_or_si128(within(bytes, '\t', 5), within(bytes, 0x20, 0x5F)); });
}

std::uint64_t zero_bits(const char* block) {
  return bits(block, [](__m128i bytes) { return _mm_cmpeq_epi8(bytes, _mm_setzero_si128()); });
}
#else
template <class Test>
std::uint64_t bits(const char* block, const Test& test) {
  std::uint64_t out = 0;
  for (unsigned i = 0; i < kBlock; ++i) out |= std::uint64_t{test(block[i])} << i;
  return out;
}

std::uint64_t text_bits(const char* block) { return bits(block, is_text); }
std::uint64_t zero_bits(const char* block) { return bits(block, [](char c) { return c == '\0'; }); }
#endif

constexpr std::uint64_t kLows = 0x0101010101010101;

// The low bit of each byte all of whose bits are set.
constexpr std::uint64_t full_bytes(std::uint64_t bits) {
  bits &= bits >> 4;
  bits &= bits >> 2;
  return bits & bits >> 1 & kLows;
}

// The low bit of each byte that stands for a group which is text, in 8-bit units or in 16-bit units of either byte order.
std::uint64_t text_groups(const char* block) {
  constexpr std::uint64_t kEven = 0x5555555555555555, kLast = 0x8080808080808080;
  const std::uint64_t text = text_bits(block);
  const std::uint64_t groups = full_bytes(text);
  const std::uint64_t alternate = full_bytes((text ^ text >> 1) | kLast);
  if (alternate == 0) return groups;
  const std::uint64_t zero = zero_bits(block);
  return groups | (alternate & (full_bytes((text & kEven) | (zero & ~kEven)) | full_bytes((zero & kEven) | (text & ~kEven))));
}

}  // namespace

bool is_within_spans(std::string_view bytes) {
  if (bytes.size() < kLeastText) return false;
  const auto alternates = [&](std::size_t first) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (i % 2 == first ? !is_text(bytes[i]) : bytes[i] != '\0') return false;
    return true;
  };
  return std::ranges::all_of(bytes, is_text) || alternates(0) || alternates(1);
}

void find_text_spans(std::string_view bytes, std::vector<Span>& spans) {
  spans.clear();
  const auto add = [&](std::size_t begin, std::size_t end) {
    begin -= std::min(begin, kGroup);
    end = std::min(end + kGroup, bytes.size());
    if (!spans.empty() && begin <= spans.back().end + kApart) spans.back().end = end;
    else spans.push_back({begin, end});
  };
  const auto add_groups = [&](std::size_t at, std::uint64_t groups) {
    if (groups == kLows) return add(at, at + kBlock);
    for (; groups != 0; groups &= groups - 1) {
      const std::size_t first = at + static_cast<std::size_t>(std::countr_zero(groups)) / 8 * kGroup;
      add(first, first + kGroup);
    }
  };
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) add_groups(at, text_groups(bytes.data() + at));
  if (at == bytes.size()) return;
  char rest[kBlock];
  std::memset(rest, 0x01, sizeof(rest));
  std::memcpy(rest, bytes.data() + at, bytes.size() - at);
  add_groups(at, text_groups(rest));
}

}  // namespace cleanerd::match
