// BuildKit's build history (engines from 24 on): a record of every build with its arguments, logs and provenance, which no
// prune of the engine removes. gRPC service moby.buildkit.v1.Control over the engine's own socket.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/body.hpp"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"

namespace cleanerd::buildkit {

// Up to engine 27 BuildKit writes a record's trace, in which the build arguments are again, some 3 s after the build's end, also when the
// record has gone by then. It can be had sooner from engine 28 on.
enum class Traces { waited_for, left_for_later };
inline constexpr std::chrono::seconds kFirstTrace{3}, kLastTrace{8};  // after the end of a build one comes in between, or none

class History {
 public:
  // nullopt when this engine keeps no build history (before 24). Opens a connection of its own, see control_connection.
  static Result<std::optional<History>> connect(const engine::Endpoint& endpoint, engine::ApiVersion api_max, std::stop_token stop);

  History(History&&) noexcept;
  History& operator=(History&&) noexcept;
  ~History();

  // Running builds and all records of ended ones.
  Result<std::vector<engine::BuildRecord>> list() const;

  // The bytes of a record's blob (BuildRecord::blobs). `consume` is called once, and its own failure ends the transfer. Errc::not_found
  // when the record and its blobs have gone.
  Status read_blob(const std::string& digest, const std::function<Status(engine::Body&)>& consume) const;

  // Removes the records one by one. A delete that BuildKit answers with OK may not happen (a reader of the record is
  // counted for ever), so each is deleted while a reader of ours holds it and counts as removed only when the DELETED event
  // has come. `on_settled` is called for each; an error there is Errc::not_found for one that was gone, Errc::conflict when the
  // event did not come. Also waits for the traces of other builds that have just ended. Tells until when a trace may still be written;
  // nullopt: there comes none. When it returns nothing holds the removed records' blobs; the next prune of the build cache collects them.
  Result<std::optional<Instant>> remove(std::span<const BuildRef> refs, Traces traces, const std::function<void(const BuildRef&, const Status&)>& on_settled) const;
  // Whether a trace can come after its record has gone.
  bool writes_traces_late() const;

 private:
  class Impl;
  explicit History(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::buildkit
