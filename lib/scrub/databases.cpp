#include "scrub/databases.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "base/text.hpp"
#include "storage/beneath.hpp"

namespace cleanerd::scrub {
namespace {

namespace fs = std::filesystem;
using storage::Descriptor;

// moby and containerd: what opens a file with bbolt. "*" stands for any part of one name.
constexpr const char* kOfEngine[] = {
    "buildkit/*.db",
    "buildkit/containerd-*/*.db",
    "builder/*.db",  // before 23
    "containerd/daemon/io.containerd.*/*.db",
    "network/files/*.db",
    "swarm/worker/*.db",
    "volumes/metadata.db",
};
constexpr const char* kOfContainerd[] = {"io.containerd.*/*.db"};
constexpr const char* kMetadata = "io.containerd.metadata.v1.bolt";

std::string without_links(const std::string& path) {
  std::error_code error;
  const fs::path resolved = fs::canonical(path, error);
  return error ? path : resolved.string();
}

bool holds(const std::string& root, std::initializer_list<const char*> folders) {
  std::error_code error;
  return std::ranges::all_of(folders, [&](const char* folder) { return fs::is_directory(root + "/" + folder, error); });
}

Result<std::string> configured_root(const std::string& daemon_json) {
  auto content = storage::read_small_file(daemon_json);
  if (!content && content.error().code() == Errc::not_found) return std::string();
  if (!content) return std::move(content).error();
  const auto document = nlohmann::json::parse(*content, nullptr, false);
  if (!document.is_object()) return Error(Errc::config, daemon_json + ": not a JSON object; name the data root with --data-root");
  const auto root = document.find("data-root");
  if (root == document.end()) return std::string();
  if (!root->is_string()) return Error(Errc::config, daemon_json + ": data-root is not a string");
  return root->get<std::string>();
}

// "165536.165536": the data root of an engine that remaps users, within its data root (moby daemon/daemon_unix.go).
bool is_remapped(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot != 0 && dot + 1 < name.size() &&
         name.find_first_not_of("0123456789.") == std::string_view::npos && name.find('.', dot + 1) == std::string_view::npos;
}

class Finder {
 public:
  Finder(Access access, Databases& found) : access_(access), found_(found) {}

  Status find(const Descriptor& directory, std::span<const std::string> parts, const std::string& name) {
    const auto names = storage::names_beneath(directory);
    if (!names) {
      leave(name.empty() ? "/" : name, errno);
      return {};
    }
    for (const std::string& entry : *names) {
      if (!glob_match(parts.front(), entry)) continue;
      const std::string path = name + "/" + entry;
      if (parts.size() == 1) {
        if (Status taken = take(directory, entry, path); !taken) return taken;
        continue;
      }
      const Descriptor next = storage::open_directory_beneath(directory, entry);
      if (!next) {
        if (errno != ENOTDIR && errno != ENOENT) leave(path, errno);
        continue;
      }
      if (Status done = find(next, parts.subspan(1), path); !done) return done;
    }
    return {};
  }

 private:
  void leave(const std::string& path, int error) { found_.left.push_back(storage::file_error(path, error)); }
  void leave(const std::string& path, const char* why) { found_.left.push_back(Error(Errc::io, path + ": " + why)); }

  static bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

  Status take(const Descriptor& directory, const std::string& name, const std::string& path) {
    struct stat here {}, seen {}, opened {}, again {};
    if (::fstat(directory.get(), &here) != 0 || ::fstatat(directory.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
      leave(path, errno);
      return {};
    }
    if (S_ISDIR(seen.st_mode)) return {};
    if (!S_ISREG(seen.st_mode) || seen.st_dev != here.st_dev) {
      leave(path, "not a regular file of this directory");
      return {};
    }
    const int flags = (access_ == Access::write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    Descriptor file(::openat(directory.get(), name.c_str(), flags));
    if (!file || ::fstat(file.get(), &opened) != 0) {
      leave(path, errno);
      return {};
    }
    if (access_ == Access::write) {
      if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return in_use(path);
        leave(path, errno);
        return {};
      }
      if (::fstatat(directory.get(), name.c_str(), &again, AT_SYMLINK_NOFOLLOW) != 0 || !same_file(opened, again)) return in_use(path);
      if (opened.st_nlink != 1) {
        leave(path, "has a second name, and is left for that");
        return {};
      }
    }
    if (!same_file(seen, opened)) {
      if (access_ == Access::write) return in_use(path);
      leave(path, "was replaced while it was opened");
      return {};
    }
    if (opened.st_size != 0) found_.all.push_back({path, std::move(file)});  // an empty one is about to be made
    return {};
  }

  static Status in_use(const std::string& path) {
    return Error(Errc::conflict, path + " is in use: an engine or containerd runs on it. Stop them first (systemctl stop docker.socket "
                                        "docker.service containerd.service)");
  }

  Access access_;
  Databases& found_;
};

Status find_all(const std::string& root, const std::string& shown, std::span<const char* const> patterns, Finder& finder) {
  const Descriptor directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!directory) return Error(Errc::io, storage::file_error(root, errno).message());
  for (const char* pattern : patterns)
    if (Status done = finder.find(directory, split(pattern, '/'), shown); !done) return done;
  return {};
}

}  // namespace

Result<Roots> find_roots(const RootOptions& options) {
  Roots roots;
  roots.data_root = options.data_root;
  if (roots.data_root.empty()) {
    auto configured = configured_root(options.daemon_json);
    if (!configured) return std::move(configured).error();
    roots.data_root = configured->empty() ? "/var/lib/docker" : *configured;
  }
  roots.data_root = without_links(roots.data_root);
  if (::access((roots.data_root + "/containers").c_str(), F_OK) != 0 && errno == EACCES)
    return Error(Errc::io, roots.data_root + ": Permission denied; scrub is for root");
  if (!roots.data_root.starts_with('/') || !holds(roots.data_root, {"buildkit", "containers", "network", "volumes"}))
    return Error(Errc::usage, roots.data_root + " is no engine's data root (containers, volumes and others are not there); name it with --data-root");
  roots.containerd = options.containerd;
  if (roots.containerd.empty() && options.data_root.empty() && holds(options.system_containerd, {kMetadata}))
    roots.containerd = options.system_containerd;
  if (!roots.containerd.empty()) {
    roots.containerd = without_links(roots.containerd);
    if (!roots.containerd.starts_with('/') || !holds(roots.containerd, {kMetadata}))
      return Error(Errc::usage, roots.containerd + " is no containerd's root (io.containerd.metadata.v1.bolt is not there)");
  }
  const auto id = storage::read_small_file(roots.data_root + "/engine-id");
  roots.engine_id = id ? std::string(trim(*id)) : std::string();
  if (roots.engine_id.empty()) roots.engine_id = roots.data_root;
  return roots;
}

Roots roots_of_engine(const std::string& data_root, const std::string& seen_as) {
  Roots roots{.data_root = data_root, .containerd = {}, .engine_id = {}, .prefix = {}};
  if (seen_as.ends_with(data_root)) roots.prefix = seen_as.substr(0, seen_as.size() - data_root.size());
  const std::string system = RootOptions().system_containerd;
  if (!holds(seen_as + "/containerd/daemon", {kMetadata}) && holds(roots.prefix + system, {kMetadata})) roots.containerd = system;
  return roots;
}

Result<Databases> open_databases(const Roots& roots, Access access) {
  Databases found;
  const std::string data_root = roots.prefix + roots.data_root;
  Finder finder(access, found);
  if (Status done = find_all(data_root, "", kOfEngine, finder); !done) return std::move(done).error();
  std::error_code error;
  for (fs::directory_iterator entry(data_root, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_remapped(name) || !entry->is_directory(error)) continue;
    if (Status done = find_all(entry->path().string(), "/" + name, kOfEngine, finder); !done) return std::move(done).error();
  }
  if (!roots.containerd.empty())
    if (Status done = find_all(roots.prefix + roots.containerd, roots.containerd, kOfContainerd, finder); !done) return std::move(done).error();
  return found;
}

}  // namespace cleanerd::scrub
