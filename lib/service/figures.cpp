#include "service/figures.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace cleanerd::service {
namespace {

// docs/reasons.md
const std::vector<std::string> kReasons{
    "build-running", "builder", "busy", "dry-run", "error", "filtered", "in-use", "innocent", "interrupted", "journal", "limit",
    "limit-unknown", "managed", "mounted", "needed", "no-policy", "not-reachable", "not-residue", "protected", "quiet-period", "recent",
    "referenced", "running", "still-there", "tagged", "unlisted"};

// Those that still held a value when it was looked for.
metrics::Residue in_freed_pages(const std::vector<purge::FreedPages>& databases) {
  metrics::Residue found;
  for (const purge::FreedPages& pages : databases) {
    if (pages.findings.empty()) continue;
    ++found.objects;
    ++found.secret_objects;
    found.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(pages.old_bytes.bytes, 0));
  }
  return found;
}

std::string_view result_of(const Result<JobResult>& result) {
  const Error* error = !result ? &result.error() : result->error ? &*result->error : nullptr;
  if (!error) return result->status == ExitStatus::secrets ? "secrets_left" : "clean";
  if (error->code() == Errc::cancelled) return "interrupted";
  return exit_status(error->code()) == ExitStatus::unreachable ? "unreachable" : "failed";
}

}  // namespace

metrics::Labels Figures::labels(const policy::Policy& policy) {
  metrics::Labels labels;
  for (const inventory::Kind kind : inventory::all_kinds()) labels.kinds.emplace_back(inventory::to_string(kind));
  for (const policy::NamedPolicy& one : policy.policies) labels.policies.push_back(one.name);
  labels.kinds.emplace_back(inventory::kFreedPages);
  labels.reasons = kReasons;
  return labels;
}

void Figures::job_ended(const Ended& ended) {
  const std::lock_guard lock(mutex_);
  const auto seconds = std::chrono::duration<double>(ended.took);
  if (ended.what == What::purge) metrics_.purge_ended(to_string(ended.trigger), result_of(ended.result), seconds);
  if (!ended.result) {
    if (exit_status(ended.result.error().code()) == ExitStatus::unreachable) metrics_.engine_up(false);
    return;
  }
  metrics_.engine_up(true);
  const JobResult& result = *ended.result;
  metrics_.scanned(static_cast<std::uint64_t>(result.document.summary.scanned.bytes), seconds);
  if (result.look) looked(result, result.is_whole);
  // A session's end answers for its own part.
  const bool is_whole = result.is_whole && ended.trigger != Trigger::session;
  if (ended.what == What::purge && result.report) purged(result);
  if (ended.what == What::purge && is_whole && result.status == ExitStatus::done && !result.error) metrics_.success(system_now());
}

void Figures::looked(const JobResult& result, bool is_whole) {
  const purge::Look& look = *result.look;
  std::map<std::string, metrics::Residue> by_kind;
  std::set<std::string> findings;
  const Instant now = look.inventory.taken();
  for (const plan::Item& item : look.plan.items) {
    const inventory::Object& object = look.inventory[item.object];
    if (object.kind == inventory::Kind::container_running) continue;
    metrics::Residue& residue = by_kind[std::string(inventory::to_string(object.kind))];
    ++residue.objects;
    residue.bytes += static_cast<std::uint64_t>(std::max<std::int64_t>(object.size().bytes, 0));
    residue.secret_objects += item.secret;
    if (object.created()) residue.oldest_age = std::max(residue.oldest_age, metrics::Seconds(now - *object.created()));
  }
  for (const report::ObjectRow& row : result.document.objects)
    for (const report::FindingRow& finding : row.findings) {
      const std::string one = row.id + " " + finding.source + " " + finding.fingerprint + " " + finding.location;
      if (!findings_.contains(one) && !findings.contains(one)) metrics_.secrets_found(finding.source, 1);
      findings.insert(one);
    }
  // What a document leaves out has not gone.
  if (!is_whole) findings.merge(findings_);
  findings_ = std::move(findings);
  // Only a purge that has removed secrets looks there.
  if (!look.freed.empty()) freed_ = in_freed_pages(look.freed);
  by_kind[std::string(inventory::kFreedPages)] = freed_;
  metrics_.residue(by_kind);
  metrics_.unread_places(look.unread.size());
}

void Figures::purged(const JobResult& result) {
  std::map<std::string, const report::ObjectRow*> rows;
  for (const report::ObjectRow& row : result.document.objects) rows.emplace(row.id, &row);
  const std::string by_nobody = std::string(metrics::kOther);
  for (const auto& [id, outcome] : result.report->outcomes) {
    const std::string kind = id.substr(0, id.find(':'));
    const auto row = rows.find(id);
    const std::int64_t bytes = row == rows.end() ? 0 : row->second->size.bytes;
    if (outcome.state == purge::State::removed) metrics_.removed(kind, row == rows.end() ? by_nobody : row->second->policy, static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0)));
    else metrics_.skipped(kind, outcome.reason.code);
  }
}

void Figures::gate_answered(const Result<JobResult>& result) {
  const bool failed = !result || result->error;
  metrics_.gate(failed ? "failed" : result->status == ExitStatus::secrets ? "secrets" : "clean");
}

void Figures::engine_went() {
  const std::lock_guard lock(mutex_);
  freed_ = {};
  metrics_.active_builds(0);
}

bool Figures::is_running(const std::string& ref) const {
  const std::lock_guard lock(mutex_);
  return running_.contains(ref);
}

void Figures::build_started(const std::string& ref) {
  const std::lock_guard lock(mutex_);
  running_.insert(ref);
  metrics_.active_builds(running_.size());
}

void Figures::build_ended(const std::string& ref, std::string_view builder, std::string_view result, bool is_new) {
  const std::lock_guard lock(mutex_);
  running_.erase(ref);
  metrics_.active_builds(running_.size());
  if (is_new) metrics_.build_finished(builder, result);
}

}  // namespace cleanerd::service
