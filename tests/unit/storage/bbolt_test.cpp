#include "storage/bbolt.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "unit/storage/bbolt_support.hpp"

namespace cleanerd::storage {
namespace {


using test::bolt_of;
using test::BoltWriter;
using test::Content;
using test::content;
using test::Tree;
using ::testing::HasSubstr;

std::string number(int i) { return std::to_string(100000 + i); }

Tree many(int count) {
  Tree tree;
  for (int i = 0; i < count; ++i) tree.values[number(i)] = "value " + std::to_string(i);
  return tree;
}

TEST(Bbolt, ReadsValuesAndNestedBuckets) {
  Tree tree;
  tree.values["name"] = "top";
  tree.bucket("v1").bucket("moby").values["image"] = "small enough to be inline";
  tree.bucket("v1").bucket("big").values["blob"] = std::string(3000, 'b');
  tree.bucket("empty");
  auto found = content(bolt_of(BoltWriter().file(tree)));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, (Content{{"empty/", ""},
                             {"name", "top"},
                             {"v1/", ""},
                             {"v1/big/", ""},
                             {"v1/big/blob", std::string(3000, 'b')},
                             {"v1/moby/", ""},
                             {"v1/moby/image", "small enough to be inline"}}));
}

TEST(Bbolt, ReadsTreesOfManyPagesInOrder) {
  constexpr int kCount = 20000;  // three levels of 1 KiB pages
  const Bolt bolt = bolt_of(BoltWriter(1024).file(many(kCount)));
  auto found = bolt.read([](View& view) -> Result<int> {
    int next = 0;
    auto done = view.for_each(view.root(), [&](const BoltEntry& entry) -> Status {
      EXPECT_EQ(entry.key, number(next));
      EXPECT_EQ(entry.value, "value " + std::to_string(next));
      ++next;
      return {};
    });
    if (!done) return done.error();
    return next;
  });
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, kCount);
}

TEST(Bbolt, FindsEveryKeyAndNoOther) {
  const Bolt bolt = bolt_of(BoltWriter(1024).file(many(2000)));
  auto done = bolt.read([](View& view) -> Result<bool> {
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(*view.get(view.root(), number(i)), "value " + std::to_string(i));
    for (const char* absent : {"", "0", "100000 ", "1001", "101999a", "~"}) EXPECT_EQ(*view.get(view.root(), absent), std::nullopt);
    return true;
  });
  EXPECT_TRUE(done);
}

TEST(Bbolt, ReadsValuesLargerThanAPage) {
  Tree tree;
  tree.values["a"] = std::string(100000, 'x') + "end";
  tree.values["b"] = "after";
  auto found = content(bolt_of(BoltWriter().file(tree)));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->at("a"), tree.values["a"]);
  EXPECT_EQ(found->at("b"), "after");
}

TEST(Bbolt, TellsAMissingBucketFromADamagedFile) {
  Tree tree;
  tree.bucket("v1").values["key"] = "value";
  const Bolt bolt = bolt_of(BoltWriter().file(tree));
  auto done = bolt.read([](View& view) -> Result<bool> {
    EXPECT_TRUE(view.bucket({"v1"}));
    EXPECT_EQ(view.bucket({"v2"}).error().code(), Errc::not_found);
    EXPECT_EQ(view.bucket({"v1", "key"}).error().code(), Errc::not_found);
    EXPECT_EQ(*view.get(view.root(), "v1"), std::nullopt);
    return true;
  });
  EXPECT_TRUE(done);
}

TEST(Bbolt, TakesTheNewestValidMetaPage) {
  BoltWriter writer;
  Tree newer;
  newer.values["state"] = "newer";
  std::string file = writer.file(newer, 8);
  Tree newest;
  newest.values["state"] = "newest";
  writer.put_meta(9, writer.put_bucket(newest));
  EXPECT_EQ(content(bolt_of(writer.image()))->at("state"), "newest");
  writer.image()[4096 + 40] ^= 1;  // half written: its checksum is wrong
  EXPECT_EQ(content(bolt_of(writer.image()))->at("state"), "newer");
  writer.image()[40] ^= 1;
  EXPECT_THAT(content(bolt_of(writer.image())).error().message(), HasSubstr("no valid meta page"));
}

TEST(Bbolt, FindsTheSecondMetaPageWhateverThePageSize) {
  for (const std::uint32_t size : {1024u, 4096u, 16384u, 65536u}) {
    Tree tree;
    tree.values["size"] = std::to_string(size);
    std::string file = BoltWriter(size).file(tree, 9);
    file[20] ^= 1;  // the first one's magic
    auto found = content(bolt_of(file));
    ASSERT_TRUE(found) << size;
    EXPECT_EQ(found->at("size"), std::to_string(size));
  }
}

TEST(Bbolt, NamesEveryPageThatIsInUse) {
  BoltWriter writer(1024);
  Tree tree = many(300);
  tree.bucket("nested") = many(200);
  tree.values["large"] = std::string(5000, 'l');
  writer.file(tree);
  writer.allocate(3);  // free pages at the end
  writer.put_meta(8, writer.pages() - 4);
  const Bolt bolt = bolt_of(writer.image());
  auto used = bolt.read([&](View& view) -> Result<std::vector<bool>> {
    std::vector<bool> pages(static_cast<std::size_t>(view.page_count()));
    auto done = view.for_each_page([&](const View::PageRange& range) -> Status {
      for (std::uint64_t i = 0; i < range.count; ++i) pages.at(range.first + i) = true;
      return {};
    });
    if (!done) return done.error();
    return pages;
  });
  ASSERT_TRUE(used) << used.error().message();
  std::vector<bool> expected(writer.pages(), true);
  expected[3] = false;  // the root of the transaction before
  for (std::size_t i = 1; i <= 3; ++i) expected[expected.size() - i] = false;
  EXPECT_EQ(*used, expected);
}

TEST(Bbolt, StopsAtTheVisitorsError) {
  const Bolt bolt = bolt_of(BoltWriter(1024).file(many(1000)));
  int calls = 0;
  auto done = bolt.read([&](View& view) -> Result<int> {
    auto status = view.for_each(view.root(), [&](const BoltEntry&) -> Status {
      if (++calls == 3) return Error(Errc::cancelled, "enough");
      return {};
    });
    return status.error();
  });
  EXPECT_EQ(done.error().message(), "enough");
  EXPECT_EQ(calls, 3);
}

TEST(Bbolt, OpensNothingButRegularFiles) {
  std::string folder = testing::TempDir() + "bboltXXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(::mkfifo((folder + "/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("/etc/passwd", (folder + "/link").c_str()), 0);
  EXPECT_EQ(Bolt::open(folder + "/none").error().code(), Errc::not_found);
  EXPECT_FALSE(Bolt::open(folder + "/fifo"));
  EXPECT_FALSE(Bolt::open(folder + "/link"));
  EXPECT_FALSE(Bolt::open(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace cleanerd::storage
