// What the person wants: which names are secrets, what is protected, what goes, how the engine is reached.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "inventory/inventory.hpp"
#include "policy/named_policy.hpp"
#include "secrets/names.hpp"

namespace cleanerd::policy {

// What the service logs: each with all before it.
inline constexpr std::array<const char*, 5> kLogLevels{"error", "warn", "info", "debug", "trace"};

// No configuration at all is this default: safe, and useful.
struct Policy {
  std::optional<std::string> engine_host;
  std::optional<std::string> state_dir;
  std::optional<std::string> rules_dir;  // instead of /etc/cleanerd/rules.d
  secrets::NameRules names;
  std::vector<LabelRule> protected_labels{{"cleanerd.keep", "true"}};
  bool protect_stopped_containers = false;    // also those whose files or logs hold a secret
  bool remove_orphaned_builders = false;      // state volumes without a container, stopped builder containers
  std::vector<inventory::Kind> removed_leftovers;  // kinds that no API reaches and that may be removed on the disk
  std::vector<std::string> protected_images;  // globs over the tag ("registry.example/base:*") or the id
  // How long a classic build may go without a sign of life where the host does not tell whether one runs.
  Duration quiet_period{std::chrono::seconds(5)};
  Duration interval{std::chrono::minutes(10)};  // between two rounds of the service
  std::string control_socket{"/run/cleanerd/cleanerd.sock"};
  std::string metrics_address{"127.0.0.1:9798"};  // or "off"
  std::vector<std::string> may_purge;             // users by name or number, beside root, who may purge through the service
  std::string log_level{kLogLevels[2]};           // of the service
  Duration keep_audit{std::chrono::hours(24 * 90)};
  std::optional<double> low_disk{10};            // percent of the data root's bytes and inodes; below it the service purges
  std::vector<NamedPolicy> policies{built_in_secrets()};  // in order; names are unique
};

using LastRuns = std::map<std::string, Instant>;  // by the policy's name

// Without the policies that are not due now.
Policy only_due(Policy policy, const LastRuns& last_run, Instant now);

// At a session's end: without those either, but for policies about secrets. What a job declared is not known for long.
Policy for_session(Policy policy, const LastRuns& last_run, Instant now);

// Names of the policies whose schedule wants them now.
std::set<std::string> due_by_schedule(const Policy& policy, const LastRuns& last_run, Instant now);

}  // namespace cleanerd::policy
