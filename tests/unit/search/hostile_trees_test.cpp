// Trees that somebody made to hurt, or that never happened to anybody yet.
#include <archive.h>
#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "search/read_places.hpp"
#include "storage/file.hpp"
#include "unit/match/pack.hpp"
#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using std::chrono::steady_clock;

class HostileTree : public PlacesTest {
 protected:
  void SetUp() override {
    write("place/good", token_);
    write("outside/secret", new_token());
  }
  Answer read_place(const ReadOptions& options = {}) { return read_one("place", {}, options); }
  void expect_only_the_good_file() {
    const Answer answer = read_place();
    EXPECT_THAT(found(answer), ElementsAre("token good"));
    EXPECT_THAT(answer.unread, IsEmpty());
    EXPECT_EQ(answer.bytes, token_.size());
  }
  std::string token_ = new_token();
};

TEST_F(HostileTree, WithAFifoIsReadWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path("place/fifo").c_str(), 0666), 0);
  ASSERT_EQ(::mkfifo(path("place/.npmrc").c_str(), 0666), 0);
  expect_only_the_good_file();
  const Answer answer = read_one("place/fifo");
  EXPECT_THAT(answer.unread, SizeIs(1));
}

TEST_F(HostileTree, WithDevicesIsReadWithoutThem) {
  if (::geteuid() != 0) GTEST_SKIP() << "devices are root's to make";
  ASSERT_EQ(::mknod(path("place/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  ASSERT_EQ(::mknod(path("place/zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  ASSERT_EQ(::mknod(path("place/disk").c_str(), S_IFBLK | 0666, makedev(7, 200)), 0);
  expect_only_the_good_file();
  EXPECT_THAT(read_one("place/zero").unread, SizeIs(1));
}

TEST_F(HostileTree, WithLinksLeadsNowhereElse) {
  fs::create_symlink("/etc/shadow", path("place/shadow"));
  fs::create_directory_symlink("..", path("place/parent"));
  fs::create_directory_symlink(path("outside"), path("place/d"));
  fs::create_symlink("../outside/secret", path("place/s"));
  fs::create_symlink("self", path("place/self"));
  expect_only_the_good_file();
}

TEST_F(HostileTree, ThatIsALinkIsNotRead) {
  fs::create_directory_symlink(path("outside"), path("link"));
  fs::create_symlink(path("outside/secret"), path("file_link"));
  for (const char* place : {"link", "file_link"}) {
    const Answer answer = read_one(place);
    EXPECT_THAT(answer.hits, IsEmpty());
    EXPECT_EQ(answer.bytes, 0u);
    EXPECT_THAT(answer.unread, SizeIs(1));
  }
}

TEST_F(HostileTree, WithAMountPointStaysOnItsSide) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounts are root's to make";
  fs::create_directory(path("place/mnt"));
  std::thread([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return;
    ASSERT_EQ(::mount("none", path("place/mnt").c_str(), "tmpfs", 0, nullptr), 0);
    write("place/mnt/f", new_token());
    const Answer answer = read_place();
    EXPECT_THAT(found(answer), ElementsAre("token good"));
    ASSERT_THAT(answer.unread, SizeIs(1));
    EXPECT_EQ(answer.unread[0].file, "mnt");
  }).join();
}

TEST_F(HostileTree, WithOddNamesKeepsThemAsTheyAre) {
  const std::string odd = "new\nline \xff\xfe \x1b[31m!;'\"";
  write("place/" + odd, new_token());
  write("place/" + std::string(255, '\xc3'), new_token());
  EXPECT_THAT(found(read_place()), UnorderedElementsAre("token good", "token " + odd, "token " + std::string(255, '\xc3')));
}

TEST_F(HostileTree, WithHardLinksIsReadOnce) {
  fs::create_directory(path("place/d"));
  for (const char* name : {"place/two", "place/d/three"}) fs::create_hard_link(path("place/good"), path(name));
  const Answer answer = read_place();
  EXPECT_THAT(answer.hits, SizeIs(1));
  EXPECT_EQ(answer.bytes, token_.size());
}

TEST_F(HostileTree, ThatChangesWhileItIsReadIsReadOn) {
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    for (int i = 0; !stop; ++i) {
      const std::string grows = path("place/grows"), shrinks = path("place/shrinks"), goes = path("place/d/goes");
      std::ofstream(grows, std::ios::app) << std::string(200'000, 'x');
      if (i % 20 == 0) fs::resize_file(grows, 0);
      if (i % 2 == 0) std::ofstream(shrinks) << std::string(900'000, 'x');
      else std::ofstream(shrinks) << "";
      fs::create_directories(path("place/d"));
      std::ofstream(goes) << std::string(300'000, 'x');
      fs::remove_all(path("place/d"));
      if (i % 3 == 0) fs::create_directory_symlink(path("outside"), path("place/d"));
      fs::remove(path("place/d"));
    }
  });
  const auto end = steady_clock::now() + std::chrono::milliseconds(700);
  int rounds = 0;
  do {
    const Answer answer = read_place({.threads = 2, .unpack = {}, .stop = {}, .on_bytes = {}});
    EXPECT_THAT(found(answer), ElementsAre("token good"));
    EXPECT_THAT(answer.unread, IsEmpty());
    ++rounds;
  } while (steady_clock::now() < end || rounds < 5);
  stop = true;
  changer.join();
}

TEST_F(HostileTree, WithAFileThatNeverStopsGrowingEndsWhereItBegan) {
  const std::string log = path("place/log");
  std::ofstream(log) << filler(600'000);
  const Answer answer = read_place({.threads = 1, .unpack = {}, .stop = {}, .on_bytes = [&](std::uint64_t bytes) {
    std::ofstream(log, std::ios::app) << std::string(bytes, 'x');
  }});
  EXPECT_LE(answer.bytes, token_.size() + 600'000 + (1u << 20));
}

TEST_F(HostileTree, WithAnArchiveNestedTooDeepSaysSo) {
  std::string inner = match::pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_NONE, {{"x", new_token()}});
  for (int i = 0; i < 64; ++i) inner = match::pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{"x", inner}});
  write("place/deep.tgz", inner);
  const Answer answer = read_place();
  EXPECT_THAT(found(answer), ElementsAre("token good"));
  ASSERT_THAT(answer.unread, SizeIs(1));
  EXPECT_EQ(answer.unread[0].reason, "a container within 3 others");
}

TEST_F(HostileTree, WithVeryManyEntriesIsReadToTheLast) {
  fs::create_directory(path("place/many"));
  for (int i = 0; i < 50'000; ++i) ::close(::open(path("place/many/" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  write("place/many/49999", new_token());
  write("place/many/last", new_token());
  const auto start = steady_clock::now();
  EXPECT_THAT(found(read_place()), ElementsAre("token good", "token many/49999", "token many/last"));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(30));
}

// A chain of directories "d", longer than a path can say, with a file "f" at its end.
class DeepChain {
 public:
  DeepChain(const std::string& top, int levels, const std::string& content)
      : levels_(levels), deepest_(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    for (int i = 0; i < levels; ++i) {
      ::mkdirat(deepest_.get(), "d", 0700);
      deepest_ = storage::Descriptor(::openat(deepest_.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    const storage::Descriptor file(::openat(deepest_.get(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    is_whole = ::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
  }
  ~DeepChain() {  // remove_all would need a descriptor a level
    ::unlinkat(deepest_.get(), "f", 0);
    for (int i = 0; i < levels_; ++i) {
      deepest_ = storage::Descriptor(::openat(deepest_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      ::unlinkat(deepest_.get(), "d", AT_REMOVEDIR);
    }
  }
  bool is_whole = false;

 private:
  int levels_;
  storage::Descriptor deepest_;
};

TEST_F(HostileTree, WithAVeryDeepChainIsReadToItsEnd) {
  constexpr int kLevels = 3000;
  std::string end = "token ";
  for (int i = 0; i < kLevels; ++i) end += "d/";
  const DeepChain chain(path("place"), kLevels, new_token());
  ASSERT_TRUE(chain.is_whole);
  const auto start = steady_clock::now();
  EXPECT_THAT(found(read_place()), UnorderedElementsAre("token good", end + "f"));
  // With a full queue the walk has to go down and up again by itself.
  for (int i = 0; i < 300; ++i) fs::create_directory(path("place/filler" + std::to_string(i)));
  EXPECT_THAT(found(read_place()), UnorderedElementsAre("token good", end + "f"));
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(HostileTree, WithAFileThatCannotBeReadNamesIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to give up root's rights for a moment";
  write("place/private/f", new_token());
  write("place/closed", new_token());
  fs::permissions(root(), fs::perms(0755));
  fs::permissions(path("place/private"), fs::perms(0700));
  fs::permissions(path("place/closed"), fs::perms(0600));
  fs::permissions(path("place/good"), fs::perms(0644));
  ::setfsuid(65534);
  const Answer answer = read_place();
  const Answer alone = read_one("place/private");
  ::setfsuid(0);
  EXPECT_THAT(found(answer), ElementsAre("token good"));
  ASSERT_THAT(answer.unread, SizeIs(2));
  EXPECT_EQ(answer.unread[0].file, "closed");
  EXPECT_EQ(answer.unread[0].reason, "Permission denied");
  EXPECT_EQ(answer.unread[1].file, "private");
  EXPECT_THAT(alone.unread, SizeIs(1));
}

class SparseFile : public HostileTree {
 protected:
  void put(std::uint64_t at, const std::string& bytes) {
    const int file = ::open(path("place/sparse").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    EXPECT_EQ(::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at)), static_cast<ssize_t>(bytes.size()));
    ::close(file);
  }
};

TEST_F(SparseFile, OfTenGigabytesIsReadSoonAndAtTheEdgesOfItsHoles) {
  constexpr std::uint64_t kSize = 10ull << 30, kBlock = 4096, kMiddle = 4ull << 30;
  std::vector<std::uint64_t> begins;
  const auto plant = [&](std::uint64_t at) {
    put(at, new_token());
    begins.push_back(at);
  };
  plant(kBlock - 26);                  // before the first hole
  plant(kMiddle);                      // after it
  plant(kMiddle + 2 * kBlock - 26);    // before the second
  plant(kMiddle + 8 * kBlock - 13);    // across two blocks
  plant(kSize - 26);                   // the last bytes
  ASSERT_EQ(fs::file_size(path("place/sparse")), kSize);
  const auto start = steady_clock::now();
  const Answer answer = read_place();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(answer.bytes, kSize + token_.size());
  std::vector<std::uint64_t> at;
  for (const Hit& hit : answer.hits)
    if (hit.file == "sparse") at.push_back(hit.begin);
  EXPECT_EQ(at, begins);
}

TEST_F(SparseFile, OfNothingButAHoleIsReadSoon) {
  put(0, "");
  fs::resize_file(path("place/sparse"), 10ull << 30);
  const auto start = steady_clock::now();
  const Answer answer = read_place();
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_THAT(answer.hits, SizeIs(1));
  EXPECT_EQ(answer.bytes, (10ull << 30) + token_.size());
}

// Holes or zeros: it is the same.
TEST_F(SparseFile, SaysTheSameAsItsDenseCopy) {
  std::mt19937 random(11);
  fs::create_directory(path("dense"));
  for (int round = 0; round < 6; ++round) {
    constexpr std::size_t kSize = 6u << 20;
    fs::remove(path("place/sparse"));
    put(0, "");
    fs::resize_file(path("place/sparse"), kSize);
    for (int i = 0; i < 8; ++i) {
      std::string bytes = (round % 2 == 0 ? "\n" : "") + new_token() + "\n" + filler(random() % 300'000) + "api_key=" + new_secret();
      if (random() % 2 == 0) bytes.resize((bytes.size() / 4096 + 1) * 4096 - 40, 'y'), bytes += " x " + new_token();
      put(random() % ((kSize - 400'000) / 4096) * 4096 + (random() % 2 == 0 ? 0 : random() % 4096), bytes);
    }
    test::write_file(path("dense/sparse"), test::read_file(path("place/sparse")));
    const Answer sparse = read_one("place/sparse"), dense = read_one("dense/sparse");
    EXPECT_EQ(text_of(sparse), text_of(dense));
    EXPECT_FALSE(dense.hits.empty());
  }
}

}  // namespace
}  // namespace cleanerd::search
