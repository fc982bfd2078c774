// What the Docker Engine API (1.24…1.51) says of its objects, as plain values. Times are UTC, sizes bytes.
#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_size.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

namespace cleanerd::engine {

struct ApiVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const ApiVersion&, const ApiVersion&) = default;
};

std::optional<ApiVersion> parse_api_version(const std::string& text);
std::string to_string(ApiVersion version);

enum class ImageStore { graphdriver, containerd };

// GET /version and GET /info.
struct EngineInfo {
  std::string version;         // "28.5.2"
  ApiVersion api;              // the one negotiated
  ApiVersion api_max;          // the newest that the engine speaks
  ImageStore store = ImageStore::graphdriver;
  std::string storage_driver;  // "overlay2", "overlayfs"
  std::string data_root;       // as the engine's own mount namespace sees it
  std::string id;
};

using Labels = std::map<std::string, std::string>;

// GET /images/json?all=1.
struct ImageSummary {
  ImageId id;
  ImageId parent;                 // empty: none, or none that is still there
  std::vector<std::string> tags;  // without "<none>:<none>"
  std::optional<Instant> created;
  ByteSize size;
  Labels labels;
};

// The image's config, from /images/{id}/history and /images/{id}/json, or from the engine's store on disk.
struct ImageConfig {
  std::vector<std::string> env;            // NAME=value
  std::vector<std::string> on_build;       // instructions that a build on this image runs first
  Labels labels;
  std::vector<std::string> created_by;     // one entry a step, oldest first, ancestors' steps included
  std::vector<std::string> step_command;   // the classic builder's container_config.Cmd, where it is still told
  std::vector<std::string> diff_ids;       // rootfs.diff_ids: its layers, lowest first. In a config file only
  std::optional<Instant> created;
};

// GET /containers/json?all=1 and GET /containers/{id}/json.
struct Container {
  ContainerId id;
  std::string name;        // without the leading slash
  ImageId image_id;        // the image it was made from
  std::string image_ref;   // Config.Image: as the creator named it
  std::string state;       // created, running, paused, restarting, removing, exited, dead
  int exit_code = 0;
  std::optional<Instant> created;
  std::optional<Instant> finished;
  std::vector<std::string> env;
  std::vector<std::string> command;
  Labels labels;
  std::string log_driver;              // HostConfig.LogConfig.Type; the classic builder's steps have "none"
  std::string restart_policy;          // HostConfig.RestartPolicy.Name; "" and "no": nothing starts it again
  bool healthcheck_disabled = false;   // Config.Healthcheck.Test is ["NONE"], as in the classic builder's steps
  std::string path;        // the program that runs
  std::vector<std::string> args;
  std::vector<VolumeName> volumes;  // Mounts of type volume
};

// GET /volumes.
struct Volume {
  VolumeName name;
  std::optional<Instant> created;
  Labels labels;
};

// buildx's names for a builder of its docker-container driver: its container, and the volume with its state (buildx driver/driver.go and
// driver/docker-container/driver.go). Nothing else tells them.
bool is_builder_name(const std::string& container_name);
bool is_builder_name(const VolumeName& volume);

// GET /system/df?type=build-cache.
struct CacheRecord {
  CacheId id;
  std::vector<CacheId> parents;
  std::string type;         // regular, source.local, source.git.checkout, exec.cachemount, frontend, internal
  std::string description;  // may hold the text of a step
  bool in_use = false;
  bool shared = false;      // its layer belongs to an image, too
  ByteSize size;
  std::optional<Instant> created;
  std::optional<Instant> last_used;
};

// BuildKit's ListenBuildHistory (moby.buildkit.v1.BuildHistoryRecord).
struct BuildRecord {
  BuildRef ref;
  bool running = false;
  bool failed = false;
  std::optional<Instant> created;
  std::optional<Instant> completed;
  std::map<std::string, std::string> attributes;  // "build-arg:NAME", "label:NAME", "context", "target", …
  std::vector<std::string> image_names;           // what the exporters were to call the result; "a:1,b:1" is one
  std::string error;
  std::vector<std::string> blobs;                 // digests of logs, trace and attestations
  bool has_trace = false;                         // BuildKit writes it last
  ByteSize size;                                  // of those blobs
};

}  // namespace cleanerd::engine
