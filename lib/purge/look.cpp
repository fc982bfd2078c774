#include "purge/look.hpp"

#include "inventory/collect.hpp"
#include "secrets/content.hpp"

namespace cleanerd::purge {

Result<Look> look(const LookRequest& request) {
  auto inventory = inventory::collect(request.host);
  if (!inventory) return std::move(inventory).error();
  auto findings = secrets::find_by_name(*inventory, request.policy.names, request.declared);
  std::vector<inventory::Unread> unread(inventory->unread().begin(), inventory->unread().end());

  const secrets::Targets targets = secrets::targets_of(*inventory);
  std::vector<SecretValue> known;
  for (const secrets::KnownValue& value : findings.known.values()) known.push_back(value.value);
  search::Search& search = request.search;
  auto outcome = search.run(targets.all, known, request.stop, request.on_bytes);
  if (!outcome) return std::move(outcome).error();
  const auto describe = [&](std::string_view rule) { return search.description(rule); };
  secrets::find_known_in_texts(*inventory, findings);
  secrets::add_content(*inventory, targets, *outcome, search.fingerprint(), describe, findings, unread);
  secrets::find_known_in_texts(*inventory, findings);

  auto plan = plan::make_plan(*inventory, findings, request.policy, request.selection, inventory->taken());
  return Look{std::move(*inventory), std::move(findings), std::move(plan), std::move(unread)};
}

}  // namespace cleanerd::purge
