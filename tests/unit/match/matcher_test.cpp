#include "match/matcher.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <unistd.h>

#include "match/codec.hpp"
#include "match/example.hpp"
#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

constexpr const char* kRules = R"yaml(
rules:
  - {id: token, description: A token, pattern: 'tok_[0-9A-Za-z]{20}', match: ['tok_{base62:20}']}
  - {id: assigned, description: A value under a name, tier: text, name: 'api_key', pattern: '[0-9A-Za-z_]{16}',
     confirm: '[0-9A-Za-z_]{16,64}', entropy: 2, match: ['api_key={base62:20}']}
  - {id: login, description: A login, tier: path, paths: [.netrc], pattern: 'password \S{4}', confirm: 'password (\S{4,64})',
     boundary: none, match: ['password {base62:8}']}
  - {id: store, description: A key store, tier: path, paths: ['*.p12']}
  - {id: basic, description: A login in base64, tier: text, pattern: '"auth":"[0-9A-Za-z+/]{8}', confirm: '"auth":"([0-9A-Za-z+/]{8,}={0,2})"',
     check: basic-auth, boundary: none, match: ['"auth":"{b64:ci:{base62:12}}"']}
allow:
  - {id: example, description: A documented example, pattern: EXAMPLE}
  - {id: fixtures, description: Test data, rules: [token], paths: ['*/testdata/*']}
)yaml";

struct TheMatcher : testing::Test {
  Matcher matcher = matcher_of_text(kRules);
  Scanner scanner = scanner_of(matcher);
  const std::string token = "tok_" + std::string("a1B2c3D4e5F6g7H8i9J0");

  std::vector<std::string> ids(std::string_view path, std::string_view bytes) {
    std::vector<std::string> out;
    for (const Match& match : scan(scanner, path, bytes)) out.push_back(matcher.rules()[match.rule].id);
    return out;
  }
};

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(TheMatcher, ReportsTheBytesThatHoldTheSecret) {
  const auto matches = scan(scanner, "/a", "see " + token + ".\n");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].begin, 4u);
  EXPECT_EQ(matches[0].end, 28u);
  EXPECT_EQ(matches[0].secret.reveal(), token);
}

// Machine code and tables around it, in which nothing is looked for.
TEST_F(TheMatcher, FindsATokenAmongBytesThatAreNoTextWhereverItStands) {
  const std::string plain = token, coded = base64_encode("k=" + token + ";", Base64::standard), broad = wide(token);
  for (std::size_t before = 0; before < 130; ++before)
    for (const std::string& spelled : {plain, coded, broad}) {
      const std::string bytes = std::string(before, '\0') + "\x01" + spelled + std::string(200, '\xff');
      EXPECT_THAT(ids("/a", bytes), Contains("token")) << before << " " << spelled.size();
    }
}

TEST_F(TheMatcher, AsksForBoundariesInTextOnly) {
  EXPECT_THAT(ids("/a", "x" + token), IsEmpty());
  EXPECT_THAT(ids("/a", token + "x"), IsEmpty());
  EXPECT_THAT(ids("/a", std::string("\0\0x", 3) + token + "x"), ElementsAre("token"));
}

TEST_F(TheMatcher, TakesAnEscapeBeforeATokenForABoundary) {
  for (const char* before : {"\\n", "%3D", "\\u003d", "\x1b[31m", "\\x3d"}) EXPECT_THAT(ids("/a", before + token), ElementsAre("token")) << before;
}

TEST_F(TheMatcher, LetsTheMoreTellingRuleWin) { EXPECT_THAT(ids("/a", "api_key=" + token), ElementsAre("token")); }

TEST_F(TheMatcher, AppliesLooseRulesToTextOnly) {
  EXPECT_THAT(ids("/a", "api_key=abcdEFGH01234567"), ElementsAre("assigned"));
  EXPECT_THAT(ids("/a", std::string("\0\1", 2) + "api_key=abcdEFGH01234567"), IsEmpty());
}

TEST_F(TheMatcher, AppliesPathRulesWhereTheyBelong) {
  EXPECT_THAT(ids("/root/.netrc", "machine a login b password cdef\n"), ElementsAre("login"));
  EXPECT_THAT(ids("/root/netrc.txt", "machine a login b password cdef\n"), IsEmpty());
}

TEST_F(TheMatcher, FindsAFileByItsNameAlone) {
  const auto matches = scan(scanner, "/srv/Client.P12", "anything");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].end, 0u);
  EXPECT_THAT(ids("/srv/client.p12", ""), IsEmpty());
}

TEST_F(TheMatcher, AllowsWhatTheAllowRulesSay) {
  EXPECT_THAT(ids("/a", "tok_a1B2c3D4e5F6gEXAMPLE9"), IsEmpty());
  EXPECT_THAT(ids("/src/testdata/a", token), IsEmpty());
  EXPECT_THAT(ids("/src/data/a", token), ElementsAre("token"));
}

TEST_F(TheMatcher, TakesThePasswordOutOfALogin) {
  const auto matches = scan(scanner, "/a", R"({"auth":")" + base64_encode("ci:pa55-w0rd-x", Base64::padded) + R"("})");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].secret.reveal(), "pa55-w0rd-x");
  EXPECT_TRUE(matches[0].checked);
}

TEST_F(TheMatcher, LetsAKnownValueWinOverARule) {
  const Matcher knowing = matcher_of_text(kRules, {SecretValue(token)});
  Scanner own = scanner_of(knowing);
  const auto matches = scan(own, "/a", "api_key=" + token + " ");
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].known, 0u);
}

// However the bytes are cut, the same is found at the same places.
TEST_F(TheMatcher, FindsTheSameInOnePieceAndInMany) {
  std::mt19937 random(7);
  std::string bytes = filler(900'000);
  for (std::uint64_t i = 0; i < 400; ++i) {
    const std::string planted = "\n" + *expand_example(i % 3 == 0 ? "api_key={base62:20}" : "tok_{base62:20}", i) + "\n";
    bytes.replace(random() % (bytes.size() - 200), planted.size(), planted);
  }
  const auto key = [](const std::vector<Match>& matches) {
    std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> out;
    for (const Match& m : matches) out.emplace_back(m.begin, m.end, m.rule);
    std::ranges::sort(out);
    return out;
  };
  std::vector<Match> whole;
  scanner.begin("/a");
  scanner.scan(bytes, 0, Scanner::Part::last, [&](Match&& match) { whole.push_back(std::move(match)); });
  ASSERT_GT(whole.size(), 300u);
  EXPECT_EQ(key(scan(scanner, "/a", bytes)), key(whole));
  for (const std::size_t piece : {1u << 20, 65536u, 4093u, 777u}) EXPECT_EQ(key(stream(scanner, "/a", bytes, piece)), key(whole)) << piece;
}

TEST_F(TheMatcher, HoldsItsMemoryLocked) { EXPECT_TRUE(matcher.is_locked()) << "RLIMIT_MEMLOCK is too low for this test"; }

struct TheCache : testing::Test {
  std::filesystem::path directory = std::filesystem::temp_directory_path() / ("match-cache-" + std::to_string(getpid()));
  TheCache() { std::filesystem::create_directories(directory); }
  ~TheCache() override { std::filesystem::remove_all(directory); }

  std::size_t found(std::vector<SecretValue> known = {}) {
    LoadedRules loaded = load_rules_text("r.yaml", kRules);
    auto matcher = Matcher::make(std::move(loaded.set), std::move(known), {directory.string()});
    Scanner scanner = scanner_of(*matcher);
    return scan(scanner, "/a", "tok_a1B2c3D4e5F6g7H8i9J0").size();
  }
};

TEST_F(TheCache, IsReadAgainAndIsOurs) {
  EXPECT_EQ(found(), 1u);
  const auto file = directory / "rules-spans.hsdb";
  ASSERT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms(0777), std::filesystem::perms(0600));
  EXPECT_EQ(found(), 1u);
}

TEST_F(TheCache, ThatIsDamagedOrOthersCanWriteIsNotUsed) {
  EXPECT_EQ(found(), 1u);
  const auto file = directory / "rules-spans.hsdb";
  std::filesystem::permissions(file, std::filesystem::perms(0666));
  EXPECT_EQ(found(), 1u);
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms(0777), std::filesystem::perms(0600));
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(300).write("damage", 6);
  EXPECT_EQ(found(), 1u);
}

TEST_F(TheCache, IsTheSameWhateverValuesAreKnown) {
  const auto files = [&] {
    std::map<std::string, std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      std::ifstream in(entry.path(), std::ios::binary);
      out[entry.path().filename()] = {std::istreambuf_iterator<char>(in), {}};
      std::filesystem::remove(entry.path());
    }
    return out;
  };
  EXPECT_EQ(found({SecretValue("Vb7QkT2mXc9LwR4zHs8NdF3y")}), 1u);
  const auto with = files();
  EXPECT_EQ(found(), 1u);
  EXPECT_FALSE(with.empty());
  EXPECT_EQ(with, files());
}

}  // namespace
}  // namespace cleanerd::match
