#include "policy/policy.hpp"

namespace cleanerd::policy {

Policy only_due(Policy policy, const std::map<std::string, Instant>& last_run, Instant now) {
  std::erase_if(policy.policies, [&](const NamedPolicy& one) {
    const auto last = last_run.find(one.name);
    return one.schedule && !is_due(*one.schedule, last == last_run.end() ? std::nullopt : std::optional(last->second), now);
  });
  return policy;
}

}  // namespace cleanerd::policy
