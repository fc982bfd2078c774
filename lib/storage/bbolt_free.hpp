// Which bytes of a bbolt file nothing in the database means: what was deleted and not yet written over.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "storage/bbolt_pages.hpp"

namespace cleanerd::storage {
struct Bucket;
}

namespace cleanerd::storage::bbolt {

struct ByteRange {
  std::uint64_t first = 0;  // from the file's beginning
  std::uint64_t size = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct FreeBytes {
  std::vector<ByteRange> ranges;  // ascending, none touches another
  PageId pages = 0;               // in the file, the ones that no transaction has used yet included
  PageId free_pages = 0;          // of them in no tree, no meta page and no list of free pages
};

// All that is left when the pages of the tree, the list of free pages and both meta pages are taken out, and of these pages what no
// element of theirs covers; up to the file's end. Pages that only the older meta page reaches are among it: bbolt itself writes over
// them with the first transaction after an opening (db.freePages), and so the older one is no state to go back to.
// Errc::protocol when the database is damaged, a page is in use and free at once, or an element is of a kind that is not known.
Result<FreeBytes> free_bytes(Pages& pages, const Bucket& root);

}  // namespace cleanerd::storage::bbolt
