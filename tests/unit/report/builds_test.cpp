#include "report/builds.hpp"

#include <gmock/gmock.h>

#include "support/planned.hpp"

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

purge::Look look_at(const test::an_inventory& scenario) {
  test::Planned result = test::planned(scenario);
  return {std::move(result.inventory), std::move(result.findings), std::move(result.plan), {}};
}

purge::AuditEntry removal(const std::string& object, const std::string& builds, const std::string& settled, const std::string& outcome = "removed") {
  return {settled, "removal", "service", "build", "secrets", object, outcome, "", settled, builds};
}

const BuildRow& row_of(const std::vector<BuildRow>& rows, const std::string& name) {
  for (const BuildRow& row : rows)
    if (row.ref.starts_with(name)) return row;
  throw std::out_of_range("no row of " + name);
}

TEST(BuildRows, TellWhatIsLeftOfABuildAndWhyItsSecretStays) {
  using namespace std::chrono_literals;
  using test::an_inventory, test::build, test::image, test::record;
  const auto rows = make_build_rows(look_at(an_inventory()
                                                .with(build("aaaa").ran(60min, 30min).argument("NPM_TOKEN", test::new_secret()))
                                                .with(build("bbbb").ran(20min, 10min))
                                                .with(record("plain").aged(50min).used(40min))
                                                .with(record("secret").aged(50min).ran("echo $NPM_TOKEN > .npmrc"))
                                                .with(image("app").tagged("app:1").aged(45min).env("NPM_TOKEN=" + test::new_secret()))
                                                .with(image("clean").tagged("clean:1").aged(45min))),
                                    {}, {});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_THAT(rows.front().ref, testing::StartsWith("bbbb")) << "the newest first";
  const Residue& residue = *row_of(rows, "aaaa").residue;
  EXPECT_EQ(residue.objects, 4u) << "its record, two cache records and the image that carries a secret";
  EXPECT_EQ(residue.secret_objects, 3u);
  ASSERT_EQ(residue.kept.size(), 1u) << "the cache record and its own go with the next purge";
  EXPECT_EQ(residue.kept[0].code, "tagged");
  EXPECT_EQ(row_of(rows, "bbbb").residue->objects, 1u);
  EXPECT_THAT(render_table({{}, rows, {}}), AllOf(HasSubstr("4 (3 secret)"), HasSubstr("a secret stays: has a tag")));
}

TEST(BuildRows, TellOfTheJournalWhatWasRemovedWhenAndByWhichPolicy) {
  const std::vector<purge::AuditEntry> removals{
      removal("cache.regular:one", "gone", "2026-01-02T03:04:05Z"),
      removal("cache.regular:two", "gone other", "2026-01-02T03:04:06Z"),
      removal("cache.regular:three", "gone", "2026-01-02T03:04:09Z", "owed"),
      removal("history.record:old", "", "2026-01-01T00:00:00Z"),
      removal("cache.regular:nobodys", "", "2026-01-02T03:04:07Z"),
  };
  const auto rows = make_build_rows(removals);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows.back().ref, "old") << "journals of older versions name the record alone";
  const BuildRow& gone = row_of(rows, "gone");
  EXPECT_EQ(gone.state, "removed");
  EXPECT_EQ(gone.residue->removed, 2u);
  EXPECT_EQ(gone.residue->removed_at, "2026-01-02T03:04:06Z");
  EXPECT_THAT(gone.residue->policies, testing::ElementsAre("secrets"));
  EXPECT_THAT(render_json({{}, rows, {}}), HasSubstr("\"removed_at\": \"2026-01-02T03:04:06Z\""));
}

TEST(BuildRows, ListABuildOnRecordOnceWithBothWhatIsLeftAndWhatWent) {
  const auto host = test::an_inventory().with(test::build("aaaa"));
  const std::string ref = host.snapshot.builds[0].ref.str();
  const auto rows = make_build_rows(look_at(host), {}, std::vector<purge::AuditEntry>{removal("cache.regular:one", ref, "2026-01-02T03:04:05Z")});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].state, "completed");
  EXPECT_EQ(rows[0].residue->objects, 1u);
  EXPECT_EQ(rows[0].residue->removed, 1u);
}

TEST(BuildLine, StandsUnderItsHeader) {
  const std::string line = render_line(make_build_row(record(), {}, kStarted));
  EXPECT_EQ(line.find("completed"), build_header().find("STATE"));
  EXPECT_EQ(line.find("1m1s"), build_header().find("DURATION"));
  EXPECT_EQ(line.find("app:1"), build_header().find("NAME"));
}

}  // namespace
}  // namespace cleanerd::report
