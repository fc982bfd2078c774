// The records of BuildKit's cache, read from its own database.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine/types.hpp"
#include "storage/data_root.hpp"

namespace cleanerd::storage {

// As GET /system/df tells them, but for what the database does not hold: none is `in_use` or `shared` here, and one that a running step is
// writing has no size. Layout: buildkit cache/metadata.go, bucket _main of metadata_v2.db. Errc::not_found where there is none,
// ::conflict where it changes faster than it can be read, ::protocol where it is not as the layout has it.
Result<std::vector<engine::CacheRecord>> read_cache_records(const DataRoot& root, const engine::EngineInfo& engine);

// The same of one such file.
Result<std::vector<engine::CacheRecord>> read_cache_records(const std::string& path);

}  // namespace cleanerd::storage
