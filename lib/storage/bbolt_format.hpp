// The bytes of a bbolt file: meta pages, branches and leaves, each checked before anything is taken from it. Format:
// etcd-io/bbolt, internal/common/{meta,page,bucket}.go, version 2; integers are the writer's own, little-endian here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace cleanerd::storage::bbolt {

using PageId = std::uint64_t;

inline constexpr std::size_t kHeaderSize = 16;
inline constexpr std::size_t kMetaSize = kHeaderSize + 64;
inline constexpr std::uint32_t kSmallestPage = 1024;  // db.go getPageSize tries these powers of two
inline constexpr std::uint32_t kLargestPage = kSmallestPage << 14;
inline constexpr PageId kNoFreelist = ~PageId{0};  // written with NoFreelistSync

struct Meta {
  std::uint32_t page_size = 0;
  PageId root = 0;
  PageId freelist = kNoFreelist;
  PageId high_water = 0;  // pages in the file, used or free
  std::uint64_t txid = 0;
  friend bool operator==(const Meta&, const Meta&) = default;
};

// From the beginning of a page. nullopt: not a meta page, of another version, or only half written (checksum).
std::optional<Meta> decode_meta(std::string_view page);

struct Header {
  PageId id = 0;
  std::uint16_t flags = 0;
  std::uint16_t count = 0;
  std::uint32_t overflow = 0;  // further pages that belong to this one
};

inline constexpr std::uint16_t kBranch = 0x01;
inline constexpr std::uint16_t kLeaf = 0x02;
inline constexpr std::uint16_t kFreelist = 0x10;

inline constexpr std::size_t kElementSize = 16;  // of branchPageElement and leafPageElement alike
inline constexpr std::uint32_t kBucketElement = 0x01;  // the only flag of a leaf's element

std::optional<Header> decode_header(std::string_view page);

// A branch or leaf page with its overflow. Made only of pages whose elements all lie within `bytes` and whose keys ascend,
// so that the accessors need no further checks but `i < count()`. Views into `bytes`.
class Node {
 public:
  static Result<Node> decode(std::string_view bytes);

  std::string_view bytes() const { return bytes_; }
  bool is_leaf() const { return leaf_; }
  std::size_t size() const { return bytes_.size(); }
  std::size_t count() const { return count_; }
  std::string_view key(std::size_t i) const;
  PageId child(std::size_t i) const;              // of a branch
  std::string_view value(std::size_t i) const;    // of a leaf
  bool is_bucket(std::size_t i) const;            // of a leaf
  std::uint32_t flags(std::size_t i) const;       // of a leaf

  // The first element whose key is not less; count() when there is none.
  std::size_t lower_bound(std::string_view key) const;

 private:
  Node(std::string_view bytes, bool leaf, std::size_t count) : bytes_(bytes), leaf_(leaf), count_(count) {}
  bool within_bounds() const;
  bool ascends() const;

  std::string_view bytes_;
  bool leaf_;
  std::size_t count_;
};

// The value of a bucket element: a root page, or 0 and the only leaf of an inline bucket behind it.
struct BucketValue {
  PageId root = 0;
  std::string_view inline_page;
};
std::optional<BucketValue> decode_bucket(std::string_view value);

}  // namespace cleanerd::storage::bbolt
