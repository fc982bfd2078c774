// Goes through a bbolt tree, trusting nothing in it.
#pragma once

#include "storage/bbolt.hpp"

namespace cleanerd::storage::bbolt {

// One bucket's entries. Ends on any tree: keys must ascend over all of it, so no leaf can come twice.
Status walk_bucket(Pages& pages, const Bucket& bucket, const View::Visit& visit);

// Every bucket's, and the pages they are on. Either visitor may be empty.
Status walk_all(Pages& pages, const Bucket& root, const View::VisitDeep& on_entry, const View::VisitPages& on_pages);

// Of a bucket element; Errc::protocol for one that holds no bucket.
Result<Bucket> bucket_of(const Node& node, std::size_t i);

// No real tree is deeper: each level multiplies the pages by two at least, by dozens as a rule.
inline constexpr int kDeepestTree = 32;

}  // namespace cleanerd::storage::bbolt
