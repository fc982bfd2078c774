#include "scrub/leftover.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include "support/files.hpp"

namespace cleanerd::scrub {
namespace {

namespace fs = std::filesystem;
using cleanerd::test::TempDir;
using cleanerd::test::write_file;
using ::testing::HasSubstr;

const std::string kLayer(64, 'a');

class LeftoverOnDisk : public ::testing::Test {
 protected:
  LeftoverOnDisk() {
    for (const char* path : {"/tmp/docker-import-1/layer.tar", "/tmp/other", "/overlay2/l/KEPT"}) write_file(root + path, "x");
    write_file(root + "/overlay2/" + kLayer + "/diff/deep/er/file", "x");
    write_file(root + "/overlay2/" + kLayer + "/link", "LINK");
    fs::create_symlink("../" + kLayer + "/diff", root + "/overlay2/l/LINK");
  }
  Leftover listed(const std::string& path) const { return {path, storage::stamp_of(root + path), system_now() + std::chrono::seconds(1)}; }
  Status remove(const Leftover& leftover) const { return remove_leftover({root, root, {::getpid(), Instant()}}, leftover); }
  Status remove(const std::string& path) const { return remove(listed(path)); }

  TempDir directory;
  std::string root = fs::canonical(directory.path());
};

TEST_F(LeftoverOnDisk, GoesAndNothingBesideIt) {
  EXPECT_TRUE(remove("/tmp/docker-import-1"));
  EXPECT_FALSE(fs::exists(root + "/tmp/docker-import-1"));
  EXPECT_TRUE(fs::exists(root + "/tmp/other"));
  EXPECT_EQ(remove("/tmp/docker-import-1").error().code(), Errc::not_found);
}

TEST_F(LeftoverOnDisk, OfALayerIsItsDirectoryAndItsLink) {
  EXPECT_TRUE(remove("/overlay2/" + kLayer + "/diff"));
  EXPECT_FALSE(fs::exists(root + "/overlay2/" + kLayer));
  EXPECT_FALSE(fs::is_symlink(root + "/overlay2/l/LINK"));
  EXPECT_TRUE(fs::exists(root + "/overlay2/l/KEPT"));
}

TEST_F(LeftoverOnDisk, OfALayerIsNoLinkToAnotherOne) {
  fs::remove(root + "/overlay2/l/LINK");
  fs::create_symlink("../" + std::string(64, 'b') + "/diff", root + "/overlay2/l/LINK");
  EXPECT_TRUE(remove("/overlay2/" + kLayer + "/diff"));
  EXPECT_TRUE(fs::is_symlink(root + "/overlay2/l/LINK"));
}

TEST_F(LeftoverOnDisk, StaysWholeWhereAPartOfItIsNew) {
  Leftover leftover = listed("/overlay2/" + kLayer + "/diff");
  leftover.untouched = system_now() - std::chrono::hours(1);
  const Status kept = remove(leftover);
  EXPECT_EQ(kept.error().code(), Errc::conflict);
  EXPECT_THAT(kept.error().message(), HasSubstr("changed lately"));
  EXPECT_TRUE(fs::exists(root + "/overlay2/" + kLayer + "/diff/deep/er/file"));
  EXPECT_TRUE(fs::is_symlink(root + "/overlay2/l/LINK"));
}

TEST_F(LeftoverOnDisk, StaysWhereItIsNotWhatWasListed) {
  const Leftover leftover = listed("/tmp/docker-import-1");
  fs::rename(root + "/tmp/docker-import-1", root + "/tmp/moved");
  write_file(root + "/tmp/docker-import-1/new", "x");
  EXPECT_EQ(remove(leftover).error().code(), Errc::conflict);
  EXPECT_TRUE(fs::exists(root + "/tmp/docker-import-1/new"));
}

TEST_F(LeftoverOnDisk, StaysWhereTheEngineHasItOpen) {
  const storage::Descriptor open = std::move(*storage::open_regular_file(root + "/tmp/docker-import-1/layer.tar"));
  const Status kept = remove("/tmp/docker-import-1");
  EXPECT_EQ(kept.error().code(), Errc::conflict);
  EXPECT_THAT(kept.error().message(), HasSubstr("open"));
  EXPECT_TRUE(fs::exists(root + "/tmp/docker-import-1/layer.tar"));
}

TEST_F(LeftoverOnDisk, IsNoPathThatLeadsElsewhere) {
  write_file(root + "/outside/file", "x");
  fs::create_directory_symlink(root + "/outside", root + "/tmp/link");
  for (const char* path : {"/tmp/link/file", "/tmp/../outside", "/overlay2/l", "/overlay2/l/KEPT", "/overlay2/" "x/diff", "tmp/other", "/", ""}) {
    EXPECT_FALSE(remove_leftover({root, root, {::getpid(), Instant()}}, {path, storage::stamp_of(root + path), system_now() + std::chrono::seconds(1)})) << path;
    EXPECT_TRUE(fs::exists(root + "/outside/file")) << path;
    EXPECT_TRUE(fs::exists(root + "/overlay2/l/KEPT")) << path;
  }
}

TEST_F(LeftoverOnDisk, GoesWithoutWhatItsLinksLeadTo) {
  write_file(root + "/outside/file", "x");
  fs::create_directory_symlink(root + "/outside", root + "/tmp/docker-import-1/link");
  EXPECT_TRUE(remove("/tmp/docker-import-1"));
  EXPECT_TRUE(fs::exists(root + "/outside/file"));
}

}  // namespace
}  // namespace cleanerd::scrub
