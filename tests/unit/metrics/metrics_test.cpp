#include "metrics/metrics.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <sstream>

#include "support/files.hpp"

namespace cleanerd::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const Labels kLabels{{"image.tagged", "cache.regular"}, {"default"}, {"tagged", "running"}};

// Of one series, "name{label=\"value\"}"; nothing when it is not there.
std::string value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  return {};
}

// The contract's list, in the words of the contract.
const std::map<std::string, std::pair<std::string, std::set<std::string>>> kContract{
    {"cleanerd_build_info", {"gauge", {"version"}}},
    {"cleanerd_engine_up", {"gauge", {}}},
    {"cleanerd_residue_objects", {"gauge", {"kind"}}},
    {"cleanerd_residue_bytes", {"gauge", {"kind"}}},
    {"cleanerd_residue_secret_objects", {"gauge", {"kind"}}},
    {"cleanerd_residue_oldest_age_seconds", {"gauge", {"kind"}}},
    {"cleanerd_builds_total", {"counter", {"builder", "result"}}},
    {"cleanerd_active_builds", {"gauge", {}}},
    {"cleanerd_purge_runs_total", {"counter", {"trigger", "result"}}},
    {"cleanerd_purge_duration_seconds", {"histogram", {}}},
    {"cleanerd_objects_removed_total", {"counter", {"kind", "policy"}}},
    {"cleanerd_objects_skipped_total", {"counter", {"kind", "reason"}}},
    {"cleanerd_freed_bytes_total", {"counter", {"kind"}}},
    {"cleanerd_secrets_found_total", {"counter", {"source"}}},
    {"cleanerd_gate_total", {"counter", {"result"}}},
    {"cleanerd_scan_bytes_total", {"counter", {}}},
    {"cleanerd_scan_duration_seconds", {"histogram", {}}},
    {"cleanerd_unread_places", {"gauge", {}}},
    {"cleanerd_last_success_timestamp_seconds", {"gauge", {}}},
};

TEST(Metrics, AreThoseOfTheContractFromTheStart) {
  std::map<std::string, std::pair<std::string, std::set<std::string>>> described;
  for (const Description& metric : all_metrics())
    if (metric.name.starts_with("cleanerd_"))
      described[std::string(metric.name)] = {std::string(metric.type), {metric.labels.begin(), metric.labels.end()}};
  EXPECT_EQ(described, kContract);

  std::istringstream lines(Metrics("1.2.3", kLabels).text());
  std::map<std::string, std::string> types, expected;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, keyword, name, type;
    if (words >> hash >> keyword >> name >> type && hash == "#" && keyword == "TYPE") types[name] = type;
  }
  for (const Description& metric : all_metrics()) expected[std::string(metric.name)] = metric.type;
  EXPECT_EQ(types, expected);
}

TEST(Metrics, EverySeriesHasTheLabelsThatItsDescriptionNames) {
  Metrics metrics("1", kLabels);
  metrics.skipped("image.tagged", "tagged");
  std::map<std::string, std::set<std::string>> labels;
  for (const Description& metric : all_metrics()) labels[std::string(metric.name)] = {metric.labels.begin(), metric.labels.end()};
  std::istringstream lines(metrics.text());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#") || line.find("_seconds_bucket{") != std::string::npos) continue;
    std::string name = line.substr(0, line.find_first_of("{ "));
    for (const char* suffix : {"_sum", "_count"})
      if (name.ends_with(suffix)) name.resize(name.rfind('_'));
    std::set<std::string> found;
    const std::size_t open = line.find('{'), shut = line.find('}');
    if (open != std::string::npos) {
      std::istringstream pairs(line.substr(open + 1, shut - open - 1));
      for (std::string pair; std::getline(pairs, pair, ',');) found.insert(pair.substr(0, pair.find('=')));
    }
    EXPECT_EQ(found, labels[name]) << line;
  }
}

TEST(Metrics, TheResidueIsTheLastLooksAlone) {
  Metrics metrics("1", kLabels);
  metrics.residue({{"image.tagged", {3, 3'000'000'000, 2, Seconds(90.5)}}, {"cache.regular", {1, 5, 0, Seconds(1)}}});
  metrics.residue({{"image.tagged", {1, 1000, 0, Seconds(4)}}});
  const std::string text = metrics.text();
  EXPECT_EQ(value_of(text, "cleanerd_residue_objects{kind=\"image.tagged\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_residue_bytes{kind=\"image.tagged\"}"), "1000");
  EXPECT_EQ(value_of(text, "cleanerd_residue_secret_objects{kind=\"image.tagged\"}"), "0");
  EXPECT_EQ(value_of(text, "cleanerd_residue_oldest_age_seconds{kind=\"image.tagged\"}"), "4");
  EXPECT_EQ(value_of(text, "cleanerd_residue_objects{kind=\"cache.regular\"}"), "0");
  EXPECT_EQ(value_of(text, "cleanerd_residue_oldest_age_seconds{kind=\"cache.regular\"}"), "0");
}

TEST(Metrics, LargeNumbersKeepTheirDigits) {
  Metrics metrics("1", kLabels);
  metrics.residue({{"image.tagged", {1, 1'234'567'890'123, 0, Seconds(0)}}});
  metrics.success(Instant(std::chrono::milliseconds(1'700'000'000'250)));
  EXPECT_EQ(std::stod(value_of(metrics.text(), "cleanerd_residue_bytes{kind=\"image.tagged\"}")), 1'234'567'890'123.0);
  EXPECT_EQ(std::stod(value_of(metrics.text(), "cleanerd_last_success_timestamp_seconds")), 1'700'000'000.25);
}

TEST(Metrics, CountWhatHappens) {
  Metrics metrics("1", kLabels);
  metrics.build_finished("buildkit", "failed");
  metrics.purge_ended("build", "clean", Seconds(0.2));
  metrics.purge_ended("build", "clean", Seconds(70));
  metrics.removed("cache.regular", "default", 1000);
  metrics.removed("cache.regular", "default", 24);
  metrics.skipped("image.tagged", "running");
  metrics.secrets_found("history", 3);
  metrics.gate("secrets");
  metrics.scanned(4096, Seconds(2));
  metrics.engine_up(true);
  metrics.active_builds(2);
  metrics.unread_places(7);
  const std::string text = metrics.text();
  EXPECT_EQ(value_of(text, "cleanerd_build_info{version=\"1\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_builds_total{builder=\"buildkit\",result=\"failed\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_builds_total{builder=\"buildkit\",result=\"succeeded\"}"), "0");
  EXPECT_EQ(value_of(text, "cleanerd_purge_runs_total{result=\"clean\",trigger=\"build\"}"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_purge_duration_seconds_bucket{le=\"0.25\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_purge_duration_seconds_bucket{le=\"+Inf\"}"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_purge_duration_seconds_count"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_objects_removed_total{kind=\"cache.regular\",policy=\"default\"}"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_objects_removed_total{kind=\"image.tagged\",policy=\"default\"}"), "0");
  EXPECT_EQ(value_of(text, "cleanerd_freed_bytes_total{kind=\"cache.regular\"}"), "1024");
  EXPECT_EQ(value_of(text, "cleanerd_objects_skipped_total{kind=\"image.tagged\",reason=\"running\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_secrets_found_total{source=\"history\"}"), "3");
  EXPECT_EQ(value_of(text, "cleanerd_gate_total{result=\"secrets\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_scan_bytes_total"), "4096");
  EXPECT_EQ(value_of(text, "cleanerd_scan_duration_seconds_sum"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_engine_up"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_active_builds"), "2");
  EXPECT_EQ(value_of(text, "cleanerd_unread_places"), "7");
}

TEST(Metrics, WhatIsInNoSetOfLabelsIsOther) {
  Metrics metrics("1", kLabels);
  const std::string stray = "registry.example/app:1 ghp_0123456789";
  metrics.residue({{stray, {2, 10, 1, Seconds(1)}}, {"yet.another", {1, 5, 1, Seconds(9)}}});
  metrics.build_finished(stray, stray);
  metrics.purge_ended(stray, stray, Seconds(1));
  metrics.removed(stray, stray, 5);
  metrics.skipped(stray, stray);
  metrics.secrets_found(stray, 1);
  metrics.gate(stray);
  const std::string text = metrics.text();
  EXPECT_THAT(text, Not(HasSubstr("registry")));
  EXPECT_EQ(value_of(text, "cleanerd_residue_objects{kind=\"other\"}"), "3");
  EXPECT_EQ(value_of(text, "cleanerd_residue_oldest_age_seconds{kind=\"other\"}"), "9");
  EXPECT_EQ(value_of(text, "cleanerd_builds_total{builder=\"other\",result=\"other\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_purge_runs_total{result=\"other\",trigger=\"other\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_objects_removed_total{kind=\"other\",policy=\"other\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_objects_skipped_total{kind=\"other\",reason=\"other\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_secrets_found_total{source=\"other\"}"), "1");
  EXPECT_EQ(value_of(text, "cleanerd_gate_total{result=\"other\"}"), "1");
  metrics.residue({});
  EXPECT_EQ(value_of(metrics.text(), "cleanerd_residue_objects{kind=\"other\"}"), "0");
}

TEST(Metrics, APolicyOfAReloadIsAmongTheLabels) {
  Metrics metrics("1", kLabels);
  metrics.removed("image.tagged", "nightly", 1);
  EXPECT_EQ(value_of(metrics.text(), "cleanerd_objects_removed_total{kind=\"image.tagged\",policy=\"nightly\"}"), "");
  metrics.add_policies({"nightly", "default"});
  metrics.removed("image.tagged", "nightly", 1);
  EXPECT_EQ(value_of(metrics.text(), "cleanerd_objects_removed_total{kind=\"image.tagged\",policy=\"nightly\"}"), "1");
  EXPECT_EQ(value_of(metrics.text(), "cleanerd_objects_removed_total{kind=\"cache.regular\",policy=\"nightly\"}"), "0");
}

TEST(Metrics, LabelsAreEscaped) {
  const std::string text = Metrics("1\"2\\3\n4", {{"a\"b"}, {}, {}}).text();
  EXPECT_THAT(text, HasSubstr("cleanerd_build_info{version=\"1\\\"2\\\\3\\n4\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cleanerd_residue_objects{kind=\"a\\\"b\"} 0\n"));
}

TEST(Metrics, TellOfTheProcess) {
  const std::string text = Metrics("1", kLabels).text();
  const auto number = [&](const char* name) { return std::stod(value_of(text, name)); };
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_GT(number("process_start_time_seconds"), now - 3600);
  EXPECT_LT(number("process_start_time_seconds"), now + 60);
  EXPECT_GT(number("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GE(number("process_virtual_memory_bytes"), number("process_resident_memory_bytes"));
  EXPECT_GE(number("process_cpu_seconds_total"), 0);
  EXPECT_GE(number("process_open_fds"), 3);
  EXPECT_GE(number("process_max_fds"), number("process_open_fds"));
}

TEST(Metrics, AreAllInTheDocumentation) {
  const std::string page = test::read_file(std::string(TEST_SOURCE_DIR) + "/../docs/metrics.md");
  for (const Description& metric : all_metrics()) EXPECT_THAT(page, HasSubstr("`" + std::string(metric.name)));
  const auto named = [&](const auto& values) {
    for (const std::string_view value : values) EXPECT_THAT(page, HasSubstr("`" + std::string(value) + "`"));
  };
  named(kBuilders), named(kBuildResults), named(kTriggers), named(kPurgeResults), named(kGateResults), named(kSources);
}

}  // namespace
}  // namespace cleanerd::metrics
