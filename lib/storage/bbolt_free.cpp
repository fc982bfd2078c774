#include "storage/bbolt_free.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "storage/bbolt_walk.hpp"

namespace cleanerd::storage::bbolt {
namespace {

constexpr std::uint16_t kCountBehind = 0xffff;  // freelist.go: the number of ids is the first of them then

Error damaged(const Pages& pages, std::string_view how) {
  return Error(Errc::protocol, pages.file().name + ": " + std::string(how));
}

// The union of ranges, in any order.
std::vector<ByteRange> merged(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::first);
  std::vector<ByteRange> all;
  for (const ByteRange& range : ranges) {
    if (range.size == 0) continue;
    if (!all.empty() && range.first <= all.back().first + all.back().size) {
      all.back().size = std::max(all.back().size, range.first + range.size - all.back().first);
    } else {
      all.push_back(range);
    }
  }
  return all;
}

class LiveBytes {
 public:
  explicit LiveBytes(Pages& pages) : pages_(pages), used_(static_cast<std::size_t>(pages.meta().high_water)) {}

  Status add(const View::PageRange& range) {
    for (PageId id = range.first; id < range.first + range.count; ++id) used_[static_cast<std::size_t>(id)] = true;
    count_ += range.count;
    const std::uint64_t at = range.first * page_size();
    switch (range.use) {
      case View::PageUse::meta:
        for (PageId id = 0; id < range.count; ++id) live_.push_back({at + id * page_size(), kMetaSize});
        return {};
      case View::PageUse::freelist: return freelist(range);
      case View::PageUse::tree: return node(at, *range.node);
    }
    return {};
  }

  // Nothing that is in use may be on the list: the engine would write over it.
  Status check_freelist() const {
    std::vector<bool> free(used_.size());
    for (const PageId id : freed_) {
      if (id < 2 || id >= used_.size()) return damaged(pages_, "a free page lies outside");
      if (used_[static_cast<std::size_t>(id)] || free[static_cast<std::size_t>(id)])
        return damaged(pages_, "page " + std::to_string(id) + " is free and in use, or free twice");
      free[static_cast<std::size_t>(id)] = true;
    }
    return {};
  }

  FreeBytes rest(std::uint64_t file_size) && {
    FreeBytes free;
    free.pages = (file_size + page_size() - 1) / page_size();
    free.free_pages = free.pages - count_;
    std::uint64_t at = 0;
    for (const ByteRange& range : merged(std::move(live_))) {
      if (range.first > at) free.ranges.push_back({at, range.first - at});
      at = range.first + range.size;
    }
    if (file_size > at) free.ranges.push_back({at, file_size - at});
    return free;
  }

 private:
  std::uint64_t page_size() const { return pages_.meta().page_size; }

  Status node(std::uint64_t at, const Node& node) {
    live_.push_back({at, kHeaderSize + node.count() * kElementSize});
    for (std::size_t i = 0; i < node.count(); ++i) {
      if (node.is_leaf() && node.flags(i) > kBucketElement) return damaged(pages_, "an element is of a kind that is not known");
      const std::string_view key = node.key(i);
      const auto from = static_cast<std::uint64_t>(key.data() - node.bytes().data());
      live_.push_back({at + from, key.size() + (node.is_leaf() ? node.value(i).size() : 0)});  // the value is behind its key
    }
    return {};
  }

  Status freelist(const View::PageRange& range) {
    auto bytes = pages_.bytes(range.first, range.count);
    if (!bytes) return std::move(bytes).error();
    const auto number = [&](std::uint64_t i) {
      PageId id;
      std::memcpy(&id, bytes->data() + kHeaderSize + i * sizeof id, sizeof id);
      return id;
    };
    const std::uint64_t room = (bytes->size() - kHeaderSize) / sizeof(PageId);
    std::uint64_t first = 0, count = decode_header(*bytes)->count;
    if (count == kCountBehind) {
      first = 1;
      count = number(0);
    }
    if (count > room - first) return damaged(pages_, "the list of free pages is longer than its pages");
    for (std::uint64_t i = 0; i < count; ++i) freed_.push_back(number(first + i));
    live_.push_back({range.first * page_size(), kHeaderSize + (first + count) * sizeof(PageId)});
    return {};
  }

  Pages& pages_;
  std::vector<ByteRange> live_;
  std::vector<bool> used_;
  std::vector<PageId> freed_;
  PageId count_ = 0;
};

}  // namespace

Result<FreeBytes> free_bytes(Pages& pages, const Bucket& root) {
  const auto size = size_of(pages.file().descriptor, pages.file().name);
  if (!size) return size.error();
  LiveBytes live(pages);
  const View::VisitPages visit = [&](const View::PageRange& range) { return live.add(range); };
  if (auto done = walk_all(pages, root, {}, visit); !done) return std::move(done).error();
  if (auto sound = live.check_freelist(); !sound) return std::move(sound).error();
  return std::move(live).rest(*size);
}

}  // namespace cleanerd::storage::bbolt
