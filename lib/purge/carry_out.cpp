#include <algorithm>
#include <iterator>
#include <set>

#include "purge/carry_out_plan.hpp"

namespace cleanerd::purge {
namespace {

using plan::Index;

// What holds a secret and was not planned to go: build records, and steps that were there and that only a record which has gone told to be innocent.
std::vector<Index> records_that_came(const Look& planned, const Look& now) {
  std::set<std::string> removed, stayed;
  for (const plan::Item& item : planned.plan.items) stayed.insert(planned.inventory[item.object].engine_id());
  for (const Index i : planned.plan.removal) removed.insert(planned.inventory[i].engine_id());
  const auto came = [&](Index i) {
    const inventory::Object& object = now.inventory[i];
    const bool is_judged_anew = inventory::is_cache(object.kind) && stayed.contains(object.engine_id());
    return (inventory::is_history(object.kind) || is_judged_anew) && !removed.contains(object.engine_id());
  };
  std::vector<Index> all;
  std::ranges::copy_if(now.plan.removal, std::back_inserter(all), came);
  const auto carries = [&](Index i) { return now.findings.carries(i); };
  return std::ranges::any_of(all, carries) ? all : std::vector<Index>();
}

// The targets of one bake share a trace, which tells the steps of all of them and may be written while the others' records are removed.
// Their values are known now and not the next time.
void carry_on(const Look& planned, const Request& request, Report& report) {
  if (!report.after || report.error || request.stop.stop_requested()) return;
  auto came = records_that_came(planned, *report.after);
  if (came.empty()) return;
  Look now = std::move(*report.after);
  now.plan.removal = std::move(came);
  Report more = carry_out_plan(now, request);
  for (auto& [id, outcome] : more.outcomes) report.outcomes.insert_or_assign(id, std::move(outcome));
  report.freed += more.freed;
  std::ranges::move(more.removed_values, std::back_inserter(report.removed_values));
  if (more.traces_until) report.traces_until = std::max(report.traces_until.value_or(Instant::min()), *more.traces_until);
  report.error = std::move(more.error);
  report.after = std::move(more.after);
}

}  // namespace

Report carry_out(const Look& planned, const Request& request) {
  Report report = carry_out_plan(planned, request);
  carry_on(planned, request, report);
  if (report.after && !report.error)
    if (Status settled = settle_earlier(request.journal, *report.after); !settled) report.error = std::move(settled).error();
  return report;
}

}  // namespace cleanerd::purge
