#include "secrets/value_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace cleanerd::secrets {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using test::sorted;

ValueSet set_of(std::initializer_list<std::string> values) {
  ValueSet set;
  for (const std::string& value : values) set.add({SecretValue(value), "origin of " + value, false});
  return set;
}

std::vector<std::pair<std::size_t, std::string>> matches(const ValueSet& set, std::string_view text) {
  std::vector<std::pair<std::size_t, std::string>> found;
  set.search(text, [&](std::size_t at, const KnownValue& known) { found.emplace_back(at, known.value.reveal()); });
  return sorted(found);
}

TEST(ValueSet, FindsAValueAtTheTextsEdgesAndInside) {
  const ValueSet set = set_of({"correct-horse"});
  EXPECT_THAT(matches(set, "correct-horse"), ElementsAre(Pair(0, "correct-horse")));
  EXPECT_THAT(matches(set, "correct-horse!"), ElementsAre(Pair(0, "correct-horse")));
  EXPECT_THAT(matches(set, "xcorrect-horse"), ElementsAre(Pair(1, "correct-horse")));
  EXPECT_THAT(matches(set, "A=correct-horse B=correct-horse"), ElementsAre(Pair(2, "correct-horse"), Pair(18, "correct-horse")));
  EXPECT_THAT(matches(set, "correct-hors"), IsEmpty());
  EXPECT_THAT(matches(set, "correct"), IsEmpty());
  EXPECT_THAT(matches(set, ""), IsEmpty());
  EXPECT_TRUE(set.any_in("a correct-horse b"));
  EXPECT_FALSE(set.any_in("incorrect horse"));
}

TEST(ValueSet, FindsAValueOfExactlyEightBytesAtTheEnd) { EXPECT_TRUE(set_of({"12ab34cd"}).any_in("x12ab34cd")); }

TEST(ValueSet, FindsValuesThatOverlapOrContainEachOther) {
  const ValueSet set = set_of({"abcdefghij", "abcdefghijkl", "efghijklmn"});
  EXPECT_THAT(matches(set, "_abcdefghijklmn_"), ElementsAre(Pair(1, "abcdefghij"), Pair(1, "abcdefghijkl"), Pair(5, "efghijklmn")));
}

TEST(ValueSet, FindsBinaryValues) {
  const std::string value("\0\x01\xff\0key\0value", 13);
  EXPECT_TRUE(set_of({value}).any_in("head" + value + "tail"));
}

TEST(ValueSet, IgnoresWhatIsShorterThanEightBytes) {
  EXPECT_THAT(set_of({"1234567", ""}).values(), IsEmpty());
  EXPECT_FALSE(set_of({"1234567"}).any_in("1234567"));
}

TEST(ValueSet, KeepsTheFirstOriginOfAValue) {
  ValueSet set;
  set.add({SecretValue("correct-horse"), "first", true});
  set.add({SecretValue("correct-horse"), "second", false});
  ASSERT_EQ(set.values().size(), 1u);
  EXPECT_EQ(set.values()[0].origin, "first");
  EXPECT_TRUE(set.values()[0].declared);
}

TEST(ValueSet, AgreesWithAPlainSearchOnRandomTexts) {
  std::mt19937_64 random{7};
  const auto letters = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 200; ++round) {
    const std::vector<std::string> values{letters(8), letters(9), letters(8 + random() % 4)};
    const ValueSet set = set_of({values[0], values[1], values[2]});
    const std::string text = letters(300);
    std::vector<std::pair<std::size_t, std::string>> expected;
    for (const KnownValue& known : set.values())
      for (std::size_t at = text.find(known.value.reveal()); at != std::string::npos; at = text.find(known.value.reveal(), at + 1))
        expected.emplace_back(at, known.value.reveal());
    ASSERT_EQ(matches(set, text), sorted(expected)) << text;
  }
}

TEST(Redact, LeavesNoByteOfAnyValue) {
  struct Row {
    const char* name;
    ValueSet set;
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"nothing known", set_of({}), "A=correct-horse", "A=correct-horse"},
      {"nothing there", set_of({"correct-horse"}), "A=battery", "A=battery"},
      {"all of it", set_of({"correct-horse"}), "correct-horse", "****"},
      {"inside", set_of({"correct-horse"}), "A=correct-horse B", "A=**** B"},
      {"one after the other", set_of({"correct-horse"}), "correct-horsecorrect-horse", "********"},
      {"one in the other", set_of({"correct-horse", "rect-horse"}), "<correct-horse>", "<****>"},
      {"overlapping", set_of({"abcdefghij", "efghijklmn"}), "<abcdefghijklmn>", "<****>"},
      {"overlapping in a chain", set_of({"abcdefgh", "efghijkl", "ijklmnop"}), "<abcdefghijklmnop>", "<****>"},
      {"overlapping itself", set_of({"abaabaaba"}), "<abaabaabaaba>", "<****>"},
      {"the same start", set_of({"abcdefgh", "abcdefghij"}), "<abcdefghij>", "<****>"},
  };
  for (const Row& row : rows) EXPECT_EQ(row.set.redact(row.text), row.expected) << row.name;
}

}  // namespace
}  // namespace cleanerd::secrets
