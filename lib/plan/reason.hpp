// Why an object is removed or kept.
#pragma once

#include <string>

#include "inventory/inventory.hpp"

namespace cleanerd::plan {

using Index = inventory::Inventory::Index;

struct Reason {
  std::string code;  // stable, for machines: docs/reasons.md
  std::string text;  // a sentence's rest: "carries a secret", for people
};

// What a reason calls an object: "image app:1", "cache record 0123456789ab".
std::string name_of(const inventory::Object& object);

}  // namespace cleanerd::plan
