#include "storage/places.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "base/secret_value.hpp"
#include "storage/memory.hpp"
#include "storage/place_list.hpp"
#include "unit/storage/bolt_writer.hpp"

namespace cleanerd::storage {
namespace {

namespace fs = std::filesystem;
using test::BoltWriter;
using test::Tree;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const std::string kRecord = "aaaaaaaaaaaaaaaaaaaaaaaa1";
const std::string kWorking = "aaaaaaaaaaaaaaaaaaaaaaaa2";
const std::string kContainer(64, 'c');
const std::string kImage(64, '1');
const std::string kConfig(64, '2');
const std::string kLog(64, '3');
const std::string kDiff = "sha256:" + std::string(64, 'd');  // of one layer: the chain id, too

class PlacesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    write("containers/" + kContainer + "/config.v2.json", "{}");
    write("tmp/docker-builder1/file", "12345");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << content;
  }
  void database(const std::string& path, const Tree& tree) { write(path, BoltWriter().file(tree)); }

  Places places(engine::ImageStore store, const std::string& driver) {
    engine::EngineInfo engine;
    engine.data_root = root_;
    engine.store = store;
    engine.storage_driver = driver;
    auto root = DataRoot::open(engine, {root_ + "/none.sock"});
    auto read = Places::read(root.value(), engine, memory_);
    EXPECT_TRUE(read);
    return std::move(*read);
  }
  std::vector<std::string> paths(const Places& places, const Owner& owner) {
    std::vector<std::string> found;
    for (const Place* place : places.of(owner)) found.push_back(place->path.substr(root_.size() + 1));
    return found;
  }
  std::vector<std::string> orphans(const Places& places) {
    std::vector<std::string> found;
    for (const Place& place : places.all()) {
      if (place.owners.empty()) found.push_back(place.path.substr(root_.size() + 1) + " " + std::to_string(place.size));
    }
    return found;
  }

  std::string root_ = testing::TempDir() + "placesXXXXXX";
  Memory* memory_ = nullptr;
};

TEST_F(PlacesTest, StateOfBuildersIsOneAndNoOtherVolume) {
  write("volumes/buildx_buildkit_ci0_state/_data/history.db", "x");
  write("volumes/data/_data/file", "x");
  const Places all = places(engine::ImageStore::graphdriver, "overlay2");
  EXPECT_THAT(paths(all, {Owner::Kind::volume, "buildx_buildkit_ci0_state"}), UnorderedElementsAre("volumes/buildx_buildkit_ci0_state/_data"));
  EXPECT_EQ(all.containing(root_ + "/volumes/data/_data/file"), nullptr);
}

TEST_F(PlacesTest, FollowsTheGraphdriverStore) {
  const std::string config = R"({"rootfs":{"diff_ids":[")" + kDiff + R"("]}})";
  write("image/overlay2/imagedb/content/sha256/" + kImage, config);
  write("image/overlay2/layerdb/sha256/" + kDiff.substr(7) + "/cache-id", kWorking);
  write("image/overlay2/layerdb/mounts/" + kContainer + "/mount-id", "upper");
  write("image/overlay2/layerdb/mounts/" + kContainer + "/init-id", "upper-init");
  for (const char* layer : {"upper", "upper-init", "nobody", "l"}) write(std::string("overlay2/") + layer + "/diff/f", "1234567");
  write("overlay2/" + kWorking + "/diff/f", "x");
  write("buildkit/content/blobs/sha256/" + kLog, "log");
  Tree snapshots;
  snapshots.bucket(kRecord).values = {{"committed", kWorking}, {"chainid", kDiff}};
  database("buildkit/snapshots.db", snapshots);
  Tree meta;
  meta.bucket("v1").bucket("buildkit").bucket("leases").bucket(kRecord).bucket("snapshots").bucket("default").values[kRecord];
  meta.bucket("v1").bucket("buildkit_history").bucket("leases").bucket("ref_b1").bucket("content").values["sha256:" + kLog];
  database("buildkit/containerdmeta.db", meta);

  const Places all = places(engine::ImageStore::graphdriver, "overlay2");
  const std::string layer = "overlay2/" + kWorking + "/diff";
  EXPECT_THAT(paths(all, {Owner::Kind::image, "sha256:" + kImage}),
              UnorderedElementsAre("image/overlay2/imagedb/content/sha256/" + kImage, layer));
  EXPECT_THAT(paths(all, {Owner::Kind::cache, kRecord}), UnorderedElementsAre(layer));
  EXPECT_THAT(paths(all, {Owner::Kind::build, "b1"}), UnorderedElementsAre("buildkit/content/blobs/sha256/" + kLog));
  EXPECT_THAT(paths(all, {Owner::Kind::container, kContainer}),
              UnorderedElementsAre("containers/" + kContainer, "overlay2/upper/diff", "overlay2/upper-init/diff"));
  EXPECT_THAT(orphans(all), UnorderedElementsAre("overlay2/nobody/diff 7", "tmp/docker-builder1 5"));
  ASSERT_NE(all.containing(root_ + "/" + layer + "/f"), nullptr);
  EXPECT_TRUE(all.containing(root_ + "/" + layer + "/f")->fixed);
  EXPECT_FALSE(all.containing(root_ + "/overlay2/upper/diff")->fixed);
  EXPECT_EQ(all.containing(root_ + "/overlay2/upper-in"), nullptr);
}

class ImagesOnDisk : public PlacesTest {
 protected:
  void SetUp() override {
    PlacesTest::SetUp();
    layer("1", 700);
    layer("2", 50);
    base_ = image("2026-11-24T10:00:00.987654321Z", {"1"}, R"({"team":"ci"})");
    child_ = image("2026-11-24T11:30:00+01:00", {"1", "2"}, "null");
    parent(child_, base_);
    tags({{"app:1", base_}, {"registry.example:5000/app:2", base_}, {"app@sha256:" + std::string(64, '9'), child_}});
  }

  static std::string diff(const std::string& letter) { return "sha256:" + std::string(63, '0') + letter; }
  void layer(const std::string& above, std::uint64_t size) {
    stack_.push_back(diff(above));
    const std::string folder = "image/overlay2/layerdb/sha256/" + chain_ids(stack_).back().substr(7);
    write(folder + "/cache-id", "layer" + above);
    write(folder + "/size", std::to_string(size));
    write("overlay2/layer" + above + "/diff/f", "x");
  }
  std::string image(const std::string& created, const std::vector<std::string>& layers, const std::string& labels) {
    nlohmann::json config{{"created", created}, {"config", {{"Labels", nlohmann::json::parse(labels)}}}};
    for (const std::string& letter : layers) config["rootfs"]["diff_ids"].push_back(diff(letter));
    const std::string id = "sha256:" + sha256_hex(config.dump());
    write(config_path(id), config.dump());
    return id;
  }
  static std::string config_path(const std::string& id) { return "image/overlay2/imagedb/content/sha256/" + id.substr(7); }
  void parent(const std::string& id, const std::string& of) { write("image/overlay2/imagedb/metadata/sha256/" + id.substr(7) + "/parent", of); }
  void tags(const std::map<std::string, std::string>& references) {
    nlohmann::json all = nlohmann::json::object();
    for (const auto& [reference, id] : references) all[reference.substr(0, reference.find('@'))][reference] = id;
    write("image/overlay2/repositories.json", nlohmann::json{{"Repositories", all}}.dump());
  }
  auto images() { return places(engine::ImageStore::graphdriver, "overlay2").take_images(); }

  std::vector<std::string> stack_;
  std::string base_, child_;
};

TEST_F(ImagesOnDisk, AreToldAsTheEngineTellsThem) {
  const auto all = images();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  const engine::ImageSummary& newest = all->front();
  EXPECT_EQ(newest.id.str(), child_);
  EXPECT_EQ(newest.parent.str(), base_);
  EXPECT_THAT(newest.tags, IsEmpty());
  EXPECT_EQ(newest.created, parse_rfc3339("2026-11-24T10:30:00Z"));
  EXPECT_EQ(newest.size.bytes, 750);
  const engine::ImageSummary& oldest = all->back();
  EXPECT_EQ(oldest.id.str(), base_);
  EXPECT_TRUE(oldest.parent.str().empty());
  EXPECT_THAT(oldest.tags, UnorderedElementsAre("app:1", "registry.example:5000/app:2"));
  EXPECT_EQ(oldest.created, parse_rfc3339("2026-11-24T10:00:00Z"));
  EXPECT_EQ(oldest.size.bytes, 700);
  EXPECT_THAT(oldest.labels, ElementsAre(Pair("team", "ci")));
}

TEST_F(ImagesOnDisk, TheEpochIsNoTimeAsInTheApi) {
  const std::string id = image("1970-01-01T00:00:00Z", {"1"}, "null");
  const auto all = images();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->back().id.str(), id);
  EXPECT_EQ(all->back().created, std::nullopt);
}

TEST_F(ImagesOnDisk, AreAskedOfTheEngineWhereTheDiskDoesNotTellThemAll) {
  const std::vector<std::pair<std::string, std::string>> damages{
      {config_path(child_), "{}"},
      {"image/overlay2/layerdb/sha256/" + chain_ids(stack_).back().substr(7) + "/size", "much"},
      {"image/overlay2/repositories.json", ""},
      {"image/overlay2/repositories.json", R"({"Repositories":{"app":["app:1"]}})"},
      {"image/overlay2/repositories.json", R"({"Repositories":{"app":{"app:1":7}}})"},
      {"image/overlay2/repositories.json", R"({"repositories":{}})"}};
  for (const auto& [path, damaged] : damages) {
    const std::string sound = read_small_file(root_ + "/" + path).value();
    write(path, damaged);
    EXPECT_FALSE(images()) << path << " " << damaged;
    write(path, sound);
    EXPECT_TRUE(images());
    fs::remove(root_ + "/" + path);
    if (path != config_path(child_)) {
      EXPECT_FALSE(images()) << path;
    }
    write(path, sound);
  }
}

class RememberedImages : public ImagesOnDisk {
 protected:
  void SetUp() override {
    ImagesOnDisk::SetUp();
    memory_ = &of_before_;
    ASSERT_TRUE(images());
  }
  std::string layer_folder(const std::string& letter) const {
    return root_ + "/image/overlay2/layerdb/sha256/" + (letter == "1" ? chain_ids(std::vector{diff("1")}) : chain_ids(stack_)).back().substr(7);
  }

  Memory of_before_;
};

TEST_F(RememberedImages, AreTheSameAsReadOnes) {
  Places remembered = places(engine::ImageStore::graphdriver, "overlay2");
  memory_ = nullptr;
  Places read = places(engine::ImageStore::graphdriver, "overlay2");
  for (const std::string& id : {base_, child_}) {
    EXPECT_EQ(paths(remembered, {Owner::Kind::image, id}), paths(read, {Owner::Kind::image, id}));
    const auto config = remembered.take_config(ImageId(id)), sound = read.take_config(ImageId(id));
    ASSERT_TRUE(config && sound);
    EXPECT_EQ(config->created, sound->created);
    EXPECT_EQ(config->labels, sound->labels);
  }
  const auto images = remembered.take_images(), sound = read.take_images();
  ASSERT_TRUE(images && sound);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(images->at(i).id, sound->at(i).id);
    EXPECT_EQ(images->at(i).size.bytes, sound->at(i).size.bytes);
  }
}

TEST_F(RememberedImages, AreNotReadAgain) {
  const std::string folder = layer_folder("2");
  const Stamp stamp = stamp_of(folder);
  std::ofstream(folder + "/size") << 51;  // an engine never writes into one that is there
  ASSERT_EQ(stamp_of(folder).hash, stamp.hash);
  EXPECT_EQ(images()->front().size.bytes, 750);
  memory_ = nullptr;
  EXPECT_EQ(images()->front().size.bytes, 751);
}

TEST_F(RememberedImages, AreForgottenOnceTheyHaveGone) {
  EXPECT_EQ(of_before_.images.size(), 2u);
  EXPECT_EQ(of_before_.layers.size(), 2u);
  fs::remove(root_ + "/" + config_path(child_));
  fs::remove_all(layer_folder("2"));
  tags({{"app:1", base_}});
  ASSERT_TRUE(images());
  EXPECT_EQ(of_before_.images.size(), 1u);
  EXPECT_EQ(of_before_.layers.size(), 1u);
}

TEST_F(RememberedImages, AreReadAgainWhereTheirFileIsAnother) {
  const std::string path = root_ + "/" + config_path(child_), sound = read_small_file(path).value();
  write(config_path(child_), sound + " ");
  EXPECT_FALSE(images());
  fs::remove(path);
  write(config_path(child_), sound);
  EXPECT_TRUE(images());
}

TEST_F(RememberedImages, HaveTheLayerThatHasTakenTheOthersPlace) {
  const std::string folder = layer_folder("2");
  fs::rename(folder, root_ + "/old");
  write("overlay2/another/diff/f", "x");
  fs::create_directories(folder);
  std::ofstream(folder + "/cache-id") << "another";
  std::ofstream(folder + "/size") << 51;
  Places all = places(engine::ImageStore::graphdriver, "overlay2");
  EXPECT_THAT(paths(all, {Owner::Kind::image, child_}), testing::Contains("overlay2/another/diff"));
  const auto images = all.take_images();
  ASSERT_TRUE(images);
  EXPECT_EQ(images->front().size.bytes, 751);
}

TEST_F(ImagesOnDisk, AreNotThoseOfTheOtherStore) {
  EXPECT_FALSE(places(engine::ImageStore::containerd, "overlayfs").take_images());
}

TEST_F(PlacesTest, KnowsWhichLayersNothingNames) {
  const auto name = [](char letter) { return std::string(64, letter); };
  const std::string working(25, 'w'), snapshot(25, 's'), nobodys(25, 'n');
  const auto layer = [&](const std::string& id, const std::string& link, const std::string& lower = "") {
    write("overlay2/" + id + "/diff/f", "x");
    write("overlay2/" + id + "/link", link);
    if (!lower.empty()) write("overlay2/" + id + "/lower", lower);
    fs::create_directories(root_ + "/overlay2/l");
    fs::create_symlink("../" + id + "/diff", root_ + "/overlay2/l/" + link);
  };
  layer(name('a'), "A");
  layer(name('b'), "B", "l/C:l/gone");
  layer(name('c'), "C");
  layer(name('d'), "D");
  layer(name('d') + "-init", "DI");
  layer(working, "W");
  layer(snapshot, "S");
  layer(nobodys, "N");
  layer("of-another-making", "O");
  write("image/overlay2/layerdb/sha256/" + name('1') + "/cache-id", name('a'));
  write("image/overlay2/layerdb/mounts/" + name('2') + "/mount-id", name('d'));
  write("image/overlay2/layerdb/tmp/write-set-1/cache-id", working);
  Tree snapshots;
  snapshots.bucket("x").values = {{"committed", snapshot}};
  database("buildkit/snapshots.db", snapshots);
  const auto unreferenced = [&] {
    std::vector<std::string> found;
    const Places all = places(engine::ImageStore::graphdriver, "overlay2");
    for (const Place& place : all.all())
      if (place.unreferenced) found.push_back(place.path.substr(root_.size() + 1));
    return found;
  };
  const std::string tmp = "tmp/docker-builder1", written = "image/overlay2/layerdb/tmp/write-set-1";
  EXPECT_THAT(unreferenced(), UnorderedElementsAre(tmp, written, "overlay2/" + name('b') + "/diff", "overlay2/" + nobodys + "/diff"));
  fs::remove_all(root_ + "/overlay2/" + name('b'));
  EXPECT_THAT(unreferenced(), UnorderedElementsAre(tmp, written, "overlay2/" + name('c') + "/diff", "overlay2/" + nobodys + "/diff"));
  write("buildkit/snapshots.db", "not a database");
  EXPECT_THAT(unreferenced(), UnorderedElementsAre(tmp, written));
}

TEST_F(PlacesTest, FollowsTheContainerdStore) {
  const std::string base = "containerd/daemon/";
  const std::string blobs = base + "io.containerd.content.v1.content/blobs/sha256/";
  const std::string folders = base + "io.containerd.snapshotter.v1.overlayfs/";
  write(blobs + kImage, "{}");
  write(blobs + kConfig, R"({"rootfs":{"diff_ids":[")" + kDiff + R"("]}})");
  write(blobs + kLog, "nobody's");
  for (const char* number : {"1", "2", "300", "4"}) write(folders + "snapshots/" + number + "/fs/f", "x");
  Tree meta;
  Tree& moby = meta.bucket("v1").bucket("moby");
  moby.bucket("images").bucket("docker.io/library/a:1").bucket("target").values["digest"] = "sha256:" + kImage;
  moby.bucket("content").bucket("blob").bucket("sha256:" + kImage).bucket("labels").values["containerd.io/gc.ref.content.0"] =
      "sha256:" + kConfig;
  Tree& keys = moby.bucket("snapshots").bucket("overlayfs");
  keys.bucket(kDiff).values["name"] = "moby/2/" + kDiff;
  keys.bucket(kRecord).values = {{"name", "moby/4/" + kRecord}, {"parent", kDiff}};
  keys.bucket(kContainer).values = {{"name", "moby/6/" + kContainer}, {"parent", kDiff}};
  moby.bucket("leases").bucket(kRecord).bucket("snapshots").bucket("overlayfs").values[kRecord];
  database(base + "io.containerd.metadata.v1.bolt/meta.db", meta);
  Tree numbers;
  Tree& list = numbers.bucket("v1").bucket("snapshots");
  list.bucket("moby/2/" + kDiff).values = {{"id", "\x01"}, {"kind", "\x03"}};
  list.bucket("moby/4/" + kRecord).values = {{"id", "\x02"}, {"kind", "\x02"}};
  list.bucket("moby/6/" + kContainer).values = {{"id", "\xac\x02"}, {"kind", "\x02"}};  // 300
  database(folders + "metadata.db", numbers);

  const Places all = places(engine::ImageStore::containerd, "overlayfs");
  EXPECT_THAT(paths(all, {Owner::Kind::image, "sha256:" + kImage}),
              UnorderedElementsAre(blobs + kImage, blobs + kConfig, folders + "snapshots/1/fs"));
  EXPECT_THAT(paths(all, {Owner::Kind::cache, kRecord}), UnorderedElementsAre(folders + "snapshots/2/fs"));
  EXPECT_THAT(paths(all, {Owner::Kind::container, kContainer}),
              UnorderedElementsAre("containers/" + kContainer, folders + "snapshots/300/fs"));
  EXPECT_THAT(orphans(all), UnorderedElementsAre(blobs + kLog + " 8", folders + "snapshots/4/fs 1", "tmp/docker-builder1 5"));
  EXPECT_TRUE(all.containing(root_ + "/" + folders + "snapshots/1/fs/f")->fixed);
}

TEST_F(PlacesTest, SaysWhichDatabaseItCouldNotRead) {
  write("buildkit/snapshots.db", "not a database");
  write("buildkit/containerdmeta.db", "not a database");
  const Places all = places(engine::ImageStore::graphdriver, "overlay2");
  EXPECT_EQ(all.unread().size(), 2u);
}

// OCI image-spec v1.1 config.md: ChainID(L0) = DiffID(L0), ChainID(L0|L1) = sha256(ChainID(L0) + " " + DiffID(L1)).
TEST(ChainIds, AddUp) {
  const std::string a = "sha256:" + std::string(64, 'a');
  const auto chain = chain_ids(R"({"rootfs":{"diff_ids":[")" + a + R"(",")" + a + R"("]}})");
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0], a);
  EXPECT_NE(chain[1], a);
  EXPECT_EQ(chain[1].size(), 71u);
  for (const char* other : {"", "[]", "{}", R"({"rootfs":1})", R"({"rootfs":{"diff_ids":{}}})", R"({"rootfs":{"diff_ids":[1]}})"})
    EXPECT_TRUE(chain_ids(other).empty()) << other;
}

}  // namespace
}  // namespace cleanerd::storage
