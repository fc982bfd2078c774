#include "storage/leases.hpp"

#include <set>

#include "storage/bbolt.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {
namespace {

using Path = std::span<const std::string>;

// A BuildKit record's leases are its id and, for other compressions and read-only mounts, its id with a suffix
// (buildkit cache/refs.go, `-variants` and `-view`); a history record's is ref_<reference> (solver/llbsolver/history.go).
Owner owner_of_lease(const std::string& name) {
  if (name.starts_with("ref_")) return {Owner::Kind::build, name.substr(4)};
  const std::string id = name.substr(0, name.find('-'));
  const bool suffix_is_known = id.size() == name.size() || name.ends_with("-variants") || name.ends_with("-view");
  if (id.size() == 25 && suffix_is_known && id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos)
    return {Owner::Kind::cache, id};
  if (is_hex_id(id) && suffix_is_known) return {Owner::Kind::container, id};
  return {Owner::Kind::lease, name};
}

// Keys of containerd v2, core/metadata/buckets.go: v1/<namespace>/{leases,content,images,snapshots}/…
class Reader {
 public:
  explicit Reader(const std::string& snapshotter) : snapshotter_(snapshotter) {}

  void entry(Path path, const BoltEntry& entry) {
    if (path.size() < 4 || path[0] != "v1" || entry.bucket) return;
    if (path[2] == "leases") lease(path, entry);
    if (path[2] == "content" && path[3] == "blob" && path.size() >= 5) content(path, entry);
    if (path[2] == "images" && path.size() == 5 && path[4] == "target" && entry.key == "digest")
      result.images.emplace_back(path[3], entry.value);
    if (path[2] == "snapshots" && path.size() == 5 && wanted(path[3])) {
      if (entry.key == "name") result.snapshots[path[4]] = entry.value;
      if (entry.key == "parent") result.parents[path[4]] = entry.value;
    }
  }

  MetaDatabase finish() {
    for (auto& [name, holding] : leases_) result.leases.push_back(std::move(holding));
    return std::move(result);
  }

 private:
  bool wanted(const std::string& snapshotter) const { return snapshotter_.empty() || snapshotter == snapshotter_; }

  void lease(Path path, const BoltEntry& entry) {
    const bool is_content = path.size() == 5 && path[4] == "content";
    const bool is_snapshot = path.size() == 6 && path[4] == "snapshots" && wanted(path[5]);
    if (!is_content && !is_snapshot) return;
    Holding& holding = leases_[path[1] + "/" + path[3]];
    holding.owner = owner_of_lease(path[3]);
    (is_content ? holding.content : holding.snapshots).emplace_back(entry.key);
  }

  void content(Path path, const BoltEntry& entry) {
    auto& kept = result.content[path[4]];
    if (path.size() != 6 || path[5] != "labels") return;
    // containerd docs/garbage-collection.md
    if (entry.key.starts_with("containerd.io/gc.ref.content")) kept.emplace_back(entry.value);
    if (entry.key.starts_with("containerd.io/gc.ref.snapshot.") && wanted(std::string(entry.key.substr(30))))
      result.configs[path[4]].emplace_back(entry.value);
  }

  const std::string& snapshotter_;
  std::map<std::string, Holding> leases_;
  MetaDatabase result;
};

}  // namespace

std::vector<std::string> MetaDatabase::closure(std::vector<std::string> digests) const {
  std::set<std::string> seen(digests.begin(), digests.end());
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const auto kept = content.find(digests[i]);
    if (kept == content.end()) continue;
    for (const std::string& digest : kept->second) {
      if (seen.insert(digest).second) digests.push_back(digest);
    }
  }
  return digests;
}

Result<MetaDatabase> read_meta_database(const std::string& path, const std::string& snapshotter) {
  auto bolt = Bolt::open(path);
  if (!bolt) return std::move(bolt).error();
  return bolt->read([&](View& view) -> Result<MetaDatabase> {
    Reader reader(snapshotter);
    auto done = view.for_each_deep([&](Path where, const BoltEntry& entry) -> Status {
      reader.entry(where, entry);
      return {};
    });
    if (!done) return std::move(done).error();
    return reader.finish();
  });
}

}  // namespace cleanerd::storage
