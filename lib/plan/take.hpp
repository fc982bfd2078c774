// What one policy that purges takes, as far as its limits go. Internal to the library.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "plan/reason.hpp"
#include "policy/named_policy.hpp"

namespace cleanerd::plan {

struct Taken {
  std::vector<Index> objects;
  std::vector<std::pair<Index, Reason>> left;  // that it matches, and may go, and why the policy leaves them
};

// `matched`: what the policy matches and the earlier ones left; `may_go` and `goes` by Inventory::Index.
Taken take(const inventory::Inventory& inventory, const policy::NamedPolicy& policy, std::span<const Index> matched,
           const std::vector<bool>& may_go, const std::vector<bool>& goes);

}  // namespace cleanerd::plan
