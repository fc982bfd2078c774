#include "purge/look.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "purge/exports.hpp"
#include "secrets/content.hpp"

namespace cleanerd::purge {
namespace {

// A layer that was removed while others were read is no more. Where its folder's folder is not there either, or it is back, it was the data
// root that was away: unmounted, or seen through an engine that ended.
bool was_away(const std::string& path, const std::string& root) {
  if (!path.starts_with(root + "/")) return false;
  const std::string folder = path.substr(0, path.find('/', root.size() + 1));
  return !storage::stamp_of(folder).exists() || storage::stamp_of(path).exists();
}

}  // namespace

Result<Look> look(const LookRequest& request) {
  auto inventory = inventory::collect(request.host, request.lists);
  if (!inventory) return std::move(inventory).error();
  auto named = std::async(std::launch::async, [&] { return secrets::find_by_name(*inventory, request.policy.names, request.declared); });
  std::vector<inventory::Unread> unread(inventory->unread().begin(), inventory->unread().end());

  secrets::Targets targets = secrets::targets_of(*inventory);
  add_exports(*inventory, request.host, targets, unread);
  auto opened = request.search.get();
  if (!opened) return std::move(opened).error();
  search::Search& search = **opened;
  secrets::Findings findings;
  const auto known = [&] {
    findings = named.get();
    // What is declared and betrayed is betrayed.
    std::map<SecretValue, std::string> origins;
    for (const auto& of_object : findings.of)
      for (const secrets::Finding& finding : of_object)
        if (finding.value) origins.emplace(*finding.value, finding.origin);
    std::vector<search::Known> values;
    for (const secrets::KnownValue& one : findings.known.values()) {
      const auto origin = origins.find(one.value);
      values.push_back({one.value, !one.declared ? one.origin : origin == origins.end() ? "" : origin->second});
    }
    return values;
  };
  auto outcome = search.run(targets.all, known, request.stop, request.on_bytes);
  if (!outcome) return std::move(outcome).error();
  secrets::find_known_in_texts(*inventory, findings);
  const std::size_t known_by_name = findings.known.values().size();
  secrets::add_content(*inventory, targets, *outcome, search.fingerprint(), findings, unread);
  if (std::ranges::any_of(outcome->gone, [&](const std::string& path) { return was_away(path, inventory->data_root()); }))
    unread.push_back({"the data root", "was not there for a while; look again"});
  if (findings.known.values().size() != known_by_name) secrets::find_known_in_texts(*inventory, findings);

  auto plan = plan::make_plan(*inventory, findings, request.policy, request.selection, inventory->taken());
  return Look{std::move(*inventory), std::move(findings), std::move(plan), std::move(unread)};
}

Result<bool> buildkit_works(const inventory::Host& host) {
  auto records = host.client.list_cache_records();
  if (!records) return std::move(records).error();
  if (std::ranges::any_of(*records, &engine::CacheRecord::in_use)) return true;
  if (!host.history) return false;
  auto builds = host.history->list();
  if (!builds) return std::move(builds).error();
  return std::ranges::any_of(*builds, &engine::BuildRecord::running);
}

Status look_into_freed_pages(Look& look, std::span<const secrets::KnownValue> values, search::Opening& search, Duration settled,
                             std::stop_token stop) {
  if (!look.inventory.places()) return {};
  const auto roots = scrub::roots_of_engine(look.inventory.engine().data_root, look.inventory.data_root_of_engine());
  auto found = find_freed({roots, values, search, settled, std::move(stop)});
  if (!found) return std::move(found).error();
  look.freed = std::move(found->databases);
  look.unread.insert(look.unread.end(), found->unread.begin(), found->unread.end());
  return {};
}

Look only_values(Look look, const std::vector<secrets::KnownValue>& values, const Fingerprinter& fingerprint) {
  std::set<std::string> wanted;
  for (const secrets::KnownValue& value : values) wanted.insert(fingerprint(value.value));
  for (plan::Item& item : look.plan.items) {
    auto& findings = look.findings.of[item.object];
    std::erase_if(findings, [&](const secrets::Finding& finding) {
      return !wanted.contains(finding.value ? fingerprint(*finding.value) : finding.fingerprint);
    });
    item.secret = !findings.empty();
    item.reasons.clear();
    if (item.secret) item.reasons.push_back({"secret", "holds a secret that was asked for"});
    else item.reasons.push_back({"innocent", "holds none of the secrets that were asked for"});
  }
  return look;
}

}  // namespace cleanerd::purge
