#include "service/rounds.hpp"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "base/text.hpp"
#include "purge/purge.hpp"
#include "service/process.hpp"
#include "service/setup.hpp"

namespace cleanerd::service {
namespace {

const char* name_of(purge::State state) {
  switch (state) {
    case purge::State::removed: return "removed";
    case purge::State::kept: return "kept";
    case purge::State::failed: return "failed";
  }
  return "failed";
}

Status round(const policy::Policy& policy, const RoundsOptions& options, const std::stop_token& stop) {
  auto host = connect_engine(options.host, policy, stop);
  if (!host) return std::move(host).error();
  auto journal = purge::Journal::open(options.state_dir);
  if (!journal) return std::move(journal).error();
  auto unfinished = journal->unfinished(host->client.engine().id);
  if (!unfinished) return std::move(unfinished).error();
  const plan::Selection selection{false, {}, std::move(*unfinished)};
  const std::vector<secrets::KnownValue> declared;
  auto search = open_search(policy, options.state_dir, host->client.engine().id);
  auto look = purge::look({*host, policy, selection, declared, search, stop, {}});
  if (!look) return std::move(look).error();
  std::size_t secret = 0;
  for (const plan::Item& item : look->plan.items) secret += item.secret;
  if (look->plan.removal.empty()) {
    spdlog::info("round objects={} secret={} removed=0", look->plan.items.size(), secret);
    return {};
  }
  const auto report = purge::carry_out(*look, {*host, policy, selection, declared, search, *journal, stop, {}});
  std::size_t removed = 0;
  for (const auto& [id, outcome] : report.outcomes) {
    removed += outcome.state == purge::State::removed;
    spdlog::info("object={} state={} reason={}", id, name_of(outcome.state), outcome.reason.code);
  }
  spdlog::info("round objects={} secret={} removed={} freed_bytes={}", look->plan.items.size(), secret, removed, report.freed.bytes);
  if (report.error) return Error(report.error->code(), look->findings.known.redact(report.error->message()));
  return {};
}

}  // namespace

void run_rounds(const policy::Policy& policy, const RoundsOptions& options, std::stop_token stop) {
  read_when_idle();
  std::mutex mutex;
  std::condition_variable_any waiting;
  std::unique_lock lock(mutex);
  std::map<std::string, Instant> last_run;  // of each policy
  while (!stop.stop_requested()) {
    const Instant now = system_now();
    const policy::Policy due = policy::only_due(policy, last_run, now);
    const Status status = round(due, options, stop);
    if (status)
      for (const policy::NamedPolicy& one : due.policies) last_run[one.name] = now;
    if (!status && !stop.stop_requested()) spdlog::error("{}", printable(status.error().message(), 500));
    if (options.on_round) options.on_round(status.has_value());
    waiting.wait_for(lock, stop, policy.interval, [] { return false; });
  }
}

}  // namespace cleanerd::service
