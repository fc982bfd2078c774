#pragma once

#include "base/result.hpp"
#include "engine/client.hpp"
#include "inventory/inventory.hpp"

namespace cleanerd::purge {

// Has the running builder on this state volume remove its build records and its cache, through `buildctl` in its container. Errc::conflict
// when a build runs in it, when it cannot tell, or when it does not run any more.
Status prune_builder(const engine::Client& client, const inventory::Inventory& inventory, inventory::Inventory::Index volume);

}  // namespace cleanerd::purge
