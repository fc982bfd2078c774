#include "policy/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "support/files.hpp"

namespace cleanerd::policy {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(LoadText, ReadsEveryKey) {
  const Loaded loaded = load_text("c.yaml", R"(# comment
engine:
  host: unix:///run/docker.sock
state_dir: /srv/cleanerd
quiet_period: 1m30s
secrets:
  names: ["*_LICENSE"]
  except: [HARMLESS_TOKEN]
protect:
  labels: [keep, team=infra, "odd="]
  images: ["registry.example/base:*"]
builders:
  remove_orphaned: true
leftovers:
  remove: [leftover.tmp, orphan.layer]
log_level: debug
metrics: "[::1]:9799"
)");
  EXPECT_THAT(loaded.diagnostics, IsEmpty());
  const Policy& policy = loaded.policy;
  EXPECT_EQ(policy.engine_host, "unix:///run/docker.sock");
  EXPECT_EQ(policy.state_dir, "/srv/cleanerd");
  EXPECT_EQ(policy.quiet_period, 90s);
  EXPECT_TRUE(policy.names.is_secret("BUILD_LICENSE"));
  EXPECT_FALSE(policy.names.is_secret("HARMLESS_TOKEN"));
  EXPECT_TRUE(policy.names.is_secret("NPM_TOKEN"));
  ASSERT_EQ(policy.protected_labels.size(), 4u);  // and the default one
  EXPECT_EQ(policy.protected_labels[1].name, "keep");
  EXPECT_EQ(policy.protected_labels[1].value, std::nullopt);
  EXPECT_EQ(policy.protected_labels[2].name, "team");
  EXPECT_EQ(policy.protected_labels[2].value, "infra");
  EXPECT_EQ(policy.protected_labels[3].value, "");
  EXPECT_THAT(policy.protected_images, ElementsAre("registry.example/base:*"));
  EXPECT_TRUE(policy.remove_orphaned_builders);
  EXPECT_EQ(policy.log_level, "debug");
  EXPECT_EQ(policy.metrics_address, "[::1]:9799");
  EXPECT_THAT(policy.removed_leftovers, ElementsAre(inventory::Kind::leftover_tmp, inventory::Kind::orphan_layer));
}

TEST(LoadText, TakesNothingForTheDefault) {
  for (const char* text : {"", "\n# only a comment\n", "---\n", "null\n", "{}\n"}) {
    const Loaded loaded = load_text("c.yaml", text);
    EXPECT_THAT(loaded.diagnostics, IsEmpty()) << text;
    EXPECT_FALSE(loaded.policy.engine_host);
    EXPECT_FALSE(loaded.policy.remove_orphaned_builders);
    ASSERT_EQ(loaded.policy.protected_labels.size(), 1u);
    EXPECT_EQ(loaded.policy.protected_labels[0].name, "cleanerd.keep");
    EXPECT_EQ(loaded.policy.quiet_period, 5s);
  }
}

TEST(LoadText, SaysWhereAProblemIsAndWhatWasExpected) {
  struct Row {
    const char* name;
    const char* text;
    const char* place;
    const char* message;
  };
  const Row rows[] = {
      {"unknown key", "engine:\n  hots: x\n", "c.yaml:2:3: ", "unknown key 'hots' in engine; expected one of: host"},
      {"unknown key at the top", "a: 1\n", "c.yaml:1:1: ", "unknown key 'a' in the file; expected one of: engine, state_dir, secrets"},
      {"key that is no text", "[1]: 1\n", "c.yaml:1:1: ", "unknown key ''"},
      {"merge key", "<<: {state_dir: /x}\n", "c.yaml:1:1: ", "unknown key '<<'"},
      {"key twice", "state_dir: /a\nstate_dir: /b\n", "c.yaml:2:1: ", "key 'state_dir' stands twice in the file"},
      {"not a mapping", "- a\n- b\n", "c.yaml:1:1: ", "the file must be a mapping"},
      {"a text", "hello\n", "c.yaml:1:1: ", "the file must be a mapping"},
      {"list for a mapping", "engine: [x]\n", "c.yaml:1:9: ", "engine must be a mapping"},
      {"null for a mapping", "state_dir: /x\nengine:\n", "c.yaml:2:1: ", "key 'engine' has no value in the file"},
      {"null for a text", "state_dir: ~\n", "c.yaml:1:1: ", "key 'state_dir' has no value in the file"},
      {"relative path", "state_dir: var/lib\n", "c.yaml:1:12: ", "expected an absolute path, such as /var/lib/cleanerd"},
      {"mapping for a path", "state_dir: {a: b}\n", "c.yaml:1:12: ", "expected an absolute path"},
      {"empty path", "state_dir: ''\n", "c.yaml:1:12: ", "expected an absolute path"},
      {"TCP host", "engine: {host: \"tcp://x:1\"}\n", "c.yaml:1:16: ", "expected a Unix socket"},
      {"no duration", "quiet_period: soon\n", "c.yaml:1:15: ", "expected a duration, such as 500ms, 5s, 2m or 1h30m"},
      {"a kind that no policy removes", "leftovers: {remove: [leftover.tmp, image.tagged]}\n", "c.yaml:1:36: ", "expected leftover.tmp, leftover.ingest, orphan.layer or store.inactive"},
      {"negative duration", "quiet_period: -5s\n", "c.yaml:1:15: ", "expected a duration"},
      {"duration without unit", "quiet_period: 5\n", "c.yaml:1:15: ", "expected a duration"},
      {"text for a list", "secrets: {names: X}\n", "c.yaml:1:18: ", "expected a list of name patterns"},
      {"mapping in a list", "secrets:\n  names:\n    - A\n    - {b: c}\n", "c.yaml:4:7: ", "expected name patterns"},
      {"empty entry", "protect: {images: [a, '']}\n", "c.yaml:1:23: ", "expected image patterns"},
      {"null entry", "protect:\n  images:\n    -\n", "c.yaml:3:5: ", "an entry of the list is empty; expected image patterns"},
      {"label without name", "protect: {labels: [\"=x\"]}\n", "c.yaml:1:20: ", "expected a label"},
      {"not YAML: brackets", "engine: [\n", "c.yaml:2:1: ", "not valid YAML"},
      {"not YAML: tab", "engine:\n\thost: x\n", "c.yaml:2:6: ", "not valid YAML"},
      {"not YAML: indentation", "engine:\n  host: unix:///x\n quiet: 1\n", "c.yaml:3:2: ", "not valid YAML"},
      {"not YAML: a stray comma, at which yaml-cpp finds documents without end", ",", "c.yaml:1:1: ", "not valid YAML"},
      {"not YAML: a stray comma behind a list", "- a\n,", "c.yaml:2:1: ", "not valid YAML"},
      {"unknown alias", "engine: *nobody\n", "c.yaml:1:9: ", "not valid YAML"},
      {"two documents", "state_dir: /a\n---\nstate_dir: /b\n", "c.yaml:2:1: ", "more than one YAML document"},
  };
  for (const Row& row : rows) {
    const Loaded loaded = load_text("c.yaml", row.text);
    ASSERT_EQ(loaded.diagnostics.size(), 1u) << row.name;
    EXPECT_THAT(render(loaded.diagnostics[0]), ::testing::StartsWith(row.place)) << row.name;
    EXPECT_THAT(render(loaded.diagnostics[0]), HasSubstr(row.message)) << row.name;
  }
}

// Of each key that a program would refuse or pass over later, what it must not be; docs/configuration.md.
TEST(LoadText, ChecksEachKeysValueWhereItStands) {
  const std::string long_path = "/" + std::string(107, 'x');
  struct Row {
    std::string key;  // with those that it stands in
    std::vector<std::string> values;
    const char* expected;
  };
  const Row rows[] = {
      {"engine: {host: ", {"tcp://1.2.3.4:2375", "unix://", "unix:///", "unix:///run/", "unix://run/docker.sock", "/run/docker.sock", "unix://" + long_path}, "expected a Unix socket"},
      {"state_dir: ", {"var", "''", "[]"}, "expected an absolute path"},
      {"rules_dir: ", {"rules.d", "{}"}, "expected an absolute path"},
      {"secrets: {names: ", {"X", "[[]]", "['']"}, "expected"},
      {"secrets: {except: ", {"X", "[{}]"}, "expected"},
      {"protect: {labels: ", {"x", "['=x']"}, "expected"},
      {"protect: {images: ", {"x", "['']"}, "expected"},
      {"protect: {stopped_containers: ", {"yes", "1", "[]"}, "expected true or false"},
      {"builders: {remove_orphaned: ", {"yes", "0"}, "expected true or false"},
      {"leftovers: {remove: ", {"leftover.tmp", "[leftover.executor]"}, "expected"},
      {"quiet_period: ", {"5", "-1s", "366d"}, "expected a duration"},
      {"interval: ", {"0", "0s", "500ms", "366d", "ten"}, "expected a duration"},
      {"control: {socket: ", {"cleanerd.sock", "/run/cleanerd/", "/", long_path}, "expected"},
      {"control: {may_purge: ", {"root", "['a b']", "['a:b']", "['99999999999']", "['-x']"}, "expected"},
      {"metrics: ", {"'9798'", "':9798'", "localhost:9798", "127.0.0.1", "'127.0.0.1:'", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:99999", "'127.0.0.1:-1'",
                     "256.0.0.1:80", "'::1:9798'", "'[::1]'", "'[127.0.0.1]:80'", "on"}, "expected a numeric address and a port"},
      {"log_level: ", {"loud", "INFO", "[info]"}, "expected one of: error, warn, info, debug, trace"},
      {"low_disk: ", {"10", "100%", "-1%", "1.5%", "'%'"}, "expected a percentage"},
      {"keep_audit: ", {"90", "soon"}, "expected a duration"},
  };
  for (const Row& row : rows)
    for (const std::string& value : row.values) {
      const bool is_nested = row.key.find('{') != std::string::npos;
      const Loaded loaded = load_text("c.yaml", "# first\n" + row.key + value + (is_nested ? "}\n" : "\n"));
      ASSERT_EQ(loaded.diagnostics.size(), 1u) << row.key << value;
      EXPECT_THAT(render(loaded.diagnostics[0]), ::testing::StartsWith("c.yaml:2:")) << row.key << value;
      EXPECT_GT(loaded.diagnostics[0].column, 1) << row.key << value;
      EXPECT_THAT(loaded.diagnostics[0].message, HasSubstr(row.expected)) << row.key << value;
    }
}

TEST(LoadText, TakesWhatTheServiceTakes) {
  for (const char* text : {"metrics: off", "metrics: 0.0.0.0:1", "metrics: '[::]:65535'", "interval: 1s", "interval: 365d", "quiet_period: 0", "keep_audit: 0",
                           "control: {socket: /run/x, may_purge: [ci-admin, '1001', build_user$]}", "low_disk: 0%", "low_disk: off", "log_level: error"})
    EXPECT_THAT(load_text("c.yaml", text).diagnostics, IsEmpty()) << text;
}

TEST(LoadText, ReportsAllProblemsAtOnce) {
  const Loaded loaded = load_text("c.yaml", "quiet_period: x\nwrong: 1\nstate_dir: relative\nsecrets:\n  names: 5\n  nope: 1\n");
  std::vector<int> lines;
  for (const Diagnostic& diagnostic : loaded.diagnostics) lines.push_back(diagnostic.line);
  EXPECT_THAT(lines, ElementsAre(1, 2, 3, 5, 6));
}

TEST(Render, ShowsTheLineAndACaretBelowThePlace) {
  const Loaded loaded = load_text("c.yaml", "engine:\n  host: tcp://x\n");
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(render(loaded.diagnostics[0]),
            "c.yaml:2:9: expected a Unix socket, such as unix:///var/run/docker.sock\n"
            "    host: tcp://x\n"
            "          ^");
}

TEST(Render, NeverShowsWhatCouldBeASecret) {
  for (const char* text : {"engine:\n  host: tcp://me:hunter2@host:1\n", "password: hunter2\n", "secrets:\n  values: [hunter2]\n",
                           "secrets:\n  names: hunter2\n", "secrets:\n  names:\n    - {a: hunter2}\n", "token: \"hunter2\n",
                           "secrets: [hunter2\n", "secrets: hunter2\n", "npm_token: hunter2\n\tx: y\n", "- hunter2\n"}) {
    const Loaded loaded = load_text("c.yaml", text);
    ASSERT_FALSE(loaded.diagnostics.empty()) << text;
    for (const Diagnostic& diagnostic : loaded.diagnostics) EXPECT_THAT(render(diagnostic), Not(HasSubstr("hunter2"))) << text;
  }
}

TEST(LoadText, EndsSoonOnAliasBombsAndDeepNesting) {
  const auto start = std::chrono::steady_clock::now();
  std::string laughs = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  laughs += "secrets: {names: *a59}\n";
  EXPECT_FALSE(load_text("c.yaml", laughs).diagnostics.empty());
  EXPECT_FALSE(load_text("c.yaml", "secrets: &a {names: [*a, *a]}\n").diagnostics.empty());
  EXPECT_FALSE(load_text("c.yaml", "secrets: {names: &a [*a, *a, *a]}\n").diagnostics.empty());
  EXPECT_FALSE(load_text("c.yaml", "state_dir: " + std::string(200000, '[')).diagnostics.empty());
  EXPECT_FALSE(load_text("c.yaml", "state_dir: " + std::string(200000, '{')).diagnostics.empty());
  std::string block;
  for (int i = 0; i < 2000; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_FALSE(load_text("c.yaml", block).diagnostics.empty());
  EXPECT_FALSE(load_text("c.yaml", std::string(2000, '-') + std::string("\0\xff\xfe", 3)).diagnostics.empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

TEST(LoadDirectory, LetsALaterFileOverrideValuesAndAddToLists) {
  const test::TempDir directory;
  test::write_file(directory.path() / "cleanerd.yaml", "state_dir: /first\nquiet_period: 1s\nprotect: {labels: [a]}\n");
  test::write_file(directory.path() / "conf.d/20-second.yaml", "state_dir: /third\nprotect: {labels: [c]}\n");
  test::write_file(directory.path() / "conf.d/10-first.yaml", "state_dir: /second\nprotect: {labels: [b]}\n");
  test::write_file(directory.path() / "conf.d/ignored.yaml.bak", "not read: [\n");
  const Loaded loaded = load_directory(directory.path().string());
  EXPECT_THAT(loaded.diagnostics, IsEmpty());
  ASSERT_EQ(loaded.files.size(), 3u);
  EXPECT_THAT(loaded.files[1], ::testing::EndsWith("conf.d/10-first.yaml"));
  EXPECT_EQ(loaded.policy.state_dir, "/third");
  EXPECT_EQ(loaded.policy.quiet_period, 1s);
  std::vector<std::string> labels;
  for (const LabelRule& rule : loaded.policy.protected_labels) labels.push_back(rule.name);
  EXPECT_THAT(labels, ElementsAre("cleanerd.keep", "a", "b", "c"));
}

TEST(LoadDirectory, IsTheDefaultPolicyWithoutAnyFile) {
  const test::TempDir directory;
  EXPECT_THAT(load_directory(directory.path().string()).diagnostics, IsEmpty());
  EXPECT_THAT(load_directory((directory.path() / "absent").string()).files, IsEmpty());
}

TEST(LoadDirectory, NamesTheFileThatIsWrong) {
  const test::TempDir directory;
  test::write_file(directory.path() / "conf.d/10.yaml", "state_dir: /x\n");
  test::write_file(directory.path() / "conf.d/20.yaml", "nope: 1\n");
  const Loaded loaded = load_directory(directory.path().string());
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_THAT(render(loaded.diagnostics[0]), HasSubstr("conf.d/20.yaml:1:1: unknown key 'nope'"));
}

TEST(LoadFiles, MissesAFileThatThePersonNamed) {
  const test::TempDir directory;
  const Loaded loaded = load_files({(directory.path() / "absent.yaml").string()});
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(loaded.diagnostics[0].line, 0);
  EXPECT_THAT(render(loaded.diagnostics[0]), HasSubstr("absent.yaml: cannot be read"));
  EXPECT_FALSE(load_files({directory.path().string()}).diagnostics.empty());
}

TEST(LoadFiles, RefusesAnEnormousFile) {
  const test::TempDir directory;
  test::write_file(directory.path() / "c.yaml", std::string((1u << 20) + 1, '#'));
  EXPECT_THAT(render(load_files({(directory.path() / "c.yaml").string()}).diagnostics.at(0)), HasSubstr("larger than expected"));
}

}  // namespace
}  // namespace cleanerd::policy
