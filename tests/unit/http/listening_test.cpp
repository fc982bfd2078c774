// Which files a server takes for its socket, and which it leaves alone.
#include <gmock/gmock.h>
#include <grp.h>
#include <sys/stat.h>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;
using testing::HasSubstr;

struct stat stat_of(const std::string& path) {
  struct stat found{};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

// As a server leaves it that was killed.
void make_stale_socket(const std::string& path) {
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

TEST(Listening, TheSocketIsForItsOwnerAndGroup) {
  Served served;
  EXPECT_EQ(stat_of(served.path()).st_mode, static_cast<mode_t>(S_IFSOCK | 0660));
}

TEST(Listening, ClientsThatDoNotBlockGetInBeforeAnybodyAccepts) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  Server server({});
  ASSERT_TRUE(server.listen(UnixAddress{path}, echo_router()));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  std::vector<Descriptor> clients;
  for (int i = 0; i < 500; ++i) {
    const Descriptor& client = clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "client " << i << ", errno " << errno;
  }
}

TEST(Listening, TheGroupIsGivenItByName) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  const group* own = ::getgrgid(::getegid());
  ASSERT_TRUE(own);
  Server server({});
  ASSERT_TRUE(server.listen(UnixAddress{path, own->gr_name}, echo_router()));
  EXPECT_EQ(stat_of(path).st_gid, ::getegid());
  EXPECT_EQ(stat_of(path).st_mode & 0777, 0660u);
}

TEST(Listening, WithoutTheGroupNobodyButTheOwnerMayUseIt) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  Server server({});
  ASSERT_TRUE(server.listen(UnixAddress{path, "no-such-group-here"}, echo_router()));
  EXPECT_EQ(stat_of(path).st_mode & 0777, 0600u);
}

TEST(Listening, AStaleSocketIsReplaced) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  make_stale_socket(path);
  Server server({});
  ASSERT_TRUE(server.listen(UnixAddress{path}, echo_router()));
  server.start();
  EXPECT_EQ(HttpClient(path).get("/echo").status, 200);
}

TEST(Listening, AServerThatAnswersKeepsItsSocket) {
  Served served;
  Server second({});
  const Status refused = second.listen(UnixAddress{served.path()}, echo_router());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().message(), HasSubstr(served.path()));
  EXPECT_EQ(served.connect().get("/echo").status, 200);
}

TEST(Listening, AFileOfAnotherKindIsLeftAlone) {
  TempDir directory;
  const fs::path file = directory.path() / "file", link = directory.path() / "link", stale = directory.path() / "stale";
  write_file(file, "precious");
  make_stale_socket(stale);
  fs::create_symlink(stale, link);
  for (const fs::path& path : {file, link, directory.path()}) {
    Server server({});
    const Status refused = server.listen(UnixAddress{path}, echo_router());
    ASSERT_FALSE(refused) << path;
    EXPECT_EQ(refused.error().code(), Errc::io);
  }
  EXPECT_EQ(read_file(file), "precious");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(fs::is_socket(stale));
}

TEST(Listening, APathThatCannotBeOneSaysSo) {
  Server server({});
  for (const std::string& path : {std::string(), std::string(200, 'x')}) {
    const Status refused = server.listen(UnixAddress{path}, echo_router());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::config);
  }
  EXPECT_FALSE(server.listen(UnixAddress{"/no/such/directory/s"}, echo_router()));
}

TEST(Listening, TheEndRemovesTheSocketOnlyIfItIsItsOwn) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  {
    Server server({});
    ASSERT_TRUE(server.listen(UnixAddress{path}, echo_router()));
  }
  EXPECT_FALSE(fs::exists(path));
  {
    Server server({});
    ASSERT_TRUE(server.listen(UnixAddress{path}, echo_router()));
    server.start();
    fs::remove(path);
    write_file(path, "another's");
    EXPECT_FALSE(server.path_is_ours());
  }
  EXPECT_EQ(read_file(path), "another's");
}

TEST(Listening, APathThatWasDeletedIsMadeAnew) {
  Served served;
  auto before = served.connect();
  ASSERT_EQ(before.get("/echo").status, 200);
  EXPECT_TRUE(served->path_is_ours());
  fs::remove(served.path());
  EXPECT_FALSE(served->path_is_ours());
  ASSERT_TRUE(served->relisten());
  EXPECT_TRUE(served->path_is_ours());
  EXPECT_EQ(served.connect().get("/echo").status, 200);
  EXPECT_EQ(before.get("/echo").status, 200);
  ASSERT_TRUE(served->relisten());  // in place: nothing to do
}

TEST(Listening, APathThatSomebodyElseTookIsNotTakenBackWhileItAnswers) {
  Served served;
  fs::remove(served.path());
  {
    Server other({});
    ASSERT_TRUE(other.listen(UnixAddress{served.path()}, Router()));
    other.start();
    EXPECT_FALSE(served->path_is_ours());
    EXPECT_FALSE(served->relisten());
    EXPECT_EQ(served.connect().get("/echo").status, 404);
  }
  ASSERT_TRUE(served->relisten());
  EXPECT_EQ(served.connect().get("/echo").status, 200);
}

TEST(Listening, AnInheritedSocketIsServedAndItsPathStays) {
  TempDir directory;
  const std::string path = directory.path() / "s";
  make_stale_socket(path);
  fs::remove(path);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(socket, 8), 0);
  {
    Server server({});
    ASSERT_TRUE(server.listen(InheritedSocket{socket}, echo_router()));
    server.start();
    EXPECT_EQ(HttpClient(path).get("/echo").status, 200);
    EXPECT_TRUE(server.path_is_ours());
  }
  EXPECT_TRUE(fs::is_socket(path));
}

TEST(Listening, ADescriptorThatDoesNotListenIsRefused) {
  Server server({});
  EXPECT_FALSE(server.listen(InheritedSocket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}, echo_router()));
  EXPECT_FALSE(server.listen(InheritedSocket{9999}, echo_router()));
}

TEST(Listening, APortThatIsTakenAndAnAddressThatIsNoneSayWhat) {
  Server first({}), second({});
  ASSERT_TRUE(first.listen(TcpAddress{"127.0.0.1", 0}, echo_router()));
  const Status taken = second.listen(TcpAddress{"127.0.0.1", first.port()}, echo_router());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Errc::conflict);
  EXPECT_THAT(taken.error().message(), HasSubstr("127.0.0.1:" + std::to_string(first.port())));
  const Status none = second.listen(TcpAddress{"localhost", 0}, echo_router());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), Errc::config);
}

}  // namespace
}  // namespace cleanerd::http
