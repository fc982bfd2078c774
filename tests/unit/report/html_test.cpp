#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ObjectRow an_object(std::string state, bool secret) {
  ObjectRow row;
  row.kind = "image.dangling";
  row.engine_id = "sha256:abc";
  row.id = row.kind + ":" + row.engine_id;
  row.state = std::move(state);
  row.secret = secret;
  row.reasons = {{"secret", "carries a secret"}};
  if (secret) row.findings = {{"secret-name", "build-arg", "history step 2 of 3", "xy****89", "00ff", "build argument NPM_TOKEN"}};
  return row;
}

Document a_document(std::string command, std::vector<ObjectRow> objects = {}) {
  Document document;
  document.command = std::move(command);
  document.engine.version = "28.5.2";
  document.summary.objects = objects.size();
  for (const ObjectRow& row : objects) {
    document.summary.secret_objects += row.secret;
    document.summary.removed += row.state == "removed";
    document.summary.failed += row.state == "failed";
    document.summary.remaining_secrets += row.secret && row.state != "removed";
  }
  document.objects = std::move(objects);
  return document;
}

TEST(RenderHtml, TellsTheVerdictFirst) {
  EXPECT_THAT(render_html(a_document("scan")), HasSubstr("No secret found in 0 objects."));
  EXPECT_THAT(render_html(a_document("scan", {an_object("found", true), an_object("found", false)})), HasSubstr("Secrets found in 1 of 2 objects."));
  EXPECT_THAT(render_html(a_document("purge", {an_object("removed", true)})), HasSubstr("No secret is left."));
  EXPECT_THAT(render_html(a_document("purge", {an_object("kept", true)})), HasSubstr("Secrets are left in 1 object."));
  EXPECT_THAT(render_html(a_document("purge", {an_object("failed", true)})), HasSubstr("1 object could not be removed."));
}

TEST(RenderHtml, SaysOfAScrubWhatIsLeft) {
  const auto page_of = [](const char* state, bool secret) {
    Document document = a_document("scrub", {an_object(state, secret)});
    document.summary.planned = 1;
    return render_html(document);
  };
  EXPECT_THAT(page_of("planned", true), AllOf(HasSubstr("verdict bad"), HasSubstr("Secrets are left in free pages of 1 database.")));
  EXPECT_THAT(page_of("planned", false), AllOf(HasSubstr("verdict warn"), HasSubstr("1 database with old bytes in free pages")));
  EXPECT_THAT(page_of("removed", true), AllOf(HasSubstr("verdict good"), HasSubstr("1 database of 1 cleared of old bytes.")));
}

TEST(RenderHtml, IsNotAllGoodWhileFreedPagesHoldASecret) {
  ObjectRow freed = an_object("found", true);
  freed.kind = "database.freed";
  Document document = a_document("purge", {an_object("removed", true), freed});
  document.summary.remaining_secrets = 0;
  EXPECT_THAT(render_html(document), AllOf(HasSubstr("verdict warn"), HasSubstr("Freed pages of 1 database hold some of it"), Not(HasSubstr("No secret is left"))));
}

TEST(RenderHtml, SaysThatSecretsAndBlindSpotsAreBothThere) {
  Document document = a_document("scan", {an_object("found", true)});
  document.complete = false;
  EXPECT_THAT(render_html(document), AllOf(HasSubstr("verdict bad"), HasSubstr("Secrets found in 1 of 1 object."), HasSubstr("Not everything could be looked at")));
}

TEST(RenderHtml, NeverSaysCleanOverABlindSpot) {
  Document document = a_document("verify");
  document.complete = false;
  document.unread = {{"cache records", "the data root cannot be read"}};
  const std::string page = render_html(document);
  EXPECT_THAT(page, AllOf(HasSubstr("Not everything could be looked at"), HasSubstr("the data root cannot be read"), Not(HasSubstr("No secret found"))));
}

TEST(RenderHtml, ShowsEachFindingWhole) {
  const std::string page = render_html(a_document("scan", {an_object("found", true)}));
  for (const char* part : {"secret-name", "build-arg", "history step 2 of 3", "xy****89", "00ff", "build argument NPM_TOKEN", "image.dangling:sha256:abc", "carries a secret"})
    EXPECT_THAT(page, HasSubstr(part)) << part;
}

TEST(RenderHtml, ListsTheRestFolded) {
  const std::string page = render_html(a_document("plan", {an_object("kept", false)}));
  EXPECT_THAT(page, AllOf(HasSubstr("<details>"), HasSubstr("1 object without a secret, left alone")));
}

// Whatever the engine calls things, it stays text.
TEST(RenderHtml, EscapesWhatTheEngineSays) {
  const struct {
    std::string name;
    const char* written;
  } cases[] = {
      {"<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"},
      {"a\"b'c&d", "a&quot;b&#39;c&amp;d"},
      {"]]> --> {{x}}", "]]&gt; --&gt; {{x}}"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\x1b[31mred", "\\x1b[31mred"},
      {"\xff\xfe", "\\xff\\xfe"},
  };
  for (const auto& one : cases) {
    ObjectRow row = an_object("found", true);
    row.name = row.id = row.build = row.policy = one.name;
    row.reasons.front().text = one.name;
    row.findings.front() = {one.name, one.name, one.name, one.name, one.name, one.name};
    Document document = a_document("scan", {row});
    document.unread = {{one.name, one.name}};
    document.engine.storage_driver = document.engine.data_root = one.name;
    const std::string page = render_html(document);
    EXPECT_THAT(page, HasSubstr(one.written)) << one.written;
    EXPECT_THAT(page, Not(HasSubstr(one.name))) << one.written;
  }
}

TEST(RenderHtml, NeedsNothingFromElsewhereAndRunsNothing) {
  const std::string page = render_html(a_document("scan", {an_object("found", true)}));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* part : {"<script", "src=", "href=", "url(", "@import", "http://", "https://", "onclick", "<img", "<link"}) EXPECT_THAT(page, Not(HasSubstr(part))) << part;
}

}  // namespace
}  // namespace cleanerd::report
