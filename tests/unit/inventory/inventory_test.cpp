#include "inventory/inventory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/decode.hpp"
#include "support/builders.hpp"
#include "support/files.hpp"

namespace cleanerd::inventory {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Index = Inventory::Index;

Kind kind_of(const Inventory& inventory, std::string_view name) { return inventory[index_of(inventory, name)].kind; }
std::vector<std::string> parents_of(const Inventory& inventory, std::string_view name) {
  const auto parents = inventory.parents(index_of(inventory, name));
  return names_of(inventory, {parents.begin(), parents.end()});
}
std::vector<std::string> children_of(const Inventory& inventory, std::string_view name) {
  const auto children = inventory.children(index_of(inventory, name));
  return names_of(inventory, {children.begin(), children.end()});
}
std::vector<std::string> descendants_of(const Inventory& inventory, std::string_view name) {
  return names_of(inventory, inventory.descendants(index_of(inventory, name)));
}

void expect_children_first(const Inventory& inventory, bool acyclic = true) {
  const auto order = inventory.children_first();
  std::vector<std::size_t> place(inventory.objects().size(), order.size());
  ASSERT_EQ(order.size(), inventory.objects().size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    ASSERT_LT(order[i], place.size());
    ASSERT_EQ(place[order[i]], order.size()) << "stands twice";
    place[order[i]] = i;
  }
  if (!acyclic) return;
  for (Index i = 0; i < order.size(); ++i)
    for (const Index child : inventory.children(i)) EXPECT_LT(place[child], place[i]);
}

TEST(Kinds, HaveTheContractsNamesAndAreReadBack) {
  const std::set<std::string_view> contract{
      "image.tagged",  "image.dangling",     "image.intermediate", "container.build", "container.stopped", "cache.regular",
      "cache.source.local", "cache.source.git", "cache.mount",     "cache.frontend",  "cache.internal",    "container.running",  "history.record",
      "builder.container", "builder.volume",
      "leftover.executor", "leftover.tmp", "leftover.ingest", "orphan.layer", "store.inactive"};
  std::set<std::string_view> ours;
  for (const Kind kind : all_kinds()) {
    ours.insert(to_string(kind));
    EXPECT_EQ(parse_kind(to_string(kind)), kind);
    EXPECT_EQ(is_image(kind) + is_container(kind) + is_cache(kind) + is_history(kind) + is_builder(kind) + is_on_disk_only(kind), 1) << to_string(kind);
  }
  EXPECT_EQ(ours, contract);
  EXPECT_FALSE(parse_kind("image"));
  EXPECT_FALSE(parse_kind(""));
}

TEST(Inventory, TellsImagesApartByTagsAndChildren) {
  const Inventory inventory = an_inventory()
                                  .with(image("base").tagged("base:1"))
                                  .with(image("step").parent("base"))
                                  .with(image("app").parent("step").tagged("app:1"))
                                  .with(image("leaf").parent("base"))
                                  .snapped();
  EXPECT_EQ(kind_of(inventory, "base"), Kind::image_tagged);
  EXPECT_EQ(kind_of(inventory, "step"), Kind::image_intermediate);
  EXPECT_EQ(kind_of(inventory, "app"), Kind::image_tagged);
  EXPECT_EQ(kind_of(inventory, "leaf"), Kind::image_dangling);
}

TEST(Inventory, TellsContainersApartByStateAndMaker) {
  struct Row {
    const char* state;
    Kind stopped_or_running;
  };
  for (const Row& row : {Row{"running", Kind::container_running}, Row{"paused", Kind::container_running},
                         Row{"restarting", Kind::container_running}, Row{"removing", Kind::container_running},
                         Row{"exited", Kind::container_stopped}, Row{"created", Kind::container_stopped},
                         Row{"dead", Kind::container_stopped}, Row{"something new", Kind::container_running}}) {
    const Inventory inventory = an_inventory()
                                    .with(image("base"))
                                    .with(container("mine").of("base").is(row.state))
                                    .with(container("step").build_step_on("base").is(row.state))
                                    .snapped();
    EXPECT_EQ(kind_of(inventory, "mine"), row.stopped_or_running) << row.state;
    EXPECT_EQ(kind_of(inventory, "step"), Kind::container_build) << row.state;
  }
}

TEST(Inventory, TellsCacheRecordsApartByTheirType) {
  struct Row {
    const char* type;
    Kind kind;
  };
  for (const Row& row : {Row{"regular", Kind::cache_regular}, Row{"source.local", Kind::cache_source_local},
                         Row{"source.git.checkout", Kind::cache_source_git}, Row{"exec.cachemount", Kind::cache_mount},
                         Row{"frontend", Kind::cache_frontend}, Row{"internal", Kind::cache_internal},
                         Row{"", Kind::cache_regular}, Row{"a type of tomorrow", Kind::cache_regular}}) {
    const Inventory inventory = an_inventory().with(record("r").type(row.type)).snapped();
    EXPECT_EQ(kind_of(inventory, "r"), row.kind) << row.type;
  }
}

TEST(Inventory, TellsDuringWhichBuildsCacheRecordsAndImagesCameAbout) {
  const Inventory inventory = an_inventory()
                                  .with(build("long").ran(60min, 10min))
                                  .with(build("short").ran(50min, 40min))
                                  .with(build("going").ran(5min, 0min).running())
                                  .with(record("before").aged(61min))
                                  .with(record("first").aged(60min))
                                  .with(record("both").aged(45min))
                                  .with(record("again").aged(30min))
                                  .with(record("between").aged(9min))
                                  .with(record("now").aged(1min))
                                  .with(image("image").aged(10min))
                                  .with(image("seconds").aged(60min + 900ms))
                                  .with(container("container"))
                                  .snapped();
  const std::map<std::string, std::vector<std::string>> wanted = {{"first", {"long"}}, {"both", {"long", "short"}}, {"again", {"long"}},
                                                                  {"now", {"going"}},  {"image", {"long"}},         {"seconds", {"long"}}};
  std::map<std::string, std::vector<std::string>> told;
  for (const Object& object : inventory.objects())
    for (const BuildRef& build : object.builds) told[name_of(object)].push_back(build.str().substr(0, build.str().find('0')));
  for (auto& [name, builds] : told) std::ranges::sort(builds);
  EXPECT_EQ(told, wanted);
}

TEST(IsBuildStep, NeedsAllThreeMarks) {
  const engine::Container step = container("c").build_step_on("base").value;
  EXPECT_TRUE(is_build_step(step));
  auto logs = step, checked = step, by_name = step, other_id = step;
  logs.log_driver = "json-file";
  checked.healthcheck_disabled = false;
  by_name.image_ref = "base:latest";
  other_id.image_ref = image_id("other").str();
  for (const auto& other : {logs, checked, by_name, other_id}) EXPECT_FALSE(is_build_step(other));
}

TEST(IsBuildStep, KnowsTheStepContainersOfRealEngines) {
  for (const auto& file : fs::directory_iterator(fs::path(TEST_SOURCE_DIR) / "unit/engine/fixtures")) {
    const auto container = engine::decode_container(nlohmann::json::parse(read_file(file.path()))["container"]);
    ASSERT_TRUE(container) << file;
    EXPECT_TRUE(is_build_step(*container)) << file;
  }
}

TEST(Inventory, ConnectsImagesContainersAndRecordsToWhatTheyStandOn) {
  const Inventory inventory = an_inventory()
                                  .with(image("app").parent("base"))
                                  .with(image("base"))
                                  .with(container("web").of("app"))
                                  .with(record("merged").parent("left").parent("right"))
                                  .with(record("left").parent("root"))
                                  .with(record("right").parent("root"))
                                  .with(record("root"))
                                  .snapped();
  EXPECT_THAT(parents_of(inventory, "app"), ElementsAre("base"));
  EXPECT_THAT(parents_of(inventory, "web"), ElementsAre("app"));
  EXPECT_THAT(parents_of(inventory, "merged"), ElementsAre("left", "right"));
  EXPECT_THAT(children_of(inventory, "root"), UnorderedElementsAre("left", "right"));
  EXPECT_THAT(children_of(inventory, "web"), IsEmpty());
  EXPECT_THAT(descendants_of(inventory, "base"), UnorderedElementsAre("app", "web"));
  EXPECT_THAT(descendants_of(inventory, "root"), UnorderedElementsAre("left", "right", "merged"));
  EXPECT_THAT(descendants_of(inventory, "merged"), IsEmpty());
  expect_children_first(inventory);
}

TEST(Inventory, DropsParentsThatAreNotThere) {
  const Inventory inventory = an_inventory()
                                  .with(image("app").parent("gone"))
                                  .with(container("web").of("gone"))
                                  .with(record("r").parent("gone").parent("kept"))
                                  .with(record("kept"))
                                  .snapped();
  EXPECT_THAT(parents_of(inventory, "app"), IsEmpty());
  EXPECT_THAT(parents_of(inventory, "web"), IsEmpty());
  EXPECT_THAT(parents_of(inventory, "r"), ElementsAre("kept"));
}

TEST(Inventory, DoesNotMixIdsOfDifferentKinds) {
  // A cache record whose parent has an image's name stands on no image.
  const Inventory inventory = an_inventory().with(image("same")).with(record("r").parent("same")).snapped();
  EXPECT_THAT(parents_of(inventory, "r"), IsEmpty());
}

TEST(Inventory, TakesAnIdOnlyOnce) {
  const Inventory inventory = an_inventory()
                                  .with(image("a").tagged("first:1"))
                                  .with(image("a"))
                                  .with(container("c"))
                                  .with(container("c").is("running"))
                                  .with(record("r"))
                                  .with(record("r").in_use())
                                  .with(build("h"))
                                  .with(build("h").running())
                                  .snapped();
  EXPECT_EQ(inventory.objects().size(), 4u);
  EXPECT_EQ(kind_of(inventory, "a"), Kind::image_tagged);
}

TEST(Inventory, ToleratesCyclesAndItself) {
  const Inventory inventory = an_inventory()
                                  .with(record("a").parent("b"))
                                  .with(record("b").parent("c"))
                                  .with(record("c").parent("a"))
                                  .with(record("itself").parent("itself"))
                                  .with(record("twice").parent("a").parent("a"))
                                  .with(image("x").parent("y"))
                                  .with(image("y").parent("x"))
                                  .snapped();
  expect_children_first(inventory, false);
  EXPECT_THAT(descendants_of(inventory, "a"), UnorderedElementsAre("b", "c", "twice"));
  EXPECT_THAT(parents_of(inventory, "itself"), IsEmpty());
  EXPECT_THAT(descendants_of(inventory, "x"), ElementsAre("y"));
}

TEST(Inventory, OrdersChildrenBeforeParentsInRandomGraphs) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    an_inventory scenario;
    const std::size_t count = random() % 30;
    const auto name = [](std::size_t i) { return "r" + std::to_string(i) + "x"; };
    for (std::size_t i = 0; i < count; ++i) {
      record one(name(i));
      for (std::uint64_t n = random() % 4; i > 0 && n > 0; --n) one.parent(name(random() % i));
      scenario.with(one);
    }
    std::shuffle(scenario.snapshot.cache.begin(), scenario.snapshot.cache.end(), random);
    expect_children_first(scenario.snapped());
  }
}

TEST(Find, TakesFullIdsEngineIdsAndPrefixes) {
  const Inventory inventory = an_inventory()
                                  .with(image("abcdef1"))
                                  .with(image("abcdef2"))
                                  .with(container("abcd99"))
                                  .with(record("abcd"))
                                  .snapped();
  const auto found = [&](std::string_view id) { return sorted(names_of(inventory, inventory.find(id))); };
  EXPECT_THAT(found("image.dangling:" + image_id("abcdef1").str()), ElementsAre("abcdef1"));
  EXPECT_THAT(found(image_id("abcdef1").str()), ElementsAre("abcdef1"));
  EXPECT_THAT(found(padded("abcdef1", 64)), ElementsAre("abcdef1"));
  EXPECT_THAT(found("abcdef"), ElementsAre("abcdef1", "abcdef2"));
  EXPECT_THAT(found("sha256:abcdef2"), ElementsAre("abcdef2"));
  EXPECT_THAT(found("image.dangling:abcdef2"), ElementsAre("abcdef2"));
  EXPECT_THAT(found("abcd"), ElementsAre("abcd", "abcd99", "abcdef1", "abcdef2"));
  EXPECT_THAT(found("container.stopped:abcd"), ElementsAre("abcd99"));
  EXPECT_THAT(found("abc"), IsEmpty());
  EXPECT_THAT(found(""), IsEmpty());
  EXPECT_THAT(found("sha256:"), IsEmpty());
  EXPECT_THAT(found("ffff"), IsEmpty());
}

TEST(Find, PrefersTheExactIdToOnesThatGoOn) {
  an_inventory scenario;
  scenario.with(record("x")).with(record("y"));
  scenario.snapshot.cache[0].id = CacheId("abcd");
  scenario.snapshot.cache[1].id = CacheId("abcde");
  const Inventory inventory = scenario.snapped();
  ASSERT_EQ(inventory.find("abcd").size(), 1u);
  EXPECT_EQ(inventory[inventory.find("abcd")[0]].engine_id(), "abcd");
}

TEST(Object, TellsItsIdSizeAndTimes) {
  const Inventory inventory = an_inventory()
                                  .with(image("app").label("l", "v"))
                                  .with(container("step").build_step_on("app").ended(std::chrono::minutes(5)))
                                  .with(record("r").used(std::chrono::minutes(3)))
                                  .snapped();
  const Object& app = inventory[index_of(inventory, "app")];
  EXPECT_EQ(app.id(), "image.dangling:" + image_id("app").str());
  EXPECT_EQ(app.labels().at("l"), "v");
  EXPECT_FALSE(app.last_used());
  EXPECT_EQ(inventory[index_of(inventory, "step")].last_used(), kNow - std::chrono::minutes(5));
  const Object& r = inventory[index_of(inventory, "r")];
  EXPECT_EQ(r.last_used(), kNow - std::chrono::minutes(3));
  EXPECT_EQ(r.size(), ByteSize{4096});
  EXPECT_TRUE(r.labels().empty());
}

}  // namespace
}  // namespace cleanerd::inventory
