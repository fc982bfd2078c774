// What to search where the engine's data root cannot be read: images, containers and builds' blobs as the API hands them out.
#pragma once

#include <vector>

#include "inventory/host.hpp"
#include "inventory/inventory.hpp"
#include "secrets/content.hpp"

namespace cleanerd::purge {

// Nothing when the inventory has places. What no API hands out, cache records' bytes, is added to `unread`. The host and the inventory
// outlive the targets.
void add_exports(const inventory::Inventory& inventory, const inventory::Host& host, secrets::Targets& targets,
                 std::vector<inventory::Unread>& unread);

}  // namespace cleanerd::purge
