#include "service/sessions.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "support/files.hpp"

namespace cleanerd::service {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNoon = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)) + 12h;

TEST(BeganByClock, IsAsToldWhileTheClockGoesOn) { EXPECT_EQ(began_by_clock(kNoon, 1h, kNoon + 1h), kNoon); }

TEST(BeganByClock, IsAsToldWhereTheClockWasSetForwards) { EXPECT_EQ(began_by_clock(kNoon, 1h, kNoon + 25h), kNoon); }

TEST(BeganByClock, IsEarlierWhereTheClockWasSetBackSoThatNothingIsMissed) {
  const Instant now = kNoon + 1h - 24h;
  EXPECT_EQ(began_by_clock(kNoon, 1h, now), now - 1h);
}

TEST(Sessions, ExpireByAClockThatNobodySets) {
  const test::TempDir directory;
  Sessions sessions(directory.path().string());
  ASSERT_TRUE(sessions.begin("short", {}, 1ms, 0));
  ASSERT_TRUE(sessions.begin("long", {}, 24h, 0));
  std::this_thread::sleep_for(5ms);
  const auto expired = sessions.take_expired();
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].info.name, "short");
  EXPECT_EQ(sessions.list().size(), 1u);
  EXPECT_TRUE(sessions.take_expired().empty());
}

TEST(Sessions, AreForgottenOnceTheyHaveEnded) {
  const test::TempDir directory;
  Sessions sessions(directory.path().string());
  const auto session = sessions.begin("job", {}, 1h, 0);
  ASSERT_TRUE(session);
  EXPECT_TRUE(sessions.take(session->id, 0));
  const auto again = sessions.take(session->id, 0);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::not_found);
}

}  // namespace
}  // namespace cleanerd::service
