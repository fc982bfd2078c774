#include "base/text.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace cleanerd {
namespace {

using namespace std::string_literals;

TEST(Trim, TakesBlanksOffBothEnds) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
}

TEST(ToUpperAscii, LeavesEverythingElseAlone) { EXPECT_EQ(to_upper_ascii("aZ_9ä"), "AZ_9ä"); }

TEST(GlobMatch, KnowsStarAndQuestionMarkAndNothingElse) {
  struct Row {
    const char* pattern;
    const char* text;
    bool expected;
  };
  const Row rows[] = {
      {"", "", true},           {"", "a", false},          {"*", "", true},          {"*", "anything", true},
      {"a", "a", true},         {"a", "A", false},         {"a*", "a", true},        {"a*c", "abbbc", true},
      {"a*c", "abbbcd", false}, {"*TOKEN*", "NPM_TOKEN_2", true}, {"*_KEY", "KEY", false}, {"*_KEY", "A_KEY", true},
      {"a?c", "abc", true},     {"a?c", "ac", false},      {"?", "", false},         {"**", "x", true},
      {"*a*b*", "xaxbx", true}, {"*a*b*", "xbxax", false}, {"[ab]", "a", false},     {"[ab]", "[ab]", true},
      {"a.c", "abc", false},    {"\\*", "*", false},       {"app:*", "app:1.2", true}, {"reg/*:v?", "reg/a/b:v1", true},
      {"*aab", "aaab", true},   {"a*", "ba", false},
  };
  for (const Row& row : rows) EXPECT_EQ(glob_match(row.pattern, row.text), row.expected) << row.pattern << " on " << row.text;
}

TEST(GlobMatch, EndsSoonOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  const std::string text = std::string(20000, 'a') + "b";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(glob_match(pattern + "c", text));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(Printable, MakesForeignTextFitForATerminal) {
  struct Row {
    const char* name;
    std::string text;
    std::string expected;
  };
  const Row rows[] = {
      {"plain text", "RUN make -j2", "RUN make -j2"},
      {"UTF-8", "prüfe 日本 🐳", "prüfe 日本 🐳"},
      {"an escape sequence", "a\x1b[31mb", "a\\x1b[31mb"},
      {"line breaks and tabs become spaces", "a\nb\tc", "a b c"},
      {"a carriage return", "a\rb", "a\\x0db"},
      {"NUL and DEL", "a\0b\x7f"s, "a\\x00b\\x7f"},
      {"C1 controls, which terminals obey", "a\xc2\x9b"s + "31m", "a\\xc2\\x9b31m"},
      {"the first printable character after C1", "\xc2\xa0", "\xc2\xa0"},
      {"a lone continuation byte", "a\x80z", "a\\x80z"},
      {"a cut character", "a\xe6\x97", "a\\xe6\\x97"},
      {"an overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
      {"an overlong three-byte form", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"beyond U+10FFFF", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"no such lead byte", "\xff\xfe", "\\xff\\xfe"},
      {"a two-byte lead before ASCII", "\xc3(", "\\xc3("},
  };
  for (const Row& row : rows) EXPECT_EQ(printable(row.text), row.expected) << row.name;
}

TEST(Printable, CountsCharactersAndNotBytes) {
  EXPECT_EQ(printable("äöüß", 4), "äöüß");
  EXPECT_EQ(printable("äöüßx", 4), "äöüß…");
  EXPECT_EQ(printable("abc", 0), "…");
  EXPECT_EQ(printable("", 0), "");
}

TEST(Printable, IsItselfPrintable) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string once = printable(text);
      ASSERT_EQ(printable(once), once) << first << " " << second;
    }
}

TEST(Plural, AddsAnSUnlessThereIsExactlyOne) {
  EXPECT_EQ(plural(0, "image"), "0 images");
  EXPECT_EQ(plural(1, "image"), "1 image");
  EXPECT_EQ(plural(2, "image"), "2 images");
}

}  // namespace
}  // namespace cleanerd
