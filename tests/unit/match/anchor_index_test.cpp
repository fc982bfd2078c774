#include "match/anchor_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace cleanerd::match {
namespace {

using Hits = std::vector<std::pair<unsigned, std::size_t>>;

Hits found(const std::vector<std::string>& literals, std::string_view bytes, const Span& span) {
  AnchorIndex index;
  for (const std::string& literal : literals) index.add(literal);
  index.build();
  Hits hits;
  index.find(bytes, span, hits);
  std::ranges::sort(hits);
  return hits;
}

Hits one_by_one(const std::vector<std::string>& literals, std::string_view bytes) {
  Hits hits;
  for (unsigned i = 0; i < literals.size(); ++i)
    for (std::size_t at = 0; (at = bytes.find(literals[i], at)) != std::string_view::npos; ++at) hits.emplace_back(i, at + literals[i].size());
  std::ranges::sort(hits);
  return hits;
}

std::string letters(std::mt19937& random, std::size_t size, unsigned kinds) {
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>('a' + random() % kinds);
  return out;
}

TEST(AnchorIndex, FindsNothingWithoutLiterals) { EXPECT_THAT(found({}, "anything at all", {0, 15}), testing::IsEmpty()); }

TEST(AnchorIndex, FindsALiteralWhereverItStands) {
  const std::string literal = "0123456789abcde";
  for (std::size_t before = 0; before < 40; ++before) {
    const std::string bytes = std::string(before, '.') + literal + std::string(before % 7, '.');
    EXPECT_THAT(found({literal}, bytes, {0, bytes.size()}), testing::ElementsAre(std::pair(0u, before + literal.size()))) << before;
  }
}

// Few letters, so that literals begin alike, overlap each other and themselves.
TEST(AnchorIndex, FindsWhatLookingForEachFinds) {
  std::mt19937 random(1);
  for (int turn = 0; turn < 400; ++turn) {
    const auto kinds = static_cast<unsigned>(1 + random() % 3);
    const std::string bytes = letters(random, 40 + random() % 400, kinds);
    std::vector<std::string> literals;
    for (unsigned i = 0; i < 1 + random() % 12; ++i) {
      const std::size_t size = kLeastText + random() % 10;
      literals.push_back(random() % 2 == 0 ? bytes.substr(random() % (bytes.size() - size), size) : letters(random, size, kinds));
    }
    EXPECT_EQ(found(literals, bytes, {0, bytes.size()}), one_by_one(literals, bytes)) << turn;
  }
}

TEST(AnchorIndex, FindsWhatLiesWithinTheSpan) {
  const std::string literal = "0123456789abcdef";
  const std::string bytes = "...." + literal + "....";
  EXPECT_EQ(found({literal}, bytes, {4, 20}).size(), 1u);
  EXPECT_EQ(found({literal}, bytes, {0, 24}).size(), 1u);
  EXPECT_THAT(found({literal}, bytes, {0, 6}), testing::IsEmpty());
}

TEST(AnchorIndex, HoldsManyLiterals) {
  std::mt19937 random(2);
  std::vector<std::string> literals;
  for (int i = 0; i < 5000; ++i) literals.push_back(letters(random, 24, 26));
  std::string bytes = letters(random, 10'000, 26);
  bytes.replace(5003, 24, literals[4321]);
  EXPECT_EQ(found(literals, bytes, {0, bytes.size()}), one_by_one(literals, bytes));
}

}  // namespace
}  // namespace cleanerd::match
