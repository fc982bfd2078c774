// What a bbolt file holds, as plain values to compare.
#pragma once

#include <map>
#include <string>

#include "storage/bbolt.hpp"
#include "unit/storage/bolt_writer.hpp"

namespace cleanerd::storage::test {

inline Bolt bolt_of(std::string_view bytes) { return Bolt::adopt(Descriptor(memory_file(bytes)), "test.db"); }

// "a/b/key" → value, "a/b/" → "" for buckets.
using Content = std::map<std::string, std::string>;

inline Result<Content> content(View& view) {
  Content all;
  auto done = view.for_each_deep([&](std::span<const std::string> path, const BoltEntry& entry) -> Status {
    std::string name;
    for (const std::string& part : path) name += part + "/";
    name += entry.key;
    all[entry.bucket ? name + "/" : name] = entry.value;
    return {};
  });
  if (!done) return std::move(done).error();
  return all;
}

inline Result<Content> content(const Bolt& bolt) {
  return bolt.read([](View& view) { return content(view); });
}

// Everything the reader can do, for files on which only its survival counts.
inline void use_all(const Bolt& bolt) {
  (void)content(bolt);
  (void)bolt.read([](View& view) -> Result<int> {
    (void)view.for_each_page([](const View::PageRange&) { return Status(); });
    (void)view.free_bytes();
    (void)view.get(view.root(), "name");
    (void)view.bucket({"first", "second"});
    (void)view.for_each(view.root(), [&](const BoltEntry& entry) {
      if (entry.bucket) (void)view.for_each(*entry.bucket, [](const BoltEntry&) { return Status(); });
      return Status();
    });
    return 0;
  });
}

}  // namespace cleanerd::storage::test
