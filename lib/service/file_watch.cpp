#include "service/file_watch.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "service/process.hpp"
#include "service/setup.hpp"
#include "storage/data_root.hpp"
#include "storage/file.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kFirstRetry{2'000}, kLongestRetry{30'000};
constexpr milliseconds kQuiet{1'000};        // BuildKit writes its databases several times at a build's end
constexpr milliseconds kSpaceCheck{30'000};

// A classic build's context: moby daemon/builder/remotecontext, kept in <root>/tmp while the build runs.
constexpr std::string_view kContext = "docker-builder";

class FileWatch {
 public:
  FileWatch(const storage::DataRoot& root, bool with_cache, const FileSigns& signs, const std::stop_token& stop, std::stop_token same_engine)
      : root_(root.path()), signs_(signs), stop_(stop), same_engine_(std::move(same_engine)), inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF;
    tmp_ = add("/tmp", IN_CREATE | IN_DELETE | IN_MOVED_FROM | kGone);
    if (with_cache) cache_ = add("/buildkit", IN_MODIFY | kGone);
    is_whole_ = tmp_ >= 0 && (!with_cache || cache_ >= 0);
  }

  // False: it is not there.
  bool is_whole() const { return is_whole_; }

  // Returns when what is watched has gone, or is not yet there.
  void run() {
    watch();
    for (const std::string& context : std::exchange(contexts_, {})) tell(context, false);
  }

 private:
  void watch() {
    const auto wake = [this] {
      const std::uint64_t one = 1;
      (void)!::write(wake_.get(), &one, sizeof one);
    };
    const std::stop_callback end(stop_, wake), other(same_engine_, wake);
    if (is_whole_ && signs_.cache) signs_.cache();  // what ended while nothing was watched
    while (is_whole_ && !stop_.stop_requested() && !same_engine_.stop_requested()) {
      check_space();
      std::array<pollfd, 2> ready{pollfd{inotify_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
      const milliseconds time = written_ ? kQuiet : kSpaceCheck;
      const int count = ::poll(ready.data(), ready.size(), static_cast<int>(time.count()));
      if (count < 0 && errno != EINTR) return;
      if (count == 0 && written_) {
        written_ = false;
        if (signs_.cache) signs_.cache();
      }
      if (count > 0 && ready[0].revents != 0 && !take_events()) return;
    }
  }

  int add(const char* folder, std::uint32_t events) const { return ::inotify_add_watch(inotify_.get(), (root_ + folder).c_str(), events | IN_ONLYDIR); }

  bool take_events() {
    alignas(inotify_event) std::array<char, 16 << 10> buffer;
    const ssize_t count = ::read(inotify_.get(), buffer.data(), buffer.size());
    for (ssize_t at = 0; at < count;) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string_view name(buffer.data() + at + sizeof event, event.len == 0 ? 0 : ::strnlen(buffer.data() + at + sizeof event, event.len));
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0) return false;
      if ((event.mask & IN_Q_OVERFLOW) != 0) return lost();
      if (event.wd == tmp_ && name.starts_with(kContext)) take_context(std::string(name), (event.mask & IN_CREATE) != 0);
      if (event.wd == cache_ && name.ends_with(".db")) written_ = true;
    }
    return true;
  }

  void take_context(const std::string& name, bool begun) {
    if (begun) contexts_.insert(name);
    else contexts_.erase(name);
    tell(name, begun);
  }
  void tell(const std::string& context, bool begun) const {
    if (signs_.classic) signs_.classic(context, begun);
  }

  // More happened than could be told.
  bool lost() {
    std::error_code error;
    for (const std::string& context : std::set<std::string>(contexts_))
      if (!std::filesystem::exists(root_ + "/tmp/" + context, error)) take_context(context, false);
    if (signs_.lost) signs_.lost();
    written_ = true;
    return true;
  }

  void check_space() {
    const auto now = steady_clock::now();
    if (now < next_check_) return;
    next_check_ = now + kSpaceCheck;
    struct statvfs space {};
    if (!signs_.space || ::statvfs(root_.c_str(), &space) != 0 || space.f_blocks == 0) return;
    const double bytes = static_cast<double>(space.f_bavail) / static_cast<double>(space.f_blocks);
    const double inodes = space.f_files == 0 ? 1 : static_cast<double>(space.f_favail) / static_cast<double>(space.f_files);
    signs_.space(std::min(bytes, inodes));
  }

  std::string root_;
  const FileSigns& signs_;
  const std::stop_token& stop_;
  const std::stop_token same_engine_;
  storage::Descriptor inotify_, wake_;
  int tmp_ = -1, cache_ = -1;
  std::set<std::string> contexts_;  // that came and have not gone
  bool is_whole_ = false;
  bool written_ = false;
  steady_clock::time_point next_check_{};
};

}  // namespace

void watch_files(const std::string& host, const policy::Policy& policy, const FileSigns& signs, std::stop_token stop) {
  milliseconds retry = kFirstRetry;
  while (!stop.stop_requested()) {
    const std::stop_token same_engine = signs.same_engine ? signs.same_engine() : std::stop_token();
    const auto connected = connect_engine(host, policy, stop);
    const auto root = connected ? storage::DataRoot::open(connected->client.engine(), connected->client.endpoint()) : std::nullopt;
    bool watched = false;
    if (root) {
      FileWatch watch(*root, !connected->history.has_value(), signs, stop, same_engine);
      watched = watch.is_whole();
      watch.run();
    }
    // An engine that answers, and whose data root cannot be watched, is rarely another one soon.
    retry = connected && !watched ? std::min(2 * retry, kLongestRetry) : kFirstRetry;
    pause(retry, stop);
  }
}

}  // namespace cleanerd::service
