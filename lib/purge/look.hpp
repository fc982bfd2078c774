// The first four steps: engine → inventory → secrets → plan. Changes nothing.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "inventory/inventory.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::purge {

struct Look {
  inventory::Inventory inventory;
  secrets::Findings findings;
  plan::Plan plan;
};

Result<Look> look(const inventory::Host& host, const policy::Policy& policy, const plan::Selection& selection,
                  const std::vector<secrets::KnownValue>& declared);

}  // namespace cleanerd::purge
