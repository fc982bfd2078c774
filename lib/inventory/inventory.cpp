#include "inventory/inventory.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"

namespace cleanerd::inventory {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 20> kKinds{{
    {Kind::image_tagged, "image.tagged"},
    {Kind::image_dangling, "image.dangling"},
    {Kind::image_intermediate, "image.intermediate"},
    {Kind::container_build, "container.build"},
    {Kind::container_stopped, "container.stopped"},
    {Kind::container_running, "container.running"},
    {Kind::cache_regular, "cache.regular"},
    {Kind::cache_source_local, "cache.source.local"},
    {Kind::cache_source_git, "cache.source.git"},
    {Kind::cache_mount, "cache.mount"},
    {Kind::cache_frontend, "cache.frontend"},
    {Kind::cache_internal, "cache.internal"},
    {Kind::history_record, "history.record"},
    {Kind::builder_container, "builder.container"},
    {Kind::builder_volume, "builder.volume"},
    {Kind::leftover_executor, "leftover.executor"},
    {Kind::leftover_tmp, "leftover.tmp"},
    {Kind::leftover_ingest, "leftover.ingest"},
    {Kind::orphan_layer, "orphan.layer"},
    {Kind::store_inactive, "store.inactive"},
}};

constexpr auto kAllKinds = [] {
  std::array<Kind, kKinds.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = kKinds[i].first;
  return kinds;
}();

Kind container_kind(const engine::Container& container) {
  if (is_build_step(container)) return Kind::container_build;
  if (engine::is_builder_name(container.name)) return Kind::builder_container;
  return is_up(container) ? Kind::container_running : Kind::container_stopped;
}

Kind cache_kind(const engine::CacheRecord& record) {
  if (record.type == "source.local") return Kind::cache_source_local;
  if (record.type == "source.git.checkout") return Kind::cache_source_git;
  if (record.type == "exec.cachemount") return Kind::cache_mount;
  if (record.type == "frontend") return Kind::cache_frontend;
  if (record.type == "internal") return Kind::cache_internal;
  return Kind::cache_regular;
}

storage::Owner::Kind owner_kind(Kind kind) {
  if (is_image(kind)) return storage::Owner::Kind::image;
  if (is_container(kind) || kind == Kind::builder_container) return storage::Owner::Kind::container;
  if (kind == Kind::builder_volume) return storage::Owner::Kind::volume;
  return is_cache(kind) ? storage::Owner::Kind::cache : storage::Owner::Kind::build;
}

Kind leftover_kind(const storage::Place& place) {
  if (place.kind == storage::Place::Kind::other_store) return Kind::store_inactive;
  if (place.kind != storage::Place::Kind::leftover) return Kind::orphan_layer;
  if (contains(place.path, "/buildkit/executor/")) return Kind::leftover_executor;
  return contains(place.path, "/ingest/") ? Kind::leftover_ingest : Kind::leftover_tmp;
}

}  // namespace

std::string_view to_string(Kind kind) {
  for (const auto& [value, name] : kKinds)
    if (value == kind) return name;
  return {};
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (const auto& [value, name] : kKinds)
    if (name == text) return value;
  return std::nullopt;
}

std::span<const Kind> all_kinds() { return kAllKinds; }

bool is_image(Kind kind) { return to_string(kind).starts_with("image."); }
bool is_container(Kind kind) { return to_string(kind).starts_with("container."); }
bool is_cache(Kind kind) { return to_string(kind).starts_with("cache."); }
bool is_history(Kind kind) { return kind == Kind::history_record; }
bool is_builder(Kind kind) { return kind == Kind::builder_container || kind == Kind::builder_volume; }
bool is_on_disk_only(Kind kind) { return kind >= Kind::leftover_executor; }

bool is_build_step(const engine::Container& container) {
  const std::string& reference = container.image_ref;
  return container.log_driver == "none" && container.healthcheck_disabled && reference.size() == 71 && reference.starts_with("sha256:") &&
         reference == container.image_id.str();
}

bool is_up(const engine::Container& container) {
  return container.state != "exited" && container.state != "created" && container.state != "dead";
}

std::string_view engine_id_of(std::string_view object_id) { return object_id.substr(object_id.find(':') + 1); }

const std::string& Object::engine_id() const {
  if (const Image* i = image()) return i->summary.id.str();
  if (const engine::Container* c = container()) return c->id.str();
  if (const engine::CacheRecord* record = cache()) return record->id.str();
  if (const engine::Volume* v = volume()) return v->name.str();
  if (const Leftover* place = leftover()) return place->name;
  return build()->ref.str();
}

std::string Object::id() const { return std::string(to_string(kind)) + ":" + engine_id(); }

ByteSize Object::size() const {
  if (const Image* i = image()) return i->summary.size;
  if (const engine::CacheRecord* record = cache()) return record->size;
  if (const engine::BuildRecord* record = build()) return record->size;
  if (const Leftover* place = leftover()) return place->size;
  return {};
}

std::optional<Instant> Object::created() const {
  if (const Image* i = image()) return i->summary.created;
  if (const engine::Container* c = container()) return c->created;
  if (const engine::CacheRecord* record = cache()) return record->created;
  if (const engine::BuildRecord* record = build()) return record->created;
  if (const engine::Volume* v = volume()) return v->created;
  if (const Leftover* place = leftover(); place && place->changed != Instant()) return place->changed;
  return std::nullopt;
}

std::optional<Instant> Object::last_used() const {
  if (const engine::Container* c = container()) return c->finished;
  if (const engine::CacheRecord* record = cache()) return record->last_used;
  return std::nullopt;
}

const engine::Labels& Object::labels() const {
  static const engine::Labels kNone;
  if (const Image* i = image()) return i->summary.labels;
  if (const engine::Container* c = container()) return c->labels;
  if (const engine::Volume* v = volume()) return v->labels;
  return kNone;
}

Inventory::Inventory(Snapshot snapshot)
    : engine_(std::move(snapshot.engine)),
      taken_(snapshot.taken),
      classic_build_(snapshot.classic_build),
      unread_(std::move(snapshot.unread)),
      data_root_(std::move(snapshot.data_root)),
      data_root_of_engine_(std::move(snapshot.data_root_of_engine)),
      data_root_is_sure_(snapshot.data_root_is_sure),
      from_disk_alone_(snapshot.from_disk_alone),
      unlisted_(std::move(snapshot.unlisted)),
      engine_process_(snapshot.engine_process),
      disk_(snapshot.disk) {
  std::unordered_map<std::string, Index> images, containers, records, volumes;
  std::unordered_set<std::string> builds, with_children;
  for (const Image& image : snapshot.images) with_children.insert(image.summary.parent.str());

  objects_.reserve(snapshot.images.size() + snapshot.containers.size() + snapshot.cache.size() + snapshot.builds.size());
  for (Image& image : snapshot.images) {
    const std::string id = image.summary.id.str();
    if (!images.emplace(id, objects_.size()).second) continue;
    const Kind kind = !image.summary.tags.empty() ? Kind::image_tagged
                      : with_children.contains(id) ? Kind::image_intermediate
                                                   : Kind::image_dangling;
    objects_.push_back({kind, std::move(image)});
  }
  for (const auto& [id, reason] : snapshot.unread_images)
    if (const auto found = images.find(id.str()); found != images.end()) unread_.push_back({"image " + id.short_form(), reason, {found->second}, {}});
  for (engine::Container& container : snapshot.containers) {
    if (!containers.emplace(container.id.str(), objects_.size()).second) continue;
    const Kind kind = container_kind(container);
    objects_.push_back({kind, std::move(container)});
  }
  for (engine::CacheRecord& record : snapshot.cache) {
    if (!records.emplace(record.id.str(), objects_.size()).second) continue;
    const Kind kind = cache_kind(record);
    objects_.push_back({kind, std::move(record)});
  }
  for (engine::BuildRecord& record : snapshot.builds)
    if (builds.insert(record.ref.str()).second) objects_.push_back({Kind::history_record, std::move(record)});
  tell_builds();
  for (engine::Volume& volume : snapshot.volumes)
    if (volumes.emplace(volume.name.str(), objects_.size()).second) objects_.push_back({Kind::builder_volume, std::move(volume)});
  add_places(std::move(snapshot.places));

  parents_.resize(objects_.size());
  children_.resize(objects_.size());
  const auto connect_to = [&](const auto& index_of, const std::string& parent, Index child) {
    if (const auto found = index_of.find(parent); found != index_of.end() && found->second != child)
      connect(found->second, child);
  };
  for (Index i = 0; i < objects_.size(); ++i) {
    if (const Image* image = objects_[i].image()) connect_to(images, image->summary.parent.str(), i);
    if (const engine::Container* container = objects_[i].container()) {
      connect_to(images, container->image_id.str(), i);
      for (const VolumeName& volume : container->volumes) connect_to(volumes, volume.str(), i);
    }
    if (const engine::CacheRecord* record = objects_[i].cache())
      for (const CacheId& parent : record->parents) connect_to(records, parent.str(), i);
  }
  order();
}

void Inventory::tell_builds() {
  struct Span {
    Instant from, to;
    Instant latest;  // end of it and of those before it
    const engine::BuildRecord* build;
  };
  std::vector<Span> spans;
  for (const Object& object : objects_)
    if (const auto* build = object.build(); build && build->created)
      spans.push_back({*build->created, build->completed.value_or(taken_), {}, build});
  std::ranges::sort(spans, {}, &Span::from);
  for (std::size_t i = 0; i < spans.size(); ++i) spans[i].latest = i == 0 ? spans[i].to : std::max(spans[i].to, spans[i - 1].latest);
  for (Object& object : objects_) {
    const auto at = object.created();
    if (!at || !(object.cache() || object.image())) continue;
    // The engine lists an image's time in whole seconds.
    const Instant at_latest = object.image() ? *at + std::chrono::milliseconds(999) : *at;
    auto span = std::ranges::upper_bound(spans, at_latest, {}, &Span::from);
    while (span != spans.begin() && (--span)->latest >= *at)
      if (span->to >= *at) object.builds.push_back(span->build->ref);
  }
}

void Inventory::add_places(std::optional<storage::Places> places) {
  places_ = std::move(places);
  if (!places_) return;
  const auto hash = [](const storage::Owner& owner) { return std::hash<std::string>{}(owner.id); };
  std::unordered_map<storage::Owner, Index, decltype(hash)> known(objects_.size(), hash);
  for (Index i = 0; i < objects_.size(); ++i) known.emplace(storage::Owner{owner_kind(objects_[i].kind), objects_[i].engine_id()}, i);
  for (const storage::Place& place : places_->all()) {
    std::vector<Index>& owners = owners_.emplace_back();
    for (const storage::Owner& owner : place.owners)
      if (const auto found = known.find(owner); found != known.end()) owners.push_back(found->second);
    if (!owners.empty()) continue;
    owners.push_back(objects_.size());
    std::string name = place.path.starts_with(data_root_) ? place.path.substr(data_root_.size()) : place.path;
    objects_.push_back({leftover_kind(place), Leftover{std::move(name), {static_cast<std::int64_t>(place.size)}, place.environment, place.changed,
                                                        place.unreferenced && place.owners.empty(),
                                                        place.kind == storage::Place::Kind::blob && place.owners.empty(), place.stamp}});
  }
}

// The start is known to some hundredths of a second, a file's change to one tick of the kernel's clock.
Instant Inventory::at_work_since() const {
  const Instant a_day_ago = taken_ - std::chrono::hours(24);
  return engine_process_ ? std::max(a_day_ago, engine_process_->started - std::chrono::seconds(1)) : a_day_ago;
}

bool Inventory::lists(Kind kind) const { return std::ranges::find(unlisted_, kind) == unlisted_.end(); }

bool Inventory::buildkit_works() const {
  return !lists(Kind::history_record) || std::ranges::any_of(objects_, [](const Object& object) {
    return (object.cache() && object.cache()->in_use) || (object.build() && object.build()->running);
  });
}

void Inventory::connect(Index parent, Index child) {
  parents_[child].push_back(parent);
  children_[parent].push_back(child);
}

void Inventory::order() {
  // Kahn's algorithm from the leaves. A cycle (only a broken answer has one) would leave its members out: they come last.
  std::vector<std::size_t> open(objects_.size());
  for (Index i = 0; i < objects_.size(); ++i) {
    open[i] = children_[i].size();
    if (open[i] == 0) children_first_.push_back(i);
  }
  for (std::size_t done = 0; done < children_first_.size(); ++done)
    for (const Index parent : parents_[children_first_[done]])
      if (--open[parent] == 0) children_first_.push_back(parent);
  for (Index i = 0; i < objects_.size(); ++i)
    if (open[i] != 0) children_first_.push_back(i);
}

std::vector<Inventory::Index> Inventory::descendants(Index index) const {
  std::vector<bool> seen(objects_.size());
  std::vector<Index> found, open{index};
  seen[index] = true;
  while (!open.empty()) {
    const Index at = open.back();
    open.pop_back();
    for (const Index child : children_[at]) {
      if (seen[child]) continue;
      seen[child] = true;
      found.push_back(child);
      open.push_back(child);
    }
  }
  std::ranges::sort(found);
  return found;
}

std::vector<Inventory::Index> Inventory::find(std::string_view id) const {
  std::vector<Index> exact, by_prefix;
  for (Index i = 0; i < objects_.size(); ++i) {
    const std::string& engine_id = objects_[i].engine_id();
    std::string_view bare = engine_id;
    if (bare.starts_with("sha256:")) bare.remove_prefix(7);
    std::string_view wanted = id;
    if (const std::string kind = std::string(to_string(objects_[i].kind)) + ":"; wanted.starts_with(kind)) wanted.remove_prefix(kind.size());
    if (wanted.starts_with("sha256:")) wanted.remove_prefix(7);
    if (bare == wanted) exact.push_back(i);
    else if (wanted.size() >= 4 && bare.starts_with(wanted)) by_prefix.push_back(i);
  }
  return exact.empty() ? by_prefix : exact;
}

}  // namespace cleanerd::inventory
