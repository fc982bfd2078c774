#include "purge/freed.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "support/builders.hpp"
#include "support/files.hpp"
#include "unit/storage/bolt_writer.hpp"

namespace cleanerd::purge {
namespace {

using storage::test::BoltWriter;
using storage::test::Tree;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint32_t kPage = 1024;

// A data root with one database, one page of which no tree reaches: it holds the secret.
class FreedPagesOfAnEngine : public ::testing::Test {
 protected:
  FreedPagesOfAnEngine() {
    page_ = writer_.allocate(1);
    writer_.put_node(page_, true, {{"key", "API_TOKEN=" + secret_, 0, false}});
    Tree tree;
    tree.values["live"] = "API_TOKEN=" + live_;
    test::write_file(path_, writer_.file(tree, 7));
    written_long_ago();
  }

  // The page becomes the whole tree.
  void commit() {
    const std::string meta = BoltWriter::meta(kPage, 8, page_, 2, writer_.pages());
    std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary).write(meta.data(), static_cast<std::streamsize>(meta.size()));
  }
  void touch() const { ::utimensat(AT_FDCWD, path_.c_str(), nullptr, 0); }
  void written_long_ago() const {
    const timespec times[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ::utimensat(AT_FDCWD, path_.c_str(), times, 0);
  }

  FreedSecrets find(const std::string& value, Duration settled = 5s) {
    const std::vector<secrets::KnownValue> values{{SecretValue(value), "declared", true}};
    auto found = find_freed({{.data_root = directory_.path().string(), .containerd = {}, .engine_id = {}, .prefix = {}}, values, search_, settled, {}});
    if (!found) throw std::runtime_error(found.error().message());
    return std::move(*found);
  }

  test::TempDir directory_;
  std::string path_ = (directory_.path() / "buildkit/history.db").string();
  std::string secret_ = test::new_secret(), live_ = test::new_secret();
  BoltWriter writer_{kPage};
  std::uint64_t page_ = 0;
  search::Opening search_{[this] { return search::Search::open(std::make_shared<search::Rules>(match::RuleSet()), {directory_.path() / "state", "engine", {}, 1}); }};
};

TEST_F(FreedPagesOfAnEngine, AreSearchedForTheGivenValues) {
  const auto found = find(secret_);
  ASSERT_EQ(found.databases.size(), 1u);
  EXPECT_EQ(found.databases[0].id(), "database.freed:/buildkit/history.db");
  ASSERT_EQ(found.databases[0].findings.size(), 1u);
  EXPECT_EQ(found.databases[0].findings[0].rule, "known-value");
  EXPECT_EQ(found.databases[0].findings[0].origin, "declared");
  EXPECT_THAT(found.databases[0].findings[0].location, HasSubstr("freed page " + std::to_string(page_)));
  EXPECT_THAT(found.unread, IsEmpty());
}

TEST_F(FreedPagesOfAnEngine, AreNotThePagesThatAreInUse) {
  EXPECT_THAT(find(live_).databases[0].findings, IsEmpty());
  commit();
  EXPECT_THAT(find(secret_).databases[0].findings, IsEmpty());
}

TEST_F(FreedPagesOfAnEngine, AreNotThoseOfATransactionThatIsAboutToBeCommitted) {
  touch();
  std::jthread writer([this] {
    std::this_thread::sleep_for(300ms);
    commit();
  });
  const auto found = find(secret_);
  EXPECT_THAT(found.databases[0].findings, IsEmpty());
  EXPECT_THAT(found.unread, IsEmpty());
}

TEST_F(FreedPagesOfAnEngine, ThatIsWrittenToAllTheTimeAreUnread) {
  touch();
  std::jthread writer([this](std::stop_token stop) {
    while (!stop.stop_requested()) {
      touch();
      std::this_thread::sleep_for(5ms);
    }
  });
  const auto found = find(secret_, 300ms);
  EXPECT_THAT(found.databases[0].findings, IsEmpty());
  ASSERT_EQ(found.unread.size(), 1u);
  EXPECT_EQ(found.unread[0].place, "/buildkit/history.db");
}

TEST_F(FreedPagesOfAnEngine, ThatIsDamagedAreUnread) {
  std::string bytes = test::read_file(path_);
  std::fill_n(bytes.begin(), 2 * kPage, '\0');
  test::write_file(path_, bytes);
  const auto found = find(secret_);
  EXPECT_THAT(found.databases, IsEmpty());
  ASSERT_EQ(found.unread.size(), 1u);
  EXPECT_EQ(found.unread[0].place, "/buildkit/history.db");
}

TEST_F(FreedPagesOfAnEngine, AreFoundAsTheEngineSeesThem) {
  const std::string root = directory_.path().string();
  const auto roots = scrub::roots_of_engine("/docker", root + "/docker");
  EXPECT_EQ(roots.prefix, root);
  EXPECT_EQ(roots.data_root, "/docker");
  EXPECT_EQ(roots.containerd, "");
  std::filesystem::create_directories(root + "/var/lib/containerd/io.containerd.metadata.v1.bolt");
  EXPECT_EQ(scrub::roots_of_engine("/docker", root + "/docker").containerd, "/var/lib/containerd");
  std::filesystem::create_directories(root + "/docker/containerd/daemon/io.containerd.metadata.v1.bolt");
  EXPECT_EQ(scrub::roots_of_engine("/docker", root + "/docker").containerd, "");
  std::filesystem::rename(root + "/buildkit", root + "/docker/buildkit");
  std::filesystem::copy(root + "/docker/buildkit/history.db", root + "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db");
  std::filesystem::remove_all(root + "/docker/containerd");
  auto opened = scrub::open_databases(scrub::roots_of_engine("/docker", root + "/docker"), scrub::Access::read);
  ASSERT_TRUE(opened) << opened.error().message();
  std::vector<std::string> names;
  for (const scrub::Database& database : opened->all) names.push_back(database.name);
  EXPECT_THAT(names, ElementsAre("/buildkit/history.db", "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"));
}

}  // namespace
}  // namespace cleanerd::purge
