#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "http/listening.hpp"

namespace cleanerd::http {
namespace {

Error path_error(const std::string& path, const char* what, int number) {
  return Error(Errc::io, std::string("cannot ") + what + " the socket " + path + ": " + std::strerror(number));
}

Result<sockaddr_un> socket_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return Error(Errc::config, "the control socket's path must have 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  path.copy(address.sun_path, path.size());
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct statx found{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &found) != 0) return std::nullopt;
  FileIdentity identity{::makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino};
  if (found.stx_mask & STATX_BTIME) {
    identity.born_seconds = found.stx_btime.tv_sec;
    identity.born_nanoseconds = found.stx_btime.tv_nsec;
  }
  return identity;
}

// Two servers that start at the same moment must not each take the other's new socket for a stale one. Whoever holds the lock for
// longer than a start takes is none of them.
class StartLock {
 public:
  explicit StartLock(const std::string& socket_path) {
    const std::string directory = std::filesystem::path(socket_path).parent_path();
    directory_ = Descriptor(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; directory_ && i < 20 && ::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

 private:
  Descriptor directory_;  // closing it gives the lock back
};

Result<Descriptor> unix_socket(const std::string& path) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return path_error(path, "make", errno);
  return socket;
}

// A full backlog (EAGAIN) is a server's too.
Result<bool> somebody_answers(const std::string& path, const sockaddr_un& address) {
  auto probe = unix_socket(path);
  if (!probe) return std::move(probe).error();
  if (::connect(probe->get(), as_sockaddr(address), sizeof address) == 0 || errno == EAGAIN) return true;
  if (errno == ECONNREFUSED || errno == ENOENT) return false;
  return path_error(path, "probe", errno);
}

Status make_way(const std::string& path, const sockaddr_un& address) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return path_error(path, "look at", errno);
  }
  if (!S_ISSOCK(found.st_mode))
    return Error(Errc::io, "there is a file that is no socket at " + path + "; remove it or name another path");
  auto taken = somebody_answers(path, address);
  if (!taken) return std::move(taken).error();
  if (*taken) return Error(Errc::conflict, "another server answers on " + path + "; is cleanerd running already?");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return path_error(path, "replace", errno);
  return {};
}

std::optional<gid_t> group_id(const std::string& name) {
  std::vector<char> buffer(16u << 10);
  group entry{};
  group* found = nullptr;
  while (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE && buffer.size() < (1u << 24))
    buffer.resize(buffer.size() * 2);
  if (!found) return std::nullopt;
  return entry.gr_gid;
}

// Without a group that may use it, nobody but its owner may.
Status open_to(const UnixAddress& address) {
  mode_t mode = address.mode;
  if (!address.group.empty()) {
    const auto group = group_id(address.group);
    const bool given = group && ::lchown(address.path.c_str(), static_cast<uid_t>(-1), *group) == 0;
    if (!given) mode &= ~static_cast<mode_t>(S_IRWXG);
  }
  if (::chmod(address.path.c_str(), mode) != 0) return path_error(address.path, "set the mode of", errno);
  return {};
}

}  // namespace

bool is_socket_path(std::string_view path) {
  return path.starts_with('/') && !path.ends_with('/') && path.size() < sizeof(sockaddr_un::sun_path);
}

// Bound closed to everyone, opened to its group, and only then listened on: nobody comes in between.
Result<Listening> listen_at(const UnixAddress& address) {
  const auto bound_to = socket_address(address.path);
  if (!bound_to) return bound_to.error();
  const StartLock lock(address.path);
  if (Status free = make_way(address.path, *bound_to); !free) return std::move(free).error();
  auto socket = unix_socket(address.path);
  if (!socket) return std::move(socket).error();
  ::fchmod(socket->get(), S_IRUSR | S_IWUSR);  // what bind makes has this mode
  if (::bind(socket->get(), as_sockaddr(*bound_to), sizeof *bound_to) != 0) return path_error(address.path, "bind", errno);
  const auto file = identity_of(address.path);
  Status opened = open_to(address);
  if (opened && ::listen(socket->get(), kBacklog) != 0) opened = path_error(address.path, "listen on", errno);
  if (opened) return Listening{std::move(*socket), file};
  if (file) remove_if_at(address.path, *file);
  return std::move(opened).error();
}

bool is_at(const std::string& path, const FileIdentity& file) { return identity_of(path) == file; }

void remove_if_at(const std::string& path, const FileIdentity& file) {
  if (is_at(path, file)) ::unlink(path.c_str());
}

}  // namespace cleanerd::http
