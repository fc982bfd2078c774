// Layout of the graphdriver store: moby layer/filestore.go, image/fs.go, builder/builder-next/adapters/snapshot/snapshot.go,
// daemon/graphdriver/overlay2.
#include <charconv>
#include <future>
#include <unordered_map>
#include <unordered_set>

#include "storage/bbolt.hpp"
#include "storage/file.hpp"
#include "storage/image_list.hpp"
#include "storage/layer_references.hpp"
#include "storage/leases.hpp"
#include "storage/memory.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {
namespace {

// BuildKit's snapshot keys: the directory they were made in, the layer they became, or both.
struct GraphSnapshot {
  std::string committed;
  std::string chain_id;
};

using Snapshots = std::unordered_map<std::string, GraphSnapshot>;  // by key

Result<Snapshots> read_snapshots(const std::string& path) {
  auto bolt = Bolt::open(path);
  if (!bolt) return std::move(bolt).error();
  return bolt->read([](View& view) -> Result<Snapshots> {
    Snapshots all;
    auto done = view.for_each_deep([&](std::span<const std::string> where, const BoltEntry& entry) -> Status {
      if (where.size() == 1 && entry.key == "committed") all[where[0]].committed = entry.value;
      if (where.size() == 1 && entry.key == "chainid") all[where[0]].chain_id = entry.value;
      return {};
    });
    if (!done) return std::move(done).error();
    return all;
  });
}

class Graphdriver {
 public:
  Graphdriver(const std::string& root, const std::string& driver, PlaceList& list, Memory& memory)
      : root_(root), driver_(driver), layers_(root + "/" + driver), image_(root + "/image/" + driver), list_(list), memory_(memory) {}

  void read() {
    for (std::string& name : names_in(layers_, list_)) layer_names_.insert(std::move(name));
    // Later than that: what holds a layer that is there has been written by then.
    const std::string folder = root_ + "/buildkit";
    auto databases = std::async(std::launch::async, [&] { return Databases{read_snapshots(folder + "/snapshots.db"), read_meta_database(folder + "/containerdmeta.db", {})}; });
    images();
    containers();
    buildkit(folder, databases.get());
    rest();
    memory_.images.forget_the_rest();
    memory_.layers.forget_the_rest();
  }

 private:
  struct Chain {
    Place* place = nullptr;  // the layer's; null where there is none
    std::optional<std::int64_t> size{};
  };

  std::string layer_path(const std::string& id) const { return layers_ + "/" + id + "/diff"; }

  Place* layer(const std::string& id, const Owner& owner, bool fixed) {
    return layer_names_.contains(id) ? list_.add(Place::Kind::layer, layer_path(id), owner, fixed) : nullptr;
  }

  Memory::Layer read_layer(const std::string& chain_id) {
    const std::string folder = image_ + "/layerdb/sha256/" + chain_id.substr(7);
    const Stamp stamp = list_.stamp(folder);
    if (!stamp.exists()) return {};
    if (const Memory::Layer* known = memory_.layers.find(chain_id, stamp)) return *known;
    Memory::Layer told{list_.word_in(folder + "/cache-id"), std::nullopt};
    const auto word = list_.word_in(folder + "/size");
    std::int64_t size = 0;
    if (word && std::from_chars(word->data(), word->data() + word->size(), size).ptr == word->data() + word->size() && size >= 0) told.size = size;
    return told.cache_id && told.size ? memory_.layers.put(chain_id, stamp, std::move(told)) : told;
  }

  Chain chain(const std::string& chain_id, const Owner& owner) {
    if (!chain_id.starts_with("sha256:") || !is_hex_id(std::string_view(chain_id).substr(7))) return {};
    // Many images have one layer.
    const auto [known, fresh] = chains_.try_emplace(chain_id);
    Chain& chain = known->second;
    if (!fresh) {
      if (chain.place) chain.place->owners.push_back(owner);
      return chain;
    }
    const Memory::Layer told = read_layer(chain_id);
    chain = {told.cache_id ? layer(*told.cache_id, owner, true) : nullptr, told.size};
    return chain;
  }

  void images() {
    const std::string folder = image_ + "/imagedb/content/sha256/";
    const Stamp stamp = list_.stamp(folder);
    ImageList all(image_, list_);
    for (const std::string& name : names_in(folder, list_)) {
      if (!is_hex_id(name)) {
        list_.found(Place::Kind::leftover, folder + name);
        continue;
      }
      const Owner owner{Owner::Kind::image, "sha256:" + name};
      const Place* place = list_.add(Place::Kind::image_config, folder + name, owner, true);
      if (!place) continue;  // gone since
      const Memory::Image* image = memory_.images.find(owner.id, place->stamp);
      if (!image) image = read_image(*place, owner, all);
      if (!image) continue;
      std::vector<std::optional<std::int64_t>> sizes;
      for (const std::string& id : image->chain_ids) sizes.push_back(chain(id, owner).size);
      all.add(owner.id, image->config, sizes);
      list_.config(owner.id, image->config);
    }
    if (auto images = std::move(all).finish()) list_.images(ImagesOnDisk{std::move(*images), folder, stamp});
  }

  // As a whole where it is what its digest says, for its layers alone where it is damaged.
  const Memory::Image* read_image(const Place& place, const Owner& owner, ImageList& all) {
    auto text = list_.read_small_file(place.path);
    if (!text) {
      if (text.error().code() != Errc::not_found) all.incomplete();
      list_.unread(std::move(text).error());
      return nullptr;
    }
    auto config = decode_config(*text, owner.id);
    if (!config) {
      all.incomplete();
      for (const std::string& id : chain_ids(*text)) chain(id, owner);
      return nullptr;
    }
    std::vector<std::string> layers = chain_ids(std::exchange(config->diff_ids, {}));
    return &memory_.images.put(owner.id, place.stamp, {std::move(*config), std::move(layers)});
  }

  void containers() {
    const std::string folder = image_ + "/layerdb/mounts/";
    for (const std::string& name : names_in(folder, list_)) {
      // BuildKit mounts layers under ids of its own while it runs a step; its leases tell whose they are.
      if (!is_hex_id(name) || !exists(root_ + "/containers/" + name)) continue;
      for (const char* word : {"/mount-id", "/init-id"}) {
        if (auto id = list_.word_in(folder + name + word)) layer(*id, {Owner::Kind::container, name}, false);
      }
    }
  }

  struct Databases {
    Result<Snapshots> snapshots;
    Result<MetaDatabase> meta;
  };

  void buildkit(const std::string& folder, Databases databases) {
    auto& [snapshots, meta] = databases;
    if (!snapshots) list_.unread(std::move(snapshots).error());
    if (!meta) {
      list_.unread(std::move(meta).error());
      return;
    }
    const std::string blobs = folder + "/content/blobs/sha256/";
    for (const Holding& holding : meta->leases) {
      if (snapshots) {
        for (const std::string& key : holding.snapshots) snapshot(*snapshots, key, holding.owner);
      }
      for (const std::string& digest : meta->closure(holding.content)) {
        if (digest.size() == 71 && is_hex_id(digest.substr(7)))
          list_.add(Place::Kind::blob, blobs + digest.substr(7), holding.owner, true);
      }
    }
  }

  void snapshot(const Snapshots& all, const std::string& key, const Owner& owner) {
    chain(key, owner);
    layer(key, owner, false);
    const auto found = all.find(key);
    if (found == all.end()) return;
    chain(found->second.chain_id, owner);
    layer(found->second.committed, owner, true);
  }

  // What is there and has no owner so far.
  void rest() {
    unowned_layers();
    for (const std::string& name : names_in(image_ + "/layerdb/sha256", list_)) {
      if (!is_hex_id(name)) list_.found(Place::Kind::leftover, image_ + "/layerdb/sha256/" + name);
    }
    for (const std::string& name : names_in(image_ + "/layerdb/tmp", list_))
      list_.found(Place::Kind::leftover, image_ + "/layerdb/tmp/" + name, PlaceList::Named::nowhere);
    const std::string content = root_ + "/buildkit/content";
    for (const std::string& name : names_in(content + "/blobs/sha256", list_))
      list_.found(Place::Kind::blob, content + "/blobs/sha256/" + name);
    for (const std::string& name : names_in(content + "/ingest", list_))
      list_.found(Place::Kind::leftover, content + "/ingest/" + name, PlaceList::Named::nowhere);
  }

  void unowned_layers() {
    std::vector<std::string> names;
    for (const std::string& name : layer_names_)
      if (name != "l" && name != "backingFsBlockDev" && name != "metadata" && !list_.has(layer_path(name))) names.push_back(name);
    if (names.empty()) return;
    const auto references = layer_references(root_, driver_);
    for (const std::string& name : names) {
      const bool is_named = !references || references->contains(name) || !is_layer_name(name);
      list_.found(Place::Kind::layer, exists(layer_path(name)) ? layer_path(name) : layers_ + "/" + name,
                  is_named ? PlaceList::Named::maybe : PlaceList::Named::nowhere);
    }
  }

  const std::string& root_;
  const std::string& driver_;
  std::string layers_;
  std::string image_;
  std::unordered_set<std::string> layer_names_;     // what is in layers_
  std::unordered_map<std::string, Chain> chains_;   // by chain id
  PlaceList& list_;
  Memory& memory_;
};

}  // namespace

void graphdriver_places(const std::string& root, const std::string& driver, PlaceList& list, Memory& memory) {
  Graphdriver(root, driver, list, memory).read();
}

}  // namespace cleanerd::storage
