#include "purge/settle.hpp"

#include <map>
#include <set>

#include "plan/left_by.hpp"
#include "purge/purge.hpp"

namespace cleanerd::purge {

std::vector<Planned> planned_removals(const Look& look) {
  std::vector<Planned> planned;
  for (const plan::Index i : look.plan.removal) {
    const inventory::Object& object = look.inventory[i];
    planned.push_back({object.id(), look.plan.items[i].policy, plan::left_by_text(object, look.findings.carries(i))});
  }
  return planned;
}

bool is_for_good(const plan::Reason& reason) {
  return reason.code == "tagged" || reason.code == "protected" || reason.code == "mounted" || reason.code == "referenced";
}

bool was_looked_for(const Look& look, std::string_view object_id) {
  const auto kind = inventory::parse_kind(object_id.substr(0, object_id.find(':')));
  return !kind || look.inventory.lists(*kind);
}

bool has_place(const Look& look, const std::string& engine_id) {
  if (!engine_id.starts_with('/') || !look.inventory.places()) return false;
  const std::string path = look.inventory.data_root() + engine_id;
  const storage::Place* place = look.inventory.places()->containing(path);
  return place && place->path == path;
}

bool has_new_leftovers(const Look& before, const Look& now) {
  std::set<std::string_view> known;
  for (const inventory::Object& object : before.inventory.objects())
    if (is_on_disk_only(object.kind)) known.insert(object.engine_id());
  for (plan::Index i = 0; i < now.inventory.objects().size(); ++i) {
    const inventory::Object& object = now.inventory[i];
    if (is_on_disk_only(object.kind) && now.findings.carries(i) && !known.contains(object.engine_id())) return true;
  }
  return false;
}

Status settle_earlier(Journal& journal, const Look& now) {
  const std::string& engine = now.inventory.engine().id;
  auto open = journal.unfinished(engine);
  if (!open) return std::move(open).error();
  std::map<std::string_view, const plan::Item*> there;  // by engine id: a kind changes when an image loses its last child
  for (const plan::Item& item : now.plan.items) there.emplace(now.inventory[item.object].engine_id(), &item);
  std::vector<Settlement> settlements;
  for (const std::string& id : *open) {
    if (id.starts_with("database.freed:") || !was_looked_for(now, id)) continue;  // the first is settled by the next scrub
    const auto found = there.find(inventory::engine_id_of(id));
    if (found == there.end() && has_place(now, std::string(inventory::engine_id_of(id)))) settlements.push_back({id, Settled::closed, "referenced"});
    else if (found == there.end()) settlements.push_back({id, Settled::removed, "gone"});
    else if (found->second->verdict == plan::Verdict::keep && is_for_good(found->second->reasons.back()))
      settlements.push_back({id, Settled::closed, found->second->reasons.back().code});
  }
  if (settlements.empty()) return {};
  auto run = journal.begin(engine, {}, {});
  if (!run) return std::move(run).error();
  if (Status settled = journal.settle(*run, settlements); !settled) return settled;
  return journal.end(*run);
}

}  // namespace cleanerd::purge
