// Looks at a host once.
#pragma once

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "inventory/inventory.hpp"

namespace cleanerd::inventory {

// Where the cache's records are listed from. `on_disk`: from BuildKit's own database where that can be read, for which the engine takes much
// longer. None is in use or shared there, so that a plan made of it names all that may go, and perhaps more.
enum class CacheRecords { of_engine, on_disk };

// Lists everything, in parallel, and reads every image's config: from the engine's data root where it can be read (one small
// file an image), else through the API. An object that vanishes meanwhile is left out; an image whose config cannot be
// read is in `unread`, and so are build records and builders' volumes where the engine does not list them.
Result<Inventory> collect(const Host& host, CacheRecords records = CacheRecords::of_engine);

}  // namespace cleanerd::inventory
