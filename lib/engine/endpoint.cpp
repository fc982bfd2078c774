#include "engine/endpoint.hpp"

#include <sys/un.h>

#include "base/text.hpp"

namespace cleanerd::engine {

Result<Endpoint> parse_endpoint(std::string_view host) {
  static constexpr std::string_view kScheme = "unix://";
  if (!host.starts_with(kScheme)) {
    // The host may carry user:password@, so it is not repeated.
    return Error(Errc::usage, "the engine's address must be a Unix socket, unix:///path/to/docker.sock");
  }
  const std::string_view path = host.substr(kScheme.size());
  if (path.empty() || path.front() != '/')
    return Error(Errc::usage, "the socket path in '" + printable(host) + "' must be absolute (unix:///…)");
  if (path.back() == '/') return Error(Errc::usage, "the engine's address ends in a directory; it must name a Unix socket, unix:///path/to/docker.sock");
  if (path.size() >= sizeof(sockaddr_un::sun_path) || contains(path, std::string_view("\0", 1)))
    return Error(Errc::usage, "the socket path in '" + printable(host, 60) + "' is too long for a Unix socket");
  return Endpoint{std::string(path)};
}

std::string to_string(const Endpoint& endpoint) { return "unix://" + endpoint.socket_path; }

}  // namespace cleanerd::engine
