#include "search/search.hpp"

#include <archive.h>

#include "match/codec.hpp"
#include "unit/match/pack.hpp"
#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SearchTest : public WholeSearchTest {
 protected:
  static Target texts(const std::string& name, std::vector<std::string_view> all) { return {name, "", false, std::move(all)}; }

  Outcome run(const std::vector<Target>& targets, const std::vector<std::string>& known = {}, const std::string& more_rules = "") const {
    Search search = opened(options(), more_rules);
    return run_with(search, targets, known);
  }
  static Outcome run_with(Search& search, const std::vector<Target>& targets, const std::vector<std::string>& known = {}) {
    const std::vector<SecretValue> values(known.begin(), known.end());
    auto outcome = search.run(targets, values, {}, {});
    if (!outcome) throw std::runtime_error(outcome.error().message());
    return std::move(*outcome);
  }
  static std::string text_of(const Outcome& outcome) {
    std::string text;
    for (const Answer& answer : outcome.targets) text += search::text_of(answer) + "--\n";
    return text;
  }
};

TEST_F(SearchTest, AsksTheCacheTheSecondTime) {
  const std::string known = new_secret(), variable = "B=" + known;
  write("a/f", new_token());
  write("b/f", known);
  write("c/.npmrc", "_password=" + new_secret());
  write("d/f.p12", "x");
  write("e", match::pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{"x", new_token()}}));
  const std::vector<Target> targets{place("a"), place("b"), place("c", false), place("d"), place("e"), place("gone"), texts("t", {"x", variable})};
  const Outcome first = run(targets, {known});
  EXPECT_GT(first.bytes_read, 0u);
  ASSERT_THAT(first.targets, SizeIs(7));
  EXPECT_THAT(found(first.targets[0]), ElementsAre("token f"));
  EXPECT_THAT(found(first.targets[1]), ElementsAre("known f"));
  EXPECT_THAT(found(first.targets[3]), ElementsAre("store f.p12"));
  EXPECT_THAT(found(first.targets[4]), ElementsAre("token !x"));
  EXPECT_THAT(found(first.targets[6]), ElementsAre("known 1"));
  const Outcome second = run(targets, {known});
  EXPECT_EQ(second.bytes_read, 0u);
  EXPECT_EQ(text_of(second), text_of(first));
  Search search = opened(options());
  for (int i = 0; i < 3; ++i) {
    const Outcome again = run_with(search, targets, {known});
    EXPECT_EQ(again.bytes_read, 0u);
    EXPECT_EQ(text_of(again), text_of(first));
  }
}

TEST_F(SearchTest, ReadsAChangedPlaceAgainAndOnlyIt) {
  write("a/f", filler(100'000));
  write("b/d/f", filler(1000));
  const std::vector<Target> targets{place("a"), place("b", false)};
  run(targets);
  write("b/d/g", new_token());
  const Outcome outcome = run(targets);
  EXPECT_THAT(found(outcome.targets[1]), ElementsAre("token d/g"));
  EXPECT_EQ(outcome.bytes_read, 1026u);
  EXPECT_EQ(run(targets).bytes_read, 0u);
}

TEST_F(SearchTest, ReadsATextThatHasChanged) {
  const std::string before = "x", after = new_token();
  EXPECT_THAT(run({texts("t", {before})}).targets[0].hits, IsEmpty());
  EXPECT_THAT(found(run({texts("t", {before, after})}).targets[0]), ElementsAre("token 1"));
  EXPECT_THAT(found(run({texts("t", {after, before})}).targets[0]), ElementsAre("token 0"));
}

TEST_F(SearchTest, LooksForANewlyKnownValueInUnchangedPlaces) {
  const std::string one = new_secret(), other = new_secret();
  write("a/f", one + "\n" + other + "\n" + new_token());
  const std::vector<Target> targets{place("a")};
  EXPECT_THAT(found(run(targets, {one}).targets[0]), ElementsAre("known f", "token f"));
  const Outcome second = run(targets, {one, other});
  EXPECT_GT(second.bytes_read, 0u);
  EXPECT_THAT(found(second.targets[0]), ::testing::UnorderedElementsAre("known f", "known f", "token f"));
  EXPECT_EQ(run(targets, {other, one}).bytes_read, 0u);
}

TEST_F(SearchTest, DoesNotTellAValueThatIsKnownNoLonger) {
  const std::string once = new_secret(), token = new_token();
  write("a/f", once + "\n" + token);
  const std::vector<Target> targets{place("a")};
  EXPECT_THAT(run(targets, {once}).targets[0].hits, SizeIs(2));
  const Outcome second = run(targets);
  EXPECT_THAT(found(second.targets[0]), ElementsAre("token f"));
  EXPECT_EQ(second.bytes_read, 0u);
  EXPECT_THAT(run(targets, {once}).targets[0].hits, SizeIs(2));
}

TEST_F(SearchTest, ReadsAgainWhenTheRulesHaveChanged) {
  const std::string other = new_secret("key_");
  write("a/f", "x " + other + "\n");
  EXPECT_THAT(run({place("a")}).targets[0].hits, IsEmpty());
  const std::string more = "  - {id: key, description: A key, pattern: 'key_[0-9A-Za-z]{22}', match: ['key_{base62:22}']}\n";
  const Outcome second = run({place("a")}, {}, more);
  EXPECT_THAT(found(second.targets[0]), ElementsAre("key f"));
  EXPECT_GT(second.bytes_read, 0u);
  EXPECT_THAT(run({place("a")}).targets[0].hits, IsEmpty());
}

TEST_F(SearchTest, KnowsEverywhereWhatARuleRecognisesSomewhere) {
  const std::string by_path = new_secret(), by_name = new_secret();
  write("a/root/.npmrc", "_password=" + by_path + "\n");
  write("b/etc/conf", "//r.example.org/:_authToken=" + by_name + "\n");
  write("c/x", "one " + by_path + " and " + by_name + "\n");
  const std::string text = "RUN echo " + by_name;
  const std::vector<Target> targets{place("c"), place("b"), place("a"), texts("t", {text})};
  const Outcome first = run(targets);
  EXPECT_THAT(found(first.targets[0]), ElementsAre("known x", "known x"));
  EXPECT_THAT(found(first.targets[3]), ElementsAre("known 0"));
  EXPECT_THAT(first.recognised, ::testing::UnorderedElementsAre(SecretValue(by_path), SecretValue(by_name)));
  EXPECT_TRUE(first.is_complete);
  const Outcome second = run(targets);
  EXPECT_EQ(second.bytes_read, 0u);
  EXPECT_EQ(text_of(second), text_of(first));
}

TEST_F(SearchTest, TellsBytesThatARuleHasFoundOnce) {
  write("a/root/.npmrc", "_password=" + new_secret() + "\n");
  for (int i = 0; i < 2; ++i) EXPECT_THAT(found(run({place("a")}).targets[0]), ElementsAre("npmrc root/.npmrc"));
}

TEST_F(SearchTest, TracesAValueThatTheCacheHasSeenIntoANewPlace) {
  const std::string value = new_secret();
  write("a/.npmrc", filler(300'000) + "_password=" + value + "\n");
  write("b/f", filler(1000));
  run({place("a"), place("b")});
  write("c/f", "_" + value + "_");
  const Outcome outcome = run({place("a"), place("b"), place("c")});
  EXPECT_THAT(found(outcome.targets[2]), ElementsAre("known f"));
  EXPECT_LT(outcome.bytes_read, 1000u);
}

struct Hidden {
  const char* name;
  std::string (*hide)(const std::string& npmrc);
};
void PrintTo(const Hidden& hidden, std::ostream* out) { *out << hidden.name; }
class HiddenValue : public SearchTest, public testing::WithParamInterface<Hidden> {};

// What the cache cannot read from where it stands is searched anew.
TEST_P(HiddenValue, IsTracedIntoANewPlace) {
  const std::string hidden = new_secret(), plain = new_secret();
  write("a/root/.npmrc", GetParam().hide("_password=" + hidden + "\n//r.example.org/:_authToken=" + hidden + "\n"));
  write("b/.npmrc", "_password=" + plain);
  const Outcome first = run({place("a"), place("b")});
  ASSERT_FALSE(first.targets[0].hits.empty());
  for (int round = 0; round < 2; ++round) {
    write("c" + std::to_string(round) + "/f", hidden + "\n" + plain + "\n");
    const Outcome outcome = run({place("a"), place("b"), place("c" + std::to_string(round))});
    EXPECT_THAT(found(outcome.targets[2]), ElementsAre("known f", "known f")) << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Search, HiddenValue,
    testing::Values(Hidden{"InAnArchive",
                           [](const std::string& npmrc) {
                             return match::pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{".npmrc", npmrc}});
                           }},
                    Hidden{"InACompressedFile",
                           [](const std::string& npmrc) {
                             return match::pack(&archive_write_set_format_raw, ARCHIVE_FILTER_GZIP, {{"x", npmrc}});
                           }},
                    Hidden{"InBase64", [](const std::string& npmrc) { return base64_encode(npmrc, match::Base64::padded); }},
                    Hidden{"InUtf16",
                           [](const std::string& npmrc) {
                             std::string wide;
                             for (const char c : npmrc) (wide += c) += '\0';
                             return wide;
                           }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(SearchTest, TracesATextsValueThatTheCacheHasSeen) {
  const std::string value = new_secret(), text = "npm config set //r.example.org/:_authToken=" + value;
  run({texts("t", {"", text})});
  write("c/f", value);
  EXPECT_THAT(found(run({texts("t", {"", text}), place("c")}).targets[1]), ElementsAre("known f"));
}

TEST_F(SearchTest, SearchesAgainForWhatWasOneOfTooManyToRemember) {
  std::vector<std::string> many;
  for (int i = 0; i < 1001; ++i) many.push_back(new_secret());
  write("a/f", many.front());
  write("b/f", "_password=" + many[1]);
  const std::vector<Target> targets{place("a"), place("b")};
  run(targets, many);
  EXPECT_EQ(run(targets, {many.back()}).bytes_read, 0u);
  run(targets, {new_secret()});
  EXPECT_EQ(run(targets, {many.front(), many[1]}).bytes_read, 0u) << "they are somewhere, and may be asked for again";
  EXPECT_GT(run(targets, {many.back()}).bytes_read, 0u);
  EXPECT_THAT(found(run(targets, {many.front()}).targets[0]), ElementsAre("known f"));
}

// Unmounted for a while, or seen through an engine that ended: the same directory is back then.
TEST_F(SearchTest, RemembersNothingOfAPlaceThatWasAway) {
  const std::string value = new_secret(), later = new_secret();
  write("root/a/f", new_token() + "\n" + value + "\n" + later);
  Target target = place("root/a");
  target.stamp = storage::stamp_of(target.path);
  const auto run_while_away = [&](const std::string& known) {
    fs::rename(path("root"), path("away"));
    const Outcome outcome = run({target}, {known});
    fs::rename(path("away"), path("root"));
    return outcome;
  };
  EXPECT_THAT(run_while_away(value).gone, ElementsAre(target.path));
  const Outcome outcome = run({target}, {value});
  EXPECT_THAT(found(outcome.targets[0]), ElementsAre("token f", "known f"));
  EXPECT_THAT(outcome.gone, IsEmpty());
  EXPECT_THAT(run_while_away(later).gone, ElementsAre(target.path));
  EXPECT_THAT(found(run({target}, {later}).targets[0]), ElementsAre("token f", "known f"));
}

TEST_F(SearchTest, ReadsNothingOutsideAPlaceForTheSakeOfTheCache) {
  const std::string value = new_secret();
  write("a/x/d/.npmrc", "_password=" + value);
  run({place("a")});
  // A link now leads to the same bytes; the place's root has not changed by that.
  fs::rename(path("a/x/d"), path("moved"));
  fs::create_directory_symlink(path("moved"), path("a/x/d"));
  write("c/f", value);
  const Outcome outcome = run({place("a"), place("c")});
  EXPECT_THAT(outcome.targets[0].hits, IsEmpty());
  EXPECT_THAT(outcome.targets[1].hits, IsEmpty());
}

TEST_F(SearchTest, RemembersNothingThatChangedWhileItWasRead) {
  write("a/f", filler(1000));
  Search search = opened(options());
  bool changed = false;
  auto outcome = search.run(std::vector{place("a", false)}, std::vector<SecretValue>(), {}, [&](std::uint64_t) {
    if (!std::exchange(changed, true)) write("a/f", new_token());
  });
  ASSERT_TRUE(outcome);
  EXPECT_THAT(found(run({place("a", false)}).targets[0]), ElementsAre("token f"));
}

TEST_F(SearchTest, StopsAsCancelledAndRemembersNothingOfAPlaceThatIsNotWhole) {
  for (int i = 0; i < 20; ++i) write("a/" + std::to_string(i), filler(400'000));
  Search search = opened(options());
  std::stop_source stop;
  const auto stopped = search.run(std::vector{place("a")}, std::vector<SecretValue>(), stop.get_token(), [&](std::uint64_t) { stop.request_stop(); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code(), Errc::cancelled);
  EXPECT_EQ(run({place("a")}).bytes_read, 20u * 400'000);
}

TEST_F(SearchTest, GoesOnWhereItWasStopped) {
  const std::string known = new_secret();
  for (const char* name : {"a/f", "b/f", "c/f"}) write(name, filler(1000) + known);
  const std::vector<Target> targets{place("a"), place("b"), place("c"), texts("t", {known})};
  const std::size_t each = 1000 + known.size();
  Options one = options();
  one.threads = 1;
  std::size_t files = 0;
  {
    Search search = opened(one);
    std::stop_source stop;
    const std::vector<SecretValue> values{SecretValue(known)};
    const auto stopped = search.run(targets, values, stop.get_token(), [&](std::uint64_t) {
      if (++files == 2) stop.request_stop();
    });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code(), Errc::cancelled);
  }
  const Outcome rest = run(targets, {known});
  EXPECT_EQ(rest.bytes_read, 2 * each);
  for (const Answer& answer : rest.targets) EXPECT_THAT(answer.hits, SizeIs(1));
}

TEST_F(SearchTest, KeepsUnreadAcrossRuns) {
  write("a/e.gz", match::pack(&archive_write_set_format_raw, ARCHIVE_FILTER_BZIP2, {{"x", std::string(70u << 20, '\0')}}));
  const Outcome first = run({place("a")});
  ASSERT_THAT(first.targets[0].unread, SizeIs(1));
  EXPECT_EQ(text_of(run({place("a")})), text_of(first));
  EXPECT_THAT(run({place("a")}, {new_secret()}).targets[0].unread, SizeIs(1));
}

TEST_F(SearchTest, ForgetsPlacesThatAreTargetsNoMore) {
  write("a/f", filler(1000));
  write("b/f", filler(500));
  run({place("a"), place("b")});
  run({place("b")});
  EXPECT_EQ(run({place("a"), place("b")}).bytes_read, 1000u);
}

TEST_F(SearchTest, KeepsNoValueInItsState) {
  const std::string known = new_secret(), token = new_token(), recognised = new_secret(), text = "A=" + known;
  write("a/f", known + "\n" + token);
  write("b/.npmrc", "_password=" + recognised);
  fs::create_directory(path("state"));
  run({place("a"), place("b"), texts("t", {text})}, {known});
  std::size_t files = 0;
  for (const auto& one : fs::recursive_directory_iterator(path("state"))) {
    ++files;
    const std::string bytes = test::read_file(one.path());
    for (const std::string& value : {known, token, recognised}) {
      EXPECT_EQ(bytes.find(value.substr(4, 14)), std::string::npos) << one.path();
      EXPECT_EQ(bytes.find(match::hex_encode(value, false)), std::string::npos) << one.path();
    }
  }
  EXPECT_GE(files, 2u);  // the cache and the compiled rules
}

TEST_F(SearchTest, AsksForItsRulesOnlyWhenSomethingIsToBeSearchedOrAtOnceWhereItIsToldTo) {
  write("a/f", new_token());
  fs::create_directories(options().state_dir);  // as the fingerprints' key does
  const std::vector<Target> targets{place("a")};
  const match::RuleSet rules = some_rules();
  int asked = 0;
  const auto open = [&](const std::string& hash, bool at_once = false) {
    Options opts = options();
    opts.rules_at_once = at_once;
    auto search = Search::open(std::make_shared<Rules>(hash, [&]() -> Result<match::RuleSet> { return ++asked, rules; }), opts);
    if (!search) throw std::runtime_error(search.error().message());
    return std::move(*search);
  };
  Search first = open(rules.hash);
  run_with(first, targets);
  EXPECT_EQ(asked, 1);
  Search second = open(rules.hash);
  EXPECT_THAT(found(run_with(second, targets).targets[0]), ElementsAre("token f"));
  EXPECT_EQ(asked, 1);
  write("a/g", new_token());
  Search third = open(rules.hash);
  EXPECT_THAT(found(run_with(third, targets).targets[0]), SizeIs(2));
  EXPECT_EQ(asked, 2);
  Search eager = open(rules.hash, true);
  EXPECT_EQ(asked, 3);
  run_with(eager, targets);
  EXPECT_EQ(asked, 3);
  Search changed = open("another hash");
  const auto outcome = changed.run(targets, std::vector<SecretValue>(), {}, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), Errc::config);
}

}  // namespace
}  // namespace cleanerd::search
