// Compiled rules kept between runs. A database with known values in it never gets here.
#pragma once

#include <string>

#include "match/database.hpp"

namespace cleanerd::match {

// From <directory>/<name>.hsdb when it is this list's for this Vectorscan and processor, ours, and nobody else can write it;
// otherwise compiled, and kept there. An empty directory: compiled only.
Result<Database> cached_database(const PatternList& patterns, const std::string& directory, const std::string& name);

// Whether anything of that name is kept there; it may be for other rules.
bool has_cached_database(const std::string& directory, const std::string& name);

}  // namespace cleanerd::match
