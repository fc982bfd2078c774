#include "storage/walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "storage/beneath.hpp"

namespace cleanerd::storage {
namespace {

constexpr std::size_t kQueued = 128;        // directories, each with a descriptor
constexpr std::size_t kHeldOpen = 64;       // levels of one thread's descent that keep their descriptor: the deepest, and the first
constexpr std::size_t kDeepest = 4096;      // levels; a path of PATH_MAX has half as many
constexpr std::size_t kRemembered = 500000;  // inodes with several names, some 20 MB; further ones may be seen twice

// Vanished, or become another thing, since its directory was read.
bool is_change(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP || error == ESTALE; }

bool is_opaque(int directory) {
  char value = 0;
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (::fgetxattr(directory, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

// getdents64(2): the kernel's record, which glibc's readdir would copy once more.
struct Entry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t length;
  std::uint8_t type;
};
constexpr std::size_t kNameAt = 19;

std::uint8_t type_of(const struct stat& status) { return static_cast<std::uint8_t>((status.st_mode & S_IFMT) >> 12); }

}  // namespace

struct Walk::Level {
  Descriptor descriptor;
  std::size_t path_size = 0;
  std::int64_t next = 0;  // where reading goes on
};

// One thread's way down and up again from a directory of the queue.
class Walk::Descent {
 public:
  Descent(Walk& walk, WalkVisitor& visitor, Directory start) : walk_(walk), visitor_(visitor), path_(std::move(start.path)) {
    levels_.push_back({std::move(start.descriptor), path_.size(), 0});
    tell_opaque(levels_.back().descriptor);
  }

  void run() {
    while (!levels_.empty() && !walk_.cancelled_.load(std::memory_order_relaxed)) {
      path_.resize(levels_.back().path_size);
      if (!reopen() || !read_on()) levels_.pop_back();
    }
  }

 private:
  void tell_opaque(const Descriptor& directory) {
    if (visitor_.wants_opaque() && is_opaque(directory.get())) visitor_.opaque(path_);
  }

  void tell_names(const char* name, std::uint8_t type) {
    visitor_.name(path_, name);
    if (type != DT_LNK) return;
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlinkat(levels_.back().descriptor.get(), name, target.data(), target.size());
    if (size > 0) visitor_.name(path_, {target.data(), static_cast<std::size_t>(size)});
  }

  // From the nearest level that is open. Those right above are needed next and stay open, too: coming up from a great depth is
  // otherwise one way down for each level.
  bool reopen() {
    const std::size_t last = levels_.size() - 1;
    std::size_t from = last;
    while (from > 0 && !levels_[from].descriptor) --from;
    if (!levels_[from].descriptor) levels_[from].descriptor = open_directory_beneath(walk_.root_, path_.substr(0, levels_[from].path_size));
    const Descriptor* parent = &levels_[from].descriptor;
    Descriptor passed;
    for (std::size_t i = from + 1; i <= last && *parent; ++i) {
      const std::size_t begin = levels_[i - 1].path_size + (levels_[i - 1].path_size == 0 ? 0 : 1);
      Descriptor next = open_directory_beneath(*parent, path_.substr(begin, levels_[i].path_size - begin));
      Descriptor& kept = last - i < kHeldOpen ? levels_[i].descriptor : passed;
      kept = std::move(next);
      parent = &kept;
    }
    if (levels_[last].descriptor) return true;
    if (!is_change(errno)) visitor_.unreadable(path_, errno);
    return false;
  }

  // True: go on with what is now the deepest level.
  bool read_on() {
    const int directory = levels_.back().descriptor.get();
    if (::lseek(directory, levels_.back().next, SEEK_SET) < 0) {
      visitor_.unreadable(path_, errno);
      return false;
    }
    while (!walk_.cancelled_.load(std::memory_order_relaxed)) {
      const long size = ::syscall(SYS_getdents64, directory, buffer_.get(), kBufferSize);
      if (size < 0 && !is_change(errno)) visitor_.unreadable(path_, errno);
      if (size <= 0) return false;
      for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
        Entry entry;
        std::memcpy(&entry, buffer_.get() + at, sizeof entry);
        const char* name = buffer_.get() + at + kNameAt;
        at += entry.length;
        if (entered(entry, name)) return true;
      }
    }
    return false;
  }

  // True when the entry is a directory that became the deepest level.
  bool entered(const Entry& entry, const char* name) {
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) return false;
    const std::size_t parent = levels_.back().path_size;
    path_.resize(parent);
    if (!path_.empty()) path_ += '/';
    path_ += name;
    std::uint8_t type = entry.type;
    struct stat status {};
    if (type == DT_UNKNOWN || type == DT_CHR || (type == DT_REG && walk_.content_ == Content::count)) {
      if (::fstatat(levels_.back().descriptor.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (!is_change(errno)) visitor_.unreadable(path_, errno);
        return false;
      }
      type = type_of(status);
    }
    if (visitor_.wants_names()) tell_names(name, type);
    if (type == DT_CHR && status.st_rdev == makedev(0, 0)) visitor_.whiteout(path_);
    if (type == DT_REG) walk_.content_ == Content::count ? report(status, nullptr) : open(name);
    return type == DT_DIR && enter(name, entry.next);
  }

  bool enter(const char* name, std::int64_t next) {
    if (levels_.size() >= kDeepest) {
      visitor_.unreadable(path_, ENAMETOOLONG);
      return false;
    }
    Descriptor child = open_directory_beneath(levels_.back().descriptor, name);
    if (!child) {
      if (!is_change(errno)) visitor_.unreadable(path_, errno);
      return false;
    }
    Directory directory{std::move(child), path_};
    if (walk_.offer(directory)) return false;
    levels_.back().next = next;
    if (levels_.size() > kHeldOpen) levels_[levels_.size() - kHeldOpen].descriptor = Descriptor();
    tell_opaque(directory.descriptor);
    levels_.push_back({std::move(directory.descriptor), path_.size(), 0});
    return true;
  }

  void open(const char* name) {
    const Descriptor file = open_file_beneath(levels_.back().descriptor, name);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) {
      if (!is_change(errno) && errno != ENXIO) visitor_.unreadable(path_, errno);
      return;
    }
    if (S_ISREG(status.st_mode)) report(status, &file);
  }

  void report(const struct stat& status, const Descriptor* content) {
    if (status.st_nlink > 1 && !walk_.first_name_of(status.st_ino)) return;
    visitor_.file({.path = path_,
                   .size = static_cast<std::uint64_t>(status.st_size),
                   .inode = status.st_ino,
                   .links = status.st_nlink,
                   .changed = std::int64_t{status.st_ctim.tv_sec} * 1000000000 + status.st_ctim.tv_nsec,
                   .content = content});
  }

  Walk& walk_;
  WalkVisitor& visitor_;
  std::string path_;
  std::vector<Level> levels_;
  static constexpr std::size_t kBufferSize = 32u << 10;  // what malloc keeps for the thread's next
  std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kBufferSize);
};

Result<std::unique_ptr<Walk>> Walk::open(const std::string& root, Content content) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  int number = ::open(root.c_str(), flags | O_NOATIME);
  if (number < 0 && errno == EPERM) number = ::open(root.c_str(), flags);
  if (number < 0) return file_error(root, errno);
  Descriptor descriptor(number);
  Descriptor first(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  if (!first) return file_error(root, errno);
  return std::unique_ptr<Walk>(new Walk(std::move(descriptor), std::move(first), content));
}

// Both read on from one place: nothing is read through `root` itself.
Walk::Walk(Descriptor root, Descriptor first, Content content) : root_(std::move(root)), content_(content) {
  queue_.push_back({std::move(first), {}});
}

void Walk::run(WalkVisitor& visitor) {
  while (auto directory = take()) {
    Descent(*this, visitor, std::move(*directory)).run();
    done();
  }
}

void Walk::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  changed_.notify_all();
}

std::optional<Walk::Directory> Walk::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return cancelled_ || !queue_.empty() || busy_ == 0; });
  if (cancelled_ || queue_.empty()) return std::nullopt;
  Directory directory = std::move(queue_.front());
  queue_.pop_front();
  ++busy_;
  return directory;
}

bool Walk::offer(Directory& directory) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= kQueued) return false;
  queue_.push_back(std::move(directory));
  changed_.notify_one();
  return true;
}

void Walk::done() {
  const std::lock_guard lock(mutex_);
  if (--busy_ == 0) changed_.notify_all();
}

bool Walk::first_name_of(std::uint64_t inode) {
  const std::lock_guard lock(mutex_);
  return linked_.size() >= kRemembered ? !linked_.contains(inode) : linked_.insert(inode).second;
}

Measured measure(const std::string& path) {
  struct Sum : WalkVisitor {
    void file(const WalkFile& file) override {
      all.bytes += file.size;
      all.changed = std::max(all.changed, file.changed);
    }
    void unreadable(std::string_view, int) override {}
    Measured all;
  } sum;
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) sum.all.changed = status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
  auto walk = Walk::open(path, Walk::Content::count);
  if (walk) {
    (*walk)->run(sum);
  } else if (auto file = open_regular_file(path)) {
    sum.all.bytes = size_of(*file, path).value_or(0);
  }
  return sum.all;
}

}  // namespace cleanerd::storage
