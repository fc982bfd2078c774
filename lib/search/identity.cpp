#include "search/identity.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <functional>
#include <mutex>

#include "storage/walk.hpp"

namespace cleanerd::search {
namespace {

std::string text_of(const struct statx_timestamp& time) { return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec); }

// A sum over all files, so that the order in which they come does not matter.
class Sum final : public storage::WalkVisitor {
 public:
  void file(const storage::WalkFile& file) override {
    std::string text(file.path);
    for (const std::uint64_t number : {file.size, file.inode, static_cast<std::uint64_t>(file.changed)}) text += '\0' + std::to_string(number);
    add(text);
  }
  void unreadable(std::string_view path, int error) override { add(std::string(path) + '\0' + std::to_string(error)); }
  std::string text() const { return std::to_string(count_) + ":" + std::to_string(low_) + ":" + std::to_string(high_); }

 private:
  void add(const std::string& text) {
    const std::uint64_t hash = std::hash<std::string>{}(text);
    ++count_;
    low_ += hash;
    high_ += std::hash<std::string>{}(text + '\1') ^ (hash << 1);
  }
  std::uint64_t count_ = 0, low_ = 0, high_ = 0;
};

}  // namespace

std::string identity_of(const std::string& path, bool fixed) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return {};
  std::string identity = std::to_string(status.stx_dev_major) + ":" + std::to_string(status.stx_dev_minor) + ":" + std::to_string(status.stx_ino) +
                         ":" + text_of(status.stx_btime) + ":" + text_of(status.stx_ctime) + ":" + std::to_string(status.stx_size);
  if (fixed || !S_ISDIR(status.stx_mode)) return identity;
  auto walk = storage::Walk::open(path, storage::Walk::Content::count);
  if (!walk) return identity;
  Sum sum;
  (*walk)->run(sum);
  return identity + "/" + sum.text();
}

}  // namespace cleanerd::search
