// How deep containers are opened.
#include <gtest/gtest.h>

#include "search/read_places.hpp"
#include "support/files.hpp"

namespace cleanerd::search {
namespace {

TEST(ReadDepth, SearchesAContainerAsItIsWhereNoneIsOpened) {
  const std::string value = "a-value-that-is-known";
  const std::string content = "x=" + value + "\n";
  std::string header = "settings.conf/  0           0     0     100644  " + std::to_string(content.size());
  header.resize(58, ' ');
  const test::TempDir directory;
  test::write_file(directory.path() / "a.ar", "!<arch>\n" + header + "`\n" + content);
  std::vector<SecretValue> known;
  known.emplace_back(value);
  const auto matcher = match::Matcher::make({}, std::move(known), {});
  ASSERT_TRUE(matcher);
  const match::Matcher* const matchers[] = {&*matcher};
  const std::string paths[] = {directory.path().string()};
  const auto file_of_the_hit = [&](int depth) {
    ReadOptions options;
    options.unpack.depth = depth;
    const auto answers = read_places(paths, matchers, Fingerprinter({}), options);
    return answers[0].hits.size() == 1 ? answers[0].hits[0].file : std::to_string(answers[0].hits.size()) + " hits";
  };
  EXPECT_EQ(file_of_the_hit(3), "a.ar!settings.conf");
  EXPECT_EQ(file_of_the_hit(0), "a.ar");
}

}  // namespace
}  // namespace cleanerd::search
