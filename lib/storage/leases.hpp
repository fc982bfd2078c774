// What containerd's metadata database says: leases, content, images and snapshots of every namespace. BuildKit of a graphdriver
// engine keeps the same database for itself (buildkit/containerdmeta.db).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "storage/places.hpp"

namespace cleanerd::storage {

struct Holding {
  Owner owner;
  std::vector<std::string> snapshots;  // keys, of the snapshotter asked for
  std::vector<std::string> content;    // digests
};

struct MetaDatabase {
  std::vector<Holding> leases;
  std::vector<std::pair<std::string, std::string>> images;  // name in the store, digest
  std::map<std::string, std::vector<std::string>> content;  // digest → digests that its labels keep
  std::map<std::string, std::vector<std::string>> configs;  // digest → snapshot keys that its labels keep
  std::map<std::string, std::string> snapshots;             // key → the snapshotter's own name
  std::map<std::string, std::string> parents;               // key → key

  // The digests and all that their labels keep.
  std::vector<std::string> closure(std::vector<std::string> digests) const;
};

// `snapshotter` empty: of all.
Result<MetaDatabase> read_meta_database(const std::string& path, const std::string& snapshotter);

}  // namespace cleanerd::storage
