#include <gmock/gmock.h>
#include <unistd.h>

#include "unit/storage/bbolt_support.hpp"

namespace cleanerd::storage {
namespace {

using test::bolt_of;
using test::BoltWriter;
using test::content;
using test::Element;
using test::Tree;
using ::testing::HasSubstr;

std::string small_file() {
  Tree tree;
  for (int i = 0; i < 30; ++i) tree.values["key " + std::to_string(i)] = std::string(40, 'v');
  tree.bucket("first").bucket("second").values["inline"] = "value";
  tree.bucket("first").bucket("third").values["large"] = std::string(1500, 'l');
  return BoltWriter(1024).file(tree);
}

TEST(DamagedBbolt, SurvivesEveryTruncation) {
  const std::string file = small_file();
  ASSERT_TRUE(content(bolt_of(file)));
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(content(bolt_of(std::string_view(file).substr(0, size)))) << size;
  }
}

TEST(DamagedBbolt, SurvivesEveryFlippedBit) {
  const std::string file = small_file();
  const int number = test::memory_file(file);
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    const auto at = static_cast<off_t>(bit / 8);
    const char flipped = static_cast<char>(file[bit / 8] ^ static_cast<char>(1 << bit % 8));
    ASSERT_EQ(::pwrite(number, &flipped, 1, at), 1);
    (void)content(Bolt::adopt(Descriptor(::dup(number)), "test.db"));
    ASSERT_EQ(::pwrite(number, &file[bit / 8], 1, at), 1);
  }
  ::close(number);
}

// Files whose meta pages are sound and whose trees are not. `root` is where the tree begins.
struct Hostile {
  BoltWriter writer{1024};
  std::uint64_t root = writer.allocate(1);

  std::string message() {
    const std::string freelist = BoltWriter::integer(2, 8) + BoltWriter::integer(0x10, 2) + std::string(6, '\0');
    writer.image().replace(2048, freelist.size(), freelist);
    writer.put_meta(7, root);
    test::use_all(bolt_of(writer.image()));
    auto found = content(bolt_of(writer.image()));
    return found ? "no error" : found.error().message();
  }
  // A field of the root page's header (count at 10, overflow at 12) or of its first element.
  void put(std::size_t at, std::uint64_t value, std::size_t bytes) {
    writer.image().replace(root * 1024 + at, bytes, BoltWriter::integer(value, bytes));
  }
};

TEST(HostileBbolt, ABranchThatIsItsOwnChild) {
  Hostile file;
  file.writer.put_node(file.root, false, {{"a", "", file.root, false}});
  EXPECT_THAT(file.message(), HasSubstr("used twice"));
}

TEST(HostileBbolt, ABucketInItself) {
  Hostile file;
  file.writer.put_node(file.root, true, {{"a", BoltWriter::bucket_value(file.root), 0, true}});
  EXPECT_THAT(file.message(), HasSubstr("used twice"));
}

TEST(HostileBbolt, PagesThatAreSharedAThousandfold) {
  // Each of 30 branches points twice to the next: 2^30 ways down.
  Hostile file;
  std::uint64_t page = file.root;
  for (int i = 0; i < 30; ++i) {
    const std::uint64_t next = file.writer.allocate(1);
    file.writer.put_node(page, false, {{"a", "", next, false}, {"b", "", next, false}});
    page = next;
  }
  file.writer.put_node(page, true, {{"a", "value", 0, false}});
  EXPECT_THAT(file.message(), HasSubstr("out of order"));
}

TEST(HostileBbolt, BucketsThatAreSharedAThousandfold) {
  Hostile file;
  std::uint64_t page = file.root;
  for (int i = 0; i < 30; ++i) {
    const std::uint64_t next = file.writer.allocate(1);
    const std::string value = BoltWriter::bucket_value(next);
    file.writer.put_node(page, true, {{"a", value, 0, true}, {"b", value, 0, true}});
    page = next;
  }
  file.writer.put_node(page, true, {});
  EXPECT_THAT(file.message(), HasSubstr("used twice"));
}

TEST(HostileBbolt, AChainDeeperThanAnyTree) {
  Hostile file;
  std::uint64_t page = file.root;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t next = file.writer.allocate(1);
    file.writer.put_node(page, false, {{"a", "", next, false}});
    page = next;
  }
  EXPECT_THAT(file.message(), HasSubstr("too deep"));
}

TEST(HostileBbolt, BucketsNestedDeeperThanAny) {
  Hostile file;
  std::uint64_t page = file.root;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t next = file.writer.allocate(1);
    file.writer.put_node(page, true, {{"a", BoltWriter::bucket_value(next), 0, true}});
    page = next;
  }
  EXPECT_THAT(file.message(), HasSubstr("nested too deep"));
}

TEST(HostileBbolt, CountsAndSizesBeyondThePage) {
  struct Case {
    const char* what;
    std::size_t at;
    std::uint64_t value;
    std::size_t bytes;
  };
  for (const Case& wrong : {Case{"count", 10, 0xffff, 2}, {"overflow", 12, 0xffffffff, 4}, {"position", 20, 0xfffffff0, 4},
                            {"key size", 24, 0xffffffff, 4}, {"value size", 28, 0xffffffff, 4}, {"kind", 8, 3, 2},
                            {"id", 0, 9, 8}}) {
    Hostile file;
    file.writer.put_node(file.root, true, {{"a", "value", 0, false}});
    file.put(wrong.at, wrong.value, wrong.bytes);
    EXPECT_THAT(file.message(), HasSubstr("test.db: page 4:")) << wrong.what;
  }
}

TEST(HostileBbolt, PagesThatOverlap) {
  Hostile file;
  const std::uint64_t first = file.writer.allocate(2);
  file.writer.put_node(first, true, {{"a", std::string(1500, 'a'), 0, false}});
  file.writer.put_node(file.root, false, {{"a", "", first, false}, {"b", "", first + 1, false}});
  const std::string inner = BoltWriter::node(first + 1, 0, true, {{"b", "value", 0, false}});
  file.writer.image().replace((first + 1) * 1024, inner.size(), inner);
  EXPECT_THAT(file.message(), HasSubstr("used twice"));
}

TEST(HostileBbolt, KeysOutsideTheirBranch) {
  Hostile file;
  const std::uint64_t first = file.writer.allocate(2);
  file.writer.put_node(first, true, {{"a", "", 0, false}, {"x", "", 0, false}});
  file.writer.put_node(first + 1, true, {{"m", "", 0, false}});
  file.writer.put_node(file.root, false, {{"a", "", first, false}, {"m", "", first + 1, false}});
  EXPECT_THAT(file.message(), HasSubstr("out of order"));
}

TEST(HostileBbolt, ChildrenOutsideTheFile) {
  for (const std::uint64_t child : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5}, ~std::uint64_t{0}, std::uint64_t{1} << 54}) {
    Hostile file;
    file.writer.put_node(file.root, false, {{"a", "", child, false}});
    EXPECT_THAT(file.message(), HasSubstr("lies outside")) << child;
  }
}

TEST(HostileBbolt, AFreelistThatIsNone) {
  Hostile file;
  file.writer.put_node(file.root, true, {});
  EXPECT_EQ(file.message(), "no error");
  file.writer.put_meta(8, file.root, file.root);
  EXPECT_THAT(content(bolt_of(file.writer.image())).error().message(), HasSubstr("another kind"));
  file.writer.put_meta(9, file.root, ~std::uint64_t{0});  // NoFreelistSync
  EXPECT_TRUE(content(bolt_of(file.writer.image())));
}

TEST(HostileBbolt, ABranchWithinAnInlineBucket) {
  Hostile file;
  const std::string page = BoltWriter::node(0, 0, false, {{"a", "", file.root, false}});
  file.writer.put_node(file.root, true, {{"a", BoltWriter::bucket_value(0) + page, 0, true}});
  EXPECT_THAT(file.message(), HasSubstr("inline bucket is no leaf"));
  file.writer.put_node(file.root, true, {{"a", "short", 0, true}});
  EXPECT_THAT(file.message(), HasSubstr("bucket is too short"));
}

}  // namespace
}  // namespace cleanerd::storage
