// The engine's data root on disk, read-only: what is faster or only to be had there.
#pragma once

#include <optional>
#include <string>

#include "base/byte_size.hpp"
#include "base/result.hpp"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"
#include "storage/engine_process.hpp"

namespace cleanerd::storage {

class DataRoot {
 public:
  // The directory that /info calls DockerRootDir, looked up in the mount namespace of the process that listens on the
  // socket (it may be in a chroot or container), else in ours. nullopt when it cannot be read: no rights, or another host.
  // A wrong directory is harmless: image configs are checked against their digest, and see `belongs`.
  static std::optional<DataRoot> open(const engine::EngineInfo& engine, const engine::Endpoint& endpoint);

  // The image's config file: <root>/image/<driver>/imagedb/content/sha256/<id> of a graphdriver store (Docker image spec
  // v1.2), or the blobs that the index or manifest <id> leads to in containerd's content store (OCI image-spec v1.1).
  // Errc::not_found when it is not there or not what its digest says.
  Result<engine::ImageConfig> image_config(const ImageId& id) const;

  // It is this engine's for certain: <root>/engine-id (engines from 23 on) names it, or, where there is no such file, `process` is there.
  bool belongs() const { return belongs_; }

  // The engine's process, where it can be seen that it works on this data root. Looked for anew each time.
  std::optional<EngineProcess> process() const;

  // A classic build extracts its context to <root>/tmp/docker-builder* and removes that when it ends, however it ends;
  // leftovers of a crash are moved away at the engine's next start. nullopt when there is no such folder to look at
  // (DOCKER_TMPDIR elsewhere).
  std::optional<bool> classic_build_running() const;

  // The file system that it is on (statvfs(3)), as it is now.
  std::optional<DiskSpace> disk() const;

  const std::string& path() const { return path_; }
  // The same directory in the engine's own mount namespace: what is mounted below it there is seen only on this way.
  const std::string& path_of_engine() const { return path_of_engine_; }

 private:
  DataRoot(std::string path, std::string prefix, const engine::EngineInfo& engine);
  Result<std::string> read_blob(const std::string& digest) const;
  Result<engine::ImageConfig> manifest_config(const std::string& digest, int depth) const;

  std::string path_;
  std::string path_of_engine_;
  std::string socket_;
  std::vector<std::string> blob_folders_;
  bool belongs_ = false;
};

// Errc::protocol when the text is no image config, ::not_found when it is not what its digest says.
Result<engine::ImageConfig> decode_config(const std::string& text, const std::string& digest);

}  // namespace cleanerd::storage
