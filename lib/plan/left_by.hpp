// Which of BuildKit's builds on record left an object.
#pragma once

#include <string>
#include <vector>

#include "inventory/inventory.hpp"

namespace cleanerd::plan {

// Their references; a build's record is its own. What came about during several builds can be any one's: only a secret makes it residue of
// all of them.
std::vector<std::string> left_by(const inventory::Object& object, bool secret);

// The same with a blank between two.
std::string left_by_text(const inventory::Object& object, bool secret);

}  // namespace cleanerd::plan
