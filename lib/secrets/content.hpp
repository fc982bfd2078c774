// What the bytes say: which places and texts of the inventory are searched, and whose findings the hits become.
#pragma once

#include <string>
#include <vector>

#include "inventory/inventory.hpp"
#include "search/search.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::secrets {

// Places first, in the order of the inventory's, then each object's texts, then what the engine exports. Views into the inventory.
struct Targets {
  std::vector<search::Target> all;
  std::vector<std::size_t> places;                       // of the first targets
  std::vector<inventory::Inventory::Index> text_owners;  // of the next
  std::vector<inventory::Inventory::Index> export_owners;  // of the others: whole images and containers, where there are no places
};

// All but what belongs to running containers alone.
Targets targets_of(const inventory::Inventory& inventory);

// Makes findings of the hits. A place's are charged to its owners:
//   where a tagged image holds the place, to the tagged images alone. They stay, and the bytes with them, whatever else would go;
//   otherwise to the lowest: an object that stands on another owner has the place from there.
// An export tells no places; the same secret in the same file counts as one.
// What could not be read is added to `unread`.
void add_content(const inventory::Inventory& inventory, const Targets& targets, const search::Outcome& outcome,
                 const Fingerprinter& fingerprint, Findings& findings,
                 std::vector<inventory::Unread>& unread);

}  // namespace cleanerd::secrets
