#include "cli/builds.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>

#include "buildkit/watch.hpp"
#include "report/builds.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

using buildkit::BuildEvent;

std::string state_of(const BuildEvent& event, const std::string& otherwise) {
  if (event.kind == BuildEvent::Kind::lost) return "lost";
  return event.kind == BuildEvent::Kind::removed ? "removed" : otherwise;
}

bool tell(const std::string& text) { return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0; }

Result<ExitStatus> follow(const Options& options, const inventory::Host& host, const policy::Policy& policy, const std::stop_token& stop) {
  buildkit::Watch watch(host.client.endpoint(), host.client.engine().api_max, stop);
  if (options.format == Format::table && !tell(report::build_header())) return ExitStatus::done;
  for (;;) {
    auto event = watch.next();
    if (!event && event.error().code() == Errc::cancelled) return ExitStatus::done;
    if (!event) return std::move(event).error();
    if (event->kind == BuildEvent::Kind::disconnected) spdlog::warn("the engine does not answer; waiting for it");
    if (event->record.ref.empty()) continue;
    const Instant now = system_now();
    report::BuildRow row = report::make_build_row(event->record, policy.names, now);
    row.state = state_of(*event, row.state);
    if (!tell(options.format == Format::json ? report::render_json_line(row, now) : report::render_line(row))) return ExitStatus::done;
  }
}

}  // namespace

Result<ExitStatus> follow_builds(const Options& options, const service::Interruption& interruption) {
  if (!options.output.empty()) return Error(Errc::usage, "--follow writes to standard output; leave out --output");
  if (options.daemon == Options::Daemon::yes) return Error(Errc::usage, "--follow reads the engine's own stream; leave out --daemon");
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto host = service::connect_engine(options.host, *policy, interruption.token());
  if (!host) return std::move(host).error();
  if (host->history) return follow(options, *host, *policy, interruption.token());
  return Error(Errc::unsupported, "the Docker engine " + host->client.engine().version + " tells nothing of its builds; engines from 24 on do");
}

}  // namespace cleanerd::cli
