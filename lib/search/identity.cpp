#include "search/identity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <functional>
#include <thread>

#include "base/secret_value.hpp"
#include "storage/walk.hpp"

namespace cleanerd::search {
namespace {

std::string hex(std::uint64_t hash) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), hash >> 4, 16).ptr;
  return {digits.data(), end};
}

// A sum over all files, so that the order in which they come does not matter.
class Sum final : public storage::WalkVisitor {
 public:
  void file(const storage::WalkFile& file) override {
    std::string text(file.path);
    newest_ = std::max(newest_, file.changed);
    for (const std::uint64_t number : {file.size, file.inode, static_cast<std::uint64_t>(file.changed)}) text += '\0' + std::to_string(number);
    add(text);
  }
  void unreadable(std::string_view path, int error) override { add(std::string(path) + '\0' + std::to_string(error)); }
  std::int64_t newest() const { return newest_; }  // change time, as WalkFile's
  std::string text() const { return std::to_string(count_) + ":" + std::to_string(low_) + ":" + std::to_string(high_); }

 private:
  void add(const std::string& text) {
    const std::uint64_t hash = std::hash<std::string>{}(text);
    ++count_;
    low_ += hash;
    high_ += std::hash<std::string>{}(text + '\1') ^ (hash << 1);
  }
  std::uint64_t count_ = 0, low_ = 0, high_ = 0;
  std::int64_t newest_ = 0;
};

// Before 6.13 the kernel stamps changes with the time of its last tick: up to 10 ms, at 100 Hz.
constexpr std::chrono::milliseconds kTick{10};

std::int64_t last_tick() {
  struct timespec time {};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::string identity_of(const std::string& path, bool fixed) { return identity_of(path, fixed, storage::stamp_of(path)); }

std::string identity_of(const std::string& path, bool fixed, const storage::Stamp& stamp) {
  if (!stamp.exists()) return {};
  if (fixed || !stamp.is_directory) return hex(stamp.hash);
  auto walk = storage::Walk::open(path, storage::Walk::Content::count);
  if (!walk) return hex(stamp.hash);
  Sum sum;
  const std::int64_t start = last_tick();
  (*walk)->run(sum);
  // What changes later gets a later time then.
  if (sum.newest() >= start) std::this_thread::sleep_for(kTick);
  return short_hash(hex(stamp.hash) + "/" + sum.text());
}

std::string short_hash(std::string_view text) { return sha256_hex(text).substr(0, 15); }

}  // namespace cleanerd::search
