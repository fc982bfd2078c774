#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/document.hpp"

namespace cleanerd::report {
namespace {

using namespace std::chrono_literals;

ObjectRow row(std::string kind, std::string id, bool secret, std::optional<Instant> created) {
  ObjectRow one;
  one.kind = std::move(kind);
  one.id = std::move(id);
  one.secret = secret;
  one.created = created;
  return one;
}

TEST(PutInOrder, IsBySecretKindAgeAndIdHoweverTheRowsCame) {
  const std::vector<std::string> expected{"tagged", "local", "freed", "old", "new-a", "new-b", "no time", "dangling", "record"};
  std::vector<ObjectRow> rows{
      row("image.tagged", "tagged", true, Instant(9s)),      row("cache.source.local", "local", true, Instant(1s)),
      row("database.freed", "freed", true, {}),              row("image.tagged", "old", false, Instant(3s)),
      row("image.tagged", "new-a", false, Instant(4s)),      row("image.tagged", "new-b", false, Instant(4s)),
      row("image.tagged", "no time", false, {}),             row("image.dangling", "dangling", false, Instant(1s)),
      row("history.record", "record", false, Instant(1s)),
  };
  for (std::size_t turn = 0; turn < rows.size(); ++turn) {
    std::ranges::rotate(rows, rows.begin() + 4);
    put_in_order(rows);
    std::vector<std::string> ids;
    for (const ObjectRow& one : rows) ids.push_back(one.id);
    EXPECT_EQ(ids, expected);
    std::ranges::reverse(rows);
    std::ranges::rotate(rows, rows.begin() + static_cast<std::ptrdiff_t>(turn));
  }
}

}  // namespace
}  // namespace cleanerd::report
