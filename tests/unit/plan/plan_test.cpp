#include "plan/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/place_list.hpp"
#include "support/files.hpp"
#include "support/planned.hpp"

namespace cleanerd::plan {
namespace {

using namespace std::chrono_literals;
using namespace test;
using inventory::ClassicBuild;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kSecret = new_secret();

// Images and steps that carry the secret.
image leaky(std::string_view name) { return image(name).env("NPM_TOKEN=" + kSecret); }
image leaky_by_buildkit(std::string_view name) { return image(name).step("RUN |1 NPM_TOKEN=" + kSecret + " /bin/sh -c npm ci # buildkit"); }
record leaky_record(std::string_view name) { return record(name).ran("echo $NPM_TOKEN > .npmrc"); }
container leaky_step(std::string_view name, std::string_view on) { return container(name).build_step_on(on).env("NPM_TOKEN=" + kSecret); }

an_inventory with_base() { return an_inventory().with(image("base").tagged("base:1")); }

TEST(MakePlan, OfAnEmptyHostIsEmpty) {
  const Planned result = planned(an_inventory());
  EXPECT_THAT(result.plan.items, IsEmpty());
  EXPECT_THAT(result.removed(), IsEmpty());
}

TEST(MakePlan, RemovesExactlyWhatCarriesASecretAndWhatStandsOnIt) {
  struct Row {
    const char* name;
    an_inventory scenario;
    std::vector<std::string> removed;
  };
  const Row rows[] = {
      {"nothing secret", with_base().with(image("a").parent("base")).with(record("r").ran("make")), {}},
      {"a dangling image", with_base().with(leaky("a").parent("base")), {"a"}},
      {"an innocent image on it", with_base().with(leaky("a").parent("base")).with(image("b").parent("a")), {"b", "a"}},
      {"an innocent image beside it", with_base().with(leaky("a").parent("base")).with(image("b").parent("base")), {"a"}},
      {"a tagged image", with_base().with(leaky("a").parent("base").tagged("a:1")), {}},
      {"an image below a tagged one", with_base().with(leaky("a").parent("base")).with(image("b").parent("a").tagged("b:1")), {}},
      {"far below a tagged one",
       with_base().with(leaky("a").parent("base")).with(image("b").parent("a")).with(image("c").parent("b").tagged("c:1")), {}},
      {"a branch beside the tagged one",
       with_base().with(leaky("a").parent("base")).with(leaky("b").parent("a")).with(image("c").parent("a").tagged("c:1")), {"b"}},
      {"below a running container", with_base().with(leaky("a").parent("base")).with(container("web").of("a").is("running")), {}},
      {"below a paused container", with_base().with(leaky("a").parent("base")).with(container("web").of("a").is("paused")), {}},
      {"below a stopped container of a person", with_base().with(leaky("a").parent("base")).with(container("mine").of("a")), {}},
      {"a failed step", with_base().with(leaky_step("s", "base").is("exited", 1)), {"s"}},
      {"a failed step on its image", with_base().with(leaky("a").parent("base")).with(leaky_step("s", "a").is("exited", 3)), {"s", "a"}},
      {"a step that runs", with_base().with(leaky("a").parent("base")).with(leaky_step("s", "a").is("running")), {}},
      {"an innocent failed step", with_base().with(container("s").build_step_on("base").is("exited", 1)), {}},
      {"a cache record", an_inventory().with(leaky_record("r")), {"r"}},
      {"a record with innocents around it",
       an_inventory().with(record("root").ran("x")).with(leaky_record("r").parent("root")).with(record("leaf").ran("y").parent("r")), {"leaf", "r"}},
      {"a record in use", an_inventory().with(leaky_record("r").in_use()), {}},
      {"a record below one in use", an_inventory().with(leaky_record("r")).with(record("busy").parent("r").in_use()), {}},
      {"a record of two parents",
       an_inventory().with(leaky_record("p")).with(record("q").ran("x")).with(record("merged").parent("p").parent("q")), {"merged", "p"}},
      {"a build's record", an_inventory().with(build("h").argument("NPM_TOKEN", kSecret)).with(build("other").argument("A", "b")), {"h"}},
      {"a running build's record", an_inventory().with(build("h").argument("NPM_TOKEN", kSecret).running()), {}},
      {"an image kept by its label", with_base().with(leaky("a").label("cleanerd.keep", "true")), {}},
      {"another value of the label", with_base().with(leaky("a").label("cleanerd.keep", "false")), {"a"}},
      {"a step kept by its label", with_base().with(leaky_step("s", "base").is("exited", 1).label("cleanerd.keep", "true")), {}},
  };
  for (const Row& row : rows) EXPECT_THAT(planned(row.scenario).removed(), ::testing::ElementsAreArray(row.removed)) << row.name;
}

TEST(MakePlan, TakesContainersImagesRecordsAndBuildsInThisOrderEachLeafFirst) {
  const Planned result = planned(with_base()
                                     .with(build("h").argument("NPM_TOKEN", kSecret))
                                     .with(leaky_record("r1"))
                                     .with(record("r2").parent("r1"))
                                     .with(leaky("i1").parent("base"))
                                     .with(image("i2").parent("i1"))
                                     .with(leaky_step("c", "i2").is("exited", 1)));
  EXPECT_THAT(result.removed(), ElementsAre("c", "i2", "i1", "r2", "r1", "h"));
}

TEST(MakePlan, GivesEveryObjectItsReasons) {
  const Planned result = planned(with_base()
                                     .with(leaky("a").parent("base"))
                                     .with(image("b").parent("a"))
                                     .with(leaky("tagged").tagged("t:1"))
                                     .with(leaky("below").parent("base"))
                                     .with(image("above").parent("below").tagged("above:1"))
                                     .with(image("innocent").parent("base"))
                                     .with(container("web").of("innocent").is("running"))
                                     .with(container("mine").of("innocent"))
                                     .with(leaky("kept").label("cleanerd.keep", "true"))
                                     .with(leaky_record("busy").in_use()));
  EXPECT_THAT(result.reasons("a"), ElementsAre("secret", "policy"));
  EXPECT_THAT(result.reasons("b"), ElementsAre("descends"));
  EXPECT_THAT(result.reasons("tagged"), ElementsAre("secret", "tagged"));
  EXPECT_THAT(result.reasons("below"), ElementsAre("secret", "needed"));
  EXPECT_THAT(result.reasons("innocent"), ElementsAre("needed"));
  EXPECT_THAT(result.reasons("web"), ElementsAre("running"));
  EXPECT_THAT(result.reasons("mine"), ElementsAre("not-residue"));
  EXPECT_THAT(result.reasons("kept"), ElementsAre("secret", "protected"));
  EXPECT_THAT(result.reasons("busy"), ElementsAre("secret", "in-use"));
  EXPECT_THAT(result.item("below").reasons.back().text, HasSubstr("is needed by image above:1, which has a tag"));
  EXPECT_TRUE(result.item("a").secret);
  EXPECT_FALSE(result.item("b").secret);
}

TEST(MakePlan, SaysWhereARecordIsInUseThoughNoBuildRuns) {
  const auto text = [](const an_inventory& scenario) { return planned(scenario).item("r").reasons.back().text; };
  EXPECT_THAT(text(an_inventory().with(leaky_record("r").in_use()).with(build("b").ran(20min, 10min))), HasSubstr("no build runs"));
  EXPECT_EQ(text(an_inventory().with(leaky_record("r").in_use()).with(build("b").ran(20min, 10min)).with(build("now").running())),
            "is in use by a running build");
  EXPECT_EQ(text(an_inventory().with(leaky_record("r").in_use())), "is in use by a running build");
}

TEST(MakePlan, NamesTheWholeChainOfNeeds) {
  const Planned result =
      planned(an_inventory().with(leaky("a")).with(image("b").parent("a")).with(image("c").parent("b").tagged("c:1")));
  EXPECT_THAT(result.item("a").reasons.back().text,
              HasSubstr("is needed by image b00000000000, which is needed by image c:1, which has a tag (c:1)"));
}

TEST(MakePlan, FollowsTheProtectRules) {
  policy::Policy policy;
  policy.protected_labels = {{"team", std::nullopt}, {"stage", "prod"}};
  policy.protected_images = {"registry.example/*", image_id("byid").str()};
  const Planned result = planned(an_inventory()
                                     .with(leaky("a").label("team", "x"))
                                     .with(leaky("b").label("stage", "prod"))
                                     .with(leaky("c").label("stage", "test"))
                                     .with(leaky("byid"))
                                     .with(leaky("e").label("cleanerd.keep", "true")),
                                 policy);
  EXPECT_THAT(sorted(result.removed()), ElementsAre("c", "e"));
  EXPECT_THAT(result.reasons("byid"), ElementsAre("secret", "protected"));
}

TEST(MakePlan, HonoursAProtectedLabelOnAnImageThroughItsDescendants) {
  const Planned result = planned(an_inventory().with(leaky("a")).with(image("b").parent("a").label("cleanerd.keep", "true")));
  EXPECT_THAT(result.removed(), IsEmpty());
  EXPECT_THAT(result.reasons("a"), ElementsAre("secret", "needed"));
}

TEST(MakePlan, KeepsAClassicBuildsResidueWhileOneRuns) {
  const an_inventory scenario = with_base()
                                    .with(leaky("classic").parent("base"))
                                    .with(leaky_by_buildkit("buildkit"))
                                    .with(leaky_step("failed", "base").is("exited", 1))
                                    .with(leaky_step("done", "base").is("exited", 0))
                                    .with(leaky_step("fresh", "base").is("created"))
                                    .with(leaky_record("r"))
                                    .classic_build(ClassicBuild::running);
  const Planned result = planned(scenario);
  EXPECT_THAT(result.removed(), ElementsAre("failed", "buildkit", "r"));
  EXPECT_THAT(result.reasons("classic"), ElementsAre("secret", "build-running"));
  EXPECT_THAT(result.reasons("done"), ElementsAre("secret", "build-running"));
  EXPECT_THAT(result.reasons("fresh"), ElementsAre("secret", "build-running"));
}

TEST(MakePlan, TakesWhatAnInterruptedStepLeftOfAnEngineThatIsSureWhileNoBuildRuns) {
  TempDir directory;
  const std::string root = directory.path().string();
  const std::string step = "/buildkit/executor/0123456789abcdefghijklmno";
  write_file(root + step + "/config.json", "{}");
  write_file(root + "/tmp/docker-tarsplit1", "");
  Selection all;
  all.all = true;
  const auto on = [&](an_inventory scenario, bool sure = true) {
    storage::PlaceList list;
    list.found(storage::Place::Kind::leftover, root + step);
    list.found(storage::Place::Kind::leftover, root + "/tmp/docker-tarsplit1");
    scenario.snapshot.places = std::move(list).finish();
    scenario.snapshot.data_root = root;
    scenario.snapshot.data_root_is_sure = sure;
    return planned(scenario, {}, all);
  };
  EXPECT_THAT(on(an_inventory().with(build("b"))).removed(), ElementsAre("b", step));
  EXPECT_THAT(on(an_inventory()).reasons("/tmp/docker-tarsplit1"), ElementsAre("not-reachable"));
  EXPECT_THAT(on(an_inventory(), false).reasons(step), ElementsAre("not-reachable"));
  EXPECT_THAT(on(an_inventory().with(record("r").in_use())).reasons(step), ElementsAre("build-running"));
  EXPECT_THAT(on(an_inventory().with(build("b").running())).reasons(step), ElementsAre("build-running"));
}

TEST(MakePlan, LeavesContentThatNothingHoldsToACollectionWhereItCarriesASecret) {
  TempDir directory;
  const std::string root = directory.path().string(), blobs = "/buildkit/content/blobs/sha256/";
  storage::PlaceList list;
  for (const char* name : {"held", "leaky", "innocent"}) write_file(root + blobs + name, "");
  list.add(storage::Place::Kind::blob, root + blobs + "held", {storage::Owner::Kind::lease, "pull"}, true);
  for (const char* name : {"leaky", "innocent"}) list.found(storage::Place::Kind::blob, root + blobs + name);
  inventory::Snapshot snapshot;
  snapshot.places = std::move(list).finish();
  snapshot.data_root = root;
  const inventory::Inventory inventory(std::move(snapshot));
  secrets::Findings findings;
  findings.of.resize(inventory.objects().size());
  for (inventory::Inventory::Index i = 0; i < inventory.objects().size(); ++i)
    if (!inventory[i].engine_id().ends_with("innocent")) findings.of[i].push_back(secrets::Finding{});
  const Plan plan = make_plan(inventory, findings, {}, {}, {});
  ASSERT_EQ(plan.removal.size(), 1u);
  EXPECT_EQ(inventory[plan.removal[0]].engine_id(), blobs + "leaky");
}

TEST(MakePlan, TakesOtherLeftoversOnPolicyAloneAndWhereTheyAreNobodysForCertain) {
  TempDir directory;
  const std::string root = directory.path().string(), name = "/tmp/docker-tarsplit1";
  write_file(root + name, "");
  Selection all;
  all.all = true;
  policy::Policy policy;
  policy.removed_leftovers = {inventory::Kind::leftover_tmp};
  using Named = storage::PlaceList::Named;
  struct Case {
    an_inventory scenario = an_inventory();
    Named named = Named::nowhere;
    bool sure = true;
    std::optional<Duration> engine_started = 1h;  // after the file was written
  };
  const auto reason = [&](Case one, const policy::Policy& rules) {
    storage::PlaceList list;
    list.found(storage::Place::Kind::leftover, root + name, one.named);
    inventory::Snapshot& snapshot = one.scenario.snapshot;
    snapshot.places = std::move(list).finish();
    snapshot.data_root = root;
    snapshot.data_root_is_sure = one.sure;
    snapshot.taken = system_now();
    if (one.engine_started) snapshot.engine_process = storage::EngineProcess{1, system_now() + *one.engine_started, 1};
    return planned(snapshot, rules, all).reasons(name).back();
  };
  EXPECT_EQ(reason({}, policy), "all");
  EXPECT_EQ(reason({}, {}), "not-reachable");
  EXPECT_EQ(reason({.named = Named::maybe}, policy), "referenced");
  EXPECT_EQ(reason({.sure = false}, policy), "not-reachable");
  EXPECT_EQ(reason({.engine_started = std::nullopt}, policy), "not-reachable");
  EXPECT_EQ(reason({.engine_started = -1h}, policy), "recent");
  EXPECT_EQ(reason({.scenario = an_inventory().with(record("r").in_use())}, policy), "build-running");
  EXPECT_EQ(reason({.scenario = an_inventory().with(build("b").running())}, policy), "build-running");
  EXPECT_EQ(reason({.scenario = an_inventory().classic_build(ClassicBuild::running)}, policy), "build-running");
  EXPECT_EQ(reason({.scenario = an_inventory().classic_build(ClassicBuild::unknown)}, policy), "build-running");
}

TEST(MakePlan, WaitsForTheQuietPeriodWhereTheHostDoesNotTell) {
  policy::Policy policy;
  policy.quiet_period = 10s;
  const auto at_age = [&](Duration age) {
    return planned(with_base().with(leaky("a").parent("base").aged(age)).with(leaky_step("s", "base").ended(age)).classic_build(ClassicBuild::unknown), policy);
  };
  EXPECT_THAT(at_age(9999ms).removed(), IsEmpty());
  EXPECT_THAT(at_age(9999ms).reasons("a"), ElementsAre("secret", "quiet-period"));
  EXPECT_THAT(at_age(10s).removed(), ElementsAre("s", "a"));
  EXPECT_THAT(at_age(-1h).removed(), IsEmpty()) << "a clock that was set back";
  an_inventory timeless = with_base().with(leaky("a").parent("base")).classic_build(ClassicBuild::unknown);
  timeless.snapshot.images.back().summary.created.reset();
  EXPECT_THAT(planned(timeless).removed(), IsEmpty());
}

TEST(MakePlan, WithAllTakesEveryFinishedBuildsResidueAndNothingElse) {
  Selection all;
  all.all = true;
  const Planned result = planned(with_base()
                                     .with(image("a").parent("base"))
                                     .with(image("used").parent("base"))
                                     .with(container("web").of("used").is("running"))
                                     .with(container("mine").of("base"))
                                     .with(container("s").build_step_on("base").is("exited", 0))
                                     .with(record("r").ran("make"))
                                     .with(record("busy").in_use()),
                                 {}, all);
  EXPECT_THAT(result.removed(), ElementsAre("s", "a", "r"));
  EXPECT_THAT(result.reasons("a"), ElementsAre("all"));
}

TEST(MakePlan, FinishesWhatAnInterruptedPurgeHadSetOutToRemove) {
  Selection selection;
  selection.unfinished = {"image.dangling:" + image_id("a").str(), "cache.regular:" + cache_id("r").str(),
                          "image.tagged:" + image_id("base").str(), "image.dangling:" + image_id("gone").str()};
  const Planned result = planned(with_base().with(image("a").parent("base")).with(record("r")).with(record("other")), {}, selection);
  EXPECT_THAT(result.removed(), ElementsAre("a", "r"));
  EXPECT_THAT(result.reasons("a"), ElementsAre("unfinished"));
  EXPECT_THAT(result.reasons("base"), ElementsAre("unfinished", "tagged"));
}

TEST(MakePlan, KnowsAnUnfinishedImageWhoseKindHasChangedSince) {
  // Its child is gone: what was an intermediate image is a dangling one now.
  Selection selection;
  selection.unfinished = {"image.intermediate:" + image_id("a").str()};
  EXPECT_THAT(planned(with_base().with(image("a").parent("base")), {}, selection).removed(), ElementsAre("a"));
}

TEST(MakePlan, LeavesOutWhatTheFilterDoesAndWhatThatStandsOn) {
  Selection images, old;
  images.filter.kinds = {"image"};
  old.filter.until = kNow - 30min;
  const an_inventory scenario = with_base()
                                    .with(leaky("old").parent("base").aged(1h))
                                    .with(leaky("young").parent("base").aged(1min))
                                    .with(leaky("below").parent("base").aged(1h))
                                    .with(image("above").parent("below").aged(1min))
                                    .with(leaky_record("r").used(1min));
  const Planned by_kind = planned(scenario, {}, images), by_age = planned(scenario, {}, old);
  EXPECT_THAT(sorted(by_kind.removed()), ElementsAre("above", "below", "old", "young"));
  EXPECT_THAT(by_kind.reasons("r"), ElementsAre("secret", "filtered"));
  EXPECT_THAT(by_age.removed(), ElementsAre("old"));
  EXPECT_THAT(by_age.reasons("below"), ElementsAre("secret", "filtered"));
}

TEST(MakePlan, RemovesNothingOfACycleThatSomethingGuardedIsIn) {
  const Planned result = planned(an_inventory()
                                     .with(leaky("a").parent("b"))
                                     .with(image("b").parent("c"))
                                     .with(image("c").parent("a").tagged("c:1"))
                                     .with(leaky_record("x").parent("y"))
                                     .with(record("y").parent("x").in_use()));
  EXPECT_THAT(result.removed(), IsEmpty());
}

TEST(MakePlan, TellsNoSecretInItsReasons) {
  const Planned result = planned(an_inventory().with(leaky("a")).with(leaky("b").tagged("b:1")).with(leaky_record("r")));
  for (const Item& item : result.plan.items)
    for (const Reason& reason : item.reasons) EXPECT_EQ(reason.text.find(kSecret), std::string::npos);
}

}  // namespace
}  // namespace cleanerd::plan
