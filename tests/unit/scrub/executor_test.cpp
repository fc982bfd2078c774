#include "scrub/executor.hpp"

#include <gmock/gmock.h>

#include "support/files.hpp"

namespace cleanerd::scrub {
namespace {

namespace fs = std::filesystem;
using cleanerd::test::read_file;
using cleanerd::test::TempDir;
using cleanerd::test::write_file;

const std::string kId = "0123456789abcdefghijklmno";

class Executor : public ::testing::Test {
 protected:
  Executor() {
    write_file(step / "config.json", "{}");
    fs::create_directories(step / "rootfs/deep/er");
    write_file(directory.path() / "buildkit/executor/resolv.conf", "kept");
    write_file(outside / "file", "kept");
  }
  Status remove(const std::string& id = kId) const { return remove_executor_leftover((directory.path()).string(), id); }

  TempDir directory;
  fs::path step = directory.path() / "buildkit/executor" / kId;
  fs::path outside = directory.path() / "outside";
};

TEST_F(Executor, TheDirectoryOfAStepGoesAndNothingBesideIt) {
  const std::string other(25, 'z');
  write_file(step.parent_path() / other / "config.json", "kept");
  EXPECT_TRUE(remove());
  EXPECT_FALSE(fs::exists(step));
  EXPECT_EQ(read_file(step.parent_path() / other / "config.json"), "kept");
  EXPECT_EQ(read_file(step.parent_path() / "resolv.conf"), "kept");
  EXPECT_EQ(remove().error().code(), Errc::not_found);
}

TEST_F(Executor, LinksAreRemovedAndNotFollowed) {
  fs::create_directory_symlink(outside, step / "rootfs/link");
  fs::create_symlink(outside / "file", step / "rootfs/file");
  fs::create_hard_link(outside / "file", step / "rootfs/second");
  EXPECT_TRUE(remove());
  EXPECT_FALSE(fs::exists(step));
  EXPECT_EQ(read_file(outside / "file"), "kept");
}

TEST_F(Executor, ALinkInPlaceOfADirectoryOnTheWayIsNotFollowed) {
  fs::rename(directory.path() / "buildkit", outside / "buildkit");
  fs::create_directory_symlink(outside / "buildkit", directory.path() / "buildkit");
  EXPECT_FALSE(remove());
  EXPECT_TRUE(fs::exists(outside / "buildkit/executor" / kId / "config.json"));
}

TEST_F(Executor, ALinkInPlaceOfTheDirectoryGoesAlone) {
  fs::remove_all(step);
  fs::create_directory_symlink(outside, step);
  EXPECT_TRUE(remove());
  EXPECT_EQ(read_file(outside / "file"), "kept");
}

TEST_F(Executor, OnlyNamesOfStepsAreTaken) {
  for (const std::string& id : {std::string(), std::string("."), std::string(".."), std::string("resolv.conf"), "../" + std::string(22, 'a'), kId.substr(1),
                                std::string(24, 'a') + "/", std::string(25, 'A')})
    EXPECT_EQ(remove(id).error().code(), Errc::not_found) << id;
  EXPECT_TRUE(fs::exists(step / "config.json"));
  EXPECT_TRUE(fs::exists(step.parent_path() / "resolv.conf"));
}

TEST_F(Executor, ATreeOfAnotherMakingIsRefusedBelowItsDepth) {
  fs::path deep = step;
  for (int i = 0; i < 100; ++i) deep /= "d";
  fs::create_directories(deep);
  EXPECT_FALSE(remove());
  EXPECT_TRUE(fs::exists(deep));
}

}  // namespace
}  // namespace cleanerd::scrub
