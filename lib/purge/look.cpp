#include "purge/look.hpp"

#include "inventory/collect.hpp"

namespace cleanerd::purge {

Result<Look> look(const inventory::Host& host, const policy::Policy& policy, const plan::Selection& selection,
                  const std::vector<secrets::KnownValue>& declared) {
  auto inventory = inventory::collect(host);
  if (!inventory) return std::move(inventory).error();
  auto findings = secrets::find_secrets(*inventory, policy.names, declared);
  auto plan = plan::make_plan(*inventory, findings, policy, selection, inventory->taken());
  return Look{std::move(*inventory), std::move(findings), std::move(plan)};
}

}  // namespace cleanerd::purge
