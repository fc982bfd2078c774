// The API's JSON → types.hpp. What is absent or null gets its default, what has another type is Errc::protocol.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"
#include "engine/types.hpp"

namespace cleanerd::engine {

Result<ImageSummary> decode_image_summary(const nlohmann::json& json);
Result<ContainerId> decode_container_id(const nlohmann::json& json);  // of GET /containers/json
Result<Container> decode_container(const nlohmann::json& json);       // of GET /containers/{id}/json
Result<CacheRecord> decode_cache_record(const nlohmann::json& json);
Result<Volume> decode_volume(const nlohmann::json& json);  // of GET /volumes

// `Config`/`config` members of GET /images/{id}/json and of an image config file (OCI image-spec config.md; Docker's
// image spec v1.2 adds container_config). Does not fill created_by from the API's answer: that is decode_history's.
Result<ImageConfig> decode_image_config(std::string_view text);
std::optional<Instant> decode_tagged_at(const nlohmann::json& json);          // GET /images/{id}/json
Result<std::vector<std::string>> decode_history(const nlohmann::json& json);  // GET /images/{id}/history, oldest first

struct VersionAnswer {
  std::string version;
  ApiVersion api_max;
  ApiVersion api_min;
};
Result<VersionAnswer> decode_version(const nlohmann::json& json);
// Fills what GET /info tells.
Status decode_info(const nlohmann::json& json, EngineInfo& info);
Result<std::size_t> decode_image_count(const nlohmann::json& json);  // of GET /info, untagged and intermediate images included

Result<std::string> decode_exec_id(const nlohmann::json& json);  // of POST /containers/{id}/exec
Result<int> decode_exec_exit(const nlohmann::json& json);        // of GET /exec/{id}/json; Errc::conflict when it still runs
// Standard output of a stream that the engine multiplexes: frames of {stream, 0, 0, 0, big-endian length} (POST /containers/{id}/attach,
// "Stream format"). Errc::protocol for anything else.
Result<std::string> decode_output(std::string_view multiplexed);

struct PruneReport {
  std::vector<CacheId> deleted;
  ByteSize reclaimed;
};
Result<PruneReport> decode_prune(const nlohmann::json& json);

}  // namespace cleanerd::engine
