#include "report/builds.hpp"

#include <gmock/gmock.h>

#include "support/builders.hpp"

namespace cleanerd::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Instant kStarted = *parse_rfc3339("2026-01-02T03:04:05Z");

engine::BuildRecord record() {
  engine::BuildRecord made;
  made.ref = BuildRef("q3f7m2");
  made.created = kStarted;
  made.completed = kStarted + std::chrono::milliseconds(61'500);
  made.image_names = {"app:1"};
  return made;
}

TEST(BuildRow, TellsHowABuildWent) {
  engine::BuildRecord build = record();
  EXPECT_EQ(make_build_row(build, {}, kStarted).state, "completed");
  build.failed = true;
  EXPECT_EQ(make_build_row(build, {}, kStarted).state, "failed");
  EXPECT_EQ(make_build_row(build, {}, kStarted).duration, std::chrono::milliseconds(61'500));
  build.running = true;
  build.failed = false;
  build.completed.reset();
  const BuildRow running = make_build_row(build, {}, kStarted + std::chrono::seconds(5));
  EXPECT_EQ(running.state, "running");
  EXPECT_EQ(running.duration, std::chrono::seconds(5));
}

TEST(BuildRow, SaysThatARecordNamesASecretWithoutTellingIt) {
  const std::string secret = "s3cr3t" + std::to_string(::getpid()) + "Qx9";
  engine::BuildRecord build = record();
  build.attributes["build-arg:NPM_TOKEN"] = secret;
  build.attributes["target"] = "stage-" + secret;
  build.image_names = {"app:" + secret};
  const BuildRow row = make_build_row(build, {}, kStarted);
  EXPECT_TRUE(row.secret);
  for (const std::string& text : {render_line(row), render_json_line(row, kStarted), render_json({{}, {row}, {}})})
    EXPECT_THAT(text, AllOf(HasSubstr("q3f7m2"), Not(HasSubstr(secret))));
  EXPECT_FALSE(make_build_row(record(), {}, kStarted).secret);
}

TEST(BuildRow, StaysALineWhateverItsNameHolds) {
  engine::BuildRecord build = record();
  build.image_names = {"a\n\x1b[31mb"};
  const std::string line = render_line(make_build_row(build, {}, kStarted));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST(BuildLine, StandsUnderItsHeader) {
  const std::string line = render_line(make_build_row(record(), {}, kStarted));
  EXPECT_EQ(line.find("completed"), build_header().find("STATE"));
  EXPECT_EQ(line.find("1m1s"), build_header().find("DURATION"));
  EXPECT_EQ(line.find("app:1"), build_header().find("NAME"));
}

}  // namespace
}  // namespace cleanerd::report
