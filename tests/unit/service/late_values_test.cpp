#include "service/late_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "buildkit/history.hpp"

namespace cleanerd::service {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Values = LateValues::Values;

constexpr LateValues::Time kNow{100h};

Values values(std::initializer_list<const char*> all) {
  Values values;
  for (const char* one : all) values.push_back({SecretValue(one), "", false});
  return values;
}

std::vector<std::string> known(LateValues& late, LateValues::Time now) {
  std::vector<std::string> all;
  for (const secrets::KnownValue& one : late.values(now)) all.emplace_back(one.value.reveal());
  return all;
}

using Builds = LateValues::Builds;

// A look each time that one is due; how many there were.
std::size_t look_when_due(LateValues& late, LateValues::Time from) {
  std::size_t looks = 0;
  for (auto next = late.next_look(from, from); next && looks < 100; next = late.next_look(*next, *next + 50ms), ++looks) late.looked(Builds::none, {}, *next);
  return looks;
}

TEST(LateValues, AreNoneAndNeedNoLookAtFirst) {
  LateValues late;
  late.looked(Builds::none, values({"removed"}), kNow);
  EXPECT_THAT(known(late, kNow), IsEmpty());
  EXPECT_FALSE(late.next_look(kNow, kNow));
  EXPECT_FALSE(late.traces_until());
}

TEST(LateValues, OfSessionsAreOwedUntilAllIsSettledOrForAnHour) {
  LateValues late;
  late.owe(values({"a"}), kNow);
  late.owe(values({"b"}), kNow + 30min);
  EXPECT_THAT(known(late, kNow + 59min), ElementsAre("a", "b"));
  EXPECT_THAT(known(late, kNow + 61min), ElementsAre("b"));
  EXPECT_FALSE(late.next_look(kNow, kNow));
  late.settle();
  EXPECT_THAT(known(late, kNow + 61min), IsEmpty());
}

TEST(LateValues, OfRemovedBuildsAreLookedForWhileTheirTracesMayCome) {
  LateValues late;
  const auto last = kNow + buildkit::kLastTrace;
  late.expect_traces(values({"a"}), last);
  late.expect_traces(values({"a", "b"}), last - 1s);
  EXPECT_EQ(late.traces_until(), last);
  EXPECT_THAT(known(late, kNow), ElementsAre("a", "b"));
  EXPECT_GE(late.next_look(kNow, kNow), kNow + buildkit::kFirstTrace);
  const std::size_t looks = look_when_due(late, kNow);
  EXPECT_GT(looks, 3u);
  EXPECT_LT(looks, 20u);
  EXPECT_THAT(known(late, last + 2s), IsEmpty());
  EXPECT_FALSE(late.traces_until());
}

TEST(LateValues, OfRemovedBuildsStayUntilALookThatBeganAfterTheLastTraceHasEndedWell) {
  LateValues late;
  late.expect_traces(values({"a"}), kNow + 8s);
  EXPECT_TRUE(late.next_look(kNow + 7s, kNow + 20s));
  EXPECT_FALSE(late.next_look({}, kNow + 30s));  // it failed, and is tried again by other rules
  EXPECT_THAT(known(late, kNow + 30s), ElementsAre("a"));
  EXPECT_FALSE(late.next_look(kNow + 31s, kNow + 32s));
  EXPECT_THAT(known(late, kNow + 32s), IsEmpty());
}

TEST(LateValues, OfWhatWentWhileABuildRanAreKnownUntilItsOwnTraceIsWritten) {
  LateValues late;
  late.looked(Builds::run, values({"a"}), kNow);
  late.looked(Builds::run, {}, kNow + 1min);
  late.looked(Builds::run, values({"b"}), kNow + 2min);
  EXPECT_FALSE(late.next_look(kNow + 2min, kNow + 2min));
  EXPECT_FALSE(late.traces_until());  // nobody waits for it
  const auto end = kNow + 3min;
  late.looked(Builds::none, {}, end);
  EXPECT_THAT(known(late, end), UnorderedElementsAre("a", "b"));
  EXPECT_GE(late.next_look(end, end), end + buildkit::kFirstTrace);
  EXPECT_GT(look_when_due(late, end), 3u);
  EXPECT_THAT(known(late, end + 1min), IsEmpty());
}

TEST(LateValues, OfWhatWentAMomentAfterABuildsEndAreKnownUntilItsOwnTraceIsWritten) {
  LateValues late;
  late.looked(Builds::just_ended, values({"a"}), kNow);
  EXPECT_THAT(known(late, kNow + 5s), ElementsAre("a"));
  EXPECT_GE(late.next_look(kNow, kNow), kNow + buildkit::kFirstTrace);
  EXPECT_GT(look_when_due(late, kNow), 3u);
  EXPECT_THAT(known(late, kNow + 1min), IsEmpty());
}

TEST(LateValues, OfRunningBuildsDoNotGrowForEverWhereOneAlwaysRuns) {
  LateValues late;
  for (int i = 0; i < 1000; ++i) late.looked(Builds::run, values({("secret-" + std::to_string(i)).c_str(), "again"}), kNow + i * 1min);
  EXPECT_LE(known(late, kNow + 1000min).size(), 62u);
  EXPECT_EQ(std::ranges::count(known(late, kNow + 1059min), "again"), 1);  // an hour from the last time
}

TEST(LateValues, OfRunningBuildsStayWhileTheNextOneRuns) {
  LateValues late;
  late.looked(Builds::run, values({"a"}), kNow);
  late.looked(Builds::none, {}, kNow + 1s);
  late.looked(Builds::run, {}, kNow + 2s);
  EXPECT_FALSE(late.next_look(kNow + 1min, kNow + 1min));
  EXPECT_THAT(known(late, kNow + 1min), ElementsAre("a"));
}

}  // namespace
}  // namespace cleanerd::service
