#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/text.hpp"
#include "plan/choose.hpp"
#include "plan/guard.hpp"

namespace cleanerd::plan {
namespace {

using inventory::Inventory;
using inventory::Kind;
using inventory::Object;
using policy::Action;
using policy::NamedPolicy;

int phase(Kind kind) {
  return is_container(kind) ? 0 : is_image(kind) ? 1 : is_cache(kind) ? 2 : is_history(kind) ? 3 : is_builder(kind) ? 4 : 5;
}

class Planner {
 public:
  Planner(const Inventory& inventory, const secrets::Findings& findings, const policy::Policy& policy, const Selection& selection, Instant now)
      : inventory_(inventory),
        findings_(findings),
        policies_(policy.policies),
        selection_(selection),
        guard_(inventory, policy, now),
        matched_(match_all(inventory, findings, policy.policies, now)),
        blocked_(inventory.objects().size()),
        named_(inventory.objects().size(), Named::no),
        goes_(inventory.objects().size()),
        prunes_(inventory.objects().size()),
        selected_(inventory.objects().size()) {
    for (Index i = 0; i < selected_.size(); ++i) selected_[i] = selection.filter.matches(inventory[i], findings.of[i]);
    for (const std::string& id : selection.unfinished) unfinished_.insert(inventory::engine_id_of(id));
  }

  Plan make() {
    find_named();
    do {
      find_what_must_stay();
      for (Index i = 0; i < goes_.size(); ++i) goes_[i] = freedom_[i] == Freedom::full && is_asked_for(i);
      choices_ = choose(inventory_, policies_, matched_, freedom_, goes_);
    } while (find_what_is_named_in_vain());
    find_what_is_pruned();
    Plan plan;
    plan.items.resize(goes_.size());
    const auto children_first = inventory_.children_first();
    for (auto at = children_first.rbegin(); at != children_first.rend(); ++at) decide(*at, plan.items);
    std::ranges::copy_if(children_first, std::back_inserter(plan.removal), [&](Index i) { return plan.items[i].verdict == Verdict::remove; });
    std::ranges::stable_sort(plan.removal, {}, [&](Index i) { return phase(inventory_[i].kind); });
    return plan;
  }

 private:
  bool is_unfinished(Index i) const { return unfinished_.contains(inventory_[i].engine_id()); }
  // Whatever the policies say. By engine id: an image's kind changes when it loses its last child.
  bool is_asked_for(Index i) const { return selection_.all || is_unfinished(i); }
  bool is_filtered(Index i) const { return !selected_[i]; }

  void find_named() {
    for (std::size_t p = 0; p < policies_.size(); ++p)
      if (policies_[p].action == Action::purge && !policies_[p].dry_run)
        for (const Index i : matched_[p])
          if (policies_[p].match.names(inventory_[i].kind)) named_[i] = Named::yes;
  }

  // What a policy names, and leaves all the same, must stay: nothing that it stands on may go.
  bool find_what_is_named_in_vain() {
    bool any = false;
    for (Index i = 0; i < goes_.size(); ++i) {
      if (freedom_[i] != Freedom::if_named || goes_[i]) continue;
      named_[i] = Named::no;
      left_.emplace(i, choices_[i]);
      any = true;
    }
    return any;
  }

  std::optional<Reason> need(Index i) const {
    for (const Index child : inventory_.children(i)) {
      if (!blocked_[child]) continue;
      const bool by_filter = blocked_[child]->code == "filtered";
      return Reason{by_filter ? "filtered" : "needed", "is needed by " + name_of(inventory_[child]) + ", which " + blocked_[child]->text};
    }
    return std::nullopt;
  }

  std::optional<Reason> guard(Index i) const {
    const auto left = left_.find(i);
    if (left != left_.end() && left->second.why) return left->second.why;
    return guard_(inventory_[i], findings_.of[i], named_[i]);
  }

  void find_what_must_stay() {
    freedom_.assign(goes_.size(), Freedom::none);
    for (const Index i : inventory_.children_first()) {
      blocked_[i] = guard(i);
      const bool by_itself = blocked_[i].has_value();
      if (!by_itself) blocked_[i] = need(i);
      if (!blocked_[i] && is_filtered(i)) blocked_[i] = Reason{"filtered", "is left out by the filter"};
      if (by_itself && !guard_(inventory_[i], findings_.of[i], Named::yes) && !need(i) && !is_filtered(i)) freedom_[i] = Freedom::unnamed;
    }
    // A cycle, which only a broken answer has, knows no order: what blocks one of it blocks it all.
    for (bool changed = true; changed;) {
      changed = false;
      for (const Index i : inventory_.children_first())
        if (!blocked_[i] && (blocked_[i] = need(i))) changed = true;
    }
    for (Index i = 0; i < goes_.size(); ++i)
      if (!blocked_[i]) freedom_[i] = guard_(inventory_[i], findings_.of[i], Named::no) ? Freedom::if_named : Freedom::full;
  }

  void find_what_is_pruned() {
    for (std::size_t p = 0; p < policies_.size(); ++p) {
      const NamedPolicy& policy = policies_[p];
      if (policy.action != Action::purge || policy.dry_run || !policy.takes_along()) continue;
      for (const Index i : matched_[p])
        if (!choices_[i].by && !is_filtered(i) && guard_.may_prune(i)) choices_[i].by = &policy, prunes_[i] = true;
    }
    for (Index i = 0; i < goes_.size(); ++i)
      if (is_asked_for(i) && !is_filtered(i) && guard_.may_prune(i)) prunes_[i] = true;
  }

  // Parents come before.
  void decide(Index i, std::vector<Item>& items) {
    Item& item = items[i];
    item.object = i;
    item.secret = findings_.carries(i);
    item.selected = selected_[i];
    const Item* taken_along_by = nullptr;
    for (const Index parent : inventory_.parents(i))
      if (goes_[parent] && items[parent].owed && !taken_along_by) taken_along_by = &items[parent];
    const NamedPolicy* by = goes_[i] || prunes_[i] ? choices_[i].by : nullptr;
    item.owed = taken_along_by || ((goes_[i] || prunes_[i]) && (is_asked_for(i) || (by && by->takes_along())));
    goes_[i] = goes_[i] || taken_along_by;
    item.prune = prunes_[i] && !goes_[i];
    item.verdict = goes_[i] || item.prune ? Verdict::remove : Verdict::keep;
    item.policy = by ? by->name : taken_along_by ? taken_along_by->policy : "";

    if (item.secret) item.reasons.push_back({"secret", "carries " + plural(findings_.of[i].size(), "secret finding")});
    std::ranges::copy(choices_[i].reported, std::back_inserter(item.reasons));
    if (taken_along_by)
      item.reasons.push_back({"descends", "stands on " + name_of(inventory_[taken_along_by->object]) + ", which is removed"});
    if (is_unfinished(i)) item.reasons.push_back({"unfinished", "an interrupted purge had set out to remove it"});
    if (by) item.reasons.push_back({"policy", "falls under policy " + by->name});
    if (item.prune) item.reasons.push_back({"prune", "belongs to a builder that runs: its cache and build records are removed, it stays"});
    else if (!goes_[i]) tell_why_it_stays(i, item);
    else if (!by && !taken_along_by && !is_unfinished(i)) item.reasons.push_back({"all", "is residue of a finished build (--all)"});
  }

  void tell_why_it_stays(Index i, Item& item) const {
    const auto left = left_.find(i);
    const Choice& choice = left == left_.end() ? choices_[i] : left->second;
    if (choice.why) {
      item.policy = choice.kept_by->name;
      item.reasons.push_back(*choice.why);
    } else if (blocked_[i]) {
      item.reasons.push_back(*blocked_[i]);
    } else if (item.secret) {
      item.reasons.push_back({"no-policy", "falls under no policy that removes it"});
    } else {
      item.reasons.push_back({"innocent", "carries no secret"});
    }
  }

  const Inventory& inventory_;
  const secrets::Findings& findings_;
  const std::vector<NamedPolicy>& policies_;
  const Selection& selection_;
  Guard guard_;
  Matched matched_;
  std::unordered_set<std::string_view> unfinished_;
  // By Inventory::Index.
  std::vector<std::optional<Reason>> blocked_;
  std::vector<Freedom> freedom_;
  std::vector<Named> named_;
  std::vector<bool> goes_, prunes_, selected_;
  std::vector<Choice> choices_;
  std::unordered_map<Index, Choice> left_;  // by the policies that name its kind
};

}  // namespace

Plan make_plan(const Inventory& inventory, const secrets::Findings& findings, const policy::Policy& policy, const Selection& selection, Instant now) {
  return Planner(inventory, findings, policy, selection, now).make();
}

}  // namespace cleanerd::plan
