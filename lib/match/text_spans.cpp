#include "match/text_spans.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
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

constexpr std::uint64_t kLows = 0x0101010101010101;

// The low bit of each byte all of whose bits are set.
constexpr std::uint64_t full_bytes(std::uint64_t bits) {
  bits &= bits >> 4;
  bits &= bits >> 2;
  return bits & bits >> 1 & kLows;
}

// Of so many blocks.
struct Masks {
  std::array<std::uint64_t, 64> text;       // the bit of each byte that is text
  std::array<std::uint64_t, 64> full;       // the low bit of each byte that stands for a group which is text
  std::array<std::uint64_t, 64> alternate;  // or in which every other byte is text
};
using TellText = void (*)(const char* bytes, std::size_t blocks, Masks& masks);

[[gnu::always_inline]] inline void tell_groups(std::size_t blocks, Masks& masks) {
  constexpr std::uint64_t kLast = 0x8080808080808080;
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint64_t text = masks.text[i];
    masks.full[i] = full_bytes(text);
    masks.alternate[i] = full_bytes((text ^ text >> 1) | kLast);
  }
}

#ifdef __x86_64__
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

void tell_text_sse2(const char* bytes, std::size_t blocks, Masks& masks) {
  for (std::size_t i = 0; i < blocks; ++i)
    masks.text[i] = bits(bytes + i * kBlock, [](__m128i part) { return _mm_or_si128(within(part, '\t', 5), within(part, 0x20, 0x5F)); });
  tell_groups(blocks, masks);
}

[[gnu::target("avx2")]] void tell_text_avx2(const char* bytes, std::size_t blocks, Masks& masks) {
  // As `within`, with -128 taken off both numbers.
  const __m256i from_tab = _mm256_set1_epi8(static_cast<char>(-128 - '\t')), tabs = _mm256_set1_epi8(-128 + 5);
  const __m256i from_space = _mm256_set1_epi8(static_cast<char>(-128 - 0x20)), printables = _mm256_set1_epi8(-128 + 0x5F);
  for (std::size_t i = 0; i < blocks; ++i) {
    std::uint64_t out = 0;
    for (unsigned half = 0; half < kBlock; half += 32) {
      const __m256i part = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + i * kBlock + half));
      const __m256i hit = _mm256_or_si256(_mm256_cmpgt_epi8(tabs, _mm256_add_epi8(part, from_tab)),
                                          _mm256_cmpgt_epi8(printables, _mm256_add_epi8(part, from_space)));
      out |= std::uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(hit))} << half;
    }
    masks.text[i] = out;
  }
  tell_groups(blocks, masks);
}

[[gnu::target("avx512bw")]] void tell_text_avx512(const char* bytes, std::size_t blocks, Masks& masks) {
  const __m512i tab = _mm512_set1_epi8('\t'), tabs = _mm512_set1_epi8(5), space = _mm512_set1_epi8(0x20), printables = _mm512_set1_epi8(0x5F);
  for (std::size_t i = 0; i < blocks; ++i) {
    const __m512i block = _mm512_loadu_si512(bytes + i * kBlock);
    masks.text[i] = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, tab), tabs) | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, space), printables);
  }
  tell_groups(blocks, masks);
}

std::vector<TellText> find_ways() {
  std::vector<TellText> ways;
  if (__builtin_cpu_supports("avx512bw")) ways.push_back(tell_text_avx512);
  if (__builtin_cpu_supports("avx2")) ways.push_back(tell_text_avx2);
  ways.push_back(tell_text_sse2);
  return ways;
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

void tell_text_of_any(const char* bytes, std::size_t blocks, Masks& masks) {
  for (std::size_t i = 0; i < blocks; ++i) masks.text[i] = bits(bytes + i * kBlock, is_text);
  tell_groups(blocks, masks);
}

std::vector<TellText> find_ways() { return {tell_text_of_any}; }
std::uint64_t zero_bits(const char* block) { return bits(block, [](char c) { return c == '\0'; }); }
#endif

// The low bit of each byte that stands for a group which is text, in 8-bit units or in 16-bit units of either byte order.
std::uint64_t text_groups(const Masks& masks, std::size_t i, const char* block) {
  constexpr std::uint64_t kEven = 0x5555555555555555;
  if (masks.alternate[i] == 0) return masks.full[i];
  const std::uint64_t text = masks.text[i], zero = zero_bits(block);
  return masks.full[i] | (masks.alternate[i] & (full_bytes((text & kEven) | (zero & ~kEven)) | full_bytes((zero & kEven) | (text & ~kEven))));
}

const std::vector<TellText>& ways() {
  static const std::vector<TellText> all = find_ways();
  return all;
}

}  // namespace

std::size_t ways_to_find_text_spans() { return ways().size(); }

bool is_within_spans(std::string_view bytes) {
  if (bytes.size() < kLeastText) return false;
  const auto alternates = [&](std::size_t first) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (i % 2 == first ? !is_text(bytes[i]) : bytes[i] != '\0') return false;
    return true;
  };
  return std::ranges::all_of(bytes, is_text) || alternates(0) || alternates(1);
}

void find_text_spans(std::string_view bytes, std::vector<Span>& spans, std::size_t way) {
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
  const TellText tell_text = ways()[way];
  Masks masks;
  std::size_t at = 0;
  while (const std::size_t blocks = std::min((bytes.size() - at) / kBlock, masks.text.size())) {
    tell_text(bytes.data() + at, blocks, masks);
    for (std::size_t i = 0; i < blocks; ++i, at += kBlock)
      if ((masks.full[i] | masks.alternate[i]) != 0) add_groups(at, text_groups(masks, i, bytes.data() + at));
  }
  if (at == bytes.size()) return;
  char rest[kBlock];
  std::memset(rest, 0x01, sizeof(rest));
  std::memcpy(rest, bytes.data() + at, bytes.size() - at);
  tell_text(rest, 1, masks);
  add_groups(at, text_groups(masks, 0, rest));
}

}  // namespace cleanerd::match
