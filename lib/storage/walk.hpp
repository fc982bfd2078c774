// Goes through a directory tree of foreign making and never leaves it: no link is followed, no mount point crossed, nothing but
// regular files opened, and nothing waited for.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.hpp"
#include "storage/file.hpp"

namespace cleanerd::storage {

struct WalkFile {
  std::string_view path;  // from the root, without a leading slash; any bytes but NUL
  std::uint64_t size = 0;   // when it was opened; it may grow and shrink
  std::uint64_t inode = 0;
  std::uint64_t links = 1;
  std::int64_t changed = 0;  // ctime in nanoseconds
  const Descriptor* content = nullptr;  // for reading until the call returns; none when files are only counted
};

// Called by the threads that run the walk, each with its own visitor or all with one that bears it.
class WalkVisitor {
 public:
  virtual ~WalkVisitor() = default;
  // A file with several names comes once, under any of them.
  virtual void file(const WalkFile& file) = 0;
  // An entry that is there and cannot be looked at, with errno. What vanished meanwhile is not reported.
  virtual void unreadable(std::string_view path, int error) = 0;
  // overlayfs: the name is deleted here, or the directory hides the one below (kernel Documentation/filesystems/overlayfs.rst).
  virtual void whiteout(std::string_view) {}
  virtual void opaque(std::string_view) {}
  virtual bool wants_opaque() const { return false; }  // asking costs two calls a directory
  // The name of every entry, and what a link points to; `path` is the entry's.
  virtual void name(std::string_view, std::string_view) {}
  virtual bool wants_names() const { return false; }  // asking costs a call a link
};

class Walk {
 public:
  enum class Content { open, count };

  static Result<std::unique_ptr<Walk>> open(const std::string& root, Content content = Content::open);

  // Takes directories from the queue until none is left and no other thread can add one. Any number of threads may be here.
  void run(WalkVisitor& visitor);

  // run() returns soon, everywhere.
  void cancel();

 private:
  struct Directory {
    Descriptor descriptor;
    std::string path;
  };
  struct Level;
  class Descent;

  Walk(Descriptor root, Descriptor first, Content content);
  std::optional<Directory> take();
  bool offer(Directory& directory);  // false: the queue is full
  void done();
  bool first_name_of(std::uint64_t inode);

  Descriptor root_;
  Content content_;
  std::atomic<bool> cancelled_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Directory> queue_;
  std::size_t busy_ = 0;
  std::unordered_set<std::uint64_t> linked_;
};

struct Measured {
  std::uint64_t bytes = 0;
  std::int64_t changed = 0;  // the newest ctime in nanoseconds, the path's own included; 0 when it is not there
};

// The regular files below a directory, or a file. What cannot be looked at counts nothing.
Measured measure(const std::string& path);

}  // namespace cleanerd::storage
