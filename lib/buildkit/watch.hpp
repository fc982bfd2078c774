// Builds as they start and end, live: BuildKit's ListenBuildHistory, kept up over restarts of the engine.
#pragma once

#include <memory>
#include <stop_token>

#include "base/result.hpp"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"

namespace cleanerd::buildkit {

struct BuildEvent {
  enum class Kind {
    connected,     // from here on nothing is missed; the builds that are known follow, those that run first
    disconnected,  // the engine does not answer; `next` goes on trying
    started,
    completed,     // successfully or not: record.failed
    lost,          // was running when the connection ended, and the engine that is back knows nothing of it
    removed,       // its record is gone
  };
  Kind kind;
  engine::BuildRecord record{};  // of a build's events; of `lost` and `removed` only the reference
};

// For one thread. Each build starts and completes once, however often the engine tells it and however often the connection is made anew.
class Watch {
 public:
  // `api_max`: the engine's newest API version, see control_connection. Nothing is asked before the first `next`.
  Watch(engine::Endpoint endpoint, engine::ApiVersion api_max, std::stop_token stop);
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  // Waits for the next event, for any length of time. Errc::cancelled at once when the stop is requested, Errc::unsupported when this
  // engine keeps no build history; the engine's silence is no error.
  Result<BuildEvent> next();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::buildkit
