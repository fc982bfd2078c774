#include "buildkit/history.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "fake_buildkit.hpp"

namespace cleanerd::buildkit {
namespace {

using test::FakeBuildkit;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr engine::ApiVersion kDirect{1, 53};

History connect(const FakeBuildkit& engine) {
  auto history = History::connect({engine.path()}, kDirect, {});
  EXPECT_TRUE(history && *history);
  return std::move(**history);
}

std::vector<std::string> refs(const History& history) {
  std::vector<std::string> refs;
  auto records = history.list();
  EXPECT_TRUE(records);
  for (const engine::BuildRecord& record : *records) refs.push_back(record.ref.str());
  return refs;
}

TEST(History, IsReadOverHttp2DirectlyOnTheSocket) {
  FakeBuildkit engine;
  engine.build_starts("running");
  auto failed = FakeBuildkit::ended("failed");
  failed.mutable_error()->set_message("exit code: 7");
  (*failed.mutable_frontendattrs())["build-arg:VERSION"] = "1.2";
  (*failed.add_exporters()->mutable_attrs())["name"] = "app:1";
  failed.mutable_logs()->set_digest("sha256:aa");
  failed.mutable_logs()->set_size(10);
  engine.build_ends("failed", failed);
  auto records = connect(engine).list();
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 2u);
  EXPECT_TRUE((*records)[0].running);
  const engine::BuildRecord& record = (*records)[1];
  EXPECT_TRUE(record.failed);
  EXPECT_EQ(record.attributes.at("build-arg:VERSION"), "1.2");
  EXPECT_THAT(record.image_names, ElementsAre("app:1"));
  EXPECT_THAT(record.blobs, ElementsAre("sha256:aa"));
  EXPECT_EQ(record.size.bytes, 10);
}

TEST(History, RemovesExactlyTheRecordsThatAreNamed) {
  FakeBuildkit engine;
  for (const char* ref : {"a", "b", "c"}) engine.build_ends(ref, FakeBuildkit::ended(ref));
  const History history = connect(engine);
  std::vector<std::string> settled;
  const std::vector<BuildRef> wanted{BuildRef("a"), BuildRef("c")};
  const auto removed = history.remove(wanted, Traces::waited_for, [&](const BuildRef& ref, const Status& status) {
    settled.push_back(ref.str() + (status ? "" : ": " + status.error().message()));
  });
  EXPECT_TRUE(removed);
  EXPECT_THAT(settled, ElementsAre("a", "c"));
  EXPECT_THAT(refs(history), ElementsAre("b"));
}

// The blobs are collected right afterwards: until then nothing may hold them.
TEST(History, ReturnsOnlyWhenADeletionIsCarriedOut) {
  FakeBuildkit engine;
  engine.build_ends("a", FakeBuildkit::ended("a"));
  engine.delete_in(std::chrono::milliseconds(200));
  const std::vector<BuildRef> wanted{BuildRef("a")};
  EXPECT_TRUE(connect(engine).remove(wanted, Traces::waited_for, [](const BuildRef&, const Status& status) { EXPECT_TRUE(status); }));
  EXPECT_FALSE(engine.keeps("a"));
}

TEST(History, TellsUntilWhenATraceMayComeWhereItDoesNotWaitForIt) {
  FakeBuildkit engine;
  engine.refuse_to_finalize();
  auto young = FakeBuildkit::ended("young");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  young.mutable_completedat()->set_seconds(now.time_since_epoch().count());
  engine.build_ends("old", FakeBuildkit::ended("old"));
  const auto remove = [&](const char* ref) {
    const std::vector<BuildRef> wanted{BuildRef(ref)};
    auto until = connect(engine).remove(wanted, Traces::left_for_later, [](const BuildRef&, const Status& status) { EXPECT_TRUE(status); });
    EXPECT_TRUE(until);
    EXPECT_FALSE(engine.keeps(ref));
    return *until;
  };
  EXPECT_EQ(remove("old"), std::nullopt);
  engine.build_ends("young", young);
  engine.build_ends("other", FakeBuildkit::ended("other"));
  EXPECT_EQ(remove("other"), now + std::chrono::seconds(8)) << "the young one's may tell the steps of the other, as a bake's targets have one trace";
  EXPECT_EQ(remove("young"), now + std::chrono::seconds(8));
}

// A trace that is written after its record is gone stays on the disk.
TEST(History, HasTheTraceWrittenBeforeARecordGoesHoweverOldItIs) {
  FakeBuildkit engine;
  engine.build_ends("old", FakeBuildkit::ended("old"));
  engine.write_trace_when_asked("old");
  const std::vector<BuildRef> wanted{BuildRef("old")};
  EXPECT_TRUE(connect(engine).remove(wanted, Traces::waited_for, [&](const BuildRef&, const Status& status) { EXPECT_TRUE(status); }));
  EXPECT_THAT(engine.awaiting_trace(), testing::IsEmpty());
}

TEST(History, ReadsABlobPieceByPiece) {
  FakeBuildkit engine;
  std::string bytes;
  for (int i = 0; i < 5'500; ++i) bytes += static_cast<char>(i % 251);
  engine.add_blob("sha256:log", bytes);
  const History history = connect(engine);
  std::string read;
  int pieces = 0;
  const Status done = history.read_blob("sha256:log", [&](engine::Body& body) -> Status {
    for (;;) {
      auto piece = body.next();
      if (!piece) return std::move(piece).error();
      if (piece->empty()) return {};
      read += *piece;
      ++pieces;
    }
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(read, bytes);
  EXPECT_GT(pieces, 1);
}

TEST(History, TellsABlobThatHasGone) {
  FakeBuildkit engine;
  const Status done = connect(engine).read_blob("sha256:gone", [](engine::Body& body) -> Status {
    auto piece = body.next();
    return piece ? Status() : std::move(piece).error();
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Errc::not_found);
}

TEST(History, OfABodyThatIsNotReadToItsEndNothingIsWaitedFor) {
  FakeBuildkit engine;
  engine.add_blob("sha256:log", std::string(1'000'000, 'x'));
  const Status done = connect(engine).read_blob("sha256:log", [](engine::Body& body) -> Status {
    (void)body.next();
    return Error(Errc::io, "enough");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "enough");
}

// Answers every connection with the same text, then closes.
class Http1Engine {
 public:
  explicit Http1Engine(std::string answer) : path_(directory_.path() / "docker.sock"), answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~Http1Engine() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& path() const { return path_; }

 private:
  void serve() {
    for (int client; (client = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(client)) {
      char request[512];
      if (::recv(client, request, sizeof request, 0) > 0) (void)::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }
  test::TempDir directory_;
  std::string path_, answer_;
  int listener_ = -1;
  std::thread thread_;
};

TEST(History, IsNoneWhereTheEngineOffersNoControlApiInEitherWay) {
  for (const engine::ApiVersion api : {engine::ApiVersion{1, 51}, kDirect}) {
    const Http1Engine engine("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    auto history = History::connect({engine.path()}, api, {});
    ASSERT_TRUE(history);
    EXPECT_FALSE(history->has_value());
  }
}

TEST(History, IsAnErrorWhereTheEngineRefuses) {
  for (const engine::ApiVersion api : {engine::ApiVersion{1, 51}, kDirect}) {
    const Http1Engine engine("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    auto history = History::connect({engine.path()}, api, {});
    ASSERT_FALSE(history);
    EXPECT_EQ(history.error().code(), Errc::engine);
  }
}

}  // namespace
}  // namespace cleanerd::buildkit
