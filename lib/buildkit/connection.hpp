#pragma once

#include "base/result.hpp"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"

namespace cleanerd::buildkit {

// A connection on which the engine speaks HTTP/2. The caller owns the descriptor. From API 1.53 (29.2) on the engine takes HTTP/2 on the
// socket as it is, and has deprecated what came before: `POST /grpc` with `Upgrade: h2c` and 101 (moby api: session/grpc router). What
// `api_max`, the engine's newest version, stands for is tried first, then the other. Errc::unsupported when the engine offers neither;
// any other failure may hide a history.
Result<int> control_connection(const engine::Endpoint& endpoint, engine::ApiVersion api_max);

}  // namespace cleanerd::buildkit
