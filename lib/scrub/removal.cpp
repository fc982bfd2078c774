#include "scrub/removal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "storage/beneath.hpp"

namespace cleanerd::scrub {

using storage::Descriptor;

Status Removal::status() const { return failed_ != 0 ? storage::file_error("a file in it", failed_) : Status(); }

bool Removal::remove(const Descriptor& directory, const std::string& name, int depth) {
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

bool Removal::fail(int error) {
  if (error == EXDEV || error == EBUSY) mounted_ = true;  // a mount point, as opened and as removed
  else if (failed_ == 0) failed_ = error;
  return false;
}

}  // namespace cleanerd::scrub
