#include "base/time.hpp"

#include <gtest/gtest.h>

#include <random>

namespace cleanerd {
namespace {

using namespace std::chrono;

Instant at(int year_number, unsigned month_number, unsigned day_number, milliseconds of_day = milliseconds(0)) {
  return Instant(sys_days(year(year_number) / month(month_number) / day(day_number))) + of_day;
}

const Instant kNow = at(2026, 3, 14, 15h);

TEST(ParseRfc3339, ReadsWhatEnginesAndPeopleWrite) {
  struct Row {
    const char* name;
    const char* text;
    std::optional<Instant> expected;
  };
  const milliseconds morning = 8h + 30min + 5s;
  const Row rows[] = {
      {"UTC", "2026-03-14T08:30:05Z", at(2026, 3, 14, morning)},
      {"lower case", "2026-03-14t08:30:05z", at(2026, 3, 14, morning)},
      {"one fraction digit", "2026-03-14T08:30:05.5Z", at(2026, 3, 14, morning + 500ms)},
      {"nanoseconds are cut", "2026-03-14T08:30:05.123999999Z", at(2026, 3, 14, morning + 123ms)},
      {"two fraction digits", "2026-03-14T08:30:05.07Z", at(2026, 3, 14, morning + 70ms)},
      {"offset ahead", "2026-03-14T10:30:05+02:00", at(2026, 3, 14, morning)},
      {"offset behind over midnight", "2026-03-13T23:00:05-09:30", at(2026, 3, 14, morning)},
      {"leap day", "2024-02-29T00:00:00Z", at(2024, 2, 29)},
      {"leap second", "2016-12-31T23:59:60Z", at(2017, 1, 1)},
      {"before 1970", "1969-12-31T23:59:59.250Z", at(1970, 1, 1, -750ms)},
      {"Docker's no time", "0001-01-01T00:00:00Z", std::nullopt},
      {"empty", "", std::nullopt},
      {"a date alone", "2026-03-14", std::nullopt},
      {"no zone", "2026-03-14T08:30:05", std::nullopt},
      {"no seconds", "2026-03-14T08:30Z", std::nullopt},
      {"point without digits", "2026-03-14T08:30:05.Z", std::nullopt},
      {"29 February of another year", "2025-02-29T00:00:00Z", std::nullopt},
      {"month 13", "2026-13-01T00:00:00Z", std::nullopt},
      {"day 0", "2026-01-00T00:00:00Z", std::nullopt},
      {"hour 24", "2026-01-01T24:00:00Z", std::nullopt},
      {"minute 60", "2026-01-01T00:60:00Z", std::nullopt},
      {"offset of 24 hours", "2026-01-01T00:00:00+24:00", std::nullopt},
      {"offset of 60 minutes", "2026-01-01T00:00:00+01:60", std::nullopt},
      {"offset without colon", "2026-01-01T00:00:00+0100", std::nullopt},
      {"negative year", "-026-01-01T00:00:00Z", std::nullopt},
      {"signs in numbers", "2026-+1-01T00:00:00Z", std::nullopt},
      {"spaces", " 2026-01-01T00:00:00Z", std::nullopt},
      {"something behind it", "2026-01-01T00:00:00Zjunk", std::nullopt},
      {"cut", "2026-01-01T00:00:0", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_rfc3339(row.text), row.expected) << row.name;
}

TEST(FormatRfc3339, IsReadBackAsTheSameInstant) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 2000; ++i) {
    const auto span = static_cast<std::uint64_t>(milliseconds(years(400)).count());
    const Instant instant = at(1800, 1, 1, milliseconds(static_cast<std::int64_t>(random() % span)));
    ASSERT_EQ(parse_rfc3339(format_rfc3339(instant)), instant) << format_rfc3339(instant);
  }
}

TEST(FormatRfc3339, ShowsMilliseconds) {
  EXPECT_EQ(format_rfc3339(at(2026, 3, 4, 5h + 6min + 7s + 8ms)), "2026-03-04T05:06:07.008Z");
}

TEST(ParseDuration, ReadsGoDurationsAndDays) {
  struct Row {
    const char* text;
    std::optional<Duration> expected;
  };
  const Row rows[] = {
      {"0", 0ms},         {"0s", 0ms},          {"500ms", 500ms},      {"5s", 5s},          {"1.5s", 1500ms},
      {".5s", 500ms},     {"2m", 2min},         {"1h30m", 90min},      {"1h2m3s4ms", 1h + 2min + 3s + 4ms},
      {"7d", days(7)},    {"1d12h", 36h},       {"1500us", 1ms},       {"1500µs", 1ms},     {"3000000ns", 3ms},
      {"", std::nullopt}, {"5", std::nullopt},  {"s", std::nullopt},   {"5 s", std::nullopt}, {"-5s", std::nullopt},
      {"5x", std::nullopt}, {"5sm", std::nullopt}, {"1e3s", std::nullopt}, {"infs", std::nullopt}, {"nans", std::nullopt},
      {"nan", std::nullopt}, {"9999999d", std::nullopt}, {"1h30", std::nullopt}, {"5s ", std::nullopt}, {"0x10s", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_duration(row.text), row.expected) << row.text;
}

TEST(FormatDuration, IsExactAndCanBeRead) {
  struct Row {
    Duration duration;
    const char* expected;
  };
  const Row rows[] = {{0ms, "0s"}, {500ms, "500ms"}, {90s, "1m30s"}, {6h, "6h"}, {days(7), "7d"}, {days(1) + 1h + 1ms, "1d1h1ms"}};
  for (const Row& row : rows) {
    EXPECT_EQ(format_duration(row.duration), row.expected);
    EXPECT_EQ(parse_duration(row.expected), row.duration);
  }
}

TEST(ParseUntil, ReadsEveryFormThatDockerTakes) {
  struct Row {
    const char* text;
    std::optional<Instant> expected;
  };
  const Row rows[] = {
      {"24h", kNow - 24h},
      {"1h30m", kNow - 90min},
      {"10m", kNow - 10min},
      {"1773446400", at(2026, 3, 14)},
      {"1773446400.5", at(2026, 3, 14, 500ms)},
      {"1773446400.123456789", at(2026, 3, 14, 123ms)},
      {"0", at(1970, 1, 1)},  // a Unix time for Docker, not a duration
      {"2026-03-14", at(2026, 3, 14)},
      {"2026-03-14Z", at(2026, 3, 14)},
      {"2026-03-14+02:00", at(2026, 3, 13, 22h)},
      {"2026-03-14T05", at(2026, 3, 14, 5h)},
      {"2026-03-14T05Z", at(2026, 3, 14, 5h)},
      {"2026-03-14T05:06", at(2026, 3, 14, 5h + 6min)},
      {"2026-03-14T05:06Z", at(2026, 3, 14, 5h + 6min)},
      {"2026-03-14T05:06-01:00", at(2026, 3, 14, 6h + 6min)},
      {"2026-03-14T05:06:07", at(2026, 3, 14, 5h + 6min + 7s)},
      {"2026-03-14T05:06:07.999999999", at(2026, 3, 14, 5h + 6min + 7s + 999ms)},
      {"2026-03-14T05:06:07Z", at(2026, 3, 14, 5h + 6min + 7s)},
      {"2026-03-14T05:06:07.5+01:00", at(2026, 3, 14, 4h + 6min + 7s + 500ms)},
      {"", std::nullopt},
      {"yesterday", std::nullopt},
      {"24", at(1970, 1, 1, 24s)},
      {"-1", std::nullopt},
      {"nan", std::nullopt},
      {"inf", std::nullopt},
      {"2026-03-14T", std::nullopt},
      {"2026-03", std::nullopt},
      {"14.03.2026", std::nullopt},
      {"99999999999999", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_until(row.text, kNow), row.expected) << row.text;
}

TEST(FormatAge, CountsInTheLargestUnitThatIsStillPrecise) {
  struct Row {
    Duration age;
    const char* expected;
  };
  const Row rows[] = {
      {0ms, "0 seconds"},   {-5s, "0 seconds"},      {1999ms, "1 second"},   {119s, "119 seconds"}, {120s, "2 minutes"},
      {119min, "119 minutes"}, {120min, "2 hours"}, {47h, "47 hours"},      {48h, "2 days"},       {days(400), "400 days"},
  };
  for (const Row& row : rows) EXPECT_EQ(format_age(row.age), row.expected);
}

}  // namespace
}  // namespace cleanerd
