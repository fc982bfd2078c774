// A scenario carried as far as its plan.
#pragma once

#include "plan/plan.hpp"
#include "support/builders.hpp"

namespace cleanerd::test {

struct Planned {
  inventory::Inventory inventory;
  secrets::Findings findings;
  plan::Plan plan;

  const plan::Item& item(std::string_view name) const { return plan.items[index_of(inventory, name)]; }
  std::vector<std::string> removed() const { return names_of(inventory, plan.removal); }
  // The codes of the object's reasons, the deciding one last.
  std::vector<std::string> reasons(std::string_view name) const {
    std::vector<std::string> codes;
    for (const plan::Reason& reason : item(name).reasons) codes.push_back(reason.code);
    return codes;
  }
};

inline Planned planned(const inventory::Snapshot& snapshot, const policy::Policy& policy = {}, const plan::Selection& selection = {},
                       Instant now = kNow) {
  inventory::Inventory inventory(snapshot);
  secrets::Findings findings = secrets::find_secrets(inventory, policy.names, {});
  plan::Plan plan = plan::make_plan(inventory, findings, policy, selection, now);
  return {std::move(inventory), std::move(findings), std::move(plan)};
}

inline Planned planned(const an_inventory& scenario, const policy::Policy& policy = {}, const plan::Selection& selection = {}) {
  return planned(scenario.snapshot, policy, selection);
}

}  // namespace cleanerd::test
