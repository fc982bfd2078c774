#include "scrub/executor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "scrub/removal.hpp"
#include "storage/beneath.hpp"

namespace cleanerd::scrub {
namespace {

// config.json, rootfs and the mount points that a step had in it: a handful of levels. More is of another making.
constexpr int kDeepest = 64;

}  // namespace

bool is_executor_id(std::string_view id) {
  return id.size() == 25 && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

Status remove_executor_leftover(const std::string& data_root, std::string_view id) {
  if (!is_executor_id(id)) return Error(Errc::not_found, "no directory of a step has this name");
  const storage::Descriptor root(::open(data_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return storage::file_error("the data root", errno);
  const storage::Descriptor executor = storage::open_directory_beneath(root, "buildkit/executor");
  if (!executor) return storage::file_error("buildkit/executor", errno);
  struct stat status {};
  const std::string name(id);
  if (::fstatat(executor.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return storage::file_error(name, errno);
  Removal removal(kDeepest);
  if (removal.remove(executor, name)) return {};
  if (Status failed = removal.status(); !failed) return failed;
  if (removal.met_a_mount()) return Error(Errc::conflict, "something is mounted in it, which is left; everything beside it is removed");
  return Error(Errc::io, "is not empty");
}

}  // namespace cleanerd::scrub
