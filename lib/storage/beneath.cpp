#include "storage/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>

namespace cleanerd::storage {
namespace {

std::atomic<bool> no_openat2 = false;  // kernels before 5.6, and some seccomp filters

bool same_device(int one, int other) {
  struct stat first {};
  struct stat second {};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev;
}

// A single name: without a slash in it, O_NOFOLLOW and the device say all that openat2's flags do.
int open_name(int directory, const char* name, int flags) {
  if (!no_openat2.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<unsigned>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const long number = ::syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (number >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(number);
    if (errno == EPERM) {  // O_NOATIME is the owner's or root's; a filter says so too, and then once more below
      how.flags = static_cast<unsigned>(flags & ~O_NOATIME);
      const long again = ::syscall(SYS_openat2, directory, name, &how, sizeof how);
      if (again >= 0 || (errno != EPERM && errno != ENOSYS)) return static_cast<int>(again);
    } else {
      no_openat2 = true;
    }
  }
  int number = ::openat(directory, name, flags);
  if (number < 0 && errno == EPERM) number = ::openat(directory, name, flags & ~O_NOATIME);
  if (number >= 0 && !same_device(directory, number)) {
    ::close(number);
    errno = EXDEV;
    return -1;
  }
  return number;
}

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_NOATIME;

}  // namespace

Descriptor open_directory_beneath(const Descriptor& directory, std::string_view path) {
  Descriptor held;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    if (name.empty() || name == "." || name == "..") {
      errno = EINVAL;
      return Descriptor();
    }
    Descriptor next(open_name(held ? held.get() : directory.get(), name.c_str(), kFlags | O_DIRECTORY));
    if (!next) return next;
    held = std::move(next);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return held;
}

std::optional<std::vector<std::string>> names_beneath(const Descriptor& directory) {
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return std::nullopt;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy), &::closedir);
  if (!stream) {
    const int error = errno;
    ::close(copy);
    errno = error;
    return std::nullopt;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  std::ranges::sort(names);
  return names;
}

Descriptor open_file_beneath(const Descriptor& directory, const char* name) {
  return Descriptor(open_name(directory.get(), name, kFlags));
}

Result<Descriptor> open_regular_file_beneath(const std::string& root, std::string_view path) {
  Descriptor directory(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  const std::size_t slash = path.rfind('/');
  if (directory && slash != std::string_view::npos) directory = open_directory_beneath(directory, path.substr(0, slash));
  if (!directory) return file_error(path, errno);
  Descriptor file = open_file_beneath(directory, std::string(path.substr(slash + 1)).c_str());
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return file_error(path, errno);
  if (!S_ISREG(status.st_mode)) return Error(Errc::io, std::string(path) + ": not a regular file");
  return file;
}

}  // namespace cleanerd::storage
