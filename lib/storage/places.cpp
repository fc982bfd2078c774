#include "storage/places.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "engine/json_stream.hpp"
#include "storage/beneath.hpp"
#include "storage/memory.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {
namespace {

// How this process calls the engine's `/`.
std::string prefix_of(const std::string& path, const std::string& data_root) {
  return path.ends_with(data_root) ? path.substr(0, path.size() - data_root.size()) : std::string();
}

void container_folders(const std::string& root, PlaceList& list) {
  for (const std::string& name : names_in(root + "/containers", list)) {
    const std::string path = root + "/containers/" + name;
    if (is_hex_id(name)) list.add(Place::Kind::container, path, {Owner::Kind::container, name}, false);
    list.found(Place::Kind::leftover, path);
  }
}

void builder_volumes(const std::string& root, PlaceList& list) {
  for (const std::string& name : names_in(root + "/volumes", list))
    if (engine::is_builder_name(VolumeName(name))) list.add(Place::Kind::volume, root + "/volumes/" + name + "/_data", {Owner::Kind::volume, name}, false);
}

// What builds in progress and interrupted ones have written.
void leftovers(const std::string& root, PlaceList& list) {
  for (const char* folder : {"/tmp", "/tmp-old", "/buildkit/executor"}) {
    for (const std::string& name : names_in(root + folder, list)) {
      if (std::string_view(folder) == "/buildkit/executor" && name.size() != 25) continue;  // hosts, resolv.conf, runc-log.json
      list.found(Place::Kind::leftover, root + folder + "/" + name, PlaceList::Named::nowhere);
    }
  }
}

// process.env of its config.json (OCI runtime-spec v1.0 config.md). Nothing where that cannot be read.
std::vector<std::string> step_environment(const std::string& path) {
  auto file = open_regular_file_beneath(path, "config.json");
  if (!file) return {};
  std::string content(1u << 20, '\0');
  const auto size = read_at(*file, 0, content, "config.json");
  if (!size || *size == content.size()) return {};
  content.resize(*size);
  const auto config = engine::parse_document(content);
  if (!config || !config->is_object()) return {};
  const auto process = config->find("process");
  if (process == config->end() || !process->is_object()) return {};
  const auto variables = process->find("env");
  if (variables == process->end() || !variables->is_array()) return {};
  std::vector<std::string> all;
  for (const auto& variable : *variables)
    if (const auto* text = variable.get_ptr<const std::string*>()) all.push_back(*text);
  return all;
}

void other_store(const std::string& root, bool graphdriver, PlaceList& list) {
  if (!graphdriver) {
    for (const char* folder : {"/image/overlay2", "/overlay2"}) list.found(Place::Kind::other_store, root + folder, PlaceList::Named::nowhere);
    return;
  }
  const std::string containerd = root + "/containerd/daemon/";
  for (const std::string& name : names_in(containerd + "io.containerd.content.v1.content/blobs/sha256", list))
    list.found(Place::Kind::other_store, containerd + "io.containerd.content.v1.content/blobs/sha256/" + name);
  for (const std::string& name : names_in(containerd + "io.containerd.snapshotter.v1.overlayfs/snapshots", list))
    list.found(Place::Kind::other_store, containerd + "io.containerd.snapshotter.v1.overlayfs/snapshots/" + name);
}

}  // namespace

Result<Places> Places::read(const DataRoot& root, const engine::EngineInfo& engine, Memory* memory) {
  PlaceList list(root.path());
  const bool graphdriver = engine.store == engine::ImageStore::graphdriver;
  if (graphdriver) {
    Memory none;
    graphdriver_places(root.path(), engine.storage_driver, list, memory ? *memory : none);
  } else {  // containerd as dockerd's child, or the system's own
    const std::string child = root.path() + "/containerd/daemon";
    const std::string system = prefix_of(root.path(), engine.data_root) + "/var/lib/containerd";
    const bool is_child = exists(child + "/io.containerd.metadata.v1.bolt/meta.db");
    containerd_places(root.path(), is_child ? child : system, engine.storage_driver, list);
  }
  container_folders(root.path(), list);
  builder_volumes(root.path(), list);
  leftovers(root.path(), list);
  other_store(root.path(), graphdriver, list);
  Places places = std::move(list).finish();
  for (Place& place : places.places_)
    if (place.kind == Place::Kind::leftover && contains(place.path, "/buildkit/executor/")) place.environment = step_environment(place.path);
  return places;
}

std::vector<const Place*> Places::of(const Owner& owner) const {
  std::vector<const Place*> found;
  for (const Place& place : places_)
    if (std::ranges::binary_search(place.owners, owner)) found.push_back(&place);
  return found;
}

std::optional<engine::ImageConfig> Places::take_config(const ImageId& id) {
  auto config = configs_.extract(id.str());
  if (config.empty()) return std::nullopt;
  return std::move(config.mapped());
}

std::optional<std::vector<engine::ImageSummary>> Places::take_images() {
  auto all = std::exchange(images_, std::nullopt);
  if (!all || stamp_of(all->folder).hash != all->stamp.hash) return std::nullopt;
  return std::move(all->images);
}

const Place* Places::containing(std::string_view path) const {
  for (std::size_t end = path.size(); end != 0 && end != std::string_view::npos; end = path.rfind('/', end - 1)) {
    const std::string_view part = path.substr(0, end);
    const auto place = std::ranges::lower_bound(places_, part, {}, [](const Place& p) { return std::string_view(p.path); });
    if (place != places_.end() && place->path == part) return &*place;
  }
  return nullptr;
}

}  // namespace cleanerd::storage
