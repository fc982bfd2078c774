#include "purge/look.hpp"

#include <set>

#include "inventory/collect.hpp"
#include "purge/exports.hpp"
#include "secrets/content.hpp"

namespace cleanerd::purge {

Result<Look> look(const LookRequest& request) {
  auto inventory = inventory::collect(request.host);
  if (!inventory) return std::move(inventory).error();
  auto findings = secrets::find_by_name(*inventory, request.policy.names, request.declared);
  std::vector<inventory::Unread> unread(inventory->unread().begin(), inventory->unread().end());

  secrets::Targets targets = secrets::targets_of(*inventory);
  add_exports(*inventory, request.host, targets, unread);
  std::vector<SecretValue> known;
  for (const secrets::KnownValue& value : findings.known.values()) known.push_back(value.value);
  auto opened = request.search.get();
  if (!opened) return std::move(opened).error();
  search::Search& search = **opened;
  auto outcome = search.run(targets.all, known, request.stop, request.on_bytes);
  if (!outcome) return std::move(outcome).error();
  const auto describe = [&](std::string_view rule) { return search.description(rule); };
  secrets::find_known_in_texts(*inventory, findings);
  secrets::add_content(*inventory, targets, *outcome, search.fingerprint(), describe, findings, unread);
  secrets::find_known_in_texts(*inventory, findings);

  auto plan = plan::make_plan(*inventory, findings, request.policy, request.selection, inventory->taken());
  return Look{std::move(*inventory), std::move(findings), std::move(plan), std::move(unread)};
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
