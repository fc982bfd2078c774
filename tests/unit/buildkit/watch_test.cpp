#include "buildkit/watch.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "fake_buildkit.hpp"

namespace cleanerd::buildkit {
namespace {

using test::FakeBuildkit;
using testing::ElementsAre;
using Kind = BuildEvent::Kind;

constexpr engine::ApiVersion kDirect{1, 53};

std::string name_of(const Result<BuildEvent>& event) {
  if (!event) return "error " + event.error().message();
  const std::string& ref = event->record.ref.str();
  switch (event->kind) {
    case Kind::connected: return "connected";
    case Kind::disconnected: return "disconnected";
    case Kind::started: return "started " + ref;
    case Kind::completed: return (event->record.failed ? "failed " : "completed ") + ref;
    case Kind::lost: return "lost " + ref;
    case Kind::removed: return "removed " + ref;
  }
  return {};
}

std::vector<std::string> take(Watch& watch, std::size_t count) {
  std::vector<std::string> events;
  while (events.size() < count) events.push_back(name_of(watch.next()));
  return events;
}

TEST(Watch, TellsWhatIsKnownAndThenWhatHappensEachOnce) {
  FakeBuildkit engine;
  engine.build_ends("old", FakeBuildkit::ended("old"));
  engine.build_starts("running");
  Watch watch({engine.path()}, kDirect, {});
  EXPECT_THAT(take(watch, 3), ElementsAre("connected", "started running", "completed old"));
  auto failed = FakeBuildkit::ended("running");
  failed.mutable_error()->set_message("exit code: 7");
  engine.build_ends("running", failed);
  engine.build_starts("next");
  EXPECT_THAT(take(watch, 2), ElementsAre("failed running", "started next"));
}

TEST(Watch, GoesOnAfterTheEngineRestarted) {
  FakeBuildkit engine;
  engine.build_ends("old", FakeBuildkit::ended("old"));
  engine.build_starts("goes on");
  engine.build_starts("killed");
  Watch watch({engine.path()}, kDirect, {});
  take(watch, 4);
  engine.stop();
  EXPECT_THAT(take(watch, 1), ElementsAre("disconnected"));
  engine.forget_active();
  engine.build_starts("goes on");
  engine.build_ends("meanwhile", FakeBuildkit::ended("meanwhile"));
  engine.start();
  EXPECT_THAT(take(watch, 3), ElementsAre("connected", "lost killed", "completed meanwhile"));
  engine.build_ends("goes on", FakeBuildkit::ended("goes on"));
  EXPECT_THAT(take(watch, 1), ElementsAre("completed goes on"));
}

TEST(Watch, WaitsForAnEngineThatIsNotThereYet) {
  FakeBuildkit engine;
  engine.stop();
  Watch watch({engine.path()}, kDirect, {});
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    engine.start();
  });
  EXPECT_THAT(take(watch, 1), ElementsAre("connected"));
  later.join();
}

TEST(Watch, EndsAtOnceWhenItIsStopped) {
  FakeBuildkit engine;
  std::stop_source stop;
  Watch watch({engine.path()}, kDirect, stop.get_token());
  take(watch, 1);
  std::thread later([&] { stop.request_stop(); });
  const auto ended = watch.next();
  later.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::cancelled);
}

TEST(Watch, EndsAtOnceWhileItWaitsForTheEngine) {
  std::stop_source stop;
  const test::TempDir directory;
  Watch watch({(directory.path() / "docker.sock").string()}, kDirect, stop.get_token());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const auto ended = watch.next();
  later.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code(), Errc::cancelled);
}

}  // namespace
}  // namespace cleanerd::buildkit
