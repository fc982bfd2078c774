#pragma once

#include "base/result.hpp"
#include "engine/endpoint.hpp"

namespace cleanerd::buildkit {

// A connection on which the engine now speaks HTTP/2 (h2c): `POST /grpc`, `Upgrade: h2c`, 101 (moby api: session/grpc router).
// The caller owns the descriptor. Errc::unsupported when the engine answers with anything else.
Result<int> upgraded_connection(const engine::Endpoint& endpoint);

}  // namespace cleanerd::buildkit
