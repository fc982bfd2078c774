// Who made a connection.
#pragma once

#include <optional>

#include "http/request.hpp"

namespace cleanerd::http {

// None for a socket that is not a Unix one, and where the kernel does not say all of it.
std::optional<Peer> peer_of(int descriptor);

}  // namespace cleanerd::http
