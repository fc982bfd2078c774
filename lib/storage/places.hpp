// Where on disk the bytes of images, containers, cache records and builds lie, and whose bytes lie in a place. Read from the
// disk alone: the ids are the engine's own, and what its API no longer tells is found, too.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "engine/types.hpp"
#include "storage/data_root.hpp"
#include "storage/file.hpp"

namespace cleanerd::storage {

struct Owner {
  enum class Kind {
    image,      // "sha256:…", as the API calls it
    container,
    cache,      // a BuildKit record
    build,      // a BuildKit history record's reference
    volume,     // its name
    lease,      // none of these: a pull, load or commit that runs, or did not end well
  };
  Kind kind = Kind::lease;
  std::string id;
  friend auto operator<=>(const Owner&, const Owner&) = default;
};

struct Place {
  enum class Kind {
    layer,         // directory: what one step changed, in overlayfs's form
    container,     // directory: config.v2.json, hostconfig.json, logs with what they rotated to
    image_config,  // file
    blob,          // file of a content store: manifest, config, compressed layer, build log, provenance
    volume,        // directory: a builder's state
    leftover,      // file or directory of work that goes on, or was interrupted: no object's ever
    other_store,   // directory of the image store that this engine does not use
  };
  Kind kind = Kind::leftover;
  std::string path;           // absolute, for this process
  std::vector<Owner> owners{};  // sorted. None: an orphan, which nothing explains
  bool fixed = false;         // committed or named by its digest: never changes while it is there
  std::uint64_t size = 0;     // measured for orphans only, as the next
  Instant changed{};          // the newest change of a file in it
  // Of a kind that is nobody's once the work that made it is over, and that nothing on the disk names.
  bool unreferenced = false;
  Stamp stamp{};              // of the path, when it was listed
  // Of a step of BuildKit that runs or was interrupted, "NAME=value" each: build arguments, and secrets mounted as variables.
  std::vector<std::string> environment{};
};

// Of a graphdriver's store, as GET /images/json?all=1 tells them.
struct ImagesOnDisk {
  std::vector<engine::ImageSummary> images;
  std::string folder;  // that they were listed from
  Stamp stamp;         // of the folder before that
};

struct Memory;

class Places {
 public:
  // Everything of the engine's data root (and containerd's, if that is elsewhere). What could not be read is in unread().
  // Errc::io when the data root itself cannot be listed.
  // `memory`: what earlier readings of this data root left there; none: everything is read.
  static Result<Places> read(const DataRoot& root, const engine::EngineInfo& engine, Memory* memory = nullptr);

  std::span<const Place> all() const { return places_; }
  std::vector<const Place*> of(const Owner& owner) const;
  // The image's config, where listing its layers meant reading it; once, and without diff_ids.
  std::optional<engine::ImageConfig> take_config(const ImageId& id);
  // What GET /images/json?all=1 tells, from a graphdriver's store; once. nullopt where the engine is to be asked: another store, one of
  // which something could not be read, or where an image has come or gone since.
  std::optional<std::vector<engine::ImageSummary>> take_images();
  // The place that this path is in; nullptr for none.
  const Place* containing(std::string_view path) const;
  std::span<const Error> unread() const { return unread_; }

 private:
  friend class PlaceList;
  std::vector<Place> places_;  // sorted by path; none lies in another
  std::vector<Error> unread_;
  std::unordered_map<std::string, engine::ImageConfig> configs_;
  std::optional<ImagesOnDisk> images_;
};

}  // namespace cleanerd::storage
