// Docker Engine API client over the Unix socket. Blocking, with a deadline and a body limit on every call; safe to use from
// several threads, each call taking a kept-alive connection of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "engine/body.hpp"
#include "engine/decode.hpp"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"

namespace cleanerd::engine {

// Speaks API 1.24 … 1.51. 1.51 (engine 28.5) is the newest that is tested here, and every engine up to 29 accepts it.
inline constexpr ApiVersion kOldestApi{1, 24};
inline constexpr ApiVersion kNewestApi{1, 51};

// One finished call, for a log: the target holds ids, never a secret. Called from the thread that made the call.
struct Call {
  std::string_view method;
  std::string_view target;
  unsigned status = 0;  // 0: no answer
  std::chrono::microseconds took{0};  // until the answer's head
};

struct ClientOptions {
  std::stop_token stop;  // a requested stop ends any call with Errc::cancelled at once
  std::function<void(const Call&)> on_call;
};

class Client {
 public:
  // Asks GET /_ping for the API version, then GET /version and GET /info. Errc::unreachable, ::permission or ::timeout when no engine answers, ::unsupported
  // when no API version is common.
  static Result<Client> connect(const Endpoint& endpoint, ClientOptions options = {});
  // For an engine that has told who it is, and still is the same process: asks GET /_ping alone. Errc::conflict when another API version is
  // common now.
  static Result<Client> connect_again(const Endpoint& endpoint, const EngineInfo& engine, ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  const EngineInfo& engine() const;
  const Endpoint& endpoint() const;

  // Untagged and intermediate ones included: GET /images/json?all=1.
  Result<std::vector<ImageSummary>> list_images() const;
  // How many these are, without the work that listing them is: GET /info. Errc::conflict when another engine than engine() answers now.
  Result<std::size_t> count_images() const;
  // GET /images/{id}/json and /images/{id}/history: Env, labels and the steps' text.
  Result<ImageConfig> image_config(const ImageId& id) const;
  // GET /images/{name}/json, of an id or whatever else the engine takes for a name ("app:1", "app@sha256:…"). Without labels. Errc::not_found.
  Result<ImageSummary> inspect_image(const std::string& name) const;
  // GET /images/{id}/json: when a tag was last given to it on this host; nullopt where the engine does not tell.
  Result<std::optional<Instant>> image_tagged_at(const ImageId& id) const;
  // GET /containers/json?all=1, then GET /containers/{id}/json for each; one that vanishes in between is left out.
  Result<std::vector<Container>> list_containers() const;
  Result<Container> inspect_container(const ContainerId& id) const;
  // GET /system/df?type=build-cache (API < 1.42 ignores the type and computes everything).
  Result<std::vector<CacheRecord>> list_cache_records() const;

  // Volumes whose names are those of a builder's state: GET /volumes?filters={"name":…}.
  Result<std::vector<Volume>> list_builder_volumes() const;

  // The bytes themselves, for where the data root cannot be read. `consume` is called once, and its own failure ends the transfer.
  using Consume = std::function<Status(Body&)>;
  // GET /images/{id}/get: a tar of the image's config and layers.
  Status export_image(const ImageId& id, const Consume& consume) const;
  // GET /containers/{id}/export: a tar of the container's file system, its image's files included.
  Status export_container(const ContainerId& id, const Consume& consume) const;
  // GET /containers/{id}/logs; Errc::unsupported and ::engine where its log driver keeps none.
  Status container_logs(const ContainerId& id, const Consume& consume) const;

  // DELETE /images/{id}?noprune=1, never forced: nothing but this id goes, and nothing that is in use.
  // Errc::not_found when it is gone already, Errc::conflict when something needs it.
  Status remove_image(const ImageId& id) const;
  // DELETE /containers/{id}, never forced. `take`: with the anonymous volumes that were made with it (v=1).
  enum class Volumes { keep, take };
  Status remove_container(const ContainerId& id, Volumes volumes) const;
  // DELETE /volumes/{name}, never forced: refused with Errc::conflict while any container has it.
  Status remove_volume(const VolumeName& name) const;
  // Runs a program in a running container and waits for its end, an hour at most: POST /containers/{id}/exec, /exec/{id}/start, then
  // GET /exec/{id}/json. Errc::conflict when the container does not run, Errc::too_large when it writes more than 16 MiB.
  struct ExecResult {
    int exit_code = 0;
    std::string output;  // its standard output; may hold anything
  };
  Result<ExecResult> exec(const ContainerId& id, std::span<const std::string> command) const;
  // POST /build/prune?all=1 for exactly these records; the engine leaves out what is in use or has children.
  Result<PruneReport> prune_cache(std::span<const CacheId> ids) const;
  // POST /build/prune that matches nothing: makes BuildKit collect unreferenced content.
  Status collect_garbage() const;

 private:
  class Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::engine
