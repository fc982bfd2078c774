// A database with old bytes in all the places where some can be.
#pragma once

#include <string>

#include "scrub/scrub.hpp"
#include "unit/storage/bbolt_support.hpp"

namespace cleanerd::scrub::test {

using storage::test::BoltWriter;
using storage::test::Tree;

inline Database database_of(std::string_view bytes) { return {"test.db", storage::Descriptor(storage::test::memory_file(bytes))}; }

inline std::string bytes_of(const Database& database) {
  std::string bytes(static_cast<std::size_t>(*storage::size_of(database.file, "test.db")), '\0');
  (void)storage::read_at(database.file, 0, bytes, "test.db");
  return bytes;
}

inline storage::test::Content content_of(std::string_view bytes) { return *storage::test::content(storage::test::bolt_of(bytes)); }

inline Tree some_tree() {
  Tree tree;
  for (int i = 0; i < 60; ++i) tree.values["key " + std::to_string(i)] = std::string(40, 'v');
  tree.bucket("first").bucket("second").values["inline"] = "value";
  tree.bucket("first").bucket("third").values["large"] = std::string(5000, 'l');
  return tree;
}

constexpr std::uint32_t kPage = 1024;

struct Old {
  std::string free_page = "old-of-a-free-page", older_tree = "old-of-the-older-tree", tail = "old-in-a-tail", end = "old-behind-the-end";

  std::string file() const {
    BoltWriter writer(kPage);
    const std::uint64_t free = writer.allocate(3);
    const std::uint64_t older = writer.allocate(1);
    writer.put_node(older, true, {{"key", older_tree, 0, false}});
    writer.image().replace(free * kPage + 900, free_page.size(), free_page);
    writer.file(some_tree(), 7);
    const std::string meta = BoltWriter::meta(kPage, 6, older, 2, older + 1);
    writer.image().replace(0, meta.size(), meta);
    const std::string ids = BoltWriter::integer(free, 8) + BoltWriter::integer(free + 1, 8) + BoltWriter::integer(free + 2, 8);
    writer.image().replace(2 * kPage + 10, 2, BoltWriter::integer(3, 2));
    writer.image().replace(2 * kPage + 16, ids.size(), ids);
    writer.image().replace(3 * kPage - tail.size(), tail.size(), tail);
    return writer.image() + std::string(kPage, '\0') + end + std::string(700, '\0');
  }
};

}  // namespace cleanerd::scrub::test
