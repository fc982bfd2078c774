// What each of our programs needs before its work: the effective policy, the engine, the state directory.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "policy/policy.hpp"
#include "search/search.hpp"

namespace cleanerd::service {

inline constexpr const char* kConfigDirectory = "/etc/cleanerd";

// `config_file` instead of the files in kConfigDirectory, unless empty. Errc::config with every problem of every file.
Result<policy::Policy> load_policy(const std::string& config_file);

// `host`, else DOCKER_HOST, else the policy's, else the default socket. Errc::usage for an address at which no engine can ever be, with
// the name of where it was given.
Result<engine::Endpoint> engine_endpoint(const std::string& host, const policy::Policy& policy);

// What a service keeps from one look for the next, and can do without. For one look at a time.
struct Memory {
  std::shared_ptr<inventory::Memory> engine = std::make_shared<inventory::Memory>();
  std::shared_ptr<search::Rules> rules{};
  std::string rules_dir{};  // that they came from
  std::shared_ptr<search::ScanCache> cache{};
};

// At engine_endpoint. Each call of the engine goes to the debug log.
Result<inventory::Host> connect_engine(const std::string& host, const policy::Policy& policy, std::stop_token stop, Memory* memory = nullptr);

// Where something new is to be searched for certain, the rules are made ready while the engine is asked for its lists.
enum class Rules { when_needed, at_once };

// The rules that are shipped and those in /etc/cleanerd/rules.d, or the policy's `rules_dir`. Errc::config with every problem of every file.
// `memory` outlives it.
search::Opening open_search(const policy::Policy& policy, const std::string& state_dir, const std::string& engine_id, Rules rules = Rules::when_needed,
                            Memory* memory = nullptr);

// Where the journal and the fingerprint key live: the policy's, else /var/lib/cleanerd for root and
// $XDG_STATE_HOME/cleanerd (~/.local/state/cleanerd) for others.
std::string state_dir(const policy::Policy& policy);

}  // namespace cleanerd::service
