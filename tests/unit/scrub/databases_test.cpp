#include "scrub/databases.hpp"

#include <gmock/gmock.h>
#include <fcntl.h>
#include <sys/file.h>

#include "support/files.hpp"

namespace cleanerd::scrub {
namespace {

namespace fs = std::filesystem;
using cleanerd::test::TempDir;
using cleanerd::test::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class DataRoot : public ::testing::Test {
 protected:
  DataRoot() {
    make_root(root);
    options.daemon_json = (directory.path() / "daemon.json").string();
    options.system_containerd = (directory.path() / "containerd").string();
  }
  static void make_root(const fs::path& path) {
    for (const char* folder : {"buildkit", "containers", "network/files", "volumes"}) fs::create_directories(path / folder);
  }
  void put(const std::string& path) const { write_file(root / path, "content"); }
  std::vector<std::string> names(Access access = Access::write) {
    options.data_root = root.string();
    found = *open_databases(*find_roots(options), access);
    std::vector<std::string> all;
    for (const Database& database : found.all) all.push_back(database.name);
    return all;
  }
  std::vector<std::string> left() const {
    std::vector<std::string> all;
    for (const Error& error : found.left) all.push_back(error.message());
    return all;
  }

  TempDir directory;
  fs::path root = directory.path() / "docker";
  RootOptions options;
  Databases found;
};

TEST_F(DataRoot, HasDatabasesOfBuildKitContainerdNetworksAndVolumes) {
  const char* const all[] = {"/buildkit/history.db", "/buildkit/containerd-overlayfs/metadata_v2.db",
                             "/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db",
                             "/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/metadata.db", "/network/files/local-kv.db",
                             "/volumes/metadata.db", "/1000.1000/buildkit/cache.db"};
  for (const char* path : all) put(path + 1);
  for (const char* other : {"overlay2/x/diff/app.db", "volumes/data/_data/app.db", "volumes/data.db/_data/x", "containers/1/x.db", "buildkit/content/x.db"}) put(other);
  EXPECT_THAT(names(), ::testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(left(), ElementsAre());
}

TEST_F(DataRoot, NothingIsOpenedWhereOneDatabaseIsInUse) {
  put("buildkit/cache.db");
  put("volumes/metadata.db");
  const storage::Descriptor engine(::open((root / "volumes/metadata.db").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(engine.get(), LOCK_EX), 0);
  options.data_root = root.string();
  const auto roots = find_roots(options);
  const auto refused = open_databases(*roots, Access::write);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::conflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("/volumes/metadata.db is in use"));
  EXPECT_THAT(names(Access::read), UnorderedElementsAre("/buildkit/cache.db", "/volumes/metadata.db"));
}

TEST_F(DataRoot, ADatabaseIsLockedWhileItIsHeld) {
  put("buildkit/cache.db");
  const storage::Descriptor engine(::open((root / "buildkit/cache.db").c_str(), O_RDWR | O_CLOEXEC));
  names();
  EXPECT_NE(::flock(engine.get(), LOCK_EX | LOCK_NB), 0);
  found = {};
  EXPECT_EQ(::flock(engine.get(), LOCK_EX | LOCK_NB), 0);
}

TEST_F(DataRoot, LinksAndSecondNamesAreLeft) {
  put("elsewhere/real.db");
  fs::create_symlink(root / "elsewhere/real.db", root / "buildkit/linked.db");
  fs::create_directory_symlink(root / "elsewhere", root / "buildkit/containerd-linked");
  put("buildkit/two.db");
  fs::create_hard_link(root / "buildkit/two.db", directory.path() / "backup.db");
  EXPECT_THAT(names(), ElementsAre());
  EXPECT_THAT(left(), UnorderedElementsAre(HasSubstr("/buildkit/linked.db: "), HasSubstr("/buildkit/two.db: has a second name")));
}

TEST_F(DataRoot, IsWhatDaemonJsonSaysUnlessNamed) {
  write_file(options.daemon_json, "{\"data-root\": \"" + root.string() + "\"}");
  EXPECT_EQ(find_roots(options)->data_root, fs::canonical(root).string());
  const fs::path other = directory.path() / "other";
  make_root(other);
  options.data_root = other.string();
  EXPECT_EQ(find_roots(options)->data_root, fs::canonical(other).string());
  options.data_root.clear();
  write_file(options.daemon_json, "{\"data-root\": 5}");
  EXPECT_EQ(find_roots(options).error().code(), Errc::config);
  write_file(options.daemon_json, "{broken");
  EXPECT_EQ(find_roots(options).error().code(), Errc::config);
}

TEST_F(DataRoot, IsRefusedWhereNoEngineHasBeen) {
  options.data_root = directory.path().string();
  EXPECT_EQ(find_roots(options).error().code(), Errc::usage);
  options.data_root = "/";
  EXPECT_EQ(find_roots(options).error().code(), Errc::usage);
  options.data_root = root.string();
  options.containerd = directory.path().string();
  EXPECT_EQ(find_roots(options).error().code(), Errc::usage);
}

TEST_F(DataRoot, TheSystemsContainerdIsTakenBesideADataRootThatWasNotNamed) {
  write_file(directory.path() / "containerd/io.containerd.metadata.v1.bolt/meta.db", "content");
  write_file(options.daemon_json, "{\"data-root\": \"" + root.string() + "\"}");
  EXPECT_EQ(find_roots(options)->containerd, fs::canonical(options.system_containerd).string());
  options.data_root = root.string();
  EXPECT_EQ(find_roots(options)->containerd, "");
  options.containerd = options.system_containerd;
  const auto both = open_databases(*find_roots(options), Access::write);
  ASSERT_EQ(both->all.size(), 1u);
  EXPECT_THAT(both->all[0].name, HasSubstr("/containerd/io.containerd.metadata.v1.bolt/meta.db"));
}

}  // namespace
}  // namespace cleanerd::scrub
