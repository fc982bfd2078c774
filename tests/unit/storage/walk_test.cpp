#include "storage/walk.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

namespace cleanerd::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

struct Seen : WalkVisitor {
  void file(const WalkFile& file) override {
    std::string content(static_cast<std::size_t>(file.size), '\0');
    if (file.content) content.resize(read_at(*file.content, 0, content, file.path).value_or(0));
    const std::lock_guard lock(mutex);
    files[std::string(file.path)] = content;
  }
  void unreadable(std::string_view path, int error) override {
    const std::lock_guard lock(mutex);
    problems[std::string(path)] = error;
  }
  void whiteout(std::string_view path) override { whiteouts.emplace(path); }
  void opaque(std::string_view path) override { opaques.emplace(path); }
  bool wants_opaque() const override { return true; }

  std::mutex mutex;
  std::map<std::string, std::string> files;
  std::map<std::string, int> problems;
  std::set<std::string> whiteouts;
  std::set<std::string> opaques;
};

class WalkTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_.data()), nullptr); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << content;
  }

  void walk(Seen& seen, int threads = 1) {
    auto walk = Walk::open(root_);
    ASSERT_TRUE(walk) << walk.error().message();
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&] { (*walk)->run(seen); });
    (*walk)->run(seen);
    for (std::thread& other : others) other.join();
  }

  std::string root_ = testing::TempDir() + "walkXXXXXX";
};

TEST_F(WalkTest, GivesEveryFileWithItsContent) {
  write("a", "first");
  write("d/b", "second");
  write("d/e/c", "");
  Seen seen;
  walk(seen);
  EXPECT_THAT(seen.files, ElementsAre(Pair("a", "first"), Pair("d/b", "second"), Pair("d/e/c", "")));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(WalkTest, FollowsNoLink) {
  write("inside/file", "x");
  fs::create_symlink("/etc/passwd", root_ + "/shadow");
  fs::create_directory_symlink("/etc", root_ + "/etc");
  fs::create_directory_symlink("..", root_ + "/inside/parent");
  fs::create_symlink("loop", root_ + "/loop");
  Seen seen;
  walk(seen);
  EXPECT_THAT(seen.files, ElementsAre(Pair("inside/file", "x")));
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(WalkTest, RefusesARootThatIsALink) {
  fs::create_directory_symlink("/etc", root_ + "/link");
  EXPECT_FALSE(Walk::open(root_ + "/link"));
  EXPECT_EQ(Walk::open(root_ + "/none").error().code(), Errc::not_found);
}

TEST_F(WalkTest, OpensNoFifoAndNoDevice) {
  write("file", "x");
  ASSERT_EQ(::mkfifo((root_ + "/fifo").c_str(), 0666), 0);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::mknod((root_ + "/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  }
  Seen seen;
  walk(seen);
  EXPECT_THAT(seen.files, ElementsAre(Pair("file", "x")));
  EXPECT_THAT(seen.whiteouts, IsEmpty());
}

TEST_F(WalkTest, UnderstandsWhiteoutsAndOpaqueDirectories) {
  if (::geteuid() != 0) GTEST_SKIP() << "whiteouts are root's to make";
  write("gone/kept", "x");
  ASSERT_EQ(::mknod((root_ + "/gone/deleted").c_str(), S_IFCHR | 0600, makedev(0, 0)), 0);
  ASSERT_EQ(::setxattr((root_ + "/gone").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  Seen seen;
  walk(seen);
  EXPECT_THAT(seen.whiteouts, ElementsAre("gone/deleted"));
  EXPECT_THAT(seen.opaques, ElementsAre("gone"));
  EXPECT_THAT(seen.files, ElementsAre(Pair("gone/kept", "x")));
}

TEST_F(WalkTest, GivesAFileOfManyNamesOnce) {
  write("one", "same");
  fs::create_hard_link(root_ + "/one", root_ + "/two");
  fs::create_directory(root_ + "/d");
  fs::create_hard_link(root_ + "/one", root_ + "/d/three");
  Seen seen;
  walk(seen);
  EXPECT_EQ(seen.files.size(), 1u);
}

TEST_F(WalkTest, TakesNamesAsBytes) {
  const std::string odd = "new\nline \xff\xfe \x1b[31m";
  write(odd, "x");
  Seen seen;
  walk(seen);
  EXPECT_THAT(seen.files, ElementsAre(Pair(odd, "x")));
}

TEST_F(WalkTest, GoesDownAndUpThroughDeepNesting) {
  // Deeper than the descriptors that are kept and than PATH_MAX reaches, with something behind each way down.
  constexpr int kLevels = 300;
  const std::string name(60, 'n');
  int directory = ::open(root_.c_str(), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < kLevels; ++i) {
    ASSERT_EQ(::mkdirat(directory, name.c_str(), 0700), 0);
    for (const char* file : {"a", "z"}) ::close(::openat(directory, file, O_CREAT | O_WRONLY, 0600));
    const int below = ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(directory);
    directory = below;
  }
  ::close(directory);
  // Fills the queue, so that the walk has to go down by itself.
  for (int i = 0; i < 300; ++i) fs::create_directory(root_ + "/filler" + std::to_string(i));
  Seen seen;
  walk(seen);
  EXPECT_EQ(seen.files.size(), 2u * kLevels);
  EXPECT_THAT(seen.problems, IsEmpty());
}

TEST_F(WalkTest, HoldsFewDescriptorsInADeepTreeWithBranches) {
  // At every 30th level a branch that is longer than the levels that are held open, and one on the way back up.
  std::string at = "t";
  for (int level = 0; level < 150; ++level, at += "/m") {
    if (level % 30 != 0) continue;
    for (const char* branch : {"/a", "/z"}) {
      std::string side = at;
      for (int i = 0; i < 70; ++i) side += branch;
      write(side + "/f", "x");
    }
  }
  write(at + "/f", "x");
  for (int i = 0; i < 300; ++i) fs::create_directory(root_ + "/filler" + std::to_string(i));
  struct Counting : Seen {
    void file(const WalkFile& file) override {
      Seen::file(file);
      most = std::max(most, std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
    }
    std::ptrdiff_t most = 0;
  } seen;
  walk(seen);
  EXPECT_EQ(seen.files.size(), 11u);
  EXPECT_THAT(seen.problems, IsEmpty());
  EXPECT_LT(seen.most, 128 + 64 + 20);
}

TEST_F(WalkTest, MissesNothingWithSeveralThreads) {
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 40; ++j) write(std::to_string(i) + "/" + std::to_string(j) + "/f", std::to_string(i * j));
  }
  Seen seen;
  walk(seen, 4);
  ASSERT_EQ(seen.files.size(), 1600u);
  EXPECT_EQ(seen.files["7/8/f"], "56");
}

TEST_F(WalkTest, SurvivesATreeThatChanges) {
  for (int i = 0; i < 30; ++i) write("d" + std::to_string(i) + "/f", "x");
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    for (int i = 0; !stop; i = (i + 1) % 30) {
      const std::string path = root_ + "/d" + std::to_string(i);
      std::error_code ignored;
      fs::remove_all(path, ignored);
      if (i % 3 == 0) fs::create_symlink("/etc", path, ignored);
      fs::remove(path, ignored);
      fs::create_directory(path, ignored);
      std::ofstream(path + "/f") << std::string(static_cast<std::size_t>(i) * 1000, 'x');
    }
  });
  Seen seen;
  for (int i = 0; i < 100; ++i) walk(seen, 2);
  stop = true;
  changer.join();
  EXPECT_THAT(seen.problems, IsEmpty());
  for (const auto& [path, content] : seen.files) EXPECT_TRUE(path.ends_with("/f")) << path;
}

TEST_F(WalkTest, StopsWhenItIsCancelled) {
  for (int i = 0; i < 500; ++i) write(std::to_string(i) + "/f", "x");
  auto walk = Walk::open(root_);
  ASSERT_TRUE(walk);
  struct Cancelling : Seen {
    explicit Cancelling(Walk& walk) : walk_(walk) {}
    void file(const WalkFile& file) override {
      Seen::file(file);
      if (files.size() == 3) walk_.cancel();
    }
    Walk& walk_;
  } seen(**walk);
  (*walk)->run(seen);
  EXPECT_LT(seen.files.size(), 10u);
}

TEST_F(WalkTest, MeasuresWithoutReading) {
  write("a", std::string(1000, 'x'));
  write("d/b", std::string(234, 'x'));
  EXPECT_EQ(measure(root_).bytes, 1234u);
  EXPECT_EQ(measure(root_ + "/a").bytes, 1000u);
  EXPECT_EQ(measure(root_ + "/none").bytes, 0u);
}

}  // namespace
}  // namespace cleanerd::storage
