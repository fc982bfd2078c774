// Looks at a host once.
#pragma once

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "inventory/inventory.hpp"

namespace cleanerd::inventory {

// Lists everything, in parallel, and reads every image's config: from the engine's data root where it can be read (one small
// file an image), else through the API. An object that vanishes meanwhile is left out; an image whose config cannot be
// read is in `unread`, and so are build records and builders' volumes where the engine does not list them.
Result<Inventory> collect(const Host& host);

}  // namespace cleanerd::inventory
