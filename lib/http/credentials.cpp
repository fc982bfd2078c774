#include "http/credentials.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace cleanerd::http {
namespace {

bool is_unix(int descriptor) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

std::optional<std::vector<gid_t>> groups_of(int descriptor) {
  socklen_t size = 0;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0) return std::vector<gid_t>();
  if (errno != ERANGE) return std::nullopt;
  std::vector<gid_t> groups(size / sizeof(gid_t));
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return std::nullopt;
  groups.resize(size / sizeof(gid_t));
  return groups;
}

}  // namespace

std::optional<Peer> peer_of(int descriptor) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (!is_unix(descriptor) || ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  auto groups = groups_of(descriptor);
  if (!groups) return std::nullopt;
  return Peer{credentials.uid, credentials.gid, credentials.pid, std::move(*groups)};
}

}  // namespace cleanerd::http
