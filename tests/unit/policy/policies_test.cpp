// `policies:` as it is read and shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/load.hpp"
#include "policy/show.hpp"
#include "support/files.hpp"

namespace cleanerd::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> names(const Policy& policy) {
  std::vector<std::string> all;
  for (const NamedPolicy& one : policy.policies) all.push_back(one.name);
  return all;
}

TEST(Policies, ReadEveryKey) {
  const Loaded loaded = load_text("c.yaml", R"(policies:
  - name: everything
    match:
      kinds: [image.tagged, "cache.*"]
      secret: false
      rules: ["github-*"]
      older_than: 7d
      unused_for: 12h
      larger_than: 1.5GB
      labels: [team, stage=ci]
      images: ["ci/*"]
      builds: ["x*"]
    action: purge
    max_used_space: 20GB
    min_free_space: 12.5%
    keep_newest: 3
    order: least-recently-used
    dry_run: true
    schedule: {every: 6h, window: "22:00-05:30"}
  - {name: second, match: {secret: true}, action: report}
)");
  ASSERT_THAT(loaded.diagnostics, IsEmpty());
  ASSERT_THAT(names(loaded.policy), ElementsAre("secrets", "everything", "second"));
  const NamedPolicy& policy = loaded.policy.policies[1];
  EXPECT_THAT(policy.match.kinds, ElementsAre("image.tagged", "cache.*"));
  EXPECT_EQ(policy.match.secret, false);
  EXPECT_THAT(policy.match.rules, ElementsAre("github-*"));
  EXPECT_EQ(policy.match.older_than, 168h);
  EXPECT_EQ(policy.match.unused_for, 12h);
  EXPECT_EQ(policy.match.larger_than, ByteSize{3LL << 29});
  EXPECT_THAT(policy.match.labels, ElementsAre(LabelRule{"team", {}}, LabelRule{"stage", "ci"}));
  EXPECT_THAT(policy.match.images, ElementsAre("ci/*"));
  EXPECT_THAT(policy.match.builds, ElementsAre("x*"));
  EXPECT_EQ(policy.action, Action::purge);
  EXPECT_EQ(policy.limits.max_used_space->bytes, ByteSize{20LL << 30});
  EXPECT_EQ(policy.limits.min_free_space->percent, 12.5);
  EXPECT_EQ(policy.limits.keep_newest, 3u);
  EXPECT_EQ(policy.limits.order, Order::least_recently_used);
  EXPECT_TRUE(policy.dry_run);
  EXPECT_EQ(policy.schedule->every, 6h);
  EXPECT_EQ(policy.schedule->window->from, 22h);
  EXPECT_EQ(policy.schedule->window->to, 5h + 30min);
  EXPECT_EQ(policy.line, 2);
  EXPECT_EQ(loaded.policy.policies[2].action, Action::report);
}

TEST(Policies, AddToTheBuiltInOneOrReplaceIt) {
  EXPECT_THAT(names(load_text("c.yaml", "").policy), ElementsAre("secrets"));
  const Loaded loaded = load_text("c.yaml", "policies: [{name: a, match: {secret: true}}, {name: secrets, match: {secret: true}, action: report}]\n");
  EXPECT_THAT(names(loaded.policy), ElementsAre("secrets", "a"));
  EXPECT_EQ(loaded.policy.policies[0].action, Action::report);
}

TEST(Policies, OfSeveralFilesAreUnique) {
  const test::TempDir directory;
  const std::string policy = "policies: [{name: NAME, match: {secret: true}}]\n";
  const auto named = [&](const char* name) { return std::string(policy).replace(policy.find("NAME"), 4, name); };
  test::write_file(directory.path() / "conf.d/1.yaml", named("a"));
  test::write_file(directory.path() / "conf.d/2.yaml", named("b"));
  EXPECT_THAT(names(load_directory(directory.path().string()).policy), ElementsAre("secrets", "a", "b"));
  test::write_file(directory.path() / "conf.d/3.yaml", named("secrets"));
  test::write_file(directory.path() / "conf.d/4.yaml", named("secrets"));
  const Loaded twice = load_directory(directory.path().string());
  ASSERT_EQ(twice.diagnostics.size(), 1u);
  EXPECT_THAT(render(twice.diagnostics[0]), HasSubstr("4.yaml:1:12: policy 'secrets' stands already at"));
  EXPECT_THAT(render(twice.diagnostics[0]), HasSubstr("3.yaml:1"));
}

TEST(Policies, SayWhereAProblemIsAndWhatWasExpected) {
  struct Row {
    const char* text;
    const char* place;
    const char* message;
  };
  const Row rows[] = {
      {"policies: {a: b}\n", "1:11", "expected a list of policies"},
      {"policies:\n  -\n", "2:3", "an entry of the list is empty"},
      {"policies: [a]\n", "1:12", "a policy must be a mapping"},
      {"policies:\n  - match: {secret: true}\n", "2:5", "a policy needs a name"},
      {"policies:\n  - name: a\n", "2:5", "a policy needs a match"},
      {"policies: [{name: a, match: {}}]\n", "1:29", "a match needs at least one key"},
      {"policies: [{name: a_b, match: {secret: true}}]\n", "1:19", "expected a name of lower-case letters"},
      {"policies: [{name: a, match: {secret: yes}}]\n", "1:38", "expected true or false"},
      {"policies: [{name: a, match: {kinds: []}}]\n", "1:37", "the list is empty and would match nothing; expected kinds"},
      {"policies: [{name: a, match: {kinds: [image.taged]}}]\n", "1:38", "there is no kind 'image.taged'"},
      {"policies: [{name: a, match: {larger_than: big}}]\n", "1:43", "expected a size, such as 512MB"},
      {"policies: [{name: a, match: {older_than: 7}}]\n", "1:42", "expected a duration"},
      {"policies: [{name: a, match: {secret: true}, action: remove}]\n", "1:53", "expected one of: purge, report"},
      {"policies: [{name: a, match: {secret: true}, order: x}]\n", "1:52", "expected one of: oldest, least-recently-used, largest"},
      {"policies: [{name: a, match: {secret: true}, keep_newest: 0}]\n", "1:58", "expected a number from 1 to"},
      {"policies: [{name: a, match: {secret: true}, min_free_space: 101%}]\n", "1:61", "expected a size, such as 20GB, or a part of the disk"},
      {"policies: [{name: a, match: {secret: true}, action: report, keep_newest: 1}]\n", "1:74", "limits belong to policies that purge"},
      {"policies: [{name: a, match: {secret: true}, schedule: {}}]\n", "1:55", "a schedule needs every"},
      {"policies: [{name: a, match: {secret: true}, schedule: {every: 0s}}]\n", "1:63", "expected a duration from 1s to"},
      {"policies: [{name: a, match: {secret: true}, schedule: {window: 2-5}}]\n", "1:64", "expected a time of day"},
      {"policies: [{name: a, match: {secret: true}, schedule: {window: '02:00-25:00'}}]\n", "1:64", "expected a time of day"},
      {"policies: [{name: a, match: {secret: true}, colour: red}]\n", "1:45", "unknown key 'colour' in a policy; expected one of: name, match, action"},
  };
  for (const Row& row : rows) {
    const Loaded loaded = load_text("c.yaml", row.text);
    ASSERT_EQ(loaded.diagnostics.size(), 1u) << row.text;
    EXPECT_THAT(render(loaded.diagnostics[0]), StartsWith("c.yaml:" + std::string(row.place) + ": ")) << row.text;
    EXPECT_THAT(render(loaded.diagnostics[0]), HasSubstr(row.message)) << row.text;
    EXPECT_THAT(names(loaded.policy), ElementsAre("secrets")) << row.text;
  }
}

TEST(Policies, ShowWhatWasWrittenButNoSecret) {
  const auto shown = [](const char* text) { return render(load_text("c.yaml", text).diagnostics.at(0)); };
  EXPECT_THAT(shown("policies:\n  - {name: a, match: {kinds: [x]}}\n"), HasSubstr("\n    - {name: a, match: {kinds: [x]}}\n"));
  EXPECT_THAT(shown("policies:\n  - {name: a, match: {secret: hunter2}}\n"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(shown("policies:\n  - {name: a, match: {token: hunter2}}\n"), Not(HasSubstr("hunter2")));
}

TEST(Policies, EndSoonOnFilesThatAreMadeToTakeLong) {
  std::string many = "p: &p {name: a, match: {kinds: [x]}}\npolicies: [*p";
  for (int i = 0; i < 100'000; ++i) many += ",*p";
  EXPECT_THAT(load_text("c.yaml", many + "]\n").diagnostics, Not(IsEmpty()));
  std::string wrong = "policies: [{name: a, match: {kinds: [x";
  for (int i = 0; i < 100'000; ++i) wrong += ",x";
  EXPECT_EQ(load_text("c.yaml", wrong + "]}}]\n").diagnostics.size(), 1000u);
  EXPECT_THAT(load_text("c.yaml", "policies: &a [{name: a, match: *a}]\n").diagnostics, Not(IsEmpty()));
}

TEST(Show, IsReadAsTheSamePolicy) {
  const std::string text = R"(engine: {host: "unix:///x"}
state_dir: "/a b"
secrets: {names: ["*_LICENSE"], except: ["A: b"]}
protect: {labels: ["team", "a=\"quoted\": # no comment"], images: ["true", "12"], stopped_containers: true}
builders: {remove_orphaned: true}
policies:
  - {name: a, match: {kinds: ["*"], older_than: 90m, larger_than: 1537}, max_used_space: 33.3%, keep_newest: 2, order: largest}
  - {name: b, match: {labels: [x, "y="]}, dry_run: true, schedule: {window: "23:59-00:00"}}
)";
  const Loaded loaded = load_text("c.yaml", text);
  ASSERT_THAT(loaded.diagnostics, IsEmpty());
  const std::string shown = show(loaded.policy);
  const Loaded again = load_text("shown.yaml", shown);
  ASSERT_THAT(again.diagnostics, IsEmpty()) << shown;
  EXPECT_EQ(show(again.policy), shown);
  EXPECT_EQ(again.policy.state_dir, "/a b");
  EXPECT_EQ(again.policy.protected_labels, loaded.policy.protected_labels);
  EXPECT_EQ(again.policy.policies[1].limits.max_used_space->percent, 33.3);
  EXPECT_EQ(again.policy.policies[1].match.larger_than, ByteSize{1537});
  EXPECT_EQ(again.policy.policies[2].schedule->window->from, 23h + 59min);
  EXPECT_FALSE(again.policy.names.is_secret("A: B"));
}

TEST(Show, TellsTheDefaultPolicy) {
  EXPECT_THAT(show(Policy()), HasSubstr("policies:\n  - name: secrets\n    match:\n      secret: true\n    action: purge\n"));
}

}  // namespace
}  // namespace cleanerd::policy
