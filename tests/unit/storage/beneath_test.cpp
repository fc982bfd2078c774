#include "storage/beneath.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/files.hpp"

namespace cleanerd::storage {
namespace {

namespace fs = std::filesystem;

class OpenBeneath : public testing::Test {
 protected:
  OpenBeneath() {
    test::write_file(path("root/d/e/file"), "inside");
    test::write_file(path("root/top"), "on top");
    test::write_file(path("outside/file"), "outside");
  }
  std::string path(const std::string& name) const { return directory_.path().string() + "/" + name; }
  // What is in the file; "" when it cannot be had.
  std::string content(const std::string& name, const std::string& root = "root") const {
    const auto file = open_regular_file_beneath(path(root), name);
    if (!file) return "";
    std::string bytes(100, '\0');
    bytes.resize(read_at(*file, 0, bytes, name).value_or(0));
    return bytes;
  }

 private:
  test::TempDir directory_;
};

TEST_F(OpenBeneath, GivesARegularFile) {
  EXPECT_EQ(content("d/e/file"), "inside");
  EXPECT_EQ(content("top"), "on top");
}

TEST_F(OpenBeneath, FollowsNoLinkAnywhereOnTheWay) {
  fs::create_directory_symlink(path("outside"), path("root/link"));
  fs::create_directory_symlink("..", path("root/d/up"));
  fs::create_symlink(path("outside/file"), path("root/file"));
  fs::create_directory_symlink(path("root"), path("other"));
  for (const char* name : {"link/file", "d/up/top", "file", "../outside/file", "d/../top", "", "/top"}) EXPECT_EQ(content(name), "") << name;
  EXPECT_EQ(content("top", "other"), "");
}

TEST_F(OpenBeneath, GivesNothingElse) {
  ASSERT_EQ(::mkfifo(path("root/fifo").c_str(), 0666), 0);
  for (const char* name : {"d", "fifo", "none", "none/file", "top/file"}) EXPECT_EQ(content(name), "") << name;
  EXPECT_EQ(open_regular_file_beneath(path("root"), "none").error().code(), Errc::not_found);
}

TEST(HoleAt, TellsHowFarAHoleReaches) {
  const test::TempDir directory;
  const std::string path = (directory.path() / "sparse").string();
  test::write_file(path, std::string(4096, 'x'));
  fs::resize_file(path, 1u << 20);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(512 << 10).write("data", 4);
  const auto file = open_regular_file(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(hole_at(*file, 0), 0u);
  if (hole_at(*file, 4096) == 0) GTEST_SKIP() << "this file system has no holes";
  EXPECT_EQ(hole_at(*file, 4096), (512u << 10) - 4096);
  EXPECT_EQ(hole_at(*file, 512u << 10), 0u);
  EXPECT_GE(hole_at(*file, 600u << 10), (1u << 20) - (600u << 10));
}

}  // namespace
}  // namespace cleanerd::storage
