#include "scrub/scrub.hpp"

#include <gmock/gmock.h>

#include "unit/scrub/scrub_support.hpp"

namespace cleanerd::scrub {
namespace {

using test::BoltWriter;
using test::bytes_of;
using test::content_of;
using test::database_of;
using test::kPage;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Scrub, LeavesNoOldByteAndEveryKeyAndValue) {
  const test::Old old;
  const std::string before = old.file();
  for (const std::string& text : {old.free_page, old.older_tree, old.tail, old.end}) ASSERT_THAT(before, HasSubstr(text));
  const Database database = database_of(before);
  const auto contents = look_into(database);
  ASSERT_TRUE(contents) << contents.error().message();
  EXPECT_EQ(contents->old_pages, 5u);  // the free page, the older tree's, the empty leaf of the writer, one tail, one behind the end
  const Status zeroed = zero_free_bytes(database, *contents);
  ASSERT_TRUE(zeroed) << zeroed.error().message();
  const std::string after = bytes_of(database);
  for (const std::string& text : {old.free_page, old.older_tree, old.tail, old.end}) EXPECT_THAT(after, Not(HasSubstr(text)));
  EXPECT_EQ(after.size(), before.size());
  EXPECT_EQ(content_of(after), content_of(before));
  EXPECT_EQ(look_into(database)->old_bytes, 0u);
}

TEST(Scrub, BothMetaPagesLeadToTheSameTree) {
  const std::string before = test::Old().file();
  const Database database = database_of(before);
  ASSERT_TRUE(zero_free_bytes(database, *look_into(database)));
  for (const std::size_t meta : {0u, 1u}) {
    std::string one_lost = bytes_of(database);
    one_lost[meta * kPage + 60] ^= 1;
    EXPECT_EQ(content_of(one_lost), content_of(before)) << meta;
  }
}

// The older meta page is written first, then the free bytes from the file's beginning on.
TEST(Scrub, AnEndBetweenAnyTwoWritesLosesNothingAndTheNextScrubFinishes) {
  const std::string before = test::Old().file();
  const Database whole = database_of(before);
  ASSERT_TRUE(zero_free_bytes(whole, *look_into(whole)));
  const std::string after = bytes_of(whole);
  std::string state = before;
  for (std::size_t page = 0; page * kPage < after.size(); ++page) {
    const std::string changed = after.substr(page * kPage, kPage);
    if (state.compare(page * kPage, kPage, changed) == 0) continue;
    state.replace(page * kPage, kPage, changed);
    EXPECT_EQ(content_of(state), content_of(before)) << page;
    const Database database = database_of(state);
    ASSERT_TRUE(zero_free_bytes(database, *look_into(database)));
    EXPECT_EQ(bytes_of(database), after) << page;
  }
}

TEST(Scrub, AMetaPageOfAnotherPageSizeIsNoNewestOne) {
  std::string file = test::Old().file();
  const std::string good = file.substr(kPage, 80);
  const std::string other = BoltWriter::meta(4096, 99, 3, 2, 9);
  file.replace(0, good.size(), good).replace(kPage, other.size(), other);
  const Database database = database_of(file);
  ASSERT_TRUE(look_into(database));
  ASSERT_TRUE(zero_free_bytes(database, *look_into(database)));
  EXPECT_EQ(content_of(bytes_of(database)), content_of(file));
}

TEST(Scrub, ACleanDatabaseIsNotWrittenTo) {
  const Database database = database_of(test::Old().file());
  ASSERT_TRUE(zero_free_bytes(database, *look_into(database)));
  const std::string once = bytes_of(database);
  const auto contents = look_into(database);
  EXPECT_EQ(contents->old_bytes, 0u);
  ASSERT_TRUE(zero_free_bytes(database, *contents));
  EXPECT_EQ(bytes_of(database), once);
}

TEST(Scrub, OnlyFreeBytesAreHandedOutEachWhereItLies) {
  const test::Old old;
  const std::string file = old.file();
  const Database database = database_of(file);
  const auto contents = look_into(database);
  auto source = only_free_bytes(database, *contents);
  std::string handed;
  char buffer[777];
  for (std::ptrdiff_t count; (count = source(buffer)) > 0;) handed.append(buffer, static_cast<std::size_t>(count));
  ASSERT_EQ(handed.size(), file.size());
  for (const std::string& text : {old.free_page, old.older_tree, old.tail, old.end}) EXPECT_EQ(handed.find(text), file.find(text));
  EXPECT_THAT(handed, Not(HasSubstr("vvvv")));
  EXPECT_THAT(handed, Not(HasSubstr("llll")));
}

// Either as above, or untouched.
void scrub_whatever_it_is(const std::string& before) {
  const Database database = database_of(before);
  const auto contents = look_into(database);
  if (!contents) {
    EXPECT_EQ(bytes_of(database), before);
    return;
  }
  const auto was = storage::test::content(storage::test::bolt_of(before));
  ASSERT_TRUE(was);
  const Status zeroed = zero_free_bytes(database, *contents);
  EXPECT_TRUE(zeroed) << zeroed.error().message();
  EXPECT_EQ(content_of(bytes_of(database)), *was);
}

TEST(Scrub, SurvivesEveryTruncation) {
  const std::string file = test::Old().file();
  for (std::size_t size = 0; size < file.size(); size += 211) scrub_whatever_it_is(file.substr(0, size));
}

TEST(Scrub, SurvivesFlippedBits) {
  std::string file = test::Old().file();
  for (std::size_t bit = 0; bit < file.size() * 8; bit += 101) {
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << bit % 8));
    scrub_whatever_it_is(file);
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << bit % 8));
  }
}

std::string complaint(const std::string& file) {
  const Database database = database_of(file);
  const auto contents = look_into(database);
  EXPECT_EQ(bytes_of(database), file);
  return contents ? "none" : contents.error().message();
}

TEST(Scrub, RefusesAPageThatIsInUseAndFree) {
  std::string file = test::Old().file();
  const std::uint64_t root = 8;  // the first that the tree got: two meta pages, the list, an empty leaf, three free ones, the older tree
  file.replace(2 * kPage + 16, 8, BoltWriter::integer(root, 8));
  EXPECT_THAT(complaint(file), HasSubstr("page 8 is free and in use"));
  file.replace(2 * kPage + 16, 8, BoltWriter::integer(5, 8));
  EXPECT_THAT(complaint(file), HasSubstr("page 5 is free and in use, or free twice"));
  file.replace(2 * kPage + 16, 8, BoltWriter::integer(50000, 8));
  EXPECT_THAT(complaint(file), HasSubstr("a free page lies outside"));
}

TEST(Scrub, RefusesAListOfFreePagesThatIsTooLong) {
  std::string file = test::Old().file();
  file.replace(2 * kPage + 10, 2, BoltWriter::integer(200, 2));
  EXPECT_THAT(complaint(file), HasSubstr("longer than its pages"));
  file.replace(2 * kPage + 10, 2, BoltWriter::integer(0xffff, 2));  // the first id is the count then
  file.replace(2 * kPage + 16, 8, BoltWriter::integer(~0ull, 8));
  EXPECT_THAT(complaint(file), HasSubstr("longer than its pages"));
}

TEST(Scrub, ReadsAListWhoseCountIsItsFirstEntry) {
  std::string file = test::Old().file();
  file.replace(2 * kPage + 10, 2, BoltWriter::integer(0xffff, 2));
  file.replace(2 * kPage + 16, 24, BoltWriter::integer(2, 8) + BoltWriter::integer(4, 8) + BoltWriter::integer(5, 8));
  EXPECT_EQ(complaint(file), "none");
}

TEST(Scrub, RefusesElementsOfAKindThatIsNotKnown) {
  BoltWriter writer(kPage);
  std::string file = writer.file(test::some_tree());
  const std::size_t leaf = file.find("key 0vvv");
  ASSERT_NE(leaf, std::string::npos);
  file[leaf / kPage * kPage + 16] = 2;
  EXPECT_THAT(complaint(file), HasSubstr("a kind that is not known"));
}

}  // namespace
}  // namespace cleanerd::scrub
