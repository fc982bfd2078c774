// What the policies, one after the other, take of the objects that may go. Internal to the library.
#pragma once

#include <optional>
#include <vector>

#include "plan/reason.hpp"
#include "policy/named_policy.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::plan {

enum class Freedom {
  none,      // must stay
  unnamed,   // would go by a policy that names its kind, and none does but in a dry run
  if_named,  // goes only by a policy that names its kind
  full,
};

struct Choice {
  const policy::NamedPolicy* by = nullptr;       // the policy that takes it
  const policy::NamedPolicy* kept_by = nullptr;  // the first that matches and leaves it for `why`
  std::optional<Reason> why;
  std::vector<Reason> reported;
};

// What each policy matches, by its place in the list; in the order of the objects.
using Matched = std::vector<std::vector<Index>>;
Matched match_all(const inventory::Inventory& inventory, const secrets::Findings& findings, const std::vector<policy::NamedPolicy>& policies,
                  Instant now);

// By Inventory::Index. `goes` holds what goes anyway, and then also what the policies take and take along. A dry run changes nothing for
// the others.
std::vector<Choice> choose(const inventory::Inventory& inventory, const std::vector<policy::NamedPolicy>& policies, const Matched& matched,
                           const std::vector<Freedom>& freedom, std::vector<bool>& goes);

}  // namespace cleanerd::plan
