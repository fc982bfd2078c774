#include "service/rounds.hpp"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <mutex>

#include "base/text.hpp"
#include "service/job.hpp"
#include "service/process.hpp"

namespace cleanerd::service {
namespace {

Status round(const policy::Policy& policy, const RoundsOptions& options, const std::stop_token& stop) {
  auto place = Workplace::open(policy, options.host, options.state_dir, stop);
  if (!place) return std::move(place).error();
  auto result = run_job({.what = What::purge, .trigger = "interval", .actor = "service"}, *place, stop, {});
  if (!result) return std::move(result).error();
  const report::Summary& summary = result->document.summary;
  spdlog::info("round objects={} secret={} removed={} freed_bytes={}", summary.objects, summary.secret_objects, summary.removed, summary.freed.bytes);
  if (result->error) return *result->error;
  return {};
}

}  // namespace

void run_rounds(const policy::Policy& policy, const RoundsOptions& options, std::stop_token stop) {
  read_when_idle();
  std::mutex mutex;
  std::condition_variable_any waiting;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    const Status status = round(policy, options, stop);
    if (!status && !stop.stop_requested()) spdlog::error("{}", printable(status.error().message(), 500));
    if (options.on_round) options.on_round(status.has_value());
    waiting.wait_for(lock, stop, policy.interval, [] { return false; });
  }
}

}  // namespace cleanerd::service
