#include "storage/bbolt_pages.hpp"

namespace cleanerd::storage::bbolt {
namespace {

// bbolt's own limit for a value is 2 GiB; engines store descriptions and specs of some kilobytes.
constexpr std::uint64_t kLargestNode = 64u << 20;
// Bounds what a walk has to remember. Engines' databases are some megabytes.
constexpr std::uint64_t kLargestFile = std::uint64_t{64} << 30;

Result<std::optional<Meta>> meta_at(const File& file, std::uint64_t offset) {
  std::array<char, kMetaSize> bytes;
  auto count = read_at(file.descriptor, offset, bytes, file.name);
  if (!count) return std::move(count).error();
  return decode_meta(std::string_view(bytes.data(), *count));
}

// Meta pages are the file's first two. Only the first's place is known without the page size that they tell.
Result<std::optional<Meta>> newest_valid(const File& file) {
  auto first = meta_at(file, 0);
  if (!first) return first;
  const std::uint32_t smallest = *first ? (*first)->page_size : kSmallestPage;
  const std::uint32_t largest = *first ? (*first)->page_size : kLargestPage;
  for (std::uint32_t size = smallest; size <= largest; size *= 2) {
    auto second = meta_at(file, size);
    if (!second) return second;
    if (!*second || (*second)->page_size != size) continue;
    return !*first || (*second)->txid > (*first)->txid ? second : first;
  }
  return first;
}

}  // namespace

Result<Meta> newest_meta(const File& file) {
  auto found = newest_valid(file);
  if (!found) return std::move(found).error();
  if (!*found) return Error(Errc::protocol, file.name + ": no valid meta page");
  const Meta& meta = **found;
  // After the meta page, so that a file that is growing is seen as large as that promises.
  auto size = size_of(file.descriptor, file.name);
  if (!size) return std::move(size).error();
  if (*size > kLargestFile) return Error(Errc::too_large, file.name + ": larger than expected");
  if (meta.high_water > *size / meta.page_size) return Error(Errc::protocol, file.name + ": shorter than its meta page says");
  if (meta.root < 2 || meta.root >= meta.high_water) return Error(Errc::protocol, file.name + ": the root lies outside");
  return meta;
}

Result<PagePtr> Page::make(std::string bytes, PageId id, PageId pages) {
  std::shared_ptr<Page> page(new Page(std::move(bytes), id, pages));
  auto node = Node::decode(page->bytes_);
  if (!node) return std::move(node).error();
  page->node_ = *node;
  return PagePtr(std::move(page));
}

Error Pages::damaged(PageId id, std::string_view how) const {
  return Error(Errc::protocol, file_->name + ": page " + std::to_string(id) + ": " + std::string(how));
}

Result<Header> Pages::header(PageId id) const {
  if (id < 2 || id >= meta_.high_water) return damaged(id, "lies outside");
  std::array<char, kHeaderSize> bytes;
  auto count = read_at(file_->descriptor, id * meta_.page_size, bytes, file_->name);
  if (!count) return std::move(count).error();
  return checked_header(id, std::string_view(bytes.data(), *count));
}

Result<Header> Pages::checked_header(PageId id, std::string_view bytes) const {
  const auto header = decode_header(bytes);
  if (!header) return damaged(id, "is missing");
  if (header->id != id) return damaged(id, "has another's number");
  if (header->overflow >= meta_.high_water - id) return damaged(id, "reaches outside");
  return *header;
}

Result<PageId> Pages::extent(PageId id, std::uint16_t flags) const {
  auto found = header(id);
  if (!found) return std::move(found).error();
  if (found->flags != flags) return damaged(id, "is of another kind");
  return PageId{found->overflow} + 1;
}

Result<std::string> Pages::bytes(PageId first, PageId pages) const {
  if (pages > kLargestNode / meta_.page_size) return Error(Errc::too_large, damaged(first, "is larger than expected").message());
  std::string bytes(static_cast<std::size_t>(pages * meta_.page_size), '\0');
  auto count = read_at(file_->descriptor, first * meta_.page_size, bytes, file_->name);
  if (!count) return std::move(count).error();
  if (*count != bytes.size()) return damaged(first, "is cut off");
  return bytes;
}

Result<PagePtr> Pages::read(PageId id) {
  PagePtr& slot = cache_[id % kSlots];
  if (slot && slot->id() == id) return slot;
  if (id < 2 || id >= meta_.high_water) return damaged(id, "lies outside");
  // Nearly all nodes are one page.
  std::string content(static_cast<std::size_t>(meta_.page_size), '\0');
  auto count = read_at(file_->descriptor, id * meta_.page_size, content, file_->name);
  if (!count) return std::move(count).error();
  auto found = checked_header(id, std::string_view(content).substr(0, *count));
  if (!found) return std::move(found).error();
  const PageId pages = PageId{found->overflow} + 1;
  if (pages > 1 || *count != content.size()) {
    auto all = bytes(id, pages);
    if (!all) return std::move(all).error();
    content = std::move(*all);
  }
  auto page = Page::make(std::move(content), id, pages);
  if (!page) return damaged(id, page.error().message());
  if ((*page)->size() <= kCachedSize) slot = *page;
  return page;
}

}  // namespace cleanerd::storage::bbolt
