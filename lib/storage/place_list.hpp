// What the two stores' readers share: gathering places, and small readings of directories.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/places.hpp"

namespace cleanerd::storage {

class PlaceList {
 public:
  PlaceList() = default;
  // For places most of which lie below `root`.
  explicit PlaceList(const std::string& root);

  // The place is there now; one more owner of it where it is known already. Null when it is not there; else it stays where it is
  // until `finish`.
  Place* add(Place::Kind kind, const std::string& path, const Owner& owner, bool fixed);
  // Nobody's, unless somebody has been or will be named.
  enum class Named { maybe, nowhere };  // Place::unreferenced
  void found(Place::Kind kind, const std::string& path, Named named = Named::maybe);
  bool has(const std::string& path) const { return by_path_.contains(path); }
  void config(const std::string& image, engine::ImageConfig config);
  void images(std::optional<ImagesOnDisk> all) { images_ = std::move(all); }
  void unread(Error error);
  std::size_t count_unread() const { return unread_.size(); }

  // A file below the root, as storage::read_small_file reads it.
  Result<std::string> read_small_file(const std::string& path, std::size_t limit = 16u << 20) const;
  Stamp stamp(const std::string& path) const;
  // A short file's trimmed content: cache-id, mount-id, parent. nullopt when it is not there.
  std::optional<std::string> word_in(const std::string& path) const;

  Places finish() &&;

 private:
  bool is_below_root(const std::string& path) const { return root_directory_ && path.starts_with(root_); }
  const char* from_root(const std::string& path) const { return path.c_str() + root_.size(); }

  std::string root_;  // with a slash at its end
  Descriptor root_directory_;
  std::unordered_map<std::string, Place> by_path_;
  std::unordered_map<std::string, engine::ImageConfig> configs_;  // by image id
  std::optional<ImagesOnDisk> images_;
  std::vector<Error> unread_;
};

// Names in a directory, without "." and "..". Empty when it is not there; other failures go to the list.
std::vector<std::string> names_in(const std::string& directory, PlaceList& list);

bool exists(const std::string& path);

bool is_hex_id(std::string_view text);  // 64 digits: a digest, a layer, a container

// Of rootfs.diff_ids, lowest first (OCI image-spec v1.1 config.md, "Layer ChainID").
std::vector<std::string> chain_ids(std::span<const std::string> diff_ids);
// Those of an image config. Empty when the text is none.
std::vector<std::string> chain_ids(const std::string& config);

struct Memory;
void graphdriver_places(const std::string& root, const std::string& driver, PlaceList& list, Memory& memory);
// `root` is dockerd's, `containerd` its own.
void containerd_places(const std::string& root, const std::string& containerd, const std::string& snapshotter, PlaceList& list);

}  // namespace cleanerd::storage
