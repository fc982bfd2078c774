#include "scrub/leftover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "base/text.hpp"
#include "scrub/removal.hpp"
#include "storage/beneath.hpp"
#include "storage/layer_references.hpp"

namespace cleanerd::scrub {
namespace {

using storage::Descriptor;

constexpr std::string_view kLayers = "/overlay2/", kDiff = "/diff";
constexpr int kDeepest = 512;  // what cannot be removed whole is not begun

Error mounted() { return Error(Errc::conflict, "something is mounted in it"); }

// Directories and files, none on another mount and none changed since.
Status survey(const Descriptor& directory, const std::string& name, Instant untouched, int depth = kDeepest) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return storage::file_error(name, errno);
  if (Instant(std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::milliseconds(status.st_ctim.tv_nsec / 1'000'000)) >= untouched)
    return Error(Errc::conflict, "a part of it was changed lately");
  if (!S_ISDIR(status.st_mode)) return {};
  const Descriptor inner = storage::open_directory_beneath(directory, name);
  if (!inner) return errno == EXDEV ? mounted() : storage::file_error("a directory in it", errno);
  if (depth == 0) return storage::file_error("a directory in it", ELOOP);
  const auto names = storage::names_beneath(inner);
  if (!names) return storage::file_error("a directory in it", errno);
  for (const std::string& entry : *names)
    if (Status seen = survey(inner, entry, untouched, depth - 1); !seen) return seen;
  return {};
}

// Mount points, and overlayfs's options with its lower layers, as the engine sees them (proc(5), mountinfo).
Status is_in_no_mount(pid_t engine, std::span<const std::string> words) {
  std::ifstream mounts("/proc/" + std::to_string(engine) + "/mountinfo");
  std::string line;
  if (!std::getline(mounts, line)) return Error(Errc::conflict, "the engine's mounts cannot be looked at");
  do {
    for (const std::string& word : words)
      if (contains(line, word)) return mounted();
  } while (std::getline(mounts, line));
  return {};
}

// The name in overlay2/l that leads to this layer (moby daemon/graphdriver/overlay2); empty for none.
std::string link_of(const Descriptor& layer, const Descriptor& layers, const std::string& name) {
  const Descriptor file = storage::open_file_beneath(layer, "link");
  std::array<char, 256> buffer{};
  const auto size = file ? storage::read_at(file, 0, buffer, "link") : Result<std::size_t>(std::size_t{0});
  const std::string link(trim(std::string_view(buffer.data(), size ? *size : 0)));
  if (link.empty() || link.find('/') != std::string::npos) return {};
  std::array<char, 512> target{};
  const ssize_t length = ::readlinkat(layers.get(), ("l/" + link).c_str(), target.data(), target.size());
  if (length < 0 || std::string_view(target.data(), static_cast<std::size_t>(length)) != "../" + name + "/diff") return {};
  return link;
}

}  // namespace

Status remove_leftover(const DataRootOfEngine& root, const Leftover& leftover) {
  const bool is_layer = leftover.path.starts_with(kLayers);
  std::string path = leftover.path;
  if (is_layer && path.ends_with(kDiff)) path.resize(path.size() - kDiff.size());
  const std::size_t slash = path.rfind('/');
  if (!path.starts_with('/') || path.size() < 2) return Error(Errc::not_found, "not a path in the data root");
  const std::string name = path.substr(slash + 1);
  if (is_layer && (slash + 1 != kLayers.size() || !storage::is_layer_name(name))) return Error(Errc::not_found, "no layer has this name");

  const Descriptor top(::open(root.seen_as.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return storage::file_error("the data root", errno);
  Descriptor parent;
  if (slash == 0) parent = Descriptor(::openat(top.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  else parent = storage::open_directory_beneath(top, std::string_view(path).substr(1, slash - 1));
  if (!parent) return errno == EXDEV ? Error(Errc::conflict, "the directory that it is in is a mount point") : storage::file_error(path, errno);

  const std::string listed = leftover.path.substr(slash + 1);
  const storage::Stamp now = storage::stamp_of(parent, listed.c_str());
  if (!now.exists()) return Error(Errc::not_found, "is gone");
  if (now.hash != leftover.stamp.hash) return Error(Errc::conflict, "it is not what was looked at any more");
  if (Status seen = survey(parent, name, leftover.untouched); !seen) return seen;
  if (storage::has_open_below(root.engine.pid, root.path + path)) return Error(Errc::conflict, "the engine has a file in it open");
  std::vector<std::string> words{root.path + path};
  std::string link;
  if (is_layer) {
    const Descriptor layer = storage::open_directory_beneath(parent, name);
    if (layer) link = link_of(layer, parent, name);
    words = {"/" + name + "/"};
    if (!link.empty()) words.push_back("l/" + link);
  }
  if (Status free = is_in_no_mount(root.engine.pid, words); !free) return free;

  if (!link.empty() && ::unlinkat(parent.get(), ("l/" + link).c_str(), 0) != 0 && errno != ENOENT) return storage::file_error("its link", errno);
  Removal removal(kDeepest);
  if (removal.remove(parent, name)) return {};
  if (Status failed = removal.status(); !failed) return failed;
  return removal.met_a_mount() ? mounted() : Error(Errc::io, "is not empty");
}

}  // namespace cleanerd::scrub
