#include "search/identity.hpp"

#include <sys/stat.h>

#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

namespace fs = std::filesystem;

class IdentityTest : public PlacesTest {
 protected:
  IdentityTest() {
    write("place/a", "one");
    write("place/d/e/f", "two");
    write("place/d/g", "three");
  }
  std::string now(bool fixed) const { return identity_of(path("place"), fixed); }
};

struct Change {
  const char* name;
  void (*make)(const std::string& place);
};

void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }
class MutablePlace : public IdentityTest, public testing::WithParamInterface<Change> {};

TEST_P(MutablePlace, IsAnotherAfter) {
  const std::string before = now(false);
  EXPECT_EQ(now(false), before);
  GetParam().make(path("place"));
  EXPECT_NE(now(false), before);
}

INSTANTIATE_TEST_SUITE_P(
    Identity, MutablePlace,
    testing::Values(Change{"AFileBelowHasGrown", [](const std::string& place) { std::ofstream(place + "/d/e/f", std::ios::app) << "x"; }},
                    Change{"AFileBelowWasRewritten", [](const std::string& place) { std::ofstream(place + "/d/e/f") << "owt"; }},
                    Change{"AFileBelowIsNew", [](const std::string& place) { std::ofstream(place + "/d/e/new") << ""; }},
                    Change{"AFileBelowIsGone", [](const std::string& place) { fs::remove(place + "/d/e/f"); }},
                    Change{"AFileBelowWasRenamed", [](const std::string& place) { fs::rename(place + "/d/e/f", place + "/d/e/h"); }},
                    Change{"ADirectoryBelowWasRenamed", [](const std::string& place) { fs::rename(place + "/d/e", place + "/d/x"); }},
                    Change{"TwoFilesChangedPlaces",
                           [](const std::string& place) {
                             fs::rename(place + "/a", place + "/tmp");
                             fs::rename(place + "/d/g", place + "/a");
                             fs::rename(place + "/tmp", place + "/d/g");
                           }},
                    Change{"AFileBelowWasReplacedByACopy",
                           [](const std::string& place) {
                             fs::copy_file(place + "/a", place + "/copy");
                             fs::rename(place + "/copy", place + "/a");
                           }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(IdentityTest, OfAnUnchangedPlaceStays) {
  const std::string fixed = now(true), open = now(false);
  EXPECT_NE(fixed, open);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(now(true), fixed);
    EXPECT_EQ(now(false), open);
  }
}

TEST_F(IdentityTest, OfAFixedPlaceIsItsRootsAlone) {
  const std::string before = now(true);
  std::ofstream(path("place/d/e/f")) << "changed";
  EXPECT_EQ(now(true), before);
  fs::permissions(path("place"), fs::perms::owner_all);
  EXPECT_NE(now(true), before);
}

TEST_F(IdentityTest, ToldApartFromADirectoryThatTookItsName) {
  const std::string fixed = now(true), open = now(false);
  fs::copy(path("place"), path("other"), fs::copy_options::recursive);
  fs::rename(path("place"), path("old"));
  fs::rename(path("other"), path("place"));
  EXPECT_NE(now(true), fixed);
  EXPECT_NE(now(false), open);
}

TEST_F(IdentityTest, OfAFileIsItsOwn) {
  const std::string file = path("place/a"), before = identity_of(file, false);
  EXPECT_NE(before, "");
  EXPECT_EQ(identity_of(file, false), before);
  std::ofstream(file, std::ios::app) << "x";
  EXPECT_NE(identity_of(file, false), before);
}

TEST_F(IdentityTest, IsEmptyWhereNothingIs) {
  EXPECT_EQ(identity_of(path("none"), true), "");
  EXPECT_EQ(identity_of(path("place/a/b"), false), "");
}

TEST_F(IdentityTest, FollowsNoLink) {
  fs::create_directory_symlink(path("place/d"), path("link"));
  const std::string before = identity_of(path("link"), false);
  std::ofstream(path("place/d/new")) << "x";
  EXPECT_EQ(identity_of(path("link"), false), before);
}

// A kernel stamps changes of the same few milliseconds alike.
TEST_F(IdentityTest, TellsAChangeThatFollowsAtOnce) {
  for (int i = 0; i < 50; ++i) {
    std::ofstream(path("place/d/g")) << i % 10;
    const std::string before = now(false);
    std::ofstream(path("place/d/g"), std::ios::in) << (i + 1) % 10;
    ASSERT_NE(now(false), before) << i;
  }
}

}  // namespace
}  // namespace cleanerd::search
