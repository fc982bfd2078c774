// Every rule of config/rules against its own examples: alone, at the edges of a stream and of a chunk, and beside RE2.
#include <re2/re2.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "match/codec.hpp"
#include "match/example.hpp"
#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

const LoadedRules& shipped() {
  static const LoadedRules loaded = load_rules({std::string(TEST_SOURCE_DIR) + "/../config/rules"});
  return loaded;
}

std::string path_for(const Rule& rule) {
  if (rule.paths.empty()) return "/srv/app/notes.txt";
  std::string path = "/srv/app/" + rule.paths[0];
  for (char& c : path)
    if (c == '*') c = 'a';
  return path;
}

bool finds(Scanner& scanner, const Matcher& matcher, const std::string& id, const std::string& path, const std::string& bytes) {
  return std::ranges::any_of(scan(scanner, path, bytes), [&](const Match& match) { return matcher.rules()[match.rule].id == id; });
}

TEST(RuleFiles, AreWithoutProblems) {
  for (const Diagnostic& diagnostic : shipped().diagnostics) ADD_FAILURE() << render(diagnostic);
  EXPECT_GE(shipped().set.rules.size(), 300u);
}

// What is in the program is what is in the files, without the examples.
TEST(RuleFiles, AreInTheProgram) {
  const LoadedRules built_in = shipped_rules();
  for (const Diagnostic& diagnostic : built_in.diagnostics) ADD_FAILURE() << render(diagnostic);
  ASSERT_EQ(built_in.set.rules.size(), shipped().set.rules.size());
  for (std::size_t i = 0; i < built_in.set.rules.size(); ++i) {
    const Rule& a = built_in.set.rules[i];
    const Rule& b = shipped().set.rules[i];
    const auto essence = [](const Rule& r) {
      return std::tuple(r.id, r.description, r.tier, r.pattern, r.confirm, r.entropy, r.check, r.boundary, r.left_boundary, r.reach, r.before,
                        r.prefixes, r.keywords, r.paths, r.allow, r.line);
    };
    EXPECT_TRUE(essence(a) == essence(b)) << b.id;
    EXPECT_TRUE(a.match.empty() && a.reject.empty()) << b.id;
  }
  ASSERT_EQ(built_in.set.allows.size(), shipped().set.allows.size());
}

TEST(RuleFiles, EachRuleFindsItsExamplesAlone) {
  for (const Rule& rule : shipped().set.rules) {
    const Matcher matcher = matcher_of(RuleSet{{rule}, shipped().set.allows, ""});
    Scanner scanner = scanner_of(matcher);
    for (const std::string& text : rule.match)
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const auto example = expand_example(text, seed);
        ASSERT_TRUE(example);
        EXPECT_TRUE(finds(scanner, matcher, rule.id, path_for(rule), *example)) << rule.id << ": " << text << " seed " << seed;
      }
    for (const std::string& text : rule.reject) {
      const auto example = expand_example(text, 7);
      ASSERT_TRUE(example);
      EXPECT_FALSE(finds(scanner, matcher, rule.id, path_for(rule), *example)) << rule.id << ": " << text;
    }
  }
}

TEST(RuleFiles, AllRulesTogetherFindEachExampleWhereverItStands) {
  const Matcher matcher = matcher_of(shipped().set);
  Scanner scanner = scanner_of(matcher);
  const std::size_t chunk = Scanner::kChunk + Scanner::kOverlap;
  for (const Rule& rule : shipped().set.rules) {
    if (rule.match.empty()) continue;
    const std::string example = *expand_example(rule.match[0], 11);
    const auto place = [&](std::size_t before, std::size_t after) {
      std::string bytes = filler(before);
      if (!bytes.empty()) bytes.back() = '\n';
      bytes.append(example);
      if (after > 0) bytes.append(1, '\n').append(filler(after - 1));
      return bytes;
    };
    const std::size_t edge = chunk - example.size() / 2;
    for (const auto& [before, after] : {std::pair{std::size_t{0}, std::size_t{500}}, {500, 0}, {edge, 4000}, {edge - 64, 0}, {3000, 40}})
      EXPECT_FALSE(scan(scanner, path_for(rule), place(before, after)).empty()) << rule.id << " after " << before << " bytes";
  }
}

TEST(RuleFiles, VectorscanAndRe2AgreeOnEachPattern) {
  for (const Rule& rule : shipped().set.rules) {
    if (rule.pattern.empty()) continue;
    RE2::Options options;
    options.set_encoding(RE2::Options::EncodingLatin1);
    const RE2 oracle(rule.pattern, options);
    ASSERT_TRUE(oracle.ok()) << rule.id;
    std::vector<std::string> texts;
    for (const auto& list : {rule.match, rule.reject})
      for (const std::string& text : list)
        for (std::uint64_t seed = 1; seed <= 3; ++seed) texts.push_back(*expand_example(text, seed));
    std::vector<bool> expected;
    for (const std::string& text : texts) expected.push_back(RE2::PartialMatch(re2::StringPiece(text), oracle));
    EXPECT_EQ(vectorscan_finds(rule.pattern, texts), expected) << rule.id;
  }
}

// The cache of scanned layers relies on it: what a rule finds plain, the same rule finds in another spelling.
TEST(RuleFiles, ATokenIsFoundByItsRuleInBase64InHexAndInUtf16) {
  const Matcher matcher = matcher_of(shipped().set);
  Scanner scanner = scanner_of(matcher);
  const std::string binary = std::string("\x7f\x45\x4c\x46\0\0\x01\x02", 8) + filler(300);
  const auto expect = [&](const Rule& rule, const std::string& bytes, Encoding encoding) {
    const auto matches = scan(scanner, "/a", bytes);
    EXPECT_TRUE(std::ranges::any_of(matches, [&](const Match& m) { return matcher.rules()[m.rule].id == rule.id && m.encoding == encoding; }))
        << rule.id << " in " << to_string(encoding);
  };
  for (const Rule& rule : shipped().set.rules) {
    if (rule.tier != Tier::any || rule.prefixes.empty()) continue;
    const std::string example = *expand_example(rule.match[0], 3);
    const auto plain = scan(scanner, "/a", example);
    ASSERT_FALSE(plain.empty()) << rule.id;
    EXPECT_EQ(matcher.rules()[plain[0].rule].id, rule.id);
    for (const bool upper_case : {false, true}) {
      const std::string hex = hex_encode(example, upper_case);
      for (const std::string& bytes : {hex, "key: 0a" + hex + "0a\n", binary + hex + std::string(3, '\0')}) expect(rule, bytes, Encoding::hex);
    }
    expect(rule, binary + wide(example) + std::string(3, '\0'), Encoding::utf16);
    expect(rule, "\xff\xfe" + wide(example + "\r\n"), Encoding::utf16);
    for (std::size_t alignment = 0; alignment < 3; ++alignment)
      expect(rule, base64_encode(std::string(alignment, ' ') + example + "\n", Base64::padded) + "\n", Encoding::base64);
  }
}

TEST(RuleFiles, ALongKeyIsFoundInAnySpellingWhereverABufferEnds) {
  const Matcher matcher = matcher_of(shipped().set);
  Scanner scanner = scanner_of(matcher);
  std::string key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE";
  for (std::uint64_t line = 0; line < 90; ++line) key += *expand_example("{base64:60}\n", line);
  key += "-----END RSA PRIVATE KEY-----\n";
  const std::size_t chunk = Scanner::kChunk + Scanner::kOverlap;
  for (const std::string& spelled : {key, hex_encode(key, false), base64_encode(key, Base64::padded), wide(key)})
    for (std::size_t from_end = 0; from_end <= Scanner::kOverlap + 1024; from_end += 512) {
      const auto matches = scan(scanner, "/a", filler(chunk - from_end) + " " + spelled + " " + filler(30'000));
      ASSERT_FALSE(matches.empty()) << from_end << " before the end of a buffer";
      EXPECT_EQ(matches[0].secret.size() + 1, key.size()) << from_end << " before the end of a buffer, " << to_string(matches[0].encoding);
    }
}

}  // namespace
}  // namespace cleanerd::match
