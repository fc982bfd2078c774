#include "service/job.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>

#include "base/text.hpp"
#include "purge/audit.hpp"
#include "purge/purge.hpp"
#include "report/gate.hpp"
#include "report/render.hpp"
#include "secrets/names.hpp"
#include "service/session_share.hpp"
#include "service/setup.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string first_failure(const report::Document& document) {
  const auto row = std::ranges::find(document.objects, "failed", &report::ObjectRow::state);
  return plural(document.summary.failed, "object") + " could not be removed; " + row->id + ": " + row->reasons.back().text;
}

constexpr std::size_t kMostRemovals = 10'000;  // that are read of the journal, the newest

bool keeps_for(const purge::Look& look, std::string_view code, Instant since = {}) {
  return std::ranges::any_of(look.plan.items, [&](const plan::Item& item) {
    const auto created = look.inventory[item.object].created();
    return item.secret && created.value_or(Instant()) >= since && std::ranges::any_of(item.reasons, [&](const plan::Reason& reason) { return reason.code == code; });
  });
}

// The engine takes some tenths of a second to end a classic build whose client has gone.
constexpr milliseconds kAfterAClassicBuild{300};

// Of records that the disk alone tells of: whether what a policy says of one may be otherwise.
bool may_be_in_use(const purge::Look& look) {
  const auto is_secret_record = [&](const plan::Item& item) { return item.secret && look.inventory[item.object].cache(); };
  return look.inventory.buildkit_works() && std::ranges::any_of(look.plan.items, is_secret_record);
}

// What an engine frees with a record that an image shares, the disk does not tell.
bool wants_sizes(const policy::Policy& policy) {
  return std::ranges::any_of(policy.policies, [](const policy::NamedPolicy& one) { return one.limits.has_space(); });
}

const char* name_of(purge::State state) {
  switch (state) {
    case purge::State::removed: return "removed";
    case purge::State::kept: return "kept";
    case purge::State::failed: return "failed";
  }
  return "failed";
}

class Runner {
 public:
  Runner(const Job& job, Workplace& place, std::stop_token stop, const Progress& progress)
      : job_(job), place_(place), stop_(std::move(stop)), progress_(progress) {}

  Result<JobResult> run() {
    auto filter = plan::parse_filter(job_.filters, system_now());
    if (!filter) return std::move(filter).error();
    if (!filter->builds.empty() && !place_.host.history)
      return Error(Errc::usage, "this engine tells of no builds, so what one of them left is not known: leave --build out");
    known_ = job_.declared.values;
    for (const auto* values : {&job_.of_others, &job_.also_known}) known_.insert(known_.end(), values->begin(), values->end());
    selection_ = {job_.all, std::move(*filter), purge::read_unfinished(place_.state_dir, place_.host.client.engine().id)};
    switch (job_.what) {
      case What::scan: return look_only(report::Command::scan);
      case What::plan: return look_only(report::Command::plan);
      case What::purge: return purge();
      case What::verify: return verify();
      case What::gate: return gate();
      case What::explain: return explain();
      case What::builds: return builds();
    }
    return Error(Errc::usage, "there is no such job");
  }

 private:
  void step(const std::string& text) const {
    if (progress_.step) progress_.step(text);
  }
  Duration took() const { return std::chrono::duration_cast<milliseconds>(steady_clock::now() - started_); }

  Result<purge::Look> look(inventory::Lists lists = inventory::Lists::of_engine) {
    auto seen = purge::look({place_.host, place_.policy, selection_, known_, place_.search, stop_, progress_.bytes, lists});
    if (!seen) return seen;
    if (Status known = plan::check_builds(selection_.filter, seen->inventory); !known) return std::move(known).error();
    return seen;
  }

  report::Document document(report::Command command, const purge::Look& look, const purge::Report* report = nullptr) {
    auto made = report::make_document(command, look, report, job_.declared.unread(), place_.fingerprint(), took(),
                                      job_.since ? report::Tell::no_innocents : report::Tell::all);
    made.lists_all = job_.all && (command == report::Command::scan || command == report::Command::verify);
    return made;
  }

  static JobResult finished(report::Document document, ExitStatus status) {
    JobResult result{std::move(document), status, {}, {}, {}, true, {}, {}};
    if (status == ExitStatus::done && !result.document.complete) {
      const inventory::Unread& place = result.document.unread.front();
      result.error = Error(Errc::io, "not everything could be looked at (" + printable(place.place, 100) + ": " + printable(place.reason) + ")");
      result.status = ExitStatus::failed;
    }
    return result;
  }
  static JobResult found(report::Document document) {
    const bool any = document.summary.secret_objects != 0;
    return finished(std::move(document), any ? ExitStatus::secrets : ExitStatus::done);
  }
  static JobResult left(report::Document document) {
    const bool any = document.summary.remaining_secrets != 0;
    return finished(std::move(document), any ? ExitStatus::secrets : ExitStatus::done);
  }
  void limit_to_session(report::Document& document, const purge::Look& last) const {
    service::limit_to_session(document, last, {*job_.since, job_.declared.values, job_.of_others}, place_.host.client, place_.fingerprint());
  }

  Result<JobResult> look_only(report::Command command) {
    step("Looking at the engine…");
    auto seen = look();
    if (!seen) return std::move(seen).error();
    report::Document told = document(command, *seen);
    if (job_.since) limit_to_session(told, *seen);
    JobResult result = job_.since ? left(std::move(told)) : found(std::move(told));
    result.is_whole = !job_.since && (command != report::Command::scan || job_.filters.empty());
    result.look = std::move(*seen);
    return result;
  }

  Result<JobResult> verify() {
    if (job_.declared.values.empty() && job_.declared.unsearchable.empty())
      return Error(Errc::usage, "verify searches for given secrets: name them with --secret-env, --secret-file or --secrets-from");
    step("Looking at the engine…");
    auto seen = look();
    if (!seen) return std::move(seen).error();
    if (Status freed = purge::look_into_freed_pages(*seen, job_.declared.values, place_.search, purge::kSettled, stop_); !freed)
      return std::move(freed).error();
    if (!job_.filters.empty()) std::erase_if(seen->freed, [&](const auto& pages) { return !selection_.filter.matches_freed_pages(pages.findings); });
    return found(document(report::Command::verify, purge::only_values(std::move(*seen), job_.declared.values, place_.fingerprint())));
  }

  Result<JobResult> gate() {
    if (job_.images.empty()) return Error(Errc::usage, "there is no image to judge: name one");
    step("Looking at the engine…");
    auto seen = look();
    if (!seen) return std::move(seen).error();
    auto names = without_digests(job_.images);
    if (!names) return std::move(names).error();
    auto images = report::find_images(seen->inventory, *names);
    if (!images) return std::move(images).error();
    std::erase_if(*images, [&](plan::Index image) { return !seen->plan.items[image].selected; });
    if (images->empty()) return Error(Errc::usage, "the filter leaves none of these images to judge");
    JobResult result = found(report::gate_document(document(report::Command::gate, *seen), *seen, *images));
    result.is_whole = false;
    result.look = std::move(*seen);
    return result;
  }

  // "app@sha256:…" is a name that only the engine knows the image of.
  Result<std::vector<std::string>> without_digests(std::vector<std::string> names) const {
    for (std::string& name : names) {
      if (!contains(name, "@")) continue;
      auto image = place_.host.client.inspect_image(name);
      if (image) name = image->id.str();
      else if (exit_status(image.error().code()) == ExitStatus::unreachable || image.error().code() == Errc::cancelled) return std::move(image).error();
    }
    return names;
  }

  Result<JobResult> explain() {
    step("Looking at the engine…");
    auto seen = look();
    if (!seen) return std::move(seen).error();
    const std::vector<secrets::KnownValue> known(seen->findings.known.values().begin(), seen->findings.known.values().end());
    if (job_.object.starts_with("database.freed:"))
      if (Status freed = purge::look_into_freed_pages(*seen, known, place_.search, purge::kSettled, stop_); !freed) return std::move(freed).error();
    auto told = report::explain(*seen, job_.object, place_.fingerprint());
    if (!told) return std::move(told).error();
    JobResult result = finished({}, ExitStatus::done);
    result.explanation = std::move(*told);
    return result;
  }

  // An engine without history has no builds to look for; the journal may know of some.
  Result<JobResult> builds() {
    report::Builds told;
    told.engine = place_.host.client.engine();
    auto removals = purge::read_audit(place_.state_dir, {.since = {}, .until = {}, .kinds = {"removal"}, .actors = {}, .subjects = {}, .outcomes = {"removed"},
                                                         .policies = {}, .limit = kMostRemovals});
    if (!removals && removals.error().code() != Errc::not_found) told.unread.push_back({"audit journal", removals.error().message()});
    const std::vector<purge::AuditEntry> removed = removals ? std::move(*removals) : std::vector<purge::AuditEntry>();
    if (place_.host.history) {
      step("Looking at the engine…");
      auto seen = look();
      if (!seen) return std::move(seen).error();
      told.rows = report::make_build_rows(*seen, place_.policy.names, removed);
      for (const inventory::Unread& place : seen->unread) told.unread.push_back({seen->findings.known.redact(place.place), seen->findings.known.redact(place.reason)});
    } else {
      told.rows = report::make_build_rows(removed);
      if (inventory::may_hide_build_history(told.engine)) told.unread.push_back({"build history", "this engine does not offer BuildKit's control API on its socket"});
    }
    report::Document document;
    document.engine = told.engine;
    document.unread = told.unread;
    document.complete = told.unread.empty();
    JobResult result = finished(std::move(document), ExitStatus::done);
    result.builds = std::move(told);
    return result;
  }

  // Most often there is nothing to remove, and the disk tells that sooner than the engine (docs/decisions/0011).
  Result<purge::Look> first_look() {
    if (!selection_.unfinished.empty() || wants_sizes(place_.policy)) return look();
    auto seen = look(inventory::Lists::on_disk);
    if (seen && seen->inventory.is_from_disk_alone() && (!seen->plan.removal.empty() || may_be_in_use(*seen))) return look();
    return seen;
  }

  // Where the host does not tell whether a classic build runs, its youngest images are left until they have been the youngest
  // for the quiet period; a purge waits that long rather than leave them.
  Result<purge::Look> look_when_quiet() {
    step("Looking at the engine…");
    auto seen = first_look();
    const auto deadline = steady_clock::now() + 3 * place_.policy.quiet_period;
    while (seen && keeps_for(*seen, "quiet-period") && steady_clock::now() < deadline && !stop_.stop_requested()) {
      step("Waiting until no classic build can need the newest images…");
      std::this_thread::sleep_for(std::min(place_.policy.quiet_period, Duration(250)));
      seen = look();
    }
    for (int tries = 0; tries < 2 && seen && job_.since && keeps_for(*seen, "build-running", *job_.since - std::chrono::seconds(1)) && !stop_.stop_requested(); ++tries) {
      std::this_thread::sleep_for(kAfterAClassicBuild);
      seen = look();
    }
    return seen;
  }

  Result<purge::Report> remove(const purge::Look& seen) {
    // Nothing to do but to look: the plan's own look is the look afterwards.
    if (seen.plan.removal.empty() && selection_.unfinished.empty()) return purge::Report{};
    auto journal = purge::Journal::open(place_.state_dir);
    if (!journal) return std::move(journal).error().within("nothing was removed");
    if (seen.plan.removal.empty()) {
      // What an interrupted purge had set out to remove is gone by now, but for what the engine was to collect afterwards.
      if (Status collected = place_.host.client.collect_garbage(); !collected) return std::move(collected).error();
      if (Status settled = purge::settle_earlier(*journal, seen); !settled) return std::move(settled).error().within("nothing was removed");
      return purge::Report{};
    }
    auto report = purge::carry_out(seen, {place_.host, place_.policy, selection_, known_, place_.search, *journal, {job_.trigger, job_.actor},
                                          job_.traces, stop_, progress_.removed});
    for (const auto& [id, outcome] : report.outcomes) spdlog::info("object={} state={} reason={}", id, name_of(outcome.state), outcome.reason.code);
    return report;
  }

  Result<JobResult> purge() {
    auto seen = look_when_quiet();
    if (!seen) return std::move(seen).error();
    if (!seen->plan.removal.empty() && progress_.agree && !progress_.agree(document(report::Command::plan, *seen)))
      return Error(Errc::cancelled, "nothing was removed");
    auto report = remove(*seen);
    if (!report) return std::move(report).error();
    JobResult result = purged(*seen, *report);
    result.is_whole = !job_.since;
    result.look = report->after ? std::move(*std::exchange(report->after, std::nullopt)) : std::move(*seen);
    result.report = std::move(*report);
    return result;
  }

  JobResult purged(const purge::Look& seen, const purge::Report& report) {
    report::Document told = document(report::Command::purge, seen, &report);
    if (job_.since) limit_to_session(told, report.after ? *report.after : seen);
    const report::Summary summary = told.summary;
    const ExitStatus status = summary.remaining_secrets != 0 ? ExitStatus::secrets : summary.failed != 0 ? ExitStatus::failed : ExitStatus::done;
    JobResult result = finished(std::move(told), status);
    const std::string state = plural(summary.removed, "object") + " of " + std::to_string(seen.plan.removal.size()) +
                              " removed; run purge again to finish";
    if (stop_.stop_requested()) result.error = Error(Errc::cancelled, "interrupted: " + state);
    else if (report.error) result.error = Error(report.error->code(), seen.findings.known.redact(report.error->message()) + "; " + state);
    else if (status == ExitStatus::failed) result.error = Error(Errc::engine, first_failure(result.document));
    if (result.error && (stop_.stop_requested() || report.error)) result.status = exit_status(result.error->code());
    return result;
  }

  const Job& job_;
  Workplace& place_;
  std::stop_token stop_;
  const Progress& progress_;
  plan::Selection selection_;
  std::vector<secrets::KnownValue> known_;
  steady_clock::time_point started_ = steady_clock::now();
};

}  // namespace

void DeclaredSecrets::add(std::string_view value, const std::string& origin) {
  if (secrets::is_searchable(value)) values.push_back({SecretValue(value), "declared (" + origin + ")", true});
  else unsearchable.push_back(origin);
}

std::vector<inventory::Unread> DeclaredSecrets::unread() const {
  std::vector<inventory::Unread> all;
  for (const std::string& origin : unsearchable)
    all.push_back({"the declared secret of " + origin, "too short or too common to be searched for; 8 characters are the least"});
  return all;
}

Error DeclaredSecrets::without_secrets(const Error& error) const { return Error(error.code(), without_secrets(error.message())); }

std::string DeclaredSecrets::without_secrets(const std::string& text) const {
  secrets::ValueSet known;
  for (const secrets::KnownValue& value : values) known.add(value);
  return known.redact(text);
}

Result<Workplace> Workplace::open(const policy::Policy& policy, const std::string& host, const std::string& state_dir, std::stop_token stop, Rules rules,
                                  Memory* memory) {
  auto connected = connect_engine(host, policy, std::move(stop), memory);
  if (!connected) return std::move(connected).error();
  auto search = open_search(policy, state_dir, connected->client.engine().id, rules, memory);
  return Workplace{policy, state_dir, std::move(*connected), std::move(search)};
}

std::string render(const JobResult& result, report::Format format, report::Colour colour) {
  if (result.explanation) return *result.explanation;
  if (result.builds) return format == report::Format::json ? report::render_json(*result.builds) : report::render_table(*result.builds);
  return report::render(result.document, format, colour);
}

Result<JobResult> run_job(const Job& job, Workplace& place, std::stop_token stop, const Progress& progress) {
  auto result = Runner(job, place, std::move(stop), progress).run();
  if (!result) return job.declared.without_secrets(result.error());
  return result;
}

}  // namespace cleanerd::service
