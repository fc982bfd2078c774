#include "plan/choose.hpp"

#include <algorithm>

#include "plan/take.hpp"

namespace cleanerd::plan {
namespace {

using inventory::Inventory;
using policy::Action;
using policy::NamedPolicy;

class Chooser {
 public:
  Chooser(const Inventory& inventory, const std::vector<Freedom>& freedom, std::vector<bool>& goes)
      : inventory_(inventory), freedom_(freedom), goes_(goes), takes_along_(goes), choices_(freedom.size()) {
    take_along();
  }

  void report(const NamedPolicy& policy, const std::vector<Index>& matched) {
    for (const Index i : matched) choices_[i].reported.push_back({"reported", "is reported by policy " + policy.name});
  }

  // Whether it took anything.
  bool purge(const NamedPolicy& policy, const std::vector<Index>& matched) {
    std::vector<Index> open;
    std::vector<bool> may_go(freedom_.size());
    for (const Index i : matched) {
      if (choices_[i].by) continue;
      open.push_back(i);
      may_go[i] = may_take(policy, i);
    }
    Taken taken = take(inventory_, policy, open, may_go, goes_);
    for (auto& [i, why] : taken.left) keep(i, policy, std::move(why));
    for (const Index i : taken.objects) {
      if (policy.dry_run) keep(i, policy, {"dry-run", "would go by policy " + policy.name + ", which is a dry run"});
      else choices_[i].by = &policy;
    }
    if (policy.dry_run) return false;
    for (const Index i : taken.objects) {
      goes_[i] = true;
      if (policy.takes_along()) takes_along_[i] = true;
    }
    if (policy.takes_along()) take_along();
    return !taken.objects.empty();
  }

  void forget_what_is_kept() {
    for (Choice& choice : choices_) choice.kept_by = nullptr, choice.why.reset();
  }
  std::vector<Choice> take_choices() { return std::move(choices_); }

 private:
  // Parents come first.
  void take_along() {
    const auto children_first = inventory_.children_first();
    for (auto at = children_first.rbegin(); at != children_first.rend(); ++at) {
      if (freedom_[*at] != Freedom::full || std::ranges::none_of(inventory_.parents(*at), [&](Index parent) { return takes_along_[parent]; })) continue;
      goes_[*at] = takes_along_[*at] = true;
    }
  }

  bool may_take(const NamedPolicy& policy, Index i) const {
    switch (freedom_[i]) {
      case Freedom::none: return false;
      case Freedom::unnamed: return policy.dry_run && policy.match.names(inventory_[i].kind);
      case Freedom::if_named: return policy.match.names(inventory_[i].kind);
      case Freedom::full: return true;
    }
    return false;
  }

  void keep(Index i, const NamedPolicy& policy, Reason why) {
    if (choices_[i].kept_by) return;
    choices_[i].kept_by = &policy;
    choices_[i].why = std::move(why);
  }

  const Inventory& inventory_;
  const std::vector<Freedom>& freedom_;
  std::vector<bool>& goes_;
  std::vector<bool> takes_along_;  // and all that stands on it goes
  std::vector<Choice> choices_;
};

}  // namespace

Matched match_all(const Inventory& inventory, const secrets::Findings& findings, const std::vector<NamedPolicy>& policies, Instant now) {
  Matched matched;
  for (const NamedPolicy& policy : policies) {
    std::vector<Index>& objects = matched.emplace_back();
    for (Index i = 0; i < inventory.objects().size(); ++i)
      if (policy.match.matches(inventory[i], findings.of[i], now)) objects.push_back(i);
  }
  return matched;
}

std::vector<Choice> choose(const Inventory& inventory, const std::vector<NamedPolicy>& policies, const Matched& matched,
                           const std::vector<Freedom>& freedom, std::vector<bool>& goes) {
  Chooser chooser(inventory, freedom, goes);
  for (std::size_t p = 0; p < policies.size(); ++p)
    if (policies[p].action == Action::report) chooser.report(policies[p], matched[p]);
  // A policy may wait for what a later one takes.
  for (bool took = true; took;) {
    took = false;
    chooser.forget_what_is_kept();
    for (std::size_t p = 0; p < policies.size(); ++p)
      if (policies[p].action == Action::purge && chooser.purge(policies[p], matched[p])) took = true;
  }
  return chooser.take_choices();
}

}  // namespace cleanerd::plan
