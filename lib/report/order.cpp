#include <algorithm>
#include <tuple>

#include "report/rows.hpp"

namespace cleanerd::report {
namespace {

// Where the contract's vocabulary has it; inventory::kFreedPages is its last word.
std::size_t place_of(std::string_view kind) {
  const auto parsed = inventory::parse_kind(kind);
  return parsed ? static_cast<std::size_t>(*parsed) : inventory::all_kinds().size();
}

struct Key {
  bool innocent;
  std::size_t kind;
  Instant created;
  std::size_t row;
};

}  // namespace

void put_in_order(std::vector<ObjectRow>& rows) {
  std::vector<Key> keys;
  keys.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) keys.push_back({!rows[i].secret, place_of(rows[i].kind), rows[i].created.value_or(Instant::max()), i});
  std::ranges::sort(keys, [&](const Key& a, const Key& b) {
    return std::tie(a.innocent, a.kind, a.created, rows[a.row].id) < std::tie(b.innocent, b.kind, b.created, rows[b.row].id);
  });
  std::vector<ObjectRow> ordered;
  ordered.reserve(rows.size());
  for (const Key& key : keys) ordered.push_back(std::move(rows[key.row]));
  rows = std::move(ordered);
}

}  // namespace cleanerd::report
