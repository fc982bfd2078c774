// Writes bbolt files for tests, sound ones and others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cleanerd::storage::test {

struct Tree {
  std::map<std::string, std::string> values;
  std::map<std::string, std::shared_ptr<Tree>> buckets;

  Tree& bucket(const std::string& name) {
    auto& place = buckets[name];
    if (!place) place = std::make_shared<Tree>();
    return *place;
  }
};

struct Element {
  std::string key;
  std::string value;         // of a leaf
  std::uint64_t child = 0;   // of a branch
  bool bucket = false;
};

class BoltWriter {
 public:
  explicit BoltWriter(std::uint32_t page_size = 4096) : page_size_(page_size), image_(std::size_t{4} * page_size, '\0') {}

  // The whole file: two meta pages, the newer with `txid`, an empty freelist, and the tree.
  std::string file(const Tree& tree, std::uint64_t txid = 7);

  // Pieces, for files that no bbolt would write.
  std::uint64_t allocate(std::size_t pages);
  void put_node(std::uint64_t page, bool leaf, const std::vector<Element>& elements);
  void put_meta(std::uint64_t txid, std::uint64_t root, std::uint64_t freelist = 2);
  std::uint64_t put_bucket(const Tree& tree);
  static std::string bucket_value(std::uint64_t root) { return integer(root, 8) + integer(0, 8); }
  std::string& image() { return image_; }
  std::uint64_t pages() const { return image_.size() / page_size_; }

  static std::string integer(std::uint64_t value, std::size_t bytes);
  static std::string node(std::uint64_t id, std::uint32_t overflow, bool leaf, const std::vector<Element>& elements);
  static std::string meta(std::uint32_t page_size, std::uint64_t txid, std::uint64_t root, std::uint64_t freelist,
                          std::uint64_t high_water);

 private:
  std::uint64_t put_nodes(bool leaf, const std::vector<Element>& elements);

  std::uint32_t page_size_;
  std::string image_;
};

// A file with these bytes, without a name, for reading and writing.
int memory_file(std::string_view bytes);

}  // namespace cleanerd::storage::test
