// Layout of the containerd store: containerd v2 core/metadata, plugins/snapshots/overlay, plugins/content/local.
#include <map>
#include <set>

#include "storage/bbolt.hpp"
#include "storage/file.hpp"
#include "storage/leases.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {
namespace {

// encoding/binary's Uvarint, as core/metadata and core/snapshots/storage write numbers.
std::uint64_t uvarint(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 9; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) break;
  }
  return value;
}

struct Folder {
  std::uint64_t number = 0;
  bool committed = false;
};

// A snapshotter's own names → its directories (core/snapshots/storage/bolt.go: v1/snapshots/<name>/{id,kind}).
Result<std::map<std::string, Folder>> read_folders(const std::string& path) {
  auto bolt = Bolt::open(path);
  if (!bolt) return std::move(bolt).error();
  using Folders = std::map<std::string, Folder>;
  return bolt->read([](View& view) -> Result<Folders> {
    Folders all;
    auto done = view.for_each_deep([&](std::span<const std::string> where, const BoltEntry& entry) -> Status {
      if (where.size() != 3 || where[0] != "v1" || where[1] != "snapshots") return {};
      if (entry.key == "id") all[where[2]].number = uvarint(entry.value);
      if (entry.key == "kind") all[where[2]].committed = uvarint(entry.value) == 3;  // snapshots.KindCommitted
      return {};
    });
    if (!done) return std::move(done).error();
    return all;
  });
}

class Containerd {
 public:
  Containerd(const std::string& root, const std::string& containerd, const std::string& snapshotter, PlaceList& list)
      : containers_(root + "/containers/"),
        content_(containerd + "/io.containerd.content.v1.content"),
        snapshotter_(containerd + "/io.containerd.snapshotter.v1." + snapshotter),
        is_child_(containerd.starts_with(root + "/")),
        list_(list) {
    auto meta = read_meta_database(containerd + "/io.containerd.metadata.v1.bolt/meta.db", snapshotter);
    if (meta) {
      meta_ = std::move(*meta);
    } else {
      list_.unread(std::move(meta).error());
    }
    auto folders = read_folders(snapshotter_ + "/metadata.db");
    if (folders) {
      folders_ = std::move(*folders);
    } else {
      list_.unread(std::move(folders).error());
    }
  }

  void read() {
    for (const auto& [name, digest] : meta_.images) image(digest);
    for (const Holding& holding : meta_.leases) {
      if (!stands(holding.owner)) continue;
      for (const std::string& key : holding.snapshots) snapshot(key, holding.owner);
      for (const std::string& digest : meta_.closure(holding.content)) blob(digest, holding.owner);
    }
    // A container's layers by their name, where an engine keeps no lease for them.
    for (const auto& [key, name] : meta_.snapshots) {
      const std::string id = key.substr(0, key.find('-'));
      const Owner owner{Owner::Kind::container, id};
      if (is_hex_id(id) && stands(owner)) snapshot(key, owner);
    }
    rest();
  }

 private:
  // The classic builder's images stand on the `-init` layers of step containers that are long gone.
  bool stands(const Owner& owner) const { return owner.kind != Owner::Kind::container || exists(containers_ + owner.id); }

  std::string blob_path(const std::string& digest) const {
    return digest.size() == 71 && is_hex_id(digest.substr(7)) ? content_ + "/blobs/sha256/" + digest.substr(7) : std::string();
  }

  void blob(const std::string& digest, const Owner& owner) {
    if (const std::string path = blob_path(digest); !path.empty()) list_.add(Place::Kind::blob, path, owner, true);
  }

  void snapshot(const std::string& key, const Owner& owner) {
    const auto name = meta_.snapshots.find(key);
    if (name == meta_.snapshots.end()) return;
    const auto folder = folders_.find(name->second);
    if (folder == folders_.end()) return;
    list_.add(Place::Kind::layer, snapshotter_ + "/snapshots/" + std::to_string(folder->second.number) + "/fs", owner,
              folder->second.committed);
  }

  void image(const std::string& digest) {
    const Owner owner{Owner::Kind::image, digest};
    std::set<std::string> keys;
    for (const std::string& part : meta_.closure({digest})) {
      blob(part, owner);
      if (const auto labelled = meta_.configs.find(part); labelled != meta_.configs.end())
        keys.insert(labelled->second.begin(), labelled->second.end());
      // The label is missing where a layer was not unpacked by name, and on images whose deletion was begun.
      if (auto config = read_small_file(blob_path(part), 1u << 20); config && config->starts_with('{')) {
        for (std::string& id : chain_ids(*config)) keys.insert(std::move(id));
      }
    }
    for (std::string key : keys) {
      for (int depth = 0; !key.empty() && depth < 1000; ++depth) {
        snapshot(key, owner);
        const auto parent = meta_.parents.find(key);
        key = parent == meta_.parents.end() ? std::string() : parent->second;
      }
    }
  }

  void rest() {
    for (const std::string& name : names_in(snapshotter_ + "/snapshots", list_)) {
      const std::string path = snapshotter_ + "/snapshots/" + name;
      list_.found(Place::Kind::layer, exists(path + "/fs") ? path + "/fs" : path);
    }
    for (const std::string& name : names_in(content_ + "/blobs/sha256", list_))
      list_.found(Place::Kind::blob, content_ + "/blobs/sha256/" + name);
    for (const std::string& name : names_in(content_ + "/ingest", list_))
      list_.found(Place::Kind::leftover, content_ + "/ingest/" + name, is_child_ ? PlaceList::Named::nowhere : PlaceList::Named::maybe);
  }

  std::string containers_;
  std::string content_;
  std::string snapshotter_;
  bool is_child_;  // dockerd's: nobody else receives content there
  PlaceList& list_;
  MetaDatabase meta_;
  std::map<std::string, Folder> folders_;
};

}  // namespace

void containerd_places(const std::string& root, const std::string& containerd, const std::string& snapshotter, PlaceList& list) {
  Containerd(root, containerd, snapshotter, list).read();
}

}  // namespace cleanerd::storage
