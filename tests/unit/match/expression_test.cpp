#include "match/expression.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "match/example.hpp"
#include "match/load_rules.hpp"
#include "match/text_spans.hpp"

namespace cleanerd::match {
namespace {

struct Case {
  const char* pattern;
  std::size_t width;
};

TEST(TextWidth, IsTheLeastOfWhatOnlyTextMatches) {
  for (const Case& one : std::initializer_list<Case>{
           {"tok_[0-9A-Za-z]{20}", 24},
           {"(?:AKIA|ASIAN)[A-Z2-7]{16}", 20},
           {"(?i:secret)(?i)key", 9},
           {"ab?c*d+e{3}f{2,9}g{4,}", 1 + 1 + 3 + 2 + 4},
           {"(ab){3}", 6},
           {"x\\.\\d\\w\\s\\b\\-\\x41[\\w.-][]-]", 0},  // a set that begins with its own end is not read
           {"x\\.\\d\\w\\s\\b\\-\\x41[\\w.-]", 8},
           {"^a[+-]b", 3},
           {"[A-Z\\[-`a-z]{8}", 8},
           {"-----BEGIN [A-Z ]{0,20}KEY-----", 19},
       })
    EXPECT_EQ(text_width(one.pattern), one.width) << one.pattern;
}

TEST(TextWidth, IsNotToldWhereOtherBytesMatchOrWhatIsNotRead) {
  for (const char* pattern : {"", "a.b", "[^a]{20}", "\\S{20}", "\\W", "\\D", "\\x00{20}", "\\x8a", "[\\x00-\\x7f]{20}", "[\\t-z]{20}", "a\\Bb", "abc$", "\xc3\xa4",
                              "[[:alpha:]]{20}", "(?P<a>b)", "(?<=a)b", "(a", "a)", "[a", "a{", "a\\", "\\pL", "a{,3}"})
    EXPECT_EQ(text_width(pattern), 0u) << pattern;
}

TEST(TextWidth, OfShippedRulesIsWhatVectorscanSaysAndWhatTheirExamplesAre) {
  std::size_t of_text = 0;
  const auto set = shipped_rules().set;
  for (const Rule& rule : set.rules) {
    const std::size_t width = text_width(rule.pattern);
    if (width == 0) continue;
    ++of_text;
    const auto told = pattern_width(rule.pattern);
    ASSERT_TRUE(told) << rule.id;
    EXPECT_EQ(width, told->least) << rule.id;
  }
  EXPECT_GT(of_text, set.rules.size() / 2);
}

}  // namespace
}  // namespace cleanerd::match
