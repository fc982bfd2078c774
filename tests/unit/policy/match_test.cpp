#include "policy/match.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace cleanerd::policy {
namespace {

using namespace std::chrono_literals;
using namespace test;

Match kinds(std::vector<std::string> globs) {
  Match match;
  match.kinds = std::move(globs);
  return match;
}
template <class Change>
Match with(const Change& change, Match match = {}) {
  change(match);
  return match;
}

TEST(Match, CombinesKeysByAndAndValuesByOr) {
  const inventory::Inventory host = an_inventory()
                                        .with(image("i").tagged("reg/app:1").tagged("app:2").label("team", "x").aged(1h))
                                        .with(image("d").label("team", "y").aged(3h))
                                        .with(container("c").of("i").label("team", "y").ended(2h))
                                        .with(container("run").of("i").is("running"))
                                        .with(record("r").type("source.local").used(10min))
                                        .with(record("big").used(5h).aged(100min))
                                        .with(build("b").argument("A", "b"))
                                        .snapped();
  const std::vector<secrets::Finding> github{{"github-pat", secrets::Source::content, "", std::nullopt, ""}};
  struct Row {
    const char* name;
    Match match;
    std::vector<std::string> matching;
  };
  const Row rows[] = {
      {"everything but what runs", {}, {"b", "big", "c", "d", "i", "r"}},
      {"a kind", kinds({"image.tagged"}), {"i"}},
      {"a glob", kinds({"cache.*"}), {"big", "r"}},
      {"a glob is no prefix", kinds({"cache"}), {}},
      {"two kinds", kinds({"cache.source.*", "container.stopped"}), {"c", "r"}},
      {"what runs is never matched", kinds({"container.running"}), {}},
      {"with a secret", with([](Match& m) { m.secret = true; }), {"d"}},
      {"without one", with([](Match& m) { m.secret = false; }), {"b", "big", "c", "i", "r"}},
      {"a rule", with([](Match& m) { m.rules = {"aws-*", "github-*"}; }), {"d"}},
      {"another rule", with([](Match& m) { m.rules = {"aws-*"}; }), {}},
      {"age", with([](Match& m) { m.older_than = 90min; }), {"big", "d"}},
      {"age to the point", with([](Match& m) { m.older_than = 3h; }), {}},
      {"last use; of images nobody tells it", with([](Match& m) { m.unused_for = 30min; }), {"b", "big", "c"}},
      {"size", with([](Match& m) { m.larger_than = ByteSize{4096}; }), {"d", "i"}},
      {"label", with([](Match& m) { m.labels = {{"team", {}}}; }), {"c", "d", "i"}},
      {"labels", with([](Match& m) { m.labels = {{"team", "x"}, {"stage", {}}}; }), {"i"}},
      {"tag", with([](Match& m) { m.images = {"nothing", "reg/*"}; }), {"i"}},
      {"build", with([](Match& m) { m.builds = {"b0*"}; }), {"b", "r"}},
      {"two keys", with([](Match& m) { m.labels = {{"team", "y"}}; }, kinds({"container.*"})), {"c"}},
      {"two keys that exclude each other", with([](Match& m) { m.images = {"*"}; }, kinds({"cache.*"})), {}},
  };
  for (const Row& row : rows) {
    std::vector<std::string> matching;
    for (const auto& object : host.objects())
      if (row.match.matches(object, name_of(object) == "d" ? github : std::vector<secrets::Finding>(), kNow)) matching.push_back(name_of(object));
    EXPECT_EQ(sorted(matching), row.matching) << row.name;
  }
}

TEST(Match, NamesAKindOnlyByItsWholeWord) {
  EXPECT_TRUE(kinds({"cache.*", "image.tagged"}).names(inventory::Kind::image_tagged));
  EXPECT_FALSE(kinds({"image.*", "*"}).names(inventory::Kind::image_tagged));
  EXPECT_FALSE(Match().names(inventory::Kind::image_tagged));
}

TEST(Match, AgeOfWhatHasNoTimeIsUnknown) {
  record timeless("r");
  timeless.value.created.reset();
  timeless.value.last_used.reset();
  record never_used("n");
  never_used.value.last_used.reset();
  const inventory::Inventory host = an_inventory().with(timeless).with(never_used).snapped();
  const Match old = with([](Match& m) { m.older_than = 0ms; }), unused = with([](Match& m) { m.unused_for = 10min; });
  EXPECT_FALSE(old.matches(host[0], {}, kNow));
  EXPECT_FALSE(unused.matches(host[0], {}, kNow));
  EXPECT_TRUE(unused.matches(host[1], {}, kNow)) << "counts from when it was made";
}

TEST(KindGlob, FitsTheVocabulary) {
  for (const char* glob : {"image.tagged", "image.*", "*", "*.tagged", "cache.source.?ocal", "history.record", "store.inactive"}) EXPECT_TRUE(is_kind_glob(glob)) << glob;
  for (const char* glob : {"", "cache", "cache.", "images.*", "container.running", "Image.tagged"}) EXPECT_FALSE(is_kind_glob(glob)) << glob;
}

}  // namespace
}  // namespace cleanerd::policy
