#include "storage/engine_process.hpp"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "base/text.hpp"

namespace cleanerd::storage {
namespace {

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

// Number and target of each open file. False when they cannot be looked at; the visit ends with its first true.
bool for_each_open(pid_t pid, const std::function<bool(const std::string& number, const std::string& target)>& visit) {
  const std::string folder = folder_of(pid) + "/fd/";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), &::closedir);
  if (!open) return false;
  while (const dirent* entry = ::readdir(open.get())) {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::readlink((folder + entry->d_name).c_str(), buffer.data(), buffer.size());
    if (size > 0 && visit(entry->d_name, std::string(buffer.data(), static_cast<std::size_t>(size)))) break;
  }
  return true;
}

// Its own exclusive flock on the file (kernel Documentation/filesystems/proc.rst, /proc/<pid>/fdinfo).
bool is_locked(pid_t pid, const std::string& number) {
  std::ifstream info(folder_of(pid) + "/fdinfo/" + number);
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("lock:") && contains(line, "FLOCK") && contains(line, "WRITE")) return true;
  return false;
}

bool holds(pid_t pid, const struct stat& database) {
  bool held = false;
  for_each_open(pid, [&](const std::string& number, const std::string& target) {
    struct stat status {};
    if (!target.starts_with('/') || ::stat((folder_of(pid) + "/fd/" + number).c_str(), &status) != 0) return false;
    return held = status.st_dev == database.st_dev && status.st_ino == database.st_ino && is_locked(pid, number);
  });
  return held;
}

// "socket:[N]" of what listens on this path, by the list of the process's network namespace (kernel net/unix/af_unix.c).
std::set<std::string> listening_sockets(pid_t pid, const std::string& socket_path) {
  struct stat wanted {};
  std::set<std::string> sockets;
  if (::stat(socket_path.c_str(), &wanted) != 0) return sockets;
  std::ifstream list(folder_of(pid) + "/net/unix");
  for (std::string line; std::getline(list, line);) {
    std::vector<std::string> fields = split(line, ' ');
    std::erase(fields, "");
    if (fields.size() != 8 || fields[3] != "00010000" || !fields[7].starts_with('/')) continue;  // __SO_ACCEPTCON
    struct stat status {};
    if (::stat((folder_of(pid) + "/root" + fields[7]).c_str(), &status) != 0) continue;
    if (status.st_dev == wanted.st_dev && status.st_ino == wanted.st_ino) sockets.insert("socket:[" + fields[6] + "]");
  }
  return sockets;
}

std::optional<pid_t> among_all(const std::set<std::string>& sockets, const struct stat& database) {
  const std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir("/proc"), &::closedir);
  while (const dirent* entry = all ? ::readdir(all.get()) : nullptr) {
    const std::string_view name(entry->d_name);
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size() || pid <= 0) continue;
    bool has_socket = false;
    for_each_open(pid, [&](const std::string&, const std::string& target) { return has_socket = sockets.contains(target); });
    if (has_socket && holds(pid, database)) return pid;
  }
  return std::nullopt;
}

// proc(5), stat's 22nd field: clock ticks between the system's start and the process's. The second is the program's name in parentheses,
// which may hold any of them.
std::optional<std::int64_t> start_of(pid_t pid) {
  std::ifstream file(folder_of(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = split(std::string_view(line).substr(name_end + 2), ' ');
  if (fields.size() < 20) return std::nullopt;
  std::int64_t ticks = 0;
  const std::string& field = fields[19];
  if (std::from_chars(field.data(), field.data() + field.size(), ticks).ec != std::errc()) return std::nullopt;
  return ticks;
}

std::optional<Instant> time_of(std::int64_t ticks) {
  timespec up{};
  if (::clock_gettime(CLOCK_BOOTTIME, &up) != 0) return std::nullopt;
  const Duration since_boot = std::chrono::seconds(up.tv_sec) + Duration(up.tv_nsec / 1'000'000);
  return system_now() - since_boot + Duration(ticks * 1000 / ::sysconf(_SC_CLK_TCK));
}

}  // namespace

pid_t listener(const std::string& socket_path) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return 0;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_path.c_str(), std::min(socket_path.size() + 1, sizeof address.sun_path));
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  ::close(socket);
  return known ? peer.pid : 0;
}

std::optional<EngineProcess> engine_process(const std::string& socket_path, const std::string& data_root) {
  struct stat database {};
  const pid_t first = listener(socket_path);
  if (first <= 0 || ::stat((data_root + "/buildkit/cache.db").c_str(), &database) != 0 || !S_ISREG(database.st_mode)) return std::nullopt;
  std::optional<pid_t> pid = first;
  if (!holds(first, database)) {
    const auto sockets = listening_sockets(first, socket_path);
    pid = sockets.empty() ? std::nullopt : among_all(sockets, database);
  }
  const auto ticks = pid ? start_of(*pid) : std::nullopt;
  const auto started = ticks ? time_of(*ticks) : std::nullopt;
  if (!started) return std::nullopt;
  return EngineProcess{*pid, *started, *ticks};
}

bool has_open_below(pid_t process, const std::string& path) {
  bool open = false;
  const bool looked = for_each_open(process, [&](const std::string&, const std::string& target) {
    return open = target == path || target.starts_with(path + "/");
  });
  return open || !looked;
}

}  // namespace cleanerd::storage
