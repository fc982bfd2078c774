#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using purge::FreedPages;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "a-value-that-was-declared";

purge::Scrubbed scrubbed() {
  purge::Scrubbed result;
  result.data_root = "/var/lib/docker";
  result.known.add({SecretValue(kSecret), "declared", true});
  const auto add = [&](const char* name, FreedPages::State state, std::uint64_t old_pages) -> FreedPages& {
    FreedPages pages;
    pages.database = name;
    pages.state = state;
    pages.pages = 40;
    pages.free_pages = 12;
    pages.old_pages = old_pages;
    pages.old_bytes = {static_cast<std::int64_t>(old_pages * 4096)};
    return result.databases.emplace_back(std::move(pages));
  };
  add("/buildkit/history.db", FreedPages::State::scrubbed, 9)
      .findings.push_back({"known-value", secrets::Source::content, "freed page 3, byte 12300", SecretValue(kSecret), "declared", {}, {}});
  add("/volumes/metadata.db", FreedPages::State::clean, 0);
  add("/buildkit/cache.db", FreedPages::State::failed, 1).failure = "no space left near " + kSecret;
  result.unread.push_back({"/network/files/local-kv.db", "no valid meta page"});
  return result;
}

Document document() { return make_document(scrubbed(), {}, Fingerprinter({}), Duration(5)); }

TEST(FreedPagesDocument, TellsWhatBecameOfEachDatabase) {
  const auto json = nlohmann::json::parse(render_json(document()));
  EXPECT_EQ(json["command"], "scrub");
  EXPECT_FALSE(json["complete"]);
  EXPECT_EQ(json["engine"]["data_root"], "/var/lib/docker");
  EXPECT_TRUE(json["engine"]["version"].is_null());
  ASSERT_EQ(json["objects"].size(), 3u);
  EXPECT_EQ(json["objects"][0]["id"], "database.freed:/buildkit/history.db");
  EXPECT_EQ(json["objects"][0]["state"], "removed");
  EXPECT_EQ(json["objects"][0]["reasons"][1]["text"], "12 of 40 pages free, 9 with old bytes: zeroed");
  EXPECT_EQ(json["objects"][1]["state"], "failed");
  EXPECT_EQ(json["objects"][2]["state"], "kept");
  EXPECT_EQ(json["objects"][2]["reasons"][0]["code"], "clean");
  EXPECT_EQ(json["summary"]["freed_bytes"], 9 * 4096);
  EXPECT_EQ(json["summary"]["remaining_secrets"], 0);
}

TEST(FreedPagesDocument, TellsNoSecret) {
  EXPECT_THAT(render_json(document()), Not(HasSubstr(kSecret)));
  const std::string table = render_table(document(), Colour::no);
  EXPECT_THAT(table, Not(HasSubstr(kSecret)));
  EXPECT_THAT(table, HasSubstr("Data root /var/lib/docker"));
  EXPECT_THAT(table, HasSubstr("database.freed:/buildkit/history.db "));
  EXPECT_THAT(table, HasSubstr("/network/files/local-kv.db: no valid meta page"));
}

}  // namespace
}  // namespace cleanerd::report
