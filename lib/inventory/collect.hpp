// Looks at a host once.
#pragma once

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "inventory/inventory.hpp"

namespace cleanerd::inventory {

// What is listed from the disk where it can be, for which the engine takes much longer. `of_engine`: a graphdriver's images, where the engine
// counts as many. `on_disk`: these uncounted, and the cache's records from BuildKit's own database. No record is in use or shared there, and an
// image is on the disk before the engine tells of it, so that a plan made of it names all that may go, and perhaps more.
enum class Lists { of_engine, on_disk };

// Lists everything, in parallel, and reads every image's config: from the engine's data root where it can be read (one small
// file an image), else through the API. An object that vanishes meanwhile is left out; an image whose config cannot be
// read is in `unread`, and so are build records and builders' volumes where the engine does not list them.
Result<Inventory> collect(const Host& host, Lists lists = Lists::of_engine);

}  // namespace cleanerd::inventory
