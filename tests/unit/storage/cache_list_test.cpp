#include "storage/cache_list.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <map>
#include <string>

#include "support/files.hpp"
#include "unit/storage/bolt_writer.hpp"

namespace cleanerd::storage {
namespace {

using test::BoltWriter;
using test::Tree;
using testing::ElementsAre;
using testing::IsEmpty;

std::string text(const std::string& value) { return "{\"value\":\"" + value + "\"}"; }
std::string number(std::int64_t value) { return "{\"value\":" + std::to_string(value) + "}"; }

Result<std::vector<engine::CacheRecord>> records_of(const Tree& main) {
  const cleanerd::test::TempDir directory;
  Tree tree;
  tree.bucket("_main") = main;
  const std::string path = directory.path() / "metadata_v2.db";
  cleanerd::test::write_file(path, BoltWriter().file(tree));
  return read_cache_records(path);
}

engine::CacheRecord record_of(const std::map<std::string, std::string>& values) {
  Tree main;
  main.bucket("id").values = values;
  auto records = records_of(main);
  EXPECT_TRUE(records && records->size() == 1);
  return records->at(0);
}

TEST(CacheRecordsOnDisk, AreAsTheApiTellsThem) {
  const auto record = record_of({{"cache.description", text("mount / from exec /bin/sh -c echo \\u003e /token")},
                                 {"cache.createdAt", number(1'795'663'298'618'753'879)},
                                 {"cache.lastUsedAt", number(1'795'663'298'705'750'883)},
                                 {"cache.recordType", text("exec.cachemount")},
                                 {"cache.parent", text("base")},
                                 {"cache.equalMutable", ""},
                                 {"cache.usageCount", number(1)},
                                 {"snapshot.size", number(38)}});
  EXPECT_EQ(record.id.str(), "id");
  EXPECT_EQ(record.type, "exec.cachemount");
  EXPECT_EQ(record.description, "mount / from exec /bin/sh -c echo > /token");
  EXPECT_THAT(record.parents, ElementsAre(CacheId("base")));
  EXPECT_EQ(record.size.bytes, 38);
  EXPECT_EQ(record.created, Instant(std::chrono::milliseconds(1'795'663'298'618)));
  EXPECT_EQ(record.last_used, Instant(std::chrono::milliseconds(1'795'663'298'705)));
  EXPECT_FALSE(record.in_use || record.shared);
}

TEST(CacheRecordsOnDisk, HaveAllParentsOfAMergeOrDifference) {
  EXPECT_THAT(record_of({{"cache.mergeParents", "{\"value\":[\"a\",\"b\"]}"}}).parents, ElementsAre(CacheId("a"), CacheId("b")));
  EXPECT_THAT(record_of({{"cache.lowerDiffParent", text("a")}, {"cache.upperDiffParent", text("b")}}).parents, ElementsAre(CacheId("a"), CacheId("b")));
}

TEST(CacheRecordsOnDisk, AreRegularWithoutATypeAndHaveNoSizeUntilItIsKnown) {
  const auto record = record_of({{"snapshot.size", number(-1)}, {"cache.createdAt", number(0)}});
  EXPECT_EQ(record.type, "regular");
  EXPECT_EQ(record.size.bytes, 0);
  EXPECT_EQ(record.created, std::nullopt);
}

// BuildKit lists the mutable one of the two.
TEST(CacheRecordsOnDisk, AreOneOfTwoThatShareADirectory) {
  Tree main;
  main.bucket("committed").values = {{"cache.equalMutable", text("mutable")}, {"snapshot.size", number(10)}};
  main.bucket("mutable").values = {{"cache.description", text("local source for context")}};
  const auto records = records_of(main);
  ASSERT_TRUE(records && records->size() == 1);
  EXPECT_EQ(records->at(0).id.str(), "mutable");
  EXPECT_EQ(records->at(0).size.bytes, 10);
}

TEST(CacheRecordsOnDisk, SayNothingOfWhatIsNoValue) {
  const auto record = record_of({{"cache.description", "{\"value\":7}"}, {"cache.parent", "nonsense"}, {"cache.createdAt", "{\"value\":\"x\"}"}});
  EXPECT_EQ(record.description, "");
  EXPECT_THAT(record.parents, IsEmpty());
  EXPECT_EQ(record.created, std::nullopt);
}

TEST(CacheRecordsOnDisk, AreNotThereWithoutADatabase) {
  const auto records = read_cache_records(std::string("/nonexistent/metadata_v2.db"));
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace cleanerd::storage
