#include "storage/engine_process.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "storage/file.hpp"
#include "support/files.hpp"

namespace cleanerd::storage {
namespace {

class ProcessOfAnEngine : public ::testing::Test {
 protected:
  ProcessOfAnEngine() {
    cleanerd::test::write_file(database_, "");
    socket_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 8), 0);
  }
  Descriptor locked(int how = LOCK_EX) const {
    Descriptor file(::open(database_.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_EQ(::flock(file.get(), how), 0);
    return file;
  }
  std::optional<EngineProcess> found() const { return engine_process(path_, root_); }

  cleanerd::test::TempDir directory_;
  std::string root_ = directory_.path() / "docker", path_ = directory_.path() / "docker.sock", database_ = root_ + "/buildkit/cache.db";
  Descriptor socket_;
};

TEST_F(ProcessOfAnEngine, ListensAndHoldsTheDatabase) {
  const Descriptor held = locked();
  const auto process = found();
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, ::getpid());
  EXPECT_LE(process->started, system_now() + Duration(20));
  EXPECT_GT(process->started, system_now() - std::chrono::hours(1));
}

TEST_F(ProcessOfAnEngine, IsNoneThatOnlyReadsTheDatabase) {
  const Descriptor open(::open(database_.c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(found());
  const Descriptor shared = locked(LOCK_SH);
  EXPECT_FALSE(found());
}

TEST_F(ProcessOfAnEngine, IsNoneThatHoldsAnotherDatabase) {
  const Descriptor held = locked();
  std::filesystem::rename(database_, database_ + ".old");
  EXPECT_FALSE(found());
  cleanerd::test::write_file(database_, "");
  EXPECT_FALSE(found());
}

TEST_F(ProcessOfAnEngine, IsNoneWhereNobodyListens) {
  const Descriptor held = locked();
  socket_ = Descriptor();
  EXPECT_FALSE(found());
}

// systemd listens, and passes its socket on.
TEST_F(ProcessOfAnEngine, MayHaveItsSocketFromTheOneThatListens) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const int file = ::open(database_.c_str(), O_RDWR);
    const bool done = ::flock(file, LOCK_EX) == 0 && ::write(ready[1], "x", 1) == 1;
    while (done) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  const auto process = found();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, child);
  EXPECT_FALSE(found());
}

TEST_F(ProcessOfAnEngine, SaysWhatItHasOpen) {
  const std::string root = std::filesystem::canonical(root_);
  EXPECT_FALSE(has_open_below(::getpid(), root));
  const Descriptor held = locked();
  EXPECT_TRUE(has_open_below(::getpid(), root));
  EXPECT_TRUE(has_open_below(::getpid(), std::filesystem::canonical(database_)));
  EXPECT_FALSE(has_open_below(::getpid(), root + "/build"));
  EXPECT_TRUE(has_open_below(-1, root));
}

}  // namespace
}  // namespace cleanerd::storage
