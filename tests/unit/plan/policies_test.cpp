// What policies do to a plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/planned.hpp"

namespace cleanerd::plan {
namespace {

using namespace std::chrono_literals;
using namespace test;
using policy::Action;
using policy::NamedPolicy;
using policy::Order;
using policy::Policy;
using policy::Space;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kSecret = new_secret();

NamedPolicy named(std::string name, std::vector<std::string> kinds) {
  NamedPolicy one;
  one.name = std::move(name);
  one.match.kinds = std::move(kinds);
  return one;
}
template <class Change>
NamedPolicy cache(const Change& change) {
  NamedPolicy one = named("cache", {"cache.*"});
  change(one);
  return one;
}
// After the built-in one.
Policy with(std::vector<NamedPolicy> added) {
  Policy policy;
  policy.policies.insert(policy.policies.end(), added.begin(), added.end());
  return policy;
}
record leaky(std::string_view name) { return record(name).ran("echo $NPM_TOKEN > .npmrc"); }

// Four records, each of 100 bytes; the largest number is the oldest, and the one that was used last.
an_inventory four() {
  an_inventory host;
  for (int i = 1; i <= 4; ++i)
    host.with(record("r" + std::to_string(i)).sized(100).aged(std::chrono::hours(i)).used(std::chrono::hours(10 - i)));
  return host;
}

TEST(PoliciesInAPlan, TakeWhatTheyMatchAndNameThemselves) {
  const Planned result = planned(four(), with({cache([](NamedPolicy& p) { p.match.older_than = 150min; })}));
  EXPECT_THAT(sorted(result.removed()), ElementsAre("r3", "r4"));
  EXPECT_EQ(result.item("r3").policy, "cache");
  EXPECT_THAT(result.reasons("r3"), ElementsAre("policy"));
  EXPECT_THAT(result.item("r3").reasons.back().text, HasSubstr("falls under policy cache"));
  EXPECT_FALSE(result.item("r3").owed);
  EXPECT_THAT(result.reasons("r1"), ElementsAre("innocent"));
  EXPECT_EQ(result.item("r1").policy, "");
}

TEST(PoliciesInAPlan, SecretsGoByTheBuiltInOneAndTakeAlongWhatStandsOnThem) {
  const Planned result = planned(an_inventory().with(leaky("s")).with(record("above").parent("s")));
  EXPECT_THAT(result.removed(), ElementsAre("above", "s"));
  for (const char* name : {"s", "above"}) {
    EXPECT_EQ(result.item(name).policy, "secrets") << name;
    EXPECT_TRUE(result.item(name).owed) << name;
  }
  EXPECT_THAT(result.reasons("above"), ElementsAre("descends"));
}

TEST(PoliciesInAPlan, OfAgeOrSizeWaitUntilNothingElseStandsOnIt) {
  const auto old = with({cache([](NamedPolicy& p) { p.match.older_than = 2h; })});
  const an_inventory host = an_inventory()
                                .with(record("root").aged(9h))
                                .with(record("middle").parent("root").aged(8h))
                                .with(record("young").parent("middle").aged(1h))
                                .with(record("leaf").parent("root").aged(5h));
  const Planned result = planned(host, old);
  EXPECT_THAT(result.removed(), ElementsAre("leaf"));
  EXPECT_THAT(result.reasons("middle"), ElementsAre("needed"));
  EXPECT_THAT(result.item("middle").reasons.back().text, HasSubstr("is needed by cache record young0000000, which stays"));
  EXPECT_EQ(result.item("middle").policy, "cache");
}

TEST(PoliciesInAPlan, OneMayWaitForWhatALaterOneTakes) {
  NamedPolicy mounts = named("mounts", {"cache.mount"});
  NamedPolicy regular = named("regular", {"cache.regular"});
  const an_inventory host = an_inventory().with(record("below")).with(record("above").parent("below").type("exec.cachemount"));
  EXPECT_THAT(planned(host, with({regular, mounts})).removed(), ElementsAre("above", "below"));
  EXPECT_THAT(planned(host, with({regular})).removed(), IsEmpty());
}

TEST(PoliciesInAPlan, AreTriedInOrder) {
  const NamedPolicy first = cache([](NamedPolicy& p) { p.name = "first", p.match.older_than = 150min; });
  const Planned result = planned(four().with(leaky("s")), with({first, cache([](NamedPolicy&) {})}));
  EXPECT_EQ(result.plan.removal.size(), 5u);
  EXPECT_EQ(result.item("s").policy, "secrets");
  EXPECT_EQ(result.item("r3").policy, "first");
  EXPECT_EQ(result.item("r1").policy, "cache");
}

TEST(PoliciesInAPlan, GoOnOnlyAsFarAsTheirLimits) {
  struct Row {
    const char* name;
    NamedPolicy policy;
    std::vector<std::string> removed;
  };
  const Row rows[] = {
      {"no limit", cache([](NamedPolicy&) {}), {"r1", "r2", "r3", "r4"}},
      {"kept already", cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{400}}; }), {}},
      {"the oldest first", cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{250}}; }), {"r3", "r4"}},
      {"unused longest first", cache([](NamedPolicy& p) { p.limits = {Space{{250}}, {}, {}, Order::least_recently_used}; }), {"r1", "r2"}},
      {"a part of the disk", cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{}, 30}; }), {"r4"}},
      {"free space", cache([](NamedPolicy& p) { p.limits.min_free_space = Space{{151}}; }), {"r3", "r4"}},
      {"free space, a part of the disk", cache([](NamedPolicy& p) { p.limits.min_free_space = Space{{}, 35}; }), {"r2", "r3", "r4"}},
      {"both", cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{300}}, p.limits.min_free_space = Space{{250}}; }), {"r3", "r4"}},
      {"the newest stay", cache([](NamedPolicy& p) { p.limits.keep_newest = 3; }), {"r4"}},
      {"the newest stay whatever the space", cache([](NamedPolicy& p) { p.limits = {Space{{0}}, {}, 3, Order::least_recently_used}; }), {"r4"}},
      {"more than there are", cache([](NamedPolicy& p) { p.limits.keep_newest = 9; }), {}},
  };
  for (const Row& row : rows)
    EXPECT_THAT(sorted(planned(four().disk(1000, 50), with({row.policy})).removed()), ::testing::ElementsAreArray(row.removed)) << row.name;
  const Planned largest = planned(four().with(record("big").sized(300).aged(1min)),
                                  with({cache([](NamedPolicy& p) { p.limits = {Space{{400}}, {}, {}, Order::largest}; })}));
  EXPECT_THAT(largest.removed(), ElementsAre("big"));
}

TEST(PoliciesInAPlan, TheNewestAreCountedWithoutWhatGoesWithASecret) {
  const an_inventory host = four().with(leaky("s").aged(9h)).with(record("above").parent("s").aged(1min));
  const Planned result = planned(host, with({cache([](NamedPolicy& p) { p.limits.keep_newest = 3; })}));
  EXPECT_THAT(sorted(result.removed()), ElementsAre("above", "r4", "s"));
}

TEST(PoliciesInAPlan, SayWhichLimitKeepsAnObject) {
  const Planned newest = planned(four(), with({cache([](NamedPolicy& p) { p.limits.keep_newest = 3; })}));
  EXPECT_THAT(newest.reasons("r1"), ElementsAre("limit"));
  EXPECT_THAT(newest.item("r1").reasons.back().text, HasSubstr("one of the newest that policy cache keeps"));
  EXPECT_EQ(newest.item("r1").policy, "cache");
  const Planned space = planned(four(), with({cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{300}}; })}));
  EXPECT_THAT(space.item("r1").reasons.back().text, HasSubstr("stays within the limits of policy cache"));
}

TEST(PoliciesInAPlan, LimitsCountWhatTheEarlierOnesLeave) {
  NamedPolicy old = named("old", {"cache.*"});
  old.match.older_than = 150min;
  const NamedPolicy limited = cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{200}}; });
  EXPECT_THAT(sorted(planned(four(), with({old, limited})).removed()), ElementsAre("r3", "r4"));
  const NamedPolicy free = cache([](NamedPolicy& p) { p.limits.min_free_space = Space{{300}}; });
  EXPECT_THAT(sorted(planned(four().disk(1000, 0), with({old, free})).removed()), ElementsAre("r2", "r3", "r4"));
}

TEST(PoliciesInAPlan, WhatALimitKeepsAnotherMayTake) {
  const NamedPolicy limited = cache([](NamedPolicy& p) { p.limits.keep_newest = 4; });
  NamedPolicy second = named("second", {"*"});
  second.match.older_than = 210min;
  const Planned result = planned(four(), with({limited, second}));
  EXPECT_THAT(result.removed(), ElementsAre("r4"));
  EXPECT_EQ(result.item("r4").policy, "second");
}

TEST(PoliciesInAPlan, ALimitOfSpaceTakesAChainFromItsLeaf) {
  const an_inventory host = an_inventory()
                                .with(record("a").sized(100).aged(9h))
                                .with(record("b").parent("a").sized(100).aged(8h))
                                .with(record("c").parent("b").sized(100).aged(1h));
  EXPECT_THAT(planned(host, with({cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{250}}; })})).removed(), ElementsAre("c"));
  EXPECT_THAT(planned(host, with({cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{150}}; })})).removed(), ElementsAre("c", "b"));
  EXPECT_THAT(planned(host, with({cache([](NamedPolicy& p) { p.limits.keep_newest = 1; })})).removed(), IsEmpty()) << "the newest needs them";
}

TEST(PoliciesInAPlan, WhatFreesNothingIsLeftByALimitOfSpace) {
  const an_inventory host = four().with(record("shared").shared().sized(1000).aged(20h));
  const Planned result = planned(host, with({cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{350}}; })}));
  EXPECT_THAT(result.removed(), ElementsAre("r4"));
  EXPECT_THAT(result.item("shared").reasons.back().text, HasSubstr("frees no space"));
}

TEST(PoliciesInAPlan, ADiskThatNobodyCanLookAtKeepsEverything) {
  for (const auto& limit : {policy::Limits{Space{{}, 10}, {}, {}, {}}, policy::Limits{{}, Space{{1 << 30}}, {}, {}}}) {
    const Planned result = planned(four(), with({cache([&](NamedPolicy& p) { p.limits = limit; })}));
    EXPECT_THAT(result.removed(), IsEmpty());
    EXPECT_THAT(result.reasons("r1"), ElementsAre("limit-unknown"));
  }
}

TEST(PoliciesInAPlan, ADryRunTellsAndChangesNothingForTheOthers) {
  NamedPolicy dry = cache([](NamedPolicy& p) { p.name = "dry", p.dry_run = true, p.match.older_than = 90min; });
  const NamedPolicy limited = cache([](NamedPolicy& p) { p.limits.max_used_space = Space{{300}}; });
  const Planned result = planned(four(), with({dry, limited}));
  EXPECT_THAT(result.removed(), ElementsAre("r4"));
  EXPECT_EQ(result.item("r4").policy, "cache");
  EXPECT_THAT(result.reasons("r3"), ElementsAre("dry-run"));
  EXPECT_THAT(result.item("r3").reasons.back().text, HasSubstr("would go by policy dry"));
  EXPECT_EQ(result.item("r3").policy, "dry");
  Policy only_told;
  only_told.policies[0].dry_run = true;
  const Planned told = planned(an_inventory().with(leaky("s")), only_told);
  EXPECT_THAT(told.removed(), IsEmpty());
  EXPECT_THAT(told.reasons("s"), ElementsAre("secret", "dry-run"));
}

TEST(PoliciesInAPlan, AReportMarksAndKeeps) {
  NamedPolicy report = cache([](NamedPolicy& p) { p.action = Action::report, p.name = "told"; });
  const Planned result = planned(four().with(record("busy").in_use()).with(leaky("s")), with({report}));
  EXPECT_THAT(result.removed(), ElementsAre("s"));
  EXPECT_THAT(result.reasons("r1"), ElementsAre("reported", "innocent"));
  EXPECT_THAT(result.reasons("busy"), ElementsAre("reported", "in-use"));
  EXPECT_THAT(result.reasons("s"), ElementsAre("secret", "reported", "policy"));
  Policy secrets_reported;
  secrets_reported.policies[0].action = Action::report;
  EXPECT_THAT(planned(an_inventory().with(leaky("s")), secrets_reported).reasons("s"), ElementsAre("secret", "reported", "no-policy"));
}

TEST(PoliciesInAPlan, TaggedImagesGoOnlyByTheirOwnName) {
  const an_inventory host = an_inventory().with(image("a").tagged("ci/a:1")).with(image("used").tagged("ci/b:1")).with(container("web").of("used").is("running"));
  for (const auto& kinds : {std::vector<std::string>{"image.*"}, {"*"}, {"image.tagge?"}, {}}) {
    NamedPolicy all = named("all", kinds);
    all.match.older_than = 1min;
    EXPECT_THAT(planned(host, with({all})).removed(), IsEmpty());
  }
  NamedPolicy tagged = named("ci", {"image.tagged"});
  EXPECT_THAT(planned(host, with({tagged})).removed(), ElementsAre("a"));
  tagged.limits.keep_newest = 2;
  const Planned kept = planned(host, with({tagged}));
  EXPECT_THAT(kept.removed(), IsEmpty());
  EXPECT_THAT(kept.reasons("a"), ElementsAre("limit"));
  tagged.dry_run = true;
  tagged.limits = {};
  EXPECT_THAT(planned(host, with({tagged})).reasons("a"), ElementsAre("dry-run"));
  Selection all;
  all.all = true;
  EXPECT_THAT(planned(host, with({tagged}), all).removed(), IsEmpty());
}

TEST(PoliciesInAPlan, ATaggedImageThatALimitKeepsHoldsWhatItStandsOn) {
  NamedPolicy tagged = named("ci", {"image.tagged"});
  tagged.limits.keep_newest = 1;
  const Planned result = planned(an_inventory().with(image("s").env("NPM_TOKEN=" + kSecret)).with(image("t").tagged("t:1").parent("s")), with({tagged}));
  EXPECT_THAT(result.removed(), IsEmpty());
  EXPECT_THAT(result.reasons("s"), ElementsAre("secret", "needed"));
}

TEST(PoliciesInAPlan, PeoplesContainersGoOnlyByTheirOwnName) {
  const an_inventory host = an_inventory()
                                .with(image("base").tagged("base:1"))
                                .with(container("done").of("base"))
                                .with(container("fresh").of("base").is("created"))
                                .with(container("web").of("base").is("running"))
                                .with(container("composed").of("base").label("com.docker.compose.project", "x"));
  EXPECT_THAT(planned(host, with({named("all", {"container.*"})})).removed(), IsEmpty());
  EXPECT_THAT(planned(host, with({named("all", {"container.stopped"})})).removed(), ElementsAre("done"));
  Policy protecting = with({named("all", {"container.stopped"})});
  protecting.protect_stopped_containers = true;
  EXPECT_THAT(planned(host, protecting).removed(), IsEmpty());
}

TEST(PoliciesInAPlan, ProtectRulesAndRunningThingsWin) {
  Policy policy = with({named("all", {"*", "image.tagged", "container.stopped"})});
  policy.protected_images = {"keep/*"};
  const Planned result = planned(an_inventory()
                                     .with(image("k").tagged("keep/this:1"))
                                     .with(image("l").label("cleanerd.keep", "true"))
                                     .with(image("u"))
                                     .with(container("web").of("u").is("running"))
                                     .with(record("busy").in_use())
                                     .with(record("below"))
                                     .with(record("above").parent("below").in_use())
                                     .with(build("b").running())
                                     .with(record("goes")),
                                 policy);
  EXPECT_THAT(result.removed(), ElementsAre("goes"));
}

TEST(PoliciesInAPlan, TheFilterNarrowsThemAndAllGoesBeyondThem) {
  const Policy policy = with({cache([](NamedPolicy& p) { p.limits.keep_newest = 3; })});
  Selection filtered, all;
  filtered.filter.kinds = {"image"};
  all.all = true;
  EXPECT_THAT(planned(four(), policy, filtered).removed(), IsEmpty());
  const Planned everything = planned(four(), policy, all);
  EXPECT_THAT(sorted(everything.removed()), ElementsAre("r1", "r2", "r3", "r4"));
  EXPECT_TRUE(everything.item("r1").owed);
  EXPECT_THAT(everything.reasons("r1"), ElementsAre("all"));
}

}  // namespace
}  // namespace cleanerd::plan
