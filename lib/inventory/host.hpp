// The engine of one host and BuildKit's history beside it.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "buildkit/history.hpp"
#include "engine/client.hpp"

namespace cleanerd::inventory {

struct Host {
  engine::Client client;
  // nullopt: this engine keeps none (before 24), or does not offer it, which `collect` then tells in `unread`.
  std::optional<buildkit::History> history;

  static Result<Host> connect(const engine::Endpoint& endpoint, engine::ClientOptions options);
};

// From API 1.43 (engine 24) on the engine records every BuildKit build.
bool keeps_build_history(const engine::EngineInfo& engine);

// From API 1.53 on every engine has BuildKit: one that offers no control API on its socket still keeps a history. One that offers none
// before has no BuildKit.
bool may_hide_build_history(const engine::EngineInfo& engine);

}  // namespace cleanerd::inventory
