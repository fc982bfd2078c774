#include "secrets/content.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/place_list.hpp"
#include "support/builders.hpp"
#include "support/files.hpp"

namespace cleanerd::secrets {
namespace {

using namespace test;
using inventory::Inventory;
using search::Hit;
using storage::Owner;
using Place = storage::Place::Kind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const Fingerprinter kFingerprint{Fingerprinter::Key{5}};

Owner of_image(std::string_view name) { return {Owner::Kind::image, image_id(name).str()}; }
Owner of_container(std::string_view name) { return {Owner::Kind::container, container_id(name).str()}; }
Owner of_cache(std::string_view name) { return {Owner::Kind::cache, cache_id(name).str()}; }
Owner of_build(std::string_view name) { return {Owner::Kind::build, padded(name, 25)}; }

Hit hit(std::string rule, std::string file, const std::string& secret, std::uint64_t begin = 0) {
  Hit hit;
  hit.description = rule == "token" ? "A token" : "";
  hit.rule = std::move(rule);
  hit.file = std::move(file);
  hit.begin = begin;
  hit.end = begin + secret.size();
  hit.fingerprint = kFingerprint(SecretValue(secret));
  hit.masked = mask(SecretValue(secret));
  hit.value = SecretValue(secret);
  return hit;
}
Hit loose(Hit hit) { return hit.tier = match::Tier::text, hit; }
Hit from_cache(Hit hit) { return hit.value.reset(), hit; }
Hit file_as_such(std::string rule, std::string file) {
  Hit hit;
  hit.rule = std::move(rule);
  hit.file = std::move(file);
  hit.tier = match::Tier::path;
  return hit;
}

// A host, its places and what a search has found in them.
class ContentTest : public testing::Test {
 protected:
  void place(Place kind, const std::string& path, const std::vector<Owner>& owners, std::vector<Hit> hits = {}) {
    std::filesystem::create_directories(root() + path);
    for (const Owner& owner : owners) list_.add(kind, root() + path, owner, true);
    if (owners.empty()) list_.found(kind, root() + path);
    hits_[path] = std::move(hits);
  }
  void text_hits(std::string_view name, std::vector<Hit> hits) { text_hits_.emplace_back(name, std::move(hits)); }

  void look(const an_inventory& scenario, std::vector<KnownValue> declared = {}) {
    inventory::Snapshot snapshot = scenario.snapshot;
    snapshot.data_root = root();
    snapshot.places = std::move(list_).finish();
    inventory_.emplace(std::move(snapshot));
    targets_ = targets_of(*inventory_);
    outcome_.targets.assign(targets_.all.size(), {});
    for (std::size_t i = 0; i < targets_.places.size(); ++i) {
      outcome_.targets[i].hits = hits_[targets_.all[i].name];
      outcome_.targets[i].unread = unread_in_[targets_.all[i].name];
    }
    for (const auto& [name, hits] : text_hits_)
      for (std::size_t i = 0; i < targets_.text_owners.size(); ++i)
        if (name_of((*inventory_)[targets_.text_owners[i]]) == name) outcome_.targets[targets_.places.size() + i].hits = hits;
    findings_ = find_by_name(*inventory_, NameRules(), declared);
    add_content(*inventory_, targets_, outcome_, kFingerprint, findings_, unread_);
  }

  // "rule source location" of each.
  std::vector<std::string> found(std::string_view name) const {
    std::vector<std::string> all;
    for (const Finding& finding : findings_.of[index_of(*inventory_, name)])
      all.push_back(finding.rule + " " + std::string(to_string(finding.source)) + " " + finding.location);
    return all;
  }
  const Finding& first(std::string_view name) const { return findings_.of[index_of(*inventory_, name)].at(0); }
  std::vector<std::string> charged() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < findings_.of.size(); ++i)
      if (findings_.carries(i)) names.push_back(name_of((*inventory_)[i]));
    return names;
  }
  std::vector<std::string> target_names() const {
    std::vector<std::string> names;
    for (const search::Target& target : targets_.all) names.push_back(target.name);
    return names;
  }
  std::string root() const { return directory_.path().string(); }

  TempDir directory_;
  storage::PlaceList list_;
  std::map<std::string, std::vector<Hit>> hits_;
  std::map<std::string, std::vector<search::UnreadFile>> unread_in_;
  std::vector<std::pair<std::string, std::vector<Hit>>> text_hits_;
  std::optional<Inventory> inventory_;
  Targets targets_;
  search::Outcome outcome_;
  Findings findings_;
  std::vector<inventory::Unread> unread_;
  const std::string secret_ = new_secret("tok_");
};

// Everything that stands in the rows below. `b` is built on `a`, `c` on `b`; `t` and `u` are tagged.
an_inventory a_host() {
  return an_inventory()
      .with(image("a"))
      .with(image("b").parent("a"))
      .with(image("c").parent("b"))
      .with(image("d"))
      .with(image("t").tagged("t:1").parent("c"))
      .with(image("u").tagged("u:1"))
      .with(container("run").of("c").is("running"))
      .with(container("stop").of("c"))
      .with(record("r1"))
      .with(record("r2").parent("r1"))
      .with(record("r3").parent("r2"))
      .with(record("other"))
      .with(build("h"));
}

struct Row {
  const char* name;
  std::vector<Owner> owners;
  std::vector<std::string> charged;
};

TEST_F(ContentTest, ChargesAPlaceToThoseThatHoldIt) {
  const Row rows[] = {
      {"one image", {of_image("a")}, {"a"}},
      {"a classic chain: the lowest", {of_image("a"), of_image("b"), of_image("c")}, {"a"}},
      {"a chain with a gap", {of_image("a"), of_image("c")}, {"a"}},
      {"two that do not stand on one another", {of_image("b"), of_image("d"), of_image("c")}, {"b", "d"}},
      {"a tagged one alone", {of_image("a"), of_image("b"), of_image("t")}, {"t"}},
      {"all tagged ones", {of_image("u"), of_image("a"), of_image("t"), of_cache("r1")}, {"t", "u"}},
      {"an image and the record it was made from", {of_image("d"), of_cache("r1")}, {"d", "r1"}},
      {"records: the lowest", {of_cache("r3"), of_cache("r2"), of_cache("r1")}, {"r1"}},
      {"records: with a gap", {of_cache("r3"), of_cache("r1"), of_cache("other")}, {"r1", "other"}},
      {"a stopped container stands on its image", {of_container("stop"), of_image("c")}, {"c"}},
      {"a stopped container alone", {of_container("stop")}, {"stop"}},
      {"a running container is left out", {of_container("run"), of_image("d")}, {"d"}},
      {"a running container alone", {of_container("run")}, {}},
      {"a build", {of_build("h")}, {"h"}},
      {"owners that the engine does not list", {of_image("gone"), of_cache("r2")}, {"r2"}},
  };
  for (const Row& row : rows) {
    list_ = {};
    place(Place::layer, "/p", row.owners, {hit("token", "f", secret_)});
    look(a_host());
    EXPECT_THAT(charged(), testing::ElementsAreArray(row.charged)) << row.name;
  }
}

TEST_F(ContentTest, ChargesOneOfACircle) {
  place(Place::layer, "/p", {of_cache("r1"), of_cache("r2")}, {hit("token", "f", secret_)});
  look(an_inventory().with(record("r1").parent("r2")).with(record("r2").parent("r1")));
  EXPECT_THAT(charged(), testing::Not(IsEmpty()));
}

TEST_F(ContentTest, ChargesWhatIsNobodysToItself) {
  place(Place::layer, "/overlay2/x", {}, {hit("token", "f", secret_)});
  place(Place::leftover, "/tmp/docker-builder1", {}, {hit("token", "f", secret_)});
  place(Place::layer, "/overlay2/y", {of_image("gone")}, {hit("token", "f", secret_)});
  look(an_inventory());
  EXPECT_THAT(charged(), UnorderedElementsAre("/overlay2/x", "/overlay2/y", "/tmp/docker-builder1"));
  EXPECT_THAT(found("/tmp/docker-builder1"), ElementsAre("token content /tmp/docker-builder1/f, byte 0"));
}

TEST_F(ContentTest, LooksAtAllPlacesAndTextsButThoseOfRunningContainers) {
  place(Place::layer, "/l/both", {of_container("run"), of_image("i")});
  place(Place::layer, "/l/run", {of_container("run")});
  place(Place::container, "/containers/run", {of_container("run")});
  place(Place::container, "/containers/stop", {of_container("stop")});
  look(an_inventory()
           .with(image("i").env("A=b"))
           .with(container("run").of("i").is("running").env("A=b"))
           .with(container("stop").of("i").env("A=b"))
           .with(image("silent")));
  EXPECT_THAT(target_names(), ElementsAre("/containers/stop", "/l/both", "texts of " + image_id("i").str(), "texts of " + container_id("stop").str()));
  EXPECT_EQ(targets_.places.size(), 2u);
  EXPECT_EQ(targets_.all[0].path, root() + "/containers/stop");
  EXPECT_TRUE(targets_.all[1].fixed);
  EXPECT_EQ(targets_.all[2].path, "");
}

TEST_F(ContentTest, LooksAtTextsAloneWhereTheDataRootIsNotRead) {
  const Inventory inventory = an_inventory().with(image("i").env("A=b")).snapped();
  const Targets targets = targets_of(inventory);
  EXPECT_THAT(targets.places, IsEmpty());
  EXPECT_THAT(targets.text_owners, SizeIs(1));
}

TEST_F(ContentTest, SaysWhereInThePlaceItStands) {
  Hit encoded = hit("token", "d/b64", secret_, 7);
  encoded.encoding = match::Encoding::base64;
  place(Place::layer, "/l", {of_image("i")}, {hit("token", "root/.npmrc", secret_, 12), encoded, file_as_such("store", "k.p12"), hit("token", "new\nline", secret_)});
  place(Place::image_config, "/cfg", {of_image("j")}, {hit("token", "", secret_, 3)});
  place(Place::blob, "/blobs/0123456789abcdef", {of_build("h")}, {hit("token", "!etc/x", secret_, 1)});
  const std::string id = container_id("c").str();
  place(Place::container, "/containers/" + id, {of_container("c")},
        {hit("token", "config.v2.json", secret_), hit("token", id + "-json.log.1", new_secret()), hit("token", "resolv.conf", new_secret())});
  look(an_inventory().with(image("i")).with(image("j")).with(build("h")).with(container("c").build_step_on("i")));
  EXPECT_THAT(found("i"), ElementsAre("token content /root/.npmrc, byte 12", "token content /d/b64, byte 7, in base64", "store path /k.p12",
                                      "token content /new line, byte 0"));
  EXPECT_THAT(found("j"), ElementsAre("token content image config, byte 3"));
  EXPECT_THAT(found("h"), ElementsAre("token content blob 0123456789ab!etc/x, byte 1"));
  EXPECT_THAT(found("c"), ElementsAre("token env container's config.v2.json, byte 0", "token log container's " + id + "-json.log.1, byte 0",
                                      "token content container's resolv.conf, byte 0"));
}

TEST_F(ContentTest, LeavesWhatTheEngineTellsToTheLookAtTexts) {
  const std::string named = new_secret(), by_path = new_secret();
  Hit path_hit = hit("npmrc", "", by_path);
  path_hit.tier = match::Tier::path;
  const std::vector<Hit> hits{hit("token", "", secret_), hit("token", "", secret_, 500), loose(hit("assigned", "", new_secret())), path_hit, hit("", "", named)};
  place(Place::image_config, "/cfg", {of_image("i")}, hits);
  place(Place::blob, "/blob", {of_image("j")}, hits);
  look(an_inventory().with(image("i").env("DB_PASSWORD=" + named)).with(image("j").env("DB_PASSWORD=" + named)));
  EXPECT_THAT(found("i"), ElementsAre("secret-name env variable DB_PASSWORD", "token content image config, byte 0"));
  EXPECT_THAT(found("j"), ElementsAre("secret-name env variable DB_PASSWORD", "token content blob blob, byte 0"));
}

TEST_F(ContentTest, TellsLooseHitsOfFiles) {
  place(Place::layer, "/l", {of_image("i")}, {loose(hit("assigned", "f", secret_)), loose(hit("assigned", "f", secret_, 100))});
  place(Place::blob, "/blob", {of_image("j")}, {loose(hit("assigned", "!f", secret_))});
  look(an_inventory().with(image("i")).with(image("j")));
  EXPECT_THAT(found("i"), SizeIs(2));
  EXPECT_THAT(found("j"), SizeIs(1));
}

TEST_F(ContentTest, MakesFindingsOfTextsOnce) {
  const std::string named = new_secret();
  text_hits("i", {hit("", "0", named), loose(hit("assigned", "0", named)), hit("token", "1", secret_), hit("token", "2", secret_)});
  look(an_inventory().with(image("i").env("DB_PASSWORD=" + named).env("X=" + secret_).step("echo " + secret_)));
  EXPECT_THAT(found("i"), ElementsAre("secret-name env variable DB_PASSWORD", "token env variable 2"));
}

TEST_F(ContentTest, TellsOfTheVariableAndNotOfTheConfigThatHoldsIt) {
  text_hits("i", {hit("token", "0", secret_)});
  place(Place::image_config, "/cfg", {of_image("i")}, {hit("token", "", secret_, 40)});
  look(an_inventory().with(image("i").env("GREETING=" + secret_)));
  EXPECT_THAT(found("i"), ElementsAre("token env variable 1"));
}

TEST_F(ContentTest, GivesAKnownValueItsOrigin) {
  const std::string declared = new_secret(), traced = new_secret(), earlier = new_secret();
  place(Place::layer, "/a", {of_image("a")}, {hit("", "f", declared), hit("", "g", traced), hit("", "h", secret_), hit("", "i", earlier)});
  place(Place::layer, "/z", {of_image("z")}, {hit("token", "t", secret_), hit("unnamed", "u", new_secret())});
  look(an_inventory().with(image("a")).with(image("z").env("DB_PASSWORD=" + traced)), {{SecretValue(declared), "declared", true}});
  std::vector<std::string> origins;
  for (const Finding& finding : findings_.of[index_of(*inventory_, "a")]) {
    EXPECT_EQ(finding.rule, "known-value");
    origins.push_back(finding.origin);
  }
  EXPECT_THAT(origins, ElementsAre("declared", testing::HasSubstr("DB_PASSWORD"), "A token in /t, byte 0 of image z00000000000",
                                   "a value that was recognised before"));
  EXPECT_EQ(findings_.of[index_of(*inventory_, "z")][1].origin, "A token");
  EXPECT_EQ(findings_.of[index_of(*inventory_, "z")][2].origin, "unnamed");
}

TEST_F(ContentTest, KnowsFromThenOnWhatARuleHasRecognised) {
  place(Place::layer, "/l", {of_image("i")}, {hit("token", "f", secret_), hit("short", "f", "abc"), file_as_such("store", "k.p12")});
  look(an_inventory().with(image("i")).with(image("j").step("echo " + secret_)));
  ASSERT_THAT(findings_.known.values(), SizeIs(1));
  EXPECT_TRUE(findings_.known.values()[0].value == SecretValue(secret_));
  EXPECT_FALSE(findings_.known.values()[0].declared);
  find_known_in_texts(*inventory_, findings_);
  EXPECT_THAT(found("j"), ElementsAre("known-value history history step 1"));
}

TEST_F(ContentTest, TellsWhatOnlyAnEarlierSearchHasSeen) {
  place(Place::layer, "/l", {of_image("i")}, {from_cache(hit("token", "f", secret_))});
  look(an_inventory().with(image("i")));
  const Finding& finding = first("i");
  EXPECT_FALSE(finding.value);
  EXPECT_EQ(finding.fingerprint, kFingerprint(SecretValue(secret_)));
  EXPECT_EQ(finding.masked, mask(SecretValue(secret_)));
  EXPECT_THAT(findings_.known.values(), IsEmpty());
}

TEST_F(ContentTest, TellsWhenAFileThatWasNotReadHasChanged) {
  place(Place::layer, "/l", {of_image("i")});
  test::write_file(root() + "/l/a!b.zip", "x");
  unread_in_["/l"] = {{"a!b.zip!c.zip!d", "a container within 3 others"}};
  look(an_inventory().with(image("i")));
  ASSERT_THAT(unread_, SizeIs(1));
  ASSERT_TRUE(unread_[0].changed);
  EXPECT_GT(*unread_[0].changed, system_now() - std::chrono::minutes(1));
}

TEST_F(ContentTest, PassesOnWhatWasNotRead) {
  place(Place::layer, "/l", {of_image("i")});
  place(Place::image_config, "/cfg", {of_image("i")});
  unread_in_["/l"] = {{"d/new\nline", "Permission denied"}};
  unread_in_["/cfg"] = {{"", "Input/output error"}};
  outcome_.is_complete = false;
  outcome_.bytes_read = 1000;
  look(an_inventory().with(image("i")));
  ASSERT_THAT(unread_, SizeIs(3));
  EXPECT_EQ(unread_[0].place, "/cfg");
  EXPECT_EQ(unread_[0].reason, "Input/output error");
  EXPECT_EQ(unread_[1].place, "/l/d/new line");
  EXPECT_EQ(unread_[1].reason, "Permission denied");
  EXPECT_EQ(unread_[2].place, "recognised secrets");
  EXPECT_THAT(unread_[0].owners, ElementsAre(index_of(*inventory_, "i")));
  EXPECT_FALSE(unread_[0].changed);  // a directory
  EXPECT_FALSE(unread_[1].changed);  // it is not there
  EXPECT_THAT(unread_[2].owners, IsEmpty());
  EXPECT_GE(findings_.scanned.bytes, 1000);
}

TEST_F(ContentTest, ARunningStepsMountIsNoBlindSpotAndALeftoverThatCannotBeReadIs) {
  const std::string step = "/buildkit/executor/aaaaaaaaaaaaaaaaaaaaaaaa1";
  place(Place::leftover, step, {});
  unread_in_[step] = {{"rootfs", "Invalid cross-device link"}, {"config.json", "Invalid cross-device link"}, {"rootfs", "Permission denied"}};
  look(an_inventory());
  ASSERT_THAT(unread_, SizeIs(2));
  EXPECT_EQ(unread_[0].place, step + "/config.json");
  EXPECT_EQ(unread_[1].reason, "Permission denied");
}

TEST_F(ContentTest, ABuildersStateIsChargedToItsVolumeWithoutItsDatabases) {
  const std::string secret = new_secret(), name = "buildx_buildkit_ci0_state";
  place(Place::volume, "/volumes/" + name + "/_data", {{Owner::Kind::volume, name}},
        {hit("token", "runc-overlayfs/history.db", new_secret()), hit("token", "runc-overlayfs/content/blobs/sha256/aa", secret, 10)});
  place(Place::layer, "/overlay2/builder", {of_container("ci")}, {hit("token", "x", new_secret())});
  look(an_inventory().with(image("base").tagged("b:1")).with(container("ci").of("base").builder()).with(volume(name)));
  EXPECT_THAT(found(name), ElementsAre("token content /runc-overlayfs/content/blobs/sha256/aa, byte 10"));
  EXPECT_THAT(found("ci"), IsEmpty());
}

}  // namespace
}  // namespace cleanerd::secrets
