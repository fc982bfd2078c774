#include "policy/policy.hpp"

namespace cleanerd::policy {
namespace {

bool is_due(const NamedPolicy& policy, const LastRuns& last_run, Instant now) {
  const auto last = last_run.find(policy.name);
  return is_due(*policy.schedule, last == last_run.end() ? std::nullopt : std::optional(last->second), now);
}

}  // namespace

Policy only_due(Policy policy, const LastRuns& last_run, Instant now) {
  std::erase_if(policy.policies, [&](const NamedPolicy& one) { return one.schedule && !is_due(one, last_run, now); });
  return policy;
}

Policy for_session(Policy policy, const LastRuns& last_run, Instant now) {
  std::erase_if(policy.policies, [&](const NamedPolicy& one) { return one.schedule && !one.is_about_secrets() && !is_due(one, last_run, now); });
  return policy;
}

std::set<std::string> due_by_schedule(const Policy& policy, const LastRuns& last_run, Instant now) {
  std::set<std::string> due;
  for (const NamedPolicy& one : policy.policies)
    if (one.schedule && is_due(one, last_run, now)) due.insert(one.name);
  return due;
}

}  // namespace cleanerd::policy
