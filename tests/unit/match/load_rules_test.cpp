#include "match/load_rules.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

std::string problem(const std::string& text) {
  const LoadedRules loaded = load_rules_text("r.yaml", text);
  if (loaded.diagnostics.empty()) return "";
  const std::string all = render(loaded.diagnostics[0]);
  return all.substr(0, all.find('\n'));
}

struct Case {
  const char* name;
  const char* text;
  const char* expected;
};

const Case kCases[] = {
    {"unknown key", "rules:\n  - {id: a, colour: red}\n",
     "r.yaml:2:13: unknown key 'colour' in a rule; expected one of: id, description, tier, name, pattern, confirm, reach, before, "
     "left_boundary, entropy, check, boundary, prefixes, keywords, paths, allow, match, reject"},
    {"no list", "rules: 3\n", "r.yaml:1:8: expected a list of rules"},
    {"bad expression", "rules:\n  - {id: a, pattern: 'a('}\n", "r.yaml:2:22: not a regular expression that RE2 takes: missing ): a("},
    {"bad tier", "rules:\n  - {id: a, tier: loud}\n", "r.yaml:2:19: expected one of: any, text, path"},
    {"bad number", "rules:\n  - {id: a, entropy: 9}\n", "r.yaml:2:22: expected a number from 0 to 8"},
    {"bad id", "rules:\n  - {id: A b}\n", "r.yaml:2:10: expected an identifier of lower-case letters, digits and '-', such as github-pat"},
    {"no id", "rules:\n  - {description: a}\n", "r.yaml:2:5: a rule needs an id"},
    {"no pattern", "rules:\n  - {id: a, description: b}\n", "r.yaml:2:5: rule 'a' needs a pattern; only rules of tier path can be without"},
    {"no example", "rules:\n  - {id: a, description: b, pattern: abcd}\n", "r.yaml:2:5: rule 'a' needs an example that it finds (match)"},
    {"endless", "rules:\n  - {id: a, description: b, pattern: 'ab.*', match: [abc]}\n",
     "r.yaml:2:5: rule 'a': the pattern has no end within 1024 bytes; shorten it to what tells the secret apart and leave the rest to "
     "confirm"},
    {"empty match", "rules:\n  - {id: a, description: b, pattern: 'a?', match: [abc]}\n",
     "r.yaml:2:5: rule 'a': the pattern matches nothing at all (the empty text)"},
    {"bad example", "rules:\n  - {id: a, description: b, pattern: 'ab', match: ['{nothing:3}']}\n",
     "r.yaml:2:52: not an example: '{nothing:3}' is no generator"},
    {"twice", "rules:\n  - {id: a, description: b, pattern: 'ab', match: [ab]}\n  - {id: a, description: b, pattern: 'ab', match: [ab]}\n",
     "r.yaml:3:5: rule 'a' stands already at r.yaml:2"},
    {"allows all", "allow:\n  - {id: a, description: b}\n",
     "r.yaml:2:5: allow rule 'a' would allow everything; give it a pattern, rules or paths"},
    {"two documents", "---\nrules: []\n---\nrules: []\n", "r.yaml:3:1: more than one YAML document in a file; expected one"},
    {"belongs to nothing", ",\n", "r.yaml:1:1: not valid YAML: what stands here belongs to nothing"},
    {"no yaml", "rules: [\n", "r.yaml:2:1: not valid YAML: end of sequence flow not found"},
};

TEST(LoadRules, NamesEachProblemAndItsPlace) {
  for (const Case& each : kCases) EXPECT_EQ(problem(each.text), each.expected) << each.name;
}

TEST(LoadRules, ReportsAllProblemsAtOnce) {
  const auto loaded = load_rules_text("r.yaml", "rules:\n  - {id: a, entropy: x}\n  - {id: b, tier: y}\nallow: 4\n");
  EXPECT_EQ(loaded.diagnostics.size(), 3u);
}

TEST(LoadRules, TakesANameForWhatStandsBeforeAValue) {
  const auto loaded = load_rules_text("r.yaml", "rules:\n  - {id: a, description: b, tier: text, name: acme_key, pattern: '[a-f]{8}', match: [acme_key=abcdefab]}\n");
  ASSERT_TRUE(loaded.diagnostics.empty());
  const Matcher matcher = matcher_of(loaded.set);
  Scanner scanner = scanner_of(matcher);
  for (const char* text : {"ACME_KEY=abcdefab", "acme_key: abcdefab", R"("acme_key": "abcdefab")", "acme_key => 'abcdefab'", R"(\"acme_key\":\"abcdefab\")",
                           "acme_key_prod = abcdefab", "set('acme_key', 'abcdefab')", "<acme_key>abcdefab</acme_key>"})
    EXPECT_EQ(scan(scanner, "/a", text).size(), 1u) << text;
  EXPECT_TRUE(scan(scanner, "/a", "acme_key abcdefab").empty());
}

TEST(LoadRules, LetsTheUsersRulesReplaceShippedOnes) {
  const auto base = std::filesystem::temp_directory_path() / ("match-rules-" + std::to_string(getpid()));
  std::filesystem::create_directories(base / "shipped");
  std::filesystem::create_directories(base / "own");
  std::ofstream(base / "shipped/a.yaml") << "rules:\n  - {id: a, description: shipped, pattern: 'ab', match: [ab]}\n";
  std::ofstream(base / "own/a.yaml") << "rules:\n  - {id: a, description: own, pattern: 'cd', match: [cd]}\n";
  const auto loaded = load_rules({(base / "shipped").string(), (base / "own").string(), (base / "absent").string()});
  EXPECT_TRUE(loaded.diagnostics.empty());
  ASSERT_EQ(loaded.set.rules.size(), 1u);
  EXPECT_EQ(loaded.set.rules[0].description, "own");
  EXPECT_NE(loaded.set.hash, load_rules({(base / "shipped").string()}).set.hash);
  std::filesystem::remove_all(base);
}

struct Own : testing::Test {
  std::filesystem::path directory = std::filesystem::temp_directory_path() / ("match-own-rules-" + std::to_string(getpid()));
  Own() { std::filesystem::create_directories(directory); }
  ~Own() override { std::filesystem::remove_all(directory); }
};

TEST_F(Own, RulesReplaceThoseInTheProgramAndAddToThem) {
  std::ofstream(directory / "a.yaml") << "rules:\n  - {id: github-pat, description: own, pattern: 'ab', match: [ab]}\n"
                                         "  - {id: acme, description: another, pattern: 'cd', match: [cd]}\n";
  const auto shipped = shipped_rules();
  const auto both = shipped_rules({directory.string()});
  ASSERT_TRUE(both.diagnostics.empty()) << render(both.diagnostics[0]);
  EXPECT_EQ(both.set.rules.size(), shipped.set.rules.size() + 1);
  const auto own = std::ranges::find(both.set.rules, "github-pat", &Rule::id);
  ASSERT_NE(own, both.set.rules.end());
  EXPECT_EQ(own->description, "own");
  EXPECT_NE(both.set.hash, shipped.set.hash);
  EXPECT_EQ(shipped_rules_hash(), shipped.set.hash);
  EXPECT_EQ(shipped_rules_hash({directory.string()}), both.set.hash);
}

TEST_F(Own, RulesThatCannotBeReadHaveNoHashOfARuleSet) {
  std::filesystem::create_directories(directory / "a.yaml");
  EXPECT_NE(shipped_rules_hash({directory.string()}), shipped_rules_hash());
  EXPECT_EQ(shipped_rules({directory.string()}).diagnostics.size(), 1u);
}

TEST_F(Own, RulesWithAProblemAreNamed) {
  std::ofstream(directory / "a.yaml") << "rules:\n  - {id: a, description: own, pattern: 'a(', match: [ab]}\n";
  EXPECT_EQ(shipped_rules({directory.string()}).diagnostics.size(), 1u);
}

}  // namespace
}  // namespace cleanerd::match
