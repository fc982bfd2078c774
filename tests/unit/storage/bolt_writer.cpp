#include "unit/storage/bolt_writer.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace cleanerd::storage::test {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::size_t kElement = 16;

std::uint64_t fnv1a(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return hash;
}

}  // namespace

std::string BoltWriter::integer(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string BoltWriter::node(std::uint64_t id, std::uint32_t overflow, bool leaf, const std::vector<Element>& elements) {
  std::string page = integer(id, 8) + integer(leaf ? 2 : 1, 2) + integer(elements.size(), 2) + integer(overflow, 4);
  std::string data;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const Element& element = elements[i];
    const std::size_t position = kHeader + elements.size() * kElement + data.size() - (kHeader + i * kElement);
    if (leaf) {
      page += integer(element.bucket, 4) + integer(position, 4) + integer(element.key.size(), 4) + integer(element.value.size(), 4);
      data += element.key + element.value;
    } else {
      page += integer(position, 4) + integer(element.key.size(), 4) + integer(element.child, 8);
      data += element.key;
    }
  }
  return page + data;
}

std::string BoltWriter::meta(std::uint32_t page_size, std::uint64_t txid, std::uint64_t root, std::uint64_t freelist,
                             std::uint64_t high_water) {
  const std::string fields = integer(0xED0CDAED, 4) + integer(2, 4) + integer(page_size, 4) + integer(0, 4) + integer(root, 8) +
                             integer(0, 8) + integer(freelist, 8) + integer(high_water, 8) + integer(txid, 8);
  return integer(txid % 2, 8) + integer(4, 2) + integer(0, 2) + integer(0, 4) + fields + integer(fnv1a(fields), 8);
}

std::uint64_t BoltWriter::allocate(std::size_t count) {
  const std::uint64_t first = pages();
  image_.resize(image_.size() + count * page_size_);
  return first;
}

void BoltWriter::put_node(std::uint64_t page, bool leaf, const std::vector<Element>& elements) {
  const std::string bytes = node(page, 0, leaf, elements);
  const std::size_t overflow = bytes.empty() ? 0 : (bytes.size() - 1) / page_size_;
  image_.replace(page * page_size_, bytes.size(), node(page, static_cast<std::uint32_t>(overflow), leaf, elements));
}

void BoltWriter::put_meta(std::uint64_t txid, std::uint64_t root, std::uint64_t freelist) {
  const std::string bytes = meta(page_size_, txid, root, freelist, pages());
  image_.replace(txid % 2 * page_size_, bytes.size(), bytes);
}

// Leaves as full as a page allows, branches above them until one page is left.
std::uint64_t BoltWriter::put_nodes(bool leaf, const std::vector<Element>& elements) {
  std::vector<Element> above;
  std::vector<Element> part;
  std::size_t size = kHeader;
  const auto flush = [&] {
    const std::size_t bytes = node(0, 0, leaf, part).size();
    const std::uint64_t page = allocate((bytes + page_size_ - 1) / page_size_);
    put_node(page, leaf, part);
    above.push_back({part.empty() ? "" : part.front().key, "", page, false});
    part.clear();
    size = kHeader;
  };
  for (const Element& element : elements) {
    const std::size_t more = kElement + element.key.size() + element.value.size();
    if (part.size() >= 2 && size + more > page_size_) flush();
    part.push_back(element);
    size += more;
  }
  if (!part.empty() || above.empty()) flush();
  return above.size() == 1 ? above.front().child : put_nodes(false, above);
}

std::uint64_t BoltWriter::put_bucket(const Tree& tree) {
  std::map<std::string, Element> elements;
  for (const auto& [key, value] : tree.values) elements[key] = {key, value, 0, false};
  for (const auto& [key, child] : tree.buckets) {
    std::vector<Element> inner;
    for (const auto& [name, value] : child->values) inner.push_back({name, value, 0, false});
    const std::string page = node(0, 0, true, inner);
    const bool is_inline = child->buckets.empty() && page.size() <= page_size_ / 4;  // bucket.go maxInlineBucketSize
    elements[key] = {key, is_inline ? bucket_value(0) + page : bucket_value(put_bucket(*child)), 0, true};
  }
  std::vector<Element> list;
  for (auto& [key, element] : elements) list.push_back(std::move(element));
  return put_nodes(true, list);
}

std::string BoltWriter::file(const Tree& tree, std::uint64_t txid) {
  const std::string freelist = integer(2, 8) + integer(0x10, 2) + integer(0, 2) + integer(0, 4);
  image_.replace(std::size_t{2} * page_size_, freelist.size(), freelist);
  put_node(3, true, {});
  put_meta(txid - 1, 3);
  const std::uint64_t root = put_bucket(tree);
  put_meta(txid, root);
  return image_;
}

int memory_file(std::string_view bytes) {
  const int file = ::memfd_create("bolt", MFD_CLOEXEC);
  for (std::size_t done = 0; file >= 0 && done < bytes.size();) {
    const ssize_t count = ::pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return file;
}

}  // namespace cleanerd::storage::test
