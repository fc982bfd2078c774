#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using nlohmann::ordered_json;
using ::testing::ElementsAre;

FindingRow a_finding(std::string rule = "secret-name") {
  return {std::move(rule), "build-arg", "history step 2 of 3", "xy****89", "00ff", "build argument NPM_TOKEN of image abc"};
}

FindingRow in_file(std::string path) { return {"known-value", "content", std::move(path), "xy****89", "00ff", "declared"}; }

ObjectRow an_object(std::string state, std::vector<FindingRow> findings) {
  ObjectRow row;
  row.id = "image.dangling:sha256:abc";
  row.kind = "image.dangling";
  row.engine_id = "sha256:abc";
  row.state = std::move(state);
  row.secret = !findings.empty();
  row.findings = std::move(findings);
  return row;
}

Document a_document(std::vector<ObjectRow> objects = {}) {
  Document document;
  document.command = "scan";
  document.objects = std::move(objects);
  return document;
}

ordered_json run_of(const Document& document) { return ordered_json::parse(render_sarif(document)).at("runs").at(0); }

ordered_json result_of(std::string state, FindingRow finding) {
  return run_of(a_document({an_object(std::move(state), {std::move(finding)})})).at("results").at(0);
}

std::string text_of(FindingRow finding) { return result_of("found", std::move(finding)).at("message").at("text"); }

ordered_json uri_of(const std::string& path) {
  return result_of("found", in_file(path)).at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri");
}

TEST(RenderSarif, IsOneRunOfCleanerd) {
  const auto sarif = ordered_json::parse(render_sarif(a_document()));
  EXPECT_EQ(sarif.at("version"), "2.1.0");
  ASSERT_EQ(sarif.at("runs").size(), 1u);
  const auto& run = sarif["runs"][0];
  EXPECT_EQ(run.at("tool").at("driver").at("name"), "cleanerd");
  EXPECT_EQ(run.at("results"), ordered_json::array()) << "absent would mean that nothing was looked for";
  EXPECT_EQ(run.at("tool").at("driver").at("rules"), ordered_json::array());
  EXPECT_EQ(run.at("invocations").at(0).at("executionSuccessful"), true);
}

TEST(RenderSarif, WritesAResultForEachFindingAndEachRuleOnce) {
  const auto run = run_of(a_document({an_object("found", {a_finding(), a_finding("known-value")}), an_object("found", {}),
                                      an_object("found", {a_finding(), a_finding("a-new-rule")})}));
  std::vector<std::string> rules, of_results;
  for (const auto& rule : run.at("tool").at("driver").at("rules")) {
    rules.push_back(rule.at("id"));
    EXPECT_FALSE(rule.at("shortDescription").at("text").get<std::string>().empty()) << rules.back();
  }
  EXPECT_THAT(rules, ElementsAre("secret-name", "known-value", "a-new-rule"));
  for (const auto& result : run.at("results")) of_results.push_back(rules.at(result.at("ruleIndex").get<std::size_t>()));
  EXPECT_THAT(of_results, ElementsAre("secret-name", "known-value", "secret-name", "a-new-rule"));
}

TEST(RenderSarif, SaysWhatIsWhere) {
  const auto result = result_of("kept", a_finding());
  EXPECT_EQ(result.at("message").at("text"), "build argument NPM_TOKEN of image abc; found in history step 2 of 3: xy****89 (kept)");
  EXPECT_EQ(result.at("properties"), (ordered_json{{"state", "kept"}, {"kind", "image.dangling"}, {"masked", "xy****89"}}));
  EXPECT_EQ(result.at("partialFingerprints"), (ordered_json{{"cleanerd/v1", "00ff"}}));
  const auto& location = result.at("locations").at(0);
  EXPECT_EQ(location.at("logicalLocations").at(0),
            (ordered_json{{"fullyQualifiedName", "image.dangling:sha256:abc"}, {"kind", "image.dangling"}}));
  EXPECT_FALSE(location.contains("physicalLocation")) << "a history step is no file";
}

TEST(RenderSarif, LeavesOutAFingerprintThatIsNotThere) {
  FindingRow step = a_finding("secret-step");
  step.masked = step.fingerprint = "";
  EXPECT_FALSE(result_of("found", step).contains("partialFingerprints"));
  EXPECT_EQ(text_of(step), "build argument NPM_TOKEN of image abc; found in history step 2 of 3 (found)");
}

TEST(RenderSarif, TakesOnlyAGoneSecretLightly) {
  for (const char* state : {"found", "planned", "kept", "failed"}) {
    ObjectRow row = an_object(state, {a_finding()});
    row.reasons = {{"engine", "said no"}};
    EXPECT_EQ(run_of(a_document({row})).at("results").at(0).at("level"), "error") << state;
  }
  EXPECT_EQ(result_of("removed", a_finding()).at("level"), "note");
}

TEST(RenderSarif, NamesAFileByAUriRelativeToItsObject) {
  EXPECT_EQ(uri_of("/root/.npmrc"), "root/.npmrc");
  EXPECT_EQ(uri_of("//root/.npmrc"), "root/.npmrc") << "//root would be a host";
  EXPECT_EQ(uri_of("c:/a b%#?[x].txt"), "c%3A/a%20b%25%23%3F%5Bx%5D.txt");
  EXPECT_EQ(uri_of("~/\xC3\xA4-_"), "~/%C3%A4-_");
}

TEST(RenderSarif, KeepsForeignTextFromBecomingPlaceholdersAndLinks) {
  FindingRow odd = a_finding();
  odd.origin = "label [fix](https://evil.example) {0}";
  odd.masked = "";
  odd.location = "x](y";
  EXPECT_EQ(text_of(odd), "label [fix] (https://evil.example) {{0}}; found in x] (y (found)");
}

TEST(RenderSarif, TellsEachBlindSpotAndEachFailedRemoval) {
  ObjectRow failed = an_object("failed", {});
  failed.reasons = {{"carries-a-secret", "carries a secret"}, {"engine", "the engine {refused}"}};
  Document document = a_document({failed});
  document.unread = {{"image 0123", "not readable"}};
  const auto invocation = run_of(document).at("invocations").at(0);
  EXPECT_EQ(invocation.at("executionSuccessful"), false);
  std::vector<std::string> texts;
  for (const auto& one : invocation.at("toolExecutionNotifications")) {
    EXPECT_EQ(one.at("level"), "error");
    texts.push_back(one.at("message").at("text"));
  }
  EXPECT_THAT(texts, ElementsAre("image 0123 could not be looked at: not readable",
                                 "image.dangling:sha256:abc could not be removed: the engine {{refused}}"));
}

TEST(RenderSarif, IsValidWhateverTheEngineSays) {
  FindingRow odd = a_finding("\xff");
  odd.origin = "\xfe\"\\";
  EXPECT_FALSE(ordered_json::parse(render_sarif(a_document({an_object("found", {odd})})), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace cleanerd::report
