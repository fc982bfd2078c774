#include "scrub/executor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "storage/beneath.hpp"

namespace cleanerd::scrub {
namespace {

using storage::Descriptor;

// config.json, rootfs and the mount points that a step had in it: a handful of levels. More is of another making.
constexpr int kDeepest = 64;

class Removal {
 public:
  Status status() const { return failed_ != 0 ? storage::file_error("a file in it", failed_) : Status(); }
  bool met_a_mount() const { return mounted_; }

  // True when the name is free afterwards.
  bool remove(const Descriptor& directory, const std::string& name, int depth = kDeepest) {
    struct stat status {};
    if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT || fail(errno);
    if (!S_ISDIR(status.st_mode)) return ::unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT || fail(errno);
    const Descriptor inner = storage::open_directory_beneath(directory, name);
    if (!inner) return errno == ENOENT || fail(errno);
    if (depth == 0) return fail(ELOOP);
    bool empty = true;
    const auto names = storage::names_beneath(inner);
    if (!names) return fail(errno);
    for (const std::string& entry : *names) empty &= remove(inner, entry, depth - 1);
    return empty && (::unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT || fail(errno));
  }

 private:
  bool fail(int error) {
    if (error == EXDEV || error == EBUSY) mounted_ = true;  // a mount point, as opened and as removed
    else if (failed_ == 0) failed_ = error;
    return false;
  }

  int failed_ = 0;
  bool mounted_ = false;
};

}  // namespace

bool is_executor_id(std::string_view id) {
  return id.size() == 25 && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

Status remove_executor_leftover(const std::string& data_root, std::string_view id) {
  if (!is_executor_id(id)) return Error(Errc::not_found, "no directory of a step has this name");
  const Descriptor root(::open(data_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return storage::file_error("the data root", errno);
  const Descriptor executor = storage::open_directory_beneath(root, "buildkit/executor");
  if (!executor) return storage::file_error("buildkit/executor", errno);
  struct stat status {};
  const std::string name(id);
  if (::fstatat(executor.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return storage::file_error(name, errno);
  Removal removal;
  if (removal.remove(executor, name)) return {};
  if (Status failed = removal.status(); !failed) return failed;
  if (removal.met_a_mount()) return Error(Errc::conflict, "something is mounted in it, which is left; everything beside it is removed");
  return Error(Errc::io, "is not empty");
}

}  // namespace cleanerd::scrub
