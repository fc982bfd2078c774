// Sockets that listen: made, found again, removed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "http/server.hpp"

namespace cleanerd::http {

// systemd's own default; the kernel cuts it to net.core.somaxconn. A Unix socket with a full one answers a client's connect that must
// not block with EAGAIN, and there is nothing such a client could wait for.
inline constexpr int kBacklog = 4096;

// Tells the file that a socket was bound to from another one that stands at its path later.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  std::int64_t born_seconds = 0;  // 0 where the file system does not say
  std::uint32_t born_nanoseconds = 0;
  friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

struct Listening {
  Descriptor socket;  // non-blocking
  std::optional<FileIdentity> file{};
};

Result<Listening> listen_at(const UnixAddress& address);
Result<Listening> listen_at(const TcpAddress& address);
Result<Listening> take_over(const InheritedSocket& inherited);

bool is_at(const std::string& path, const FileIdentity& file);
// Removes the path if it is still that file's.
void remove_if_at(const std::string& path, const FileIdentity& file);

std::uint16_t port_of(int socket);

}  // namespace cleanerd::http
