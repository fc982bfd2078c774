// Who asks, and how a server ends.
#include <gmock/gmock.h>
#include <unistd.h>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;

class PeerOfRequests : public testing::Test {
 protected:
  Router router() {
    Router router;
    router.add("GET", "/", [this](Request request, Responder responder) {
      peer_ = request.peer;
      responder.send(200, "text/plain", "");
    });
    return router;
  }
  std::optional<Peer> peer_;
};

TEST_F(PeerOfRequests, IsKnownOnAUnixSocket) {
  Served served(router());
  ASSERT_EQ(served.connect().get("/").status, 200);
  ASSERT_TRUE(peer_);
  EXPECT_EQ(peer_->uid, ::geteuid());
  EXPECT_EQ(peer_->gid, ::getegid());
  EXPECT_EQ(peer_->pid, ::getpid());
  std::vector<gid_t> groups(static_cast<std::size_t>(::getgroups(0, nullptr)));
  groups.resize(static_cast<std::size_t>(::getgroups(static_cast<int>(groups.size()), groups.data())));
  EXPECT_THAT(peer_->groups, testing::UnorderedElementsAreArray(groups));
  EXPECT_TRUE(peer_->in_group(::getegid()));
  EXPECT_FALSE(peer_->in_group(4'000'000));
}

TEST_F(PeerOfRequests, IsNobodyOverTcp) {
  Server server({});
  ASSERT_TRUE(server.listen(TcpAddress{"127.0.0.1", 0}, router()));
  server.start();
  ASSERT_EQ(HttpClient(server.port()).get("/").status, 200);
  EXPECT_FALSE(peer_);
}

TEST_F(PeerOfRequests, IsKnownOnASocketpair) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Server server({});
  server.start();
  server.adopt(ends[0], router());
  HttpClient client{Descriptor(ends[1])};
  EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(peer_->uid, ::geteuid());
}

struct SlowRoute {
  Event at_work, stopped;
  Router router(bool answers) {
    Router router = echo_router();
    router.add("GET", "/slow", [this, answers](Request, Responder responder) {
      std::stop_callback on_stop(responder.stop(), [this] { stopped.set(); });
      at_work.set();
      stopped.wait();
      if (answers) responder.send(200, "text/plain", "in the end");
    });
    return router;
  }
};

TEST(Stop, LetsWhatIsBeingAnsweredEnd) {
  SlowRoute slow;
  Served served(slow.router(true));
  auto working = served.connect(), idle = served.connect();
  ASSERT_EQ(idle.get("/echo").status, 200);
  working.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(slow.at_work.wait());
  served->stop(milliseconds(20'000));
  const Answer answer = working.receive();
  EXPECT_EQ(answer.body, "in the end");
  EXPECT_EQ(answer.fields.at("Connection"), "close");
  EXPECT_TRUE(working.is_closed());
  EXPECT_TRUE(idle.is_closed());
  EXPECT_FALSE(served.connect().connected());
  EXPECT_FALSE(fs::exists(served.path()));
  served->stop(milliseconds(0));
}

TEST(Stop, DoesNotWaitForWhoDoesNotRead) {
  Served served;
  auto client = served.connect();
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive_head();
  served->stop(milliseconds(50));
  EXPECT_EQ(served->connections(), 0u);
}

TEST(Stop, TellsTheHandlersAtOnce) {
  SlowRoute slow;
  std::optional<Served> served(std::in_place, slow.router(false));
  auto client = served->connect();
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(slow.at_work.wait());
  served.reset();
  EXPECT_TRUE(slow.stopped.wait());
  EXPECT_TRUE(client.is_closed());
}

TEST(Heartbeat, GoesOnWhileTheLoopRuns) {
  Served served;
  const std::uint64_t before = served->heartbeat();
  EXPECT_TRUE(eventually([&] { return served->heartbeat() >= before + 2; }));
}

}  // namespace
}  // namespace cleanerd::http
