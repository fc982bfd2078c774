#include "storage/bbolt.hpp"

#include "storage/bbolt_walk.hpp"

namespace cleanerd::storage {

Result<Bolt> Bolt::open(const std::string& path) {
  auto file = open_regular_file(path);
  if (!file) return std::move(file).error();
  return adopt(std::move(*file), path);
}

Bolt Bolt::adopt(Descriptor file, std::string name) { return Bolt({std::move(file), std::move(name)}); }

bool Bolt::still_newest(const bbolt::Meta& meta) const {
  const auto now = bbolt::newest_meta(*file_);
  return now && *now == meta;
}

Error Bolt::busy() const { return Error(Errc::conflict, file_->name + ": changes faster than it can be read"); }

// What the key is in a bucket. Views into `held`.
Result<std::optional<BoltEntry>> View::find(const Bucket& bucket, std::string_view key, std::string& held) {
  bbolt::PagePtr page;
  std::optional<bbolt::Node> node;
  if (bucket.root == 0) {
    auto inner = bbolt::Node::decode(bucket.inline_page);
    if (!inner) return std::move(inner).error().within(pages_.file().name);
    node = *inner;
  }
  bbolt::PageId id = bucket.root;
  for (int depth = bbolt::kDeepestTree; !node || !node->is_leaf(); --depth) {
    if (depth == 0 || id == 0) return Error(Errc::protocol, pages_.file().name + ": the tree is too deep");
    auto next = pages_.read(id);
    if (!next) return std::move(next).error();
    page = std::move(*next);
    node = page->node();
    if (node->is_leaf()) break;
    const std::size_t at = node->lower_bound(key);
    const bool exact = at < node->count() && node->key(at) == key;
    id = node->child(exact || at == 0 ? at : at - 1);
  }
  const std::size_t at = node->lower_bound(key);
  if (at == node->count() || node->key(at) != key) return std::optional<BoltEntry>();
  BoltEntry entry;
  if (node->is_bucket(at)) {
    auto nested = bbolt::bucket_of(*node, at);
    if (!nested) return std::move(nested).error().within(pages_.file().name);
    entry.bucket = std::move(*nested);
  } else {
    held = node->value(at);
    entry.value = held;
  }
  return std::optional(std::move(entry));
}

Result<Bucket> View::bucket(const Bucket& from, std::initializer_list<std::string_view> path) {
  Bucket current = from;
  for (const std::string_view name : path) {
    std::string held;
    auto entry = find(current, name, held);
    if (!entry) return std::move(entry).error();
    if (!*entry || !(*entry)->bucket) return Error(Errc::not_found, pages_.file().name + ": no such bucket");
    current = std::move(*(*entry)->bucket);
  }
  return current;
}

Result<std::optional<std::string>> View::get(const Bucket& bucket, std::string_view key) {
  std::string held;
  auto entry = find(bucket, key, held);
  if (!entry) return std::move(entry).error();
  if (!*entry || (*entry)->bucket) return std::optional<std::string>();
  return std::optional(std::move(held));
}

Status View::for_each(const Bucket& bucket, const Visit& visit) { return bbolt::walk_bucket(pages_, bucket, visit); }

Status View::for_each_deep(const VisitDeep& visit) { return bbolt::walk_all(pages_, root(), visit, {}); }

Result<bbolt::FreeBytes> View::free_bytes() { return bbolt::free_bytes(pages_, root()); }

Status View::for_each_page(const VisitPages& visit) { return bbolt::walk_all(pages_, root(), {}, visit); }

}  // namespace cleanerd::storage
