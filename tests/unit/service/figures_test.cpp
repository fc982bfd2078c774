#include "service/figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "support/planned.hpp"

namespace cleanerd::service {
namespace {

using namespace std::chrono_literals;
using namespace test;

class FiguresTest : public ::testing::Test {
 protected:
  std::string value_of(const std::string& series) const {
    std::istringstream lines(metrics_.text());
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
    return "none";
  }
  std::string freed(const char* what) const { return value_of(std::string("cleanerd_residue_") + what + "{kind=\"database.freed\"}"); }

  // A purge that found no residue, and looked into these databases' freed pages.
  void purge(std::vector<purge::FreedPages> databases, Trigger trigger = Trigger::build) {
    Planned seen = planned(an_inventory().with(image("base").tagged("base:1")));
    JobResult result{{}, ExitStatus::done, {}, {}, {}};
    result.look = purge::Look{std::move(seen.inventory), std::move(seen.findings), std::move(seen.plan), {}, std::move(databases)};
    const Result<JobResult> ended(std::move(result));
    figures_.job_ended({trigger, What::purge, ended, 10ms});
  }

  static purge::FreedPages database(const std::string& path, bool holds_a_secret) {
    purge::FreedPages pages;
    pages.database = path;
    pages.old_bytes = {4096};
    if (holds_a_secret) pages.findings.emplace_back();
    return pages;
  }

  metrics::Metrics metrics_{"1.2.3", Figures::labels(policy::Policy{})};
  Figures figures_{metrics_};
};

TEST_F(FiguresTest, CountDatabasesWhoseFreedPagesHoldASecret) {
  EXPECT_EQ(freed("secret_objects"), "0");
  purge({database("/buildkit/history.db", true), database("/buildkit/cache.db", false)});
  EXPECT_EQ(freed("objects"), "1");
  EXPECT_EQ(freed("secret_objects"), "1");
  EXPECT_EQ(freed("bytes"), "4096");
}

TEST_F(FiguresTest, KeepWhatFreedPagesHeldUntilSomebodyLooksThereAgain) {
  purge({database("/buildkit/history.db", true)});
  purge({});
  EXPECT_EQ(freed("secret_objects"), "1");
  purge({database("/buildkit/history.db", false)});
  EXPECT_EQ(freed("secret_objects"), "0");
}

TEST_F(FiguresTest, ForgetFreedPagesOfAnEngineThatWasStopped) {
  purge({database("/buildkit/history.db", true)});
  figures_.engine_went();
  purge({});
  EXPECT_EQ(freed("secret_objects"), "0");
}

TEST_F(FiguresTest, CountEachAnswerOfTheGate) {
  const auto answered = [](ExitStatus status, std::optional<Error> error = {}) { return JobResult{{}, status, std::move(error), {}, {}}; };
  figures_.gate_answered(answered(ExitStatus::done));
  figures_.gate_answered(answered(ExitStatus::secrets));
  figures_.gate_answered(answered(ExitStatus::failed, Error(Errc::io, "not everything could be looked at")));
  figures_.gate_answered(Error(Errc::not_found, "no such image"));
  EXPECT_EQ(value_of("cleanerd_gate_total{result=\"clean\"}"), "1");
  EXPECT_EQ(value_of("cleanerd_gate_total{result=\"secrets\"}"), "1");
  EXPECT_EQ(value_of("cleanerd_gate_total{result=\"failed\"}"), "2");
}

TEST_F(FiguresTest, CountBuildsThatRunBesideEachOther) {
  figures_.build_started("one");
  figures_.build_started("two");
  EXPECT_EQ(value_of("cleanerd_active_builds"), "2");
  EXPECT_TRUE(figures_.is_running("one"));
  figures_.build_ended("one", "classic", "unknown", true);
  EXPECT_FALSE(figures_.is_running("one"));
  EXPECT_EQ(value_of("cleanerd_active_builds"), "1");
  EXPECT_EQ(value_of("cleanerd_builds_total{builder=\"classic\",result=\"unknown\"}"), "1");
}

TEST_F(FiguresTest, TellOfNoBuildThatRunsInAnEngineThatWent) {
  figures_.build_started("one");
  figures_.engine_went();
  EXPECT_EQ(value_of("cleanerd_active_builds"), "0");
  figures_.build_ended("one", "buildkit", "lost", true);
  EXPECT_EQ(value_of("cleanerd_builds_total{builder=\"buildkit\",result=\"lost\"}"), "1");
}

TEST_F(FiguresTest, TakeASessionsEndForNoSuccessOfTheWholeHost) {
  purge({}, Trigger::session);
  EXPECT_EQ(value_of("cleanerd_last_success_timestamp_seconds"), "0");
  purge({}, Trigger::interval);
  EXPECT_NE(value_of("cleanerd_last_success_timestamp_seconds"), "0");
}

TEST_F(FiguresTest, PromiseNoBuildsThatNobodyTellsOf) { EXPECT_EQ(metrics_.text().find("builder=\"container\""), std::string::npos); }

}  // namespace
}  // namespace cleanerd::service
