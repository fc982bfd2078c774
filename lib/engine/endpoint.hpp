// Where the engine listens: DOCKER_HOST's form, Unix sockets only.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cleanerd::engine {

struct Endpoint {
  std::string socket_path;
};

inline constexpr std::string_view kDefaultHost = "unix:///var/run/docker.sock";

// Errc::usage for another scheme, an empty or relative path, or one longer than a socket address holds (107 bytes).
Result<Endpoint> parse_endpoint(std::string_view host);

std::string to_string(const Endpoint& endpoint);

}  // namespace cleanerd::engine
