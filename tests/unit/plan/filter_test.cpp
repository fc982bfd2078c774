#include "plan/filter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace cleanerd::plan {
namespace {

using namespace std::chrono_literals;
using namespace test;
using ::testing::HasSubstr;

Filter filter(const std::vector<std::string>& arguments) {
  auto parsed = parse_filter(arguments, kNow);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed ? *parsed : Filter();
}

TEST(Filter, MatchesSameKeysByOrAndDifferentKeysByAnd) {
  const inventory::Inventory host = an_inventory()
                                        .with(image("i").tagged("reg/app:1").tagged("app:2").label("team", "x").aged(1h))
                                        .with(container("c").label("team", "y"))
                                        .with(record("r").type("source.local").used(10min))
                                        .snapped();
  struct Row {
    std::vector<std::string> arguments;
    std::vector<std::string> matching;
  };
  const Row rows[] = {
      {{}, {"c", "i", "r"}},
      {{"kind=image.tagged"}, {"i"}},
      {{"kind=image"}, {"i"}},
      {{"kind=cache.source"}, {"r"}},
      {{"kind=cache", "kind=container.stopped"}, {"c", "r"}},
      {{"label=team"}, {"c", "i"}},
      {{"label=team=x"}, {"i"}},
      {{"label=team=x", "label=team=y"}, {"c", "i"}},
      {{"label=tea"}, {}},
      {{"label=team="}, {}},
      {{"image=reg/*"}, {"i"}},
      {{"image=app:?"}, {"i"}},
      {{"image=" + image_id("i").str()}, {"i"}},
      {{"image=" + image_id("i").short_form()}, {"i"}},
      {{"image=i*"}, {"i"}},
      {{"image=app"}, {}},
      {{"kind=image", "label=team=y"}, {}},
      {{"until=30m"}, {"c", "i"}},
      {{"until=5m"}, {"c", "i", "r"}},  // the record by its last use
      {{"until=2h"}, {}},
      {{"until=2h", "until=30m"}, {"c", "i"}},
      {{"rule=secret-name"}, {}},
  };
  for (const Row& row : rows) {
    std::vector<std::string> matching;
    for (const auto& object : host.objects())
      if (filter(row.arguments).matches(object, {})) matching.push_back(name_of(object));
    EXPECT_EQ(sorted(matching), row.matching) << ::testing::PrintToString(row.arguments);
  }
}

TEST(Filter, MatchesByTheRulesOfFindings) {
  const inventory::Inventory host = an_inventory().with(record("r")).snapped();
  const std::vector<secrets::Finding> findings{{"secret-step", secrets::Source::description, "", std::nullopt, ""}};
  EXPECT_TRUE(filter({"rule=secret-step"}).matches(host[0], findings));
  EXPECT_TRUE(filter({"rule=other", "rule=secret-step"}).matches(host[0], findings));
  EXPECT_FALSE(filter({"rule=other"}).matches(host[0], findings));
}

TEST(Filter, TakesOfABuildItsRecordAndWhatCameAboutDuringIt) {
  const inventory::Inventory host = an_inventory()
                                        .with(build("aaaa").ran(60min, 30min))
                                        .with(build("bbbb").ran(40min, 20min))
                                        .with(record("alone").aged(50min))
                                        .with(record("either").aged(35min))
                                        .with(record("other").aged(25min))
                                        .snapped();
  const std::vector<secrets::Finding> findings{{"secret-step", secrets::Source::description, "", std::nullopt, ""}};
  const auto matching = [&](const std::string& argument, const std::vector<secrets::Finding>& found) {
    std::vector<std::string> names;
    for (const auto& object : host.objects())
      if (filter({argument}).matches(object, found)) names.push_back(name_of(object));
    return sorted(names);
  };
  EXPECT_EQ(matching("build=aaaa", {}), (std::vector<std::string>{"aaaa", "alone"}));
  EXPECT_EQ(matching("build=aaaa", findings), (std::vector<std::string>{"aaaa", "alone", "either"}));
  EXPECT_EQ(matching("build=" + padded("bbbb", 25), {}), (std::vector<std::string>{"bbbb", "other"}));
  EXPECT_EQ(matching("build=cccc", findings), std::vector<std::string>());
}

TEST(Filter, ByAgeLeavesOutWhatHasNoTimeAndWhatIsExactlyOfThatTime) {
  record timeless("r");
  timeless.value.created.reset();
  timeless.value.last_used.reset();
  const inventory::Inventory host = an_inventory().with(timeless).with(record("exact").used(10min)).snapped();
  EXPECT_FALSE(filter({"until=1m"}).matches(host[0], {}));
  EXPECT_FALSE(filter({"until=10m"}).matches(host[1], {}));
}

TEST(Filter, SelectsFreedPagesByKindAndRuleAlone) {
  const std::vector<secrets::Finding> findings{{"known-value", secrets::Source::content, "", std::nullopt, ""}};
  EXPECT_TRUE(filter({}).matches_freed_pages(findings));
  EXPECT_TRUE(filter({"kind=database.freed"}).matches_freed_pages({}));
  EXPECT_TRUE(filter({"kind=image", "kind=database", "rule=known-value"}).matches_freed_pages(findings));
  EXPECT_FALSE(filter({"rule=known-value"}).matches_freed_pages({}));
  for (const char* other : {"kind=image", "until=1h", "label=a", "image=*", "build=b"}) EXPECT_FALSE(filter({other}).matches_freed_pages(findings)) << other;
}

TEST(CheckBuilds, RefusesABuildThatIsNotOnRecordWithoutQuotingIt) {
  const inventory::Inventory host = an_inventory().with(build("aaaa")).snapped();
  EXPECT_TRUE(check_builds(filter({}), host));
  EXPECT_TRUE(check_builds(filter({"build=aaaa"}), host));
  const std::string unknown = new_secret();
  const Status checked = check_builds(filter({"build=aaaa", "build=" + unknown}), host);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), Errc::usage);
  EXPECT_EQ(checked.error().message().find(unknown), std::string::npos);
}

TEST(CheckBuilds, DoesNotJudgeWhereTheBuildsWereNotListed) {
  an_inventory scenario;
  scenario.snapshot.unlisted.push_back(inventory::Kind::history_record);
  EXPECT_TRUE(check_builds(filter({"build=aaaa"}), scenario.snapped()));
}

TEST(ParseFilter, SaysWhatIsWrong) {
  struct Row {
    const char* argument;
    const char* message;
  };
  const Row rows[] = {
      {"kind", "KEY=VALUE"},          {"kind=", "KEY=VALUE"},     {"=x", "unknown key ''"},       {"", "KEY=VALUE"},
      {"colour=red", "unknown key 'colour'"}, {"kind=images", "no kind 'images'"}, {"kind=image.", "no kind"}, {"kind=cache.sour", "no kind"},
      {"until=soon", "not 'soon'"},   {"build=", "KEY=VALUE"},
  };
  for (const Row& row : rows) {
    const auto parsed = parse_filter(std::vector<std::string>{row.argument}, kNow);
    ASSERT_FALSE(parsed) << row.argument;
    EXPECT_EQ(parsed.error().code(), Errc::usage);
    EXPECT_THAT(parsed.error().message(), HasSubstr(row.message)) << row.argument;
  }
}

TEST(ParseFilter, QuotesNothingThatMayBeASecret) {
  const std::string secret = new_secret();
  for (const std::string& argument : {secret, secret + "=x", "kind=" + secret, "until=" + secret}) {
    const auto parsed = parse_filter(std::vector<std::string>{argument}, kNow);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message().find(secret), std::string::npos) << parsed.error().message();
  }
}

}  // namespace
}  // namespace cleanerd::plan
