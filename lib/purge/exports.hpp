// What to search where the engine's data root cannot be read: images and containers as the API hands them out.
#pragma once

#include <vector>

#include "engine/client.hpp"
#include "inventory/inventory.hpp"
#include "secrets/content.hpp"

namespace cleanerd::purge {

// Nothing when the inventory has places. What no API hands out, cache records and builds' logs, is added to `unread`. The client and
// the inventory outlive the targets.
void add_exports(const inventory::Inventory& inventory, const engine::Client& client, secrets::Targets& targets,
                 std::vector<inventory::Unread>& unread);

}  // namespace cleanerd::purge
