// The images of a graphdriver's store, read from the disk as GET /images/json?all=1 tells them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/types.hpp"

namespace cleanerd::storage {

class PlaceList;

// Layout: moby image/fs.go (imagedb), reference/store.go (repositories.json).
class ImageList {
 public:
  // `folder`: <data root>/image/<driver>. `files` outlives this.
  ImageList(std::string folder, PlaceList& files) : folder_(std::move(folder)), files_(files) {}

  // `sizes`: its layers', nullopt of one that is not there.
  void add(const std::string& id, const engine::ImageConfig& config, std::span<const std::optional<std::int64_t>> sizes);
  // There is an image of which the disk does not tell all.
  void incomplete() { complete_ = false; }

  // Newest first. Reads parents and tags now: an image that had none yet when it was listed would look like residue. nullopt where
  // anything was not as the layout has it: the engine is to be asked then.
  std::optional<std::vector<engine::ImageSummary>> finish() &&;

 private:
  using Tags = std::unordered_map<std::string, std::vector<std::string>>;  // by image id

  std::optional<Tags> read_tags() const;
  bool read_parents();

  const std::string folder_;
  PlaceList& files_;
  bool complete_ = true;
  std::vector<engine::ImageSummary> images_;
};

}  // namespace cleanerd::storage
