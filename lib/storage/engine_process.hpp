// The process behind an engine's socket, and whether it works on a data root: seen in /proc, without asking the engine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace cleanerd::storage {

struct EngineProcess {
  pid_t pid = 0;
  Instant started;  // by the system's clock as it goes now
  std::int64_t ticks = 0;  // from the system's start to this one's: with the pid, what no other process has

  bool is_same_as(const EngineProcess& other) const { return pid == other.pid && ticks == other.ticks; }
};

// The process that called listen() on the socket, 0 when that cannot be told (another pid namespace).
pid_t listener(const std::string& socket_path);

// The process that listens on this socket and holds <data_root>/buildkit/cache.db under its exclusive lock: the same file by device and
// inode. Every engine opens that database when it starts and keeps it to its end, so this is the engine that answers, and its data
// root. A socket of systemd's is held by both of them. nullopt when there is none, or it cannot be looked at (rights, another pid
// namespace).
std::optional<EngineProcess> engine_process(const std::string& socket_path, const std::string& data_root);

// Whether the process has anything below this path open, the path being one in its own mount namespace. Also true where that cannot be told.
bool has_open_below(pid_t process, const std::string& path);

}  // namespace cleanerd::storage
