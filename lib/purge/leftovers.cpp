#include "purge/leftovers.hpp"

#include "scrub/leftover.hpp"

namespace cleanerd::purge {

Status remove_leftover(const Look& fresh, plan::Index leftover) {
  const inventory::Inventory& inventory = fresh.inventory;
  const inventory::Leftover& left = *inventory[leftover].leftover();
  if (!inventory.engine_process()) return Error(Errc::conflict, "the engine's process cannot be looked at");
  return scrub::remove_leftover({inventory.engine().data_root, inventory.data_root_of_engine(), *inventory.engine_process()},
                                {left.name, left.stamp, inventory.at_work_since()});
}

}  // namespace cleanerd::purge
