#include "service/setup.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>

#include "match/load_rules.hpp"
#include "match/matcher.hpp"
#include "policy/load.hpp"
#include "search/fingerprint_key.hpp"
#include "search/scan_cache.hpp"
#include "secrets/names.hpp"

namespace cleanerd::service {

Result<policy::Policy> load_policy(const std::string& config_file) {
  auto loaded = config_file.empty() ? policy::load_directory(kConfigDirectory) : policy::load_files({config_file});
  if (loaded.diagnostics.empty()) return std::move(loaded.policy);
  std::string message;
  for (const policy::Diagnostic& diagnostic : loaded.diagnostics) message += (message.empty() ? "" : "\n") + policy::render(diagnostic);
  return Error(Errc::config, message);
}

Result<engine::Endpoint> engine_endpoint(const std::string& host, const policy::Policy& policy) {
  const auto given = [](const char* where, std::string_view address) -> Result<engine::Endpoint> {
    auto endpoint = engine::parse_endpoint(address);
    if (!endpoint) return std::move(endpoint).error().within(where);
    return endpoint;
  };
  const char* environment = std::getenv("DOCKER_HOST");
  if (!host.empty()) return given("--host", host);
  if (environment && *environment != '\0') return given("DOCKER_HOST", environment);
  return given("engine.host", policy.engine_host.value_or(std::string(engine::kDefaultHost)));
}

Result<inventory::Host> connect_engine(const std::string& host, const policy::Policy& policy, std::stop_token stop, Memory* memory) {
  auto endpoint = engine_endpoint(host, policy);
  if (!endpoint) return std::move(endpoint).error();
  const auto log_call = [](const engine::Call& call) {
    spdlog::debug("engine call method={} target={} status={} ms={:.1f}", call.method, call.target, call.status,
                  static_cast<double>(call.took.count()) / 1000);
  };
  auto connected = inventory::Host::connect(*endpoint, {std::move(stop), log_call}, memory ? memory->engine : nullptr);
  if (connected) {
    const engine::EngineInfo& info = connected->client.engine();
    spdlog::debug("engine version={} api={} driver={} root={}", info.version, engine::to_string(info.api), info.storage_driver, info.data_root);
  }
  return connected;
}

search::Opening open_search(const policy::Policy& policy, const std::string& state_dir, const std::string& engine_id, Rules when,
                            Memory* memory) {
  const std::string rules = policy.rules_dir ? *policy.rules_dir : std::string(kConfigDirectory) + "/rules.d";
  search::Opening opening([rules, names = policy.names.text(), state_dir, engine_id, when, memory]() -> Result<search::Search> {
    const auto load = [rules]() -> Result<match::RuleSet> {
      auto loaded = match::shipped_rules({rules});
      std::string message;
      for (const match::Diagnostic& diagnostic : loaded.diagnostics) message += (message.empty() ? "" : "\n") + match::render(diagnostic);
      if (!message.empty()) return Error(Errc::config, message);
      return std::move(loaded.set);
    };
    const std::string hash = match::shipped_rules_hash({rules});
    std::shared_ptr<search::Rules> used = memory ? memory->rules : nullptr;
    if (!used || used->hash() != hash || memory->rules_dir != rules) used = std::make_shared<search::Rules>(hash, load);
    if (memory) {
      memory->rules = used;
      memory->rules_dir = rules;
      if (!memory->cache || !memory->cache->reopen(state_dir, engine_id)) memory->cache = std::make_shared<search::ScanCache>(state_dir, engine_id);
    }
    const search::Options options{state_dir, engine_id, names, search::fingerprint_key(state_dir), {}, when == Rules::at_once, &secrets::can_be_traced};
    return search::Search::open(std::move(used), options, memory ? memory->cache : nullptr);
  });
  // The memory that compiling takes should not come on top of the engine's lists.
  if (!match::Matcher::has_compiled_rules(state_dir)) (void)opening.get();
  return opening;
}

std::string state_dir(const policy::Policy& policy) {
  if (policy.state_dir) return *policy.state_dir;
  if (::geteuid() == 0) return "/var/lib/cleanerd";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/') return std::string(state) + "/cleanerd";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "/nonexistent") + "/.local/state/cleanerd";
}

}  // namespace cleanerd::service
