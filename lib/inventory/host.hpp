// The engine of one host and BuildKit's history beside it.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "buildkit/history.hpp"
#include "engine/client.hpp"
#include "inventory/memory.hpp"

namespace cleanerd::inventory {

struct Host {
  engine::Client client;
  // nullopt: this engine keeps none (before 24), or does not offer it, which `collect` then tells in `unread`.
  std::optional<buildkit::History> history;
  std::shared_ptr<Memory> memory{};  // null: each look asks for everything

  // With a memory, an engine that is still the same process is not asked again who it is.
  static Result<Host> connect(const engine::Endpoint& endpoint, engine::ClientOptions options, std::shared_ptr<Memory> memory = nullptr);
};

// From API 1.43 (engine 24) on the engine records every BuildKit build.
bool keeps_build_history(const engine::EngineInfo& engine);

// From API 1.53 on every engine has BuildKit: one that offers no control API on its socket still keeps a history. One that offers none
// before has no BuildKit.
bool may_hide_build_history(const engine::EngineInfo& engine);

}  // namespace cleanerd::inventory
