#include "storage/bbolt_format.hpp"

#include <bit>
#include <cstring>

namespace cleanerd::storage::bbolt {
namespace {

static_assert(std::endian::native == std::endian::little, "bbolt files are in the byte order of the host that wrote them");

constexpr std::uint32_t kMagic = 0xED0CDAED;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kBucketSize = 16;   // InBucket: root, sequence

template <class Integer>
Integer load(std::string_view bytes, std::size_t at) {
  Integer value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

constexpr std::size_t element_at(std::size_t i) { return kHeaderSize + i * kElementSize; }

}  // namespace

std::optional<Meta> decode_meta(std::string_view page) {
  if (page.size() < kMetaSize) return std::nullopt;
  const std::string_view meta = page.substr(kHeaderSize, kMetaSize - kHeaderSize);
  if (load<std::uint32_t>(meta, 0) != kMagic || load<std::uint32_t>(meta, 4) != kVersion) return std::nullopt;
  if (load<std::uint64_t>(meta, 56) != fnv1a(meta.substr(0, 56))) return std::nullopt;
  const Meta result{.page_size = load<std::uint32_t>(meta, 8),
                    .root = load<PageId>(meta, 16),
                    .freelist = load<PageId>(meta, 32),
                    .high_water = load<PageId>(meta, 40),
                    .txid = load<std::uint64_t>(meta, 48)};
  if (!std::has_single_bit(result.page_size) || result.page_size < kSmallestPage || result.page_size > kLargestPage)
    return std::nullopt;
  return result;
}

std::optional<Header> decode_header(std::string_view page) {
  if (page.size() < kHeaderSize) return std::nullopt;
  return Header{.id = load<PageId>(page, 0),
                .flags = load<std::uint16_t>(page, 8),
                .count = load<std::uint16_t>(page, 10),
                .overflow = load<std::uint32_t>(page, 12)};
}

Result<Node> Node::decode(std::string_view bytes) {
  const auto header = decode_header(bytes);
  if (!header) return Error(Errc::protocol, "a page is too short");
  if (header->flags != kBranch && header->flags != kLeaf) return Error(Errc::protocol, "a page is neither branch nor leaf");
  const Node node(bytes, header->flags == kLeaf, header->count);
  if (!node.within_bounds()) return Error(Errc::protocol, "an element lies outside its page");
  if (!node.ascends()) return Error(Errc::protocol, "keys are out of order");
  if (!node.is_leaf() && node.count() == 0) return Error(Errc::protocol, "a branch is empty");
  return node;
}

bool Node::within_bounds() const {
  if (element_at(count_) > bytes_.size()) return false;
  for (std::size_t i = 0; i < count_; ++i) {
    const std::size_t at = element_at(i);
    std::uint64_t end = at;  // three 32-bit numbers more cannot overflow it
    for (std::size_t field = leaf_ ? 4 : 0; field < (leaf_ ? 16 : 8); field += 4) end += load<std::uint32_t>(bytes_, at + field);
    if (end > bytes_.size()) return false;
  }
  return true;
}

bool Node::ascends() const {
  for (std::size_t i = 1; i < count_; ++i) {
    if (key(i - 1) >= key(i)) return false;
  }
  return true;
}

std::string_view Node::key(std::size_t i) const {
  const std::size_t at = element_at(i);
  const std::size_t field = leaf_ ? at + 4 : at;
  return bytes_.substr(at + load<std::uint32_t>(bytes_, field), load<std::uint32_t>(bytes_, field + 4));
}

PageId Node::child(std::size_t i) const { return load<PageId>(bytes_, element_at(i) + 8); }

std::string_view Node::value(std::size_t i) const {
  const std::size_t at = element_at(i);
  const std::size_t start = at + load<std::uint32_t>(bytes_, at + 4) + load<std::uint32_t>(bytes_, at + 8);
  return bytes_.substr(start, load<std::uint32_t>(bytes_, at + 12));
}

std::uint32_t Node::flags(std::size_t i) const { return load<std::uint32_t>(bytes_, element_at(i)); }

bool Node::is_bucket(std::size_t i) const { return (flags(i) & kBucketElement) != 0; }

std::size_t Node::lower_bound(std::string_view wanted) const {
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (key(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<BucketValue> decode_bucket(std::string_view value) {
  if (value.size() < kBucketSize) return std::nullopt;
  BucketValue bucket{.root = load<PageId>(value, 0), .inline_page = {}};
  if (bucket.root == 0) bucket.inline_page = value.substr(kBucketSize);
  return bucket;
}

}  // namespace cleanerd::storage::bbolt
