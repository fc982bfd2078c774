#include "storage/bbolt_walk.hpp"

namespace cleanerd::storage::bbolt {
namespace {

constexpr int kDeepestBucket = 32;               // containerd nests 8 levels
constexpr std::uint64_t kLargestPath = 128u << 20;  // bytes of the pages between the root and where a walk is

Error damaged(const Pages& pages, std::string_view how) {
  return Error(Errc::protocol, pages.file().name + ": " + std::string(how));
}

// The keys below a branch element: from its own to the next one's.
struct Range {
  std::string_view from;
  std::optional<std::string_view> to;
};

bool inside(const Node& node, const Range& range) {
  if (node.count() == 0) return true;
  return node.key(0) >= range.from && (!range.to || node.key(node.count() - 1) < *range.to);
}

class Walk {
 public:
  // `on_leaf` gets the leaves in order, `on_page` each page before it is read.
  using OnLeaf = std::function<Status(const Node&)>;
  using OnPage = std::function<Status(PageId)>;
  Walk(Pages& pages, const OnLeaf& on_leaf, const OnPage& on_page) : pages_(pages), on_leaf_(on_leaf), on_page_(on_page) {}

  Status run(const Bucket& bucket) {
    if (bucket.root != 0) return tree(bucket.root, {}, kDeepestTree);
    auto node = Node::decode(bucket.inline_page);
    if (!node) return damaged(pages_, node.error().message());
    if (!node->is_leaf()) return damaged(pages_, "an inline bucket is no leaf");
    return on_leaf_(*node);
  }

 private:
  Status tree(PageId id, const Range& range, int depth) {
    if (depth == 0) return damaged(pages_, "the tree is too deep");
    if (on_page_) {
      if (auto allowed = on_page_(id); !allowed) return allowed;
    }
    auto page = pages_.read(id);
    if (!page) return std::move(page).error();
    const Node& node = (*page)->node();
    if (!inside(node, range)) return damaged(pages_, "keys are out of order");
    if (node.is_leaf()) return on_leaf_(node);

    held_ += (*page)->size();
    if (held_ > kLargestPath) return Error(Errc::too_large, pages_.file().name + ": branches are larger than expected");
    for (std::size_t i = 0; i < node.count(); ++i) {
      const bool last = i + 1 == node.count();
      const Range below{node.key(i), last ? range.to : std::optional(node.key(i + 1))};
      if (auto done = tree(node.child(i), below, depth - 1); !done) return done;
    }
    held_ -= (*page)->size();
    return {};
  }

  Pages& pages_;
  const OnLeaf& on_leaf_;
  const OnPage& on_page_;
  std::uint64_t held_ = 0;
};

class WalkAll {
 public:
  WalkAll(Pages& pages, const View::VisitDeep& on_entry, const View::VisitPages& on_pages)
      : pages_(pages), on_entry_(on_entry), on_pages_(on_pages), used_(static_cast<std::size_t>(pages.meta().high_water)) {}

  Status run(const Bucket& root) {
    if (auto done = claim({0, 2, View::PageUse::meta, nullptr}); !done) return done;
    if (const PageId freelist = pages_.meta().freelist; freelist != kNoFreelist) {
      auto extent = pages_.extent(freelist, kFreelist);
      if (!extent) return std::move(extent).error();
      if (auto done = claim({freelist, *extent, View::PageUse::freelist, nullptr}); !done) return done;
    }
    return bucket(root);
  }

 private:
  Status claim(const View::PageRange& range) {
    for (PageId id = range.first; id < range.first + range.count; ++id) {
      if (id >= used_.size()) return damaged(pages_, "a page lies outside");
      if (used_[static_cast<std::size_t>(id)]) return damaged(pages_, "page " + std::to_string(id) + " is used twice");
      used_[static_cast<std::size_t>(id)] = true;
    }
    return on_pages_ ? on_pages_(range) : Status();
  }

  Status claim_node(PageId id) {
    auto page = pages_.read(id);
    if (!page) return std::move(page).error();
    return claim({id, (*page)->pages(), View::PageUse::tree, &(*page)->node()});
  }

  Status bucket(const Bucket& bucket) {
    if (path_.size() > kDeepestBucket) return damaged(pages_, "buckets are nested too deep");
    const Walk::OnLeaf on_leaf = [this](const Node& node) { return leaf(node); };
    const Walk::OnPage on_page = [this](PageId id) { return claim_node(id); };
    return Walk(pages_, on_leaf, on_page).run(bucket);
  }

  Status leaf(const Node& node) {
    held_ += node.size();
    if (held_ > kLargestPath) return Error(Errc::too_large, pages_.file().name + ": pages are larger than expected");
    for (std::size_t i = 0; i < node.count(); ++i) {
      if (auto done = entry(node, i); !done) return done;
    }
    held_ -= node.size();
    return {};
  }

  Status entry(const Node& node, std::size_t i) {
    BoltEntry entry{node.key(i), {}, std::nullopt};
    if (!node.is_bucket(i)) {
      entry.value = node.value(i);
      return on_entry_ ? on_entry_(path_, entry) : Status();
    }
    auto nested = bucket_of(node, i);
    if (!nested) return damaged(pages_, nested.error().message());
    entry.bucket = std::move(*nested);
    if (on_entry_) {
      if (auto done = on_entry_(path_, entry); !done) return done;
    }
    path_.emplace_back(entry.key);
    auto done = bucket(*entry.bucket);
    path_.pop_back();
    return done;
  }

  Pages& pages_;
  const View::VisitDeep& on_entry_;
  const View::VisitPages& on_pages_;
  std::vector<bool> used_;
  std::vector<std::string> path_;
  std::uint64_t held_ = 0;
};

}  // namespace

Result<Bucket> bucket_of(const Node& node, std::size_t i) {
  const auto value = decode_bucket(node.value(i));
  if (!value) return Error(Errc::protocol, "a bucket is too short");
  return Bucket{value->root, std::string(value->inline_page)};
}

Status walk_bucket(Pages& pages, const Bucket& bucket, const View::Visit& visit) {
  const Walk::OnLeaf on_leaf = [&](const Node& node) -> Status {
    for (std::size_t i = 0; i < node.count(); ++i) {
      BoltEntry entry{node.key(i), {}, std::nullopt};
      if (node.is_bucket(i)) {
        auto nested = bucket_of(node, i);
        if (!nested) return damaged(pages, nested.error().message());
        entry.bucket = std::move(*nested);
      } else {
        entry.value = node.value(i);
      }
      if (auto done = visit(entry); !done) return done;
    }
    return {};
  };
  return Walk(pages, on_leaf, {}).run(bucket);
}

Status walk_all(Pages& pages, const Bucket& root, const View::VisitDeep& on_entry, const View::VisitPages& on_pages) {
  return WalkAll(pages, on_entry, on_pages).run(root);
}

}  // namespace cleanerd::storage::bbolt
