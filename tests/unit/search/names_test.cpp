#include <archive.h>

#include <filesystem>

#include "search/merge.hpp"
#include "unit/match/pack.hpp"
#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class NamesTest : public PlacesTest {
 protected:
  static std::vector<std::string> files(const Answer& answer) {
    std::vector<std::string> all;
    for (const Hit& hit : answer.hits) all.push_back(hit.file);
    return all;
  }
};

TEST_F(NamesTest, OfFilesDirectoriesAndLinksAreSearchedAndDoNotShowWhatTheyHold) {
  const std::string known = new_secret(), token = new_token();
  const std::string masked = mask(SecretValue(known));
  write("a/x-" + known + ".json", "{}");
  write("b/" + known + "/deep/f", "nothing");
  write("c/" + token, "nothing");
  std::filesystem::create_symlink("/cache/" + known, path("d"));
  const Answer answer = read_one("", {known});
  EXPECT_THAT(files(answer), ElementsAre("a/x-" + masked + ".json", "b/" + masked, "c/" + mask(SecretValue(token)), "d"));
  for (const Hit& hit : answer.hits) EXPECT_EQ(hit.end, 0u);
  EXPECT_EQ(answer.hits[2].rule, "token");
  EXPECT_TRUE(answer.hits[2].value == SecretValue(token));
}

TEST_F(NamesTest, DoNotShowInWhatIsToldOfOtherFiles) {
  const std::string known = new_secret();
  write(known + "/.npmrc", "_password=" + new_secret());
  write(known + "/f", known);
  EXPECT_THAT(files(read_one("", {known})), Each(Not(HasSubstr(known))));
  EXPECT_THAT(files(read_one("", {known})), SizeIs(3));
}

TEST_F(NamesTest, OfAnArchivesMembersAreSearchedOnceForEachDirectory) {
  const std::string known = new_secret();
  const std::string masked = mask(SecretValue(known));
  write("a.tar", match::pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{"w/" + known + "/a", "1"}, {"w/" + known + "/b", "2"}, {"w/c", "3"}}));
  EXPECT_THAT(files(read_one("", {known})), ElementsAre("a.tar!w/" + masked + "/a"));
}

TEST_F(NamesTest, ThatAreWordsTellNothing) {
  write("etc/server-certificate.key", "-");
  write("api_key/" + new_secret(), "-");
  EXPECT_THAT(read_one("", {"server-certificate.key"}).hits, IsEmpty());
}

TEST_F(NamesTest, ThatAreShortPasswordsTell) {
  for (const char* value : {"aB3xK9mQ2z", "xK9#mP2$vL5!nQ8@"}) {
    write("etc/" + std::string(value), "-");
    EXPECT_THAT(files(read_one("etc", {value})), SizeIs(1)) << value;
  }
  for (const char* value : {"Release2023", "id_ed25519", "base-config.json"}) {
    write("etc/" + std::string(value), "-");
    EXPECT_THAT(files(read_one("etc", {value})), IsEmpty()) << value;
  }
}

TEST_F(NamesTest, OfTooManyKindsLeaveNoPathToBeTold) {
  std::vector<std::string> known;
  for (int i = 0; i < 210; ++i) {
    known.push_back(new_secret());
    write("d/" + known.back(), known.back());
  }
  const std::vector<std::string> told = files(read_one("", known));
  EXPECT_THAT(told, SizeIs(420));
  EXPECT_THAT(told, Each("(a path; too many of them hold secrets)"));
}

TEST_F(NamesTest, DoNotShowInASecondReadingForOtherValues) {
  const std::string first = new_secret(), second = new_secret();
  const std::string masked = mask(SecretValue(first));
  write("x/" + first + "/a", second);
  write("x/" + first + "/b", first);
  write("x/other", second);
  Answer whole = read_one("", {first});
  merge(whole, read_one("", {second}));
  EXPECT_THAT(files(whole), UnorderedElementsAre("x/" + masked, "x/" + masked + "/b", "x/" + masked + "/a", "x/other"));
  Answer other = read_one("", {second});
  merge(other, read_one("", {first}));
  EXPECT_THAT(files(other), UnorderedElementsAre("x/" + masked + "/a", "x/other", "x/" + masked, "x/" + masked + "/b"));
}

TEST_F(NamesTest, AreMoreThanFitIntoMemoryAtOnce) {
  const std::string known = new_secret();
  for (int i = 0; i < 400; ++i) write("d/" + std::string(200, 'x') + std::to_string(i), "");
  write("d/" + known, "");
  for (int i = 0; i < 400; ++i) write("e/" + std::string(200, 'y') + std::to_string(i), "");
  EXPECT_THAT(files(read_one("", {known})), ElementsAre("d/" + mask(SecretValue(known))));
}

}  // namespace
}  // namespace cleanerd::search
