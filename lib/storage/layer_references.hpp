// Which layer directories of overlay2 something on the disk still names.
#pragma once

#include <set>
#include <string>

#include "base/result.hpp"

namespace cleanerd::storage {

// Names of directories in <root>/overlay2 that the layer store names (cache-id, mount-id, init-id; moby layer/filestore.go), or a snapshot
// of BuildKit's (snapshots.db), or any other directory there as its lower layer (moby daemon/graphdriver/overlay2, `lower`). An error
// where one of these could not be read; Errc::unsupported for another driver.
Result<std::set<std::string>> layer_references(const std::string& root, const std::string& driver);

// Of a layer that the driver makes: 64 digits, BuildKit's 25 letters and digits, either with "-init".
bool is_layer_name(std::string_view name);

}  // namespace cleanerd::storage
