// One immutable look at a host: the objects that builds leave, and how they need each other.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "engine/types.hpp"
#include "storage/places.hpp"

namespace cleanerd::inventory {

// The contract's vocabulary, as far as this version finds it.
enum class Kind {
  image_tagged,
  image_dangling,      // untagged, nothing built on it
  image_intermediate,  // untagged, an image was built on it
  container_build,     // a step of the classic builder
  container_stopped,
  container_running,   // nobody's residue; known because it protects what it needs
  cache_regular,
  cache_source_local,
  cache_source_git,
  cache_mount,
  cache_frontend,
  cache_internal,
  history_record,      // BuildKit's record of a build
  builder_container,   // of buildx's docker-container driver
  builder_volume,      // its state: cache, history
  leftover_executor,   // what an interrupted step of BuildKit left
  leftover_tmp,        // temporary files of work that goes on or was interrupted
  leftover_ingest,     // content that was not received to its end
  orphan_layer,        // bytes that no object explains
  store_inactive,      // the image store that the engine no longer uses
};

// The kind, too, but no object of the engine's: what its databases hold in pages that are free.
inline constexpr std::string_view kFreedPages = "database.freed";

std::string_view to_string(Kind kind);  // "image.tagged"
std::optional<Kind> parse_kind(std::string_view text);
std::span<const Kind> all_kinds();
bool is_image(Kind kind);
bool is_container(Kind kind);
bool is_cache(Kind kind);
bool is_history(Kind kind);
bool is_builder(Kind kind);
bool is_on_disk_only(Kind kind);  // no API of the engine knows it

struct Image {
  engine::ImageSummary summary;
  engine::ImageConfig config;
};

// A place in the data root that belongs to none of the engine's objects.
struct Leftover {
  std::string name;  // the path from the data root
  ByteSize size;
  std::vector<std::string> env;  // of the step that left it, or runs there
  Instant changed{};             // the newest change of a file in it
  bool unreferenced = false;     // Place::unreferenced
  bool collectable = false;      // content that nothing holds: the engine's own collection takes it
  storage::Stamp stamp{};        // when it was listed
};

struct Object {
  Kind kind;
  std::variant<Image, engine::Container, engine::CacheRecord, engine::BuildRecord, engine::Volume, Leftover> detail;
  // BuildKit's builds on record during which it came about: of a cache record or image. More than one where builds overlapped.
  std::vector<BuildRef> builds = {};

  const std::string& engine_id() const;
  std::string id() const;  // "<kind>:<engine's own id>"
  ByteSize size() const;
  std::optional<Instant> created() const;
  std::optional<Instant> last_used() const;
  const engine::Labels& labels() const;

  const Image* image() const { return std::get_if<Image>(&detail); }
  const engine::Container* container() const { return std::get_if<engine::Container>(&detail); }
  const engine::CacheRecord* cache() const { return std::get_if<engine::CacheRecord>(&detail); }
  const engine::BuildRecord* build() const { return std::get_if<engine::BuildRecord>(&detail); }
  const engine::Volume* volume() const { return std::get_if<engine::Volume>(&detail); }
  const Leftover* leftover() const { return std::get_if<Leftover>(&detail); }
};

// A place that could not be looked at, and why.
struct Unread {
  std::string place;
  std::string reason;
  std::vector<std::size_t> owners{};  // objects that it is a part of, in the inventory of the same look; none: not any one's
  std::optional<Instant> changed{};   // the newest change of what holds it on the disk, where that is known
};

// Runs, or is only held up: nothing of it is residue.
bool is_up(const engine::Container& container);

// Whether a classic build is running now. `unknown`: the host does not tell, only time does.
enum class ClassicBuild { none, running, unknown };

// The engine's part of an object's id.
std::string_view engine_id_of(std::string_view object_id);

struct Snapshot {
  engine::EngineInfo engine;
  Instant taken;
  std::vector<Image> images;
  std::vector<engine::Container> containers;
  std::vector<engine::CacheRecord> cache;
  bool from_disk_alone = false;           // Lists::on_disk, and some could be read there
  std::vector<engine::BuildRecord> builds;
  std::vector<engine::Volume> volumes;  // of builders
  ClassicBuild classic_build = ClassicBuild::none;
  std::vector<Unread> unread;
  std::vector<std::pair<ImageId, std::string>> unread_images;  // whose config could not be had, and why
  std::vector<Kind> unlisted;             // what the engine did not list this time
  std::optional<storage::Places> places;  // nullopt: the data root cannot be read
  std::string data_root;                  // as this process sees it
  std::string data_root_of_engine;        // the same with the engine's own mounts below it
  bool data_root_is_sure = false;         // DataRoot::belongs
  std::optional<storage::EngineProcess> engine_process;  // looked for where there is something that belongs to no object
  std::optional<DiskSpace> disk;          // of the data root; nullopt: it cannot be looked at
};

class Inventory {
 public:
  using Index = std::size_t;

  // Parents that are not in the snapshot are dropped; ids are unique.
  explicit Inventory(Snapshot snapshot);

  const engine::EngineInfo& engine() const { return engine_; }
  Instant taken() const { return taken_; }
  ClassicBuild classic_build() const { return classic_build_; }
  std::span<const Unread> unread() const { return unread_; }
  // False: that an object of this kind is not here does not say that it is gone.
  bool lists(Kind kind) const;

  std::span<const Object> objects() const { return objects_; }
  const Object& operator[](Index index) const { return objects_[index]; }

  // What the object stands on: an image's parent, a container's image and its builder's state, a cache record's parents.
  std::span<const Index> parents(Index index) const { return parents_[index]; }
  // What stands on it and must go before it.
  std::span<const Index> children(Index index) const { return children_[index]; }
  // All that stands on it, however far up, itself left out.
  std::vector<Index> descendants(Index index) const;
  // Parents after their children; a permutation of all objects.
  std::span<const Index> children_first() const { return children_first_; }

  // nullptr when the data root could not be read: where the objects' bytes lie is not known then.
  const storage::Places* places() const { return places_ ? &*places_ : nullptr; }
  // Whose bytes lie in the place (an index of places()->all()); never empty. Objects that the engine does not list (any more) are
  // none: a place that is only theirs is a leftover or an orphan.
  std::span<const Index> owners(std::size_t place) const { return owners_[place]; }
  bool is_from_disk_alone() const { return from_disk_alone_; }
  const std::string& data_root() const { return data_root_; }
  const std::string& data_root_of_engine() const { return data_root_of_engine_; }
  bool data_root_is_sure() const { return data_root_is_sure_; }
  const std::optional<DiskSpace>& disk() const { return disk_; }
  const std::optional<storage::EngineProcess>& engine_process() const { return engine_process_; }
  // What was last changed before this is of no work that goes on: the engine has started since, or a day has passed.
  Instant at_work_since() const;
  // BuildKit says that a build is at work, or does not say.
  bool buildkit_works() const;

  // By `<kind>:<engine id>`, by the engine's id or by a prefix of it of at least 4 characters; more than one when it is
  // not unique.
  std::vector<Index> find(std::string_view id) const;

 private:
  void connect(Index parent, Index child);
  void order();
  void tell_builds();
  void add_places(std::optional<storage::Places> places);

  engine::EngineInfo engine_;
  Instant taken_;
  ClassicBuild classic_build_;
  std::vector<Unread> unread_;
  std::optional<storage::Places> places_;
  std::string data_root_;
  std::string data_root_of_engine_;
  bool data_root_is_sure_;
  bool from_disk_alone_;
  std::vector<Kind> unlisted_;
  std::optional<storage::EngineProcess> engine_process_;
  std::optional<DiskSpace> disk_;
  std::vector<std::vector<Index>> owners_;
  std::vector<Object> objects_;
  std::vector<std::vector<Index>> parents_;
  std::vector<std::vector<Index>> children_;
  std::vector<Index> children_first_;
};

// The classic builder's step containers carry no label; this is what they have in common on every engine: no log driver, the
// healthcheck switched off, and an image named by its full id, which is what the builder passes and people hardly do.
bool is_build_step(const engine::Container& container);

}  // namespace cleanerd::inventory
