// BuildKit's build history (engines from 24 on): a record of every build with its arguments, logs and provenance, which no
// prune of the engine removes. gRPC service moby.buildkit.v1.Control over the engine's own socket.
#pragma once

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
  // event did not come. A record that is still being
  // completed (BuildKit writes its trace some 3 s after the build's end) is waited for, or its trace would be written after it
  // has gone. When it returns nothing holds the records' blobs; the next prune of the build cache collects them.
  Status remove(std::span<const BuildRef> refs, const std::function<void(const BuildRef&, const Status&)>& on_settled) const;

 private:
  class Impl;
  explicit History(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::buildkit
