// One database's pages on demand, as one meta page promises them.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "storage/bbolt_format.hpp"
#include "storage/file.hpp"

namespace cleanerd::storage::bbolt {

struct File {
  Descriptor descriptor;
  std::string name;  // for messages
};

// The valid meta page with the highest transaction id. Errc::protocol when neither is valid or what it says of the file
// cannot be: not a bbolt file, damaged, or about to be created.
Result<Meta> newest_meta(const File& file);

// A page with its overflow and what is in it.
class Page {
 public:
  static Result<std::shared_ptr<const Page>> make(std::string bytes, PageId id, PageId pages);

  PageId id() const { return id_; }
  PageId pages() const { return pages_; }
  std::size_t size() const { return bytes_.size(); }
  const Node& node() const { return *node_; }

 private:
  Page(std::string bytes, PageId id, PageId pages) : bytes_(std::move(bytes)), id_(id), pages_(pages) {}
  std::string bytes_;
  PageId id_;
  PageId pages_;
  std::optional<Node> node_;
};

using PagePtr = std::shared_ptr<const Page>;

// For one thread.
class Pages {
 public:
  Pages(std::shared_ptr<const File> file, const Meta& meta) : file_(std::move(file)), meta_(meta) {}

  const Meta& meta() const { return meta_; }
  const File& file() const { return *file_; }

  // A branch or leaf. Errc::protocol: damaged, or overwritten by a writer meanwhile; ::too_large beyond 64 MiB.
  Result<PagePtr> read(PageId id);

  // The bytes of a whole number of pages.
  Result<std::string> bytes(PageId first, PageId count) const;

  // Its first page and how many it occupies, its kind having been checked.
  Result<PageId> extent(PageId id, std::uint16_t flags) const;

 private:
  Result<Header> header(PageId id) const;
  Result<Header> checked_header(PageId id, std::string_view bytes) const;
  Error damaged(PageId id, std::string_view how) const;

  std::shared_ptr<const File> file_;
  Meta meta_;
  // Where a lookup finds the branches of the one before: 4 MiB of the usual pages at most.
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kCachedSize = 64u << 10;
  std::array<PagePtr, kSlots> cache_;
};

}  // namespace cleanerd::storage::bbolt
