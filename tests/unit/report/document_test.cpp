#include "report/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/render.hpp"
#include "support/files.hpp"
#include "support/planned.hpp"

namespace cleanerd::report {
namespace {

using namespace std::chrono_literals;
using namespace test;
using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Its mask is "xy****89" on every run; no rule of the world's scanners takes it for a credential.
const std::string kSecret = "xy-planted-for-this-test-89";
const Fingerprinter kFingerprint{Fingerprinter::Key{}};

purge::Look look_at(const an_inventory& scenario, const plan::Selection& selection = {}) {
  Planned result = planned(scenario, {}, selection);
  return {std::move(result.inventory), std::move(result.findings), std::move(result.plan), scenario.snapshot.unread};
}

an_inventory a_host() {
  return an_inventory()
      .with(image("base").tagged("base:1").aged(72h))
      .with(image("step").parent("base").step("|1 NPM_TOKEN=" + kSecret + " /bin/sh -c npm ci").aged(2h))
      .with(image("leaf").parent("step").aged(119min))
      .with(image("app").tagged("app:1").env("NPM_TOKEN=" + kSecret).aged(1h))
      .with(container("web").of("app").is("running"))
      .with(record("cache").ran("echo \"$NPM_TOKEN\" > .npmrc"))
      .with(record("innocent").ran("make"));
}

Document document_of(Command command, const purge::Look& look, const purge::Report* report = nullptr) {
  return make_document(command, look, report, {}, kFingerprint, 1234ms);
}

const ObjectRow& row_of(const Document& document, std::string_view name) {
  for (const ObjectRow& row : document.objects)
    if (row.engine_id.find(std::string(name) + "00") != std::string::npos) return row;
  throw std::out_of_range("no row of " + std::string(name));
}

std::vector<std::string> keys_of(const ordered_json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(MakeDocument, CountsWhatAScanFound) {
  const Document document = document_of(Command::scan, look_at(a_host()));
  EXPECT_EQ(document.command, "scan");
  EXPECT_TRUE(document.complete);
  EXPECT_EQ(document.summary.objects, 6u) << "a running container is nobody's residue";
  EXPECT_EQ(document.summary.secret_objects, 3u);
  EXPECT_EQ(document.summary.remaining_secrets, 3u);
  EXPECT_EQ(document.summary.duration, 1234ms);
  for (const ObjectRow& row : document.objects) EXPECT_EQ(row.state, "found");
}

TEST(MakeDocument, TellsWhatAPlanRemovesAndKeeps) {
  const Document document = document_of(Command::plan, look_at(a_host()));
  EXPECT_EQ(row_of(document, "step").state, "planned");
  EXPECT_EQ(row_of(document, "leaf").state, "planned");
  EXPECT_EQ(row_of(document, "cache").state, "planned");
  EXPECT_EQ(row_of(document, "app").state, "kept");
  EXPECT_EQ(row_of(document, "innocent").state, "kept");
  EXPECT_EQ(document.summary.planned, 3u);
  EXPECT_EQ(document.summary.kept, 3u);
}

TEST(MakeDocument, TellsWhatBecameOfEachObjectOfAPurge) {
  const purge::Look before = look_at(a_host());
  purge::Report report;
  report.outcomes.emplace("image.intermediate:" + image_id("step").str(), purge::Outcome{purge::State::kept, {"busy", "was used meanwhile"}});
  report.outcomes.emplace("image.dangling:" + image_id("leaf").str(), purge::Outcome{purge::State::failed, {"engine", "said no to " + kSecret}});
  report.outcomes.emplace("cache.regular:" + cache_id("cache").str(), purge::Outcome{purge::State::removed, {"removed", "is gone"}});
  report.freed = {4096};
  const Document document = document_of(Command::purge, before, &report);
  EXPECT_EQ(row_of(document, "step").state, "kept");
  EXPECT_EQ(row_of(document, "step").reasons.back().code, "busy");
  EXPECT_EQ(row_of(document, "leaf").state, "failed");
  EXPECT_THAT(row_of(document, "leaf").reasons.back().text, Not(HasSubstr(kSecret)));
  EXPECT_EQ(row_of(document, "cache").state, "removed");
  EXPECT_EQ(document.summary.removed, 1u);
  EXPECT_EQ(document.summary.failed, 1u);
  EXPECT_EQ(document.summary.remaining_secrets, 2u) << "step and app, as the host could not be looked at again";
  EXPECT_EQ(document.summary.freed, ByteSize{4096});
}

TEST(MakeDocument, CountsTheSecretsThatAreLeftByLookingAgain) {
  const purge::Look before = look_at(a_host());
  purge::Report report;
  report.after = look_at(an_inventory().with(image("app").tagged("app:1").env("NPM_TOKEN=" + kSecret)));
  EXPECT_EQ(document_of(Command::purge, before, &report).summary.remaining_secrets, 1u);
}

TEST(MakeDocument, NamesWhatCameWhileThePurgeRan) {
  const purge::Look before = look_at(an_inventory().with(image("base").tagged("base:1")).with(image("plain").parent("base")));
  purge::Report report;
  report.after = look_at(an_inventory()
                             .with(image("base").tagged("base:1"))
                             .with(image("plain").parent("base").env("NPM_TOKEN=" + kSecret))
                             .with(image("late").tagged("late:1").env("NPM_TOKEN=" + kSecret))
                             .with(image("next").env("NPM_TOKEN=" + kSecret)));
  const Document document = document_of(Command::purge, before, &report);
  EXPECT_EQ(document.summary.remaining_secrets, 3u);
  EXPECT_EQ(document.summary.secret_objects, 3u);
  EXPECT_EQ(document.summary.objects, document.objects.size());
  EXPECT_EQ(document.summary.kept, document.objects.size());
  EXPECT_EQ(row_of(document, "late").reasons.back().code, "tagged");
  EXPECT_EQ(row_of(document, "next").reasons.back().code, "appeared");
  EXPECT_EQ(row_of(document, "plain").findings.size(), 1u);
  const std::string table = render_table(document, Colour::no);
  for (const char* name : {"late", "next", "plain"}) EXPECT_THAT(table, HasSubstr(name));
  EXPECT_THAT(render_json(document), Not(HasSubstr(kSecret)));
}

TEST(MakeDocument, TellsOfFreedPagesWithoutCountingThemAsLeft) {
  purge::FreedPages pages;
  pages.database = "/buildkit/history.db";
  pages.findings.push_back({"known-value", secrets::Source::content, "freed page 3, byte 12300", SecretValue(kSecret), "declared", {}, {}});
  purge::FreedPages clean;
  clean.database = "/buildkit/cache.db";
  purge::Report report;
  report.after = look_at(an_inventory().with(image("base").tagged("base:1")));
  report.after->freed = {pages, clean};
  const purge::Look look = look_at(a_host());
  const Document purged = document_of(Command::purge, look, &report);
  EXPECT_EQ(purged.summary.remaining_secrets, 0u);
  EXPECT_EQ(purged.summary.objects, purged.objects.size());
  const auto freed = std::ranges::find(purged.objects, "database.freed:/buildkit/history.db", &ObjectRow::id);
  ASSERT_NE(freed, purged.objects.end());
  EXPECT_EQ(freed->state, "found");
  EXPECT_EQ(freed->reasons.back().code, "freed");
  EXPECT_THAT(render_table(purged, Colour::no), AllOf(HasSubstr("no secret is left"), HasSubstr("cleanerctl scrub")));

  const Document verified = document_of(Command::verify, *report.after);
  EXPECT_EQ(verified.summary.secret_objects, 1u);
  EXPECT_EQ(verified.objects.size(), 3u);
}

TEST(MakeDocument, IsIncompleteWithAnyBlindSpot) {
  const purge::Look look = look_at(a_host().unread("image abc", "config holds " + kSecret));
  const Document document = document_of(Command::scan, look);
  EXPECT_FALSE(document.complete);
  ASSERT_EQ(document.unread.size(), 1u);
  EXPECT_EQ(document.unread[0].reason, "config holds ****");
  const std::vector<inventory::Unread> more{{"journal", "not readable"}};
  EXPECT_FALSE(make_document(Command::scan, look_at(a_host()), nullptr, more, kFingerprint, 0ms).complete);
}

TEST(MakeDocument, GivesOneSecretOneFingerprintAndOneMask) {
  const Document document = document_of(Command::scan, look_at(a_host()));
  const FindingRow& in_history = row_of(document, "step").findings.at(0);
  const FindingRow& in_env = row_of(document, "app").findings.at(0);
  EXPECT_EQ(in_history.masked, "xy****89");
  EXPECT_EQ(in_history.fingerprint, in_env.fingerprint);
  EXPECT_EQ(in_history.source, "build-arg");
  const FindingRow& in_step = row_of(document, "cache").findings.at(0);
  EXPECT_EQ(in_step.masked, "");
  EXPECT_EQ(in_step.fingerprint, "");
}

TEST(RenderJson, HasTheContractsKeysInItsOrder) {
  const auto json = ordered_json::parse(render_json(document_of(Command::plan, look_at(a_host().unread("x", "y")))));
  EXPECT_THAT(keys_of(json), ElementsAre("schema", "command", "complete", "engine", "objects", "unread", "summary"));
  EXPECT_EQ(json["schema"], "cleaner.v1");
  EXPECT_EQ(json["complete"], false);
  EXPECT_THAT(keys_of(json["engine"]), ElementsAre("version", "api_version", "store", "storage_driver", "data_root"));
  EXPECT_EQ(json["engine"]["api_version"], "1.51");
  EXPECT_EQ(json["engine"]["store"], "graphdriver");
  EXPECT_THAT(keys_of(json["unread"][0]), ElementsAre("place", "reason"));
  EXPECT_THAT(keys_of(json["summary"]), ElementsAre("objects", "secret_objects", "planned", "removed", "kept", "failed",
                                                    "remaining_secrets", "freed_bytes", "scanned_bytes", "duration_ms"));
  EXPECT_EQ(json["summary"]["duration_ms"], 1234);
  ASSERT_EQ(json["objects"].size(), 6u);
  for (const auto& object : json["objects"]) {
    EXPECT_THAT(keys_of(object), ElementsAre("id", "kind", "engine_id", "state", "size_bytes", "created_at", "build", "reasons", "findings"));
    EXPECT_EQ(object["id"], std::string(object["kind"]) + ":" + std::string(object["engine_id"]));
    for (const auto& reason : object["reasons"]) EXPECT_THAT(keys_of(reason), ElementsAre("code", "text"));
    for (const auto& finding : object["findings"])
      EXPECT_THAT(keys_of(finding), ElementsAre("rule", "source", "location", "masked", "fingerprint", "origin"));
  }
  EXPECT_EQ(json["objects"][0]["created_at"], "2026-03-14T14:00:00.000Z");
}

TEST(RenderJson, WritesListsAndNullsForWhatIsNotThere) {
  image timeless("i");
  timeless.value.summary.created.reset();
  const auto json = ordered_json::parse(render_json(document_of(Command::scan, look_at(an_inventory().with(timeless)))));
  EXPECT_TRUE(json["objects"][0]["created_at"].is_null());
  EXPECT_TRUE(json["objects"][0]["build"].is_null());
  EXPECT_TRUE(json["objects"][0]["findings"].is_array());
  EXPECT_TRUE(json["unread"].is_array());
}

TEST(RenderJson, IsValidWhateverTheEngineSays) {
  an_inventory odd = an_inventory().with(image("i").tagged("\xff\x1b\"\\:1").label("\xfe", "\xfd"));
  odd.snapshot.engine.storage_driver = "\xff\n";
  EXPECT_FALSE(ordered_json::parse(render_json(document_of(Command::plan, look_at(odd))), nullptr, false).is_discarded());
}

TEST(EveryOutput, NeverHoldsTheSecret) {
  const purge::Look look = look_at(a_host()
                                       .with(image("odd").tagged("reg/" + kSecret + ":1").label(kSecret, "x"))
                                       .with(container("named").build_step_on("base").env(kSecret + "=1").runs({"/bin/sh", "-c", "x " + kSecret})));
  std::vector<std::string> outputs;
  for (const Command command : {Command::scan, Command::plan}) {
    outputs.push_back(render_json(document_of(command, look)));
    outputs.push_back(render_sarif(document_of(command, look)));
    outputs.push_back(render_table(document_of(command, look), Colour::yes));
  }
  for (plan::Index i = 0; i < look.inventory.objects().size(); ++i) outputs.push_back(explain(look, look.inventory[i].id(), kFingerprint).value());
  for (const std::string& output : outputs) {
    EXPECT_THAT(output, Not(HasSubstr(kSecret)));
    EXPECT_THAT(output, Not(HasSubstr(kSecret.substr(2, 20))));
  }
}

TEST(RenderTable, ShowsAPlan) {
  expect_golden(fs::path(TEST_SOURCE_DIR) / "unit/report/golden/plan.txt",
                render_table(document_of(Command::plan, look_at(a_host().unread("image 0123456789ab", "not readable"))), Colour::no));
}

TEST(RenderTable, ShowsAScan) {
  expect_golden(fs::path(TEST_SOURCE_DIR) / "unit/report/golden/scan.txt",
                render_table(document_of(Command::scan, look_at(a_host())), Colour::no));
}

TEST(RenderTable, PaintsOnlyWhenAsked) {
  const Document document = document_of(Command::plan, look_at(a_host()));
  EXPECT_THAT(render_table(document, Colour::no), Not(HasSubstr("\x1b")));
  EXPECT_THAT(render_table(document, Colour::yes), HasSubstr("\x1b[32mplanned\x1b[0m"));
}

TEST(RenderTable, SaysThatThereIsNothing) {
  const purge::Look look = look_at(an_inventory().with(image("base").tagged("base:1")));
  EXPECT_THAT(render_table(document_of(Command::scan, look), Colour::no), HasSubstr("No secret found in 1 object."));
  EXPECT_THAT(render_table(document_of(Command::plan, look), Colour::no), HasSubstr("Nothing to remove: no secret found in 1 object."));
}

TEST(RenderExplanation, TellsTheStoryOfAnObject) {
  const purge::Look look = look_at(a_host());
  const auto story = [&](std::string_view name) { return explain(look, look.inventory[index_of(look.inventory, name)].id(), kFingerprint).value(); };
  expect_golden(fs::path(TEST_SOURCE_DIR) / "unit/report/golden/explain.txt", story("step") + "\n" + story("app") + "\n" + story("cache"));
}

TEST(Explain, TellsOfFreedPagesThatTheLookWentInto) {
  const std::string secret = new_secret();
  purge::FreedPages pages;
  pages.database = "buildkit/history.db";
  pages.findings.push_back({"known-value", secrets::Source::content, "freed page 3, byte 12300", SecretValue(secret), "declared", {}, {}});
  purge::Look look = look_at(a_host());
  look.freed = {pages};
  const auto story = explain(look, "database.freed:buildkit/history.db", kFingerprint);
  ASSERT_TRUE(story) << story.error().message();
  for (const char* part : {"It carries 1 secret finding", "freed page 3", "cleanerctl scrub"}) EXPECT_THAT(*story, HasSubstr(part));
  EXPECT_THAT(*story, Not(HasSubstr(secret)));
  const auto unknown = explain(look, "database.freed:buildkit/cache.db", kFingerprint);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Errc::usage);
}

TEST(MakeDocument, OfAScanLeavesOutWhatTheFilterDoesNotSelect) {
  plan::Selection selection;
  selection.filter.kinds = {"image"};
  const purge::Look look = look_at(a_host(), selection);
  const Document scan = document_of(Command::scan, look);
  EXPECT_EQ(scan.objects.size(), 4u);
  EXPECT_EQ(scan.summary.objects, 4u);
  EXPECT_EQ(scan.summary.secret_objects, 2u);
  EXPECT_EQ(document_of(Command::plan, look).objects.size(), 6u) << "a plan says why the others stay";
}

}  // namespace
}  // namespace cleanerd::report
