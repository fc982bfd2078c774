#include "policy/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/policy.hpp"

namespace cleanerd::policy {
namespace {

using namespace std::chrono;
using namespace std::chrono_literals;

Instant at(unsigned of_march, Duration time) { return Instant(sys_days(year(2026) / 3 / day(of_march))) + time; }

TEST(IsDue, FollowsTheIntervalAndTheWindow) {
  const Window night{2h, 5h}, over_midnight{22h, 4h}, whole_day{6h, 6h};
  struct Row {
    const char* name;
    Schedule schedule;
    std::optional<Instant> last;
    Instant now;
    bool due;
  };
  const Row rows[] = {
      {"never run", {6h, {}}, {}, at(14, 1h), true},
      {"the interval is over", {6h, {}}, at(14, 1h), at(14, 7h), true},
      {"the interval is not over", {6h, {}}, at(14, 1h), at(14, 7h - 1ms), false},
      {"the clock was set back", {6h, {}}, at(15, 1h), at(14, 7h), true},
      {"before the window", {{}, night}, {}, at(14, 2h - 1ms), false},
      {"at its begin", {{}, night}, {}, at(14, 2h), true},
      {"in it, run yesterday", {{}, night}, at(13, 2h), at(14, 4h), true},
      {"in it, run in it", {{}, night}, at(14, 2h), at(14, 4h), false},
      {"at its end", {{}, night}, {}, at(14, 5h), false},
      {"before midnight", {{}, over_midnight}, {}, at(14, 23h), true},
      {"after midnight", {{}, over_midnight}, {}, at(15, 3h), true},
      {"after midnight, run before it", {{}, over_midnight}, at(14, 23h), at(15, 3h), false},
      {"after midnight, run the night before", {{}, over_midnight}, at(14, 3h), at(15, 3h), true},
      {"by day", {{}, over_midnight}, {}, at(15, 4h), false},
      {"the whole day, again from its begin on", {{}, whole_day}, at(14, 5h), at(14, 6h), true},
      {"the whole day, once", {{}, whole_day}, at(14, 7h), at(15, 5h), false},
      {"both: the interval within the window", {1h, night}, at(14, 2h), at(14, 3h), true},
      {"both: not the interval", {1h, night}, at(14, 2h), at(14, 3h - 1s), false},
      {"both: not the window", {1h, night}, at(14, 2h), at(14, 9h), false},
  };
  for (const Row& row : rows) EXPECT_EQ(is_due(row.schedule, row.last, row.now), row.due) << row.name;
}

// A caller that asks again and again, and runs whenever it is due.
TEST(IsDue, RunsAsOftenAsItSaysAndNeverInABusyLoop) {
  const auto runs = [](const Schedule& schedule, Duration days_long) {
    std::optional<Instant> last;
    int count = 0;
    for (Instant now = at(1, 0ms); now < at(1, 0ms) + days_long; now += 7min)
      if (is_due(schedule, last, now)) last = now, ++count;
    return count;
  };
  EXPECT_EQ(runs({{}, Window{2h, 5h}}, days(10)), 10);
  EXPECT_EQ(runs({{}, Window{23h, 1h}}, days(10)), 11) << "the first begins in the night before";
  EXPECT_EQ(runs({days(1), {}}, days(10)), 10);
  EXPECT_EQ(runs({1h, Window{2h, 5h}}, days(10)), 30);
}

TEST(DueBySchedule, NamesWhatHasAScheduleThatHasCome) {
  Policy policy;
  for (const char* name : {"night", "hourly"}) policy.policies.push_back(built_in_secrets()), policy.policies.back().name = name;
  policy.policies[1].schedule = Schedule{{}, Window{2h, 5h}};
  policy.policies[2].schedule = Schedule{1h, {}};
  EXPECT_THAT(due_by_schedule(policy, {}, at(14, 12h)), testing::ElementsAre("hourly"));
  EXPECT_THAT(due_by_schedule(policy, {{"hourly", at(14, 11h + 30min)}}, at(14, 12h)), testing::IsEmpty());
  EXPECT_THAT(due_by_schedule(policy, {{"hourly", at(14, 2h)}}, at(14, 3h)), testing::ElementsAre("hourly", "night"));
}

TEST(OnlyDue, LeavesOutWhatIsNotDueAndKeepsTheOrder) {
  Policy policy;
  for (const char* name : {"always", "night", "hourly"}) policy.policies.push_back(built_in_secrets()), policy.policies.back().name = name;
  policy.policies[2].schedule = Schedule{{}, Window{2h, 5h}};
  policy.policies[3].schedule = Schedule{1h, {}};
  const auto names = [&](const std::map<std::string, Instant>& last, Instant now) {
    std::string all;
    for (const NamedPolicy& one : only_due(policy, last, now).policies) all += one.name + " ";
    return all;
  };
  EXPECT_EQ(names({}, at(14, 12h)), "secrets always hourly ");
  EXPECT_EQ(names({{"hourly", at(14, 11h + 30min)}}, at(14, 12h)), "secrets always ");
  EXPECT_EQ(names({{"hourly", at(14, 2h)}}, at(14, 3h)), "secrets always night hourly ");
}

TEST(ForSession, KeepsWhatIsAboutSecretsWhateverItsSchedule) {
  Policy policy;
  policy.policies.clear();
  for (const char* name : {"secrets-at-night", "tokens-at-night", "cache-at-night"}) {
    NamedPolicy& one = policy.policies.emplace_back();
    one.name = name;
    one.schedule = Schedule{{}, Window{2h, 5h}};
  }
  policy.policies[0].match.secret = true;
  policy.policies[1].match.rules = {"github-*"};
  policy.policies[2].match.secret = false;
  const auto names = [&](Instant now) {
    std::string all;
    for (const NamedPolicy& one : for_session(policy, {}, now).policies) all += one.name + " ";
    return all;
  };
  EXPECT_EQ(names(at(14, 12h)), "secrets-at-night tokens-at-night ");
  EXPECT_EQ(names(at(14, 3h)), "secrets-at-night tokens-at-night cache-at-night ");
}

}  // namespace
}  // namespace cleanerd::policy
