#include "match/text_spans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cleanerd::match {
namespace {

std::string noise(std::mt19937& random, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out)
    do c = static_cast<char>(random());
    while (is_text(c));
  return out;
}

std::string text(std::mt19937& random, std::size_t size) {
  std::string out(size, '\0');
  for (char& c : out)
    do c = static_cast<char>(random());
    while (!is_text(c));
  return out;
}

std::string widened(const std::string& text, bool high_first) {
  std::string out;
  for (const char c : text) (out += high_first ? '\0' : c) += high_first ? c : '\0';
  return out;
}

bool is_covered(const std::vector<Span>& spans, std::size_t begin, std::size_t end) {
  return std::ranges::any_of(spans, [&](const Span& span) { return span.begin <= begin && end <= span.end; });
}

TEST(TextSpans, TextIsWhatCanBePrintedAndWhatEndsALine) {
  for (const char c : {' ', '~', 'a', '\t', '\n', '\r', '\f'}) EXPECT_TRUE(is_text(c)) << static_cast<int>(c);
  for (const char c : {'\0', '\x08', '\x0e', '\x1b', '\x1f', '\x7f', '\x80', '\xff'}) EXPECT_FALSE(is_text(c)) << static_cast<int>(c);
}

TEST(TextSpans, HoldEachRunOfTextWhereverItStands) {
  std::mt19937 random(1);
  std::vector<Span> spans;
  for (std::size_t before = 0; before < 150; ++before)
    for (const std::size_t size : {kLeastText, kLeastText + 1, std::size_t{70}, std::size_t{200}}) {
      const std::string run = text(random, size);
      const std::string bytes = noise(random, before) + run + noise(random, before * 7 % 90);
      find_text_spans(bytes, spans);
      EXPECT_TRUE(is_covered(spans, before, before + size)) << before << " " << size;
    }
}

TEST(TextSpans, HoldEachRunOfUtf16TextInEitherByteOrder) {
  std::mt19937 random(2);
  std::vector<Span> spans;
  for (std::size_t before = 0; before < 150; ++before)
    for (const bool high_first : {false, true}) {
      const std::string run = widened(text(random, 8), high_first);
      find_text_spans(noise(random, before) + run + noise(random, 40), spans);
      EXPECT_TRUE(is_covered(spans, before, before + run.size())) << before;
    }
}

TEST(TextSpans, LeaveOutWhatIsNoText) {
  std::mt19937 random(3);
  std::vector<Span> spans;
  for (const std::string& bytes : {std::string(4096, '\0'), std::string(4096, '\xff'), noise(random, 4096)}) {
    find_text_spans(bytes, spans);
    EXPECT_TRUE(spans.empty());
  }
  find_text_spans(noise(random, 10'000) + text(random, 40) + noise(random, 10'000), spans);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_LE(spans[0].end - spans[0].begin, 40u + 16u);
}

TEST(TextSpans, AreInOrderApartAndWithinTheBytes) {
  std::mt19937 random(4);
  std::vector<Span> spans;
  for (int turn = 0; turn < 300; ++turn) {
    std::string bytes;
    while (bytes.size() < 2000) bytes += noise(random, random() % 400) + text(random, random() % 60);
    find_text_spans(bytes, spans);
    std::size_t last = 0;
    for (const Span& span : spans) {
      EXPECT_TRUE(last == 0 || span.begin > last);
      EXPECT_LT(span.begin, span.end);
      EXPECT_LE(span.end, bytes.size());
      last = span.end;
    }
  }
  find_text_spans("", spans);
  EXPECT_TRUE(spans.empty());
}

TEST(TextSpans, OnlyLongTextIsSureToBeWithin) {
  EXPECT_TRUE(is_within_spans("0123456789abcde"));
  EXPECT_TRUE(is_within_spans(widened("01234567", false)));
  EXPECT_TRUE(is_within_spans(widened("01234567", true)));
  EXPECT_FALSE(is_within_spans("0123456789abcd"));
  EXPECT_FALSE(is_within_spans("0123456789abcd\xc3\xa4"));
  EXPECT_FALSE(is_within_spans(std::string("0123456789abcde\0", 16)));
  EXPECT_FALSE(is_within_spans(std::string(20, '\0')));
}

TEST(TextSpans, AreTheSameWhicheverWayTheyAreFound) {
  std::mt19937 random(4);
  const auto pairs = [](const std::vector<Span>& spans) {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (const Span& span : spans) all.emplace_back(span.begin, span.end);
    return all;
  };
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    while (bytes.size() < random() % 9000) {
      bytes += noise(random, random() % 300) + text(random, random() % 30);
      if (random() % 4 == 0) bytes += widened(text(random, random() % 30), random() % 2 == 0);
      for (int any = 0; any < 40; ++any) bytes += static_cast<char>(random());
    }
    std::vector<Span> best, other;
    find_text_spans(bytes, best);
    for (std::size_t way = 1; way < ways_to_find_text_spans(); ++way) {
      find_text_spans(bytes, other, way);
      EXPECT_EQ(pairs(other), pairs(best)) << way << " of " << ways_to_find_text_spans() << ", " << bytes.size() << " bytes";
    }
  }
}

}  // namespace
}  // namespace cleanerd::match
