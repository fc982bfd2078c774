#include "service/daemon.hpp"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/text.hpp"
#include "http/server.hpp"
#include "metrics/health.hpp"
#include "metrics/metrics.hpp"
#include "purge/audit.hpp"
#include "purge/journal.hpp"
#include "service/build_watch.hpp"
#include "service/control.hpp"
#include "service/figures.hpp"
#include "service/file_watch.hpp"
#include "service/process.hpp"
#include "service/setup.hpp"
#include "service/worker.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using buildkit::BuildEvent;

constexpr milliseconds kTick{1000};
constexpr milliseconds kGrace{2000};
constexpr std::uint64_t kLoopTicks = 10;      // ticks without the event loop's heartbeat: it is stuck
constexpr seconds kLongestSilence{2 * 3600};  // the longest call to an engine may take one hour: a worker that is silent for longer is stuck

// What the configuration's reader checks of its own, of the command line and the environment.
Status check_options(const DaemonOptions& options, const policy::Policy& policy) {
  if (auto endpoint = engine_endpoint(options.host, policy); !endpoint) return std::move(endpoint).error();
  if (options.metrics_address && *options.metrics_address != "off" && !http::parse_tcp_address(*options.metrics_address))
    return Error(Errc::usage, "--metrics: expected a numeric address and a port, such as 127.0.0.1:9798 or [::1]:9798, or off");
  return {};
}

// The rest quotes the file.
std::string first_line(const Error& error) { return printable(error.message().substr(0, error.message().find('\n')), 300); }

void log_as(const DaemonOptions& options, const policy::Policy& policy) {
  spdlog::set_level(spdlog::level::from_str(options.log_level.value_or(policy.log_level)));
}

class Daemon {
 public:
  Daemon(const DaemonOptions& options, policy::Policy policy)
      : options_(options),
        policy_(std::make_shared<policy::Policy>(std::move(policy))),
        state_dir_(options.state_dir.value_or(service::state_dir(*policy_))),
        metrics_(options.version, Figures::labels(*policy_)),
        figures_(metrics_),
        sessions_(state_dir_),
        worker_(policy_, {options.host, state_dir_}, sessions_, [this](const Ended& ended) { job_ended(ended); }),
        server_(http::Server::Options{.limits = {}, .workers = {}, .log = [](const std::string& text) { spdlog::warn("http {}", text); }}) {}

  Status run() {
    Interruption interruption([this] { reload(); });
    if (Status listening = listen(); !listening) return listening;
    if (Status claimed = claim(); !claimed && claimed.error().code() == Errc::conflict) return claimed;
    recover();
    const std::stop_token stop = interruption.token();
    worker_.trigger(Trigger::start);
    server_.start();
    {
      const std::jthread worker([this, stop] { worker_.work(stop); });
      const std::jthread builds([this, stop] { watch_engine(options_.host, *policy_, engine_signs(), stop); });
      const std::jthread files([this, stop] { watch_files(options_.host, *policy_, file_signs(), stop); });
      supervise(stop);
      ::sd_notify(0, "STOPPING=1");
      server_.stop(kGrace);
    }
    (void)purge::note(state_dir_, {"stop", "service", "", "done", options_.version});
    return {};
  }

 private:
  Status listen() {
    http::Router control;
    add_control_routes(control, worker_, sessions_,
                       {.state_dir = state_dir_, .status = [this] { return status(); },
                        .on_gate = [this](const Result<JobResult>& result) { figures_.gate_answered(result); }});
    // systemd's socket first; else our own.
    const int given = ::sd_listen_fds(1);
    for (int i = 0; i < given; ++i)
      if (Status done = server_.listen(http::InheritedSocket{SD_LISTEN_FDS_START + i}, control); !done) return done;
    owns_path_ = given <= 0;
    if (owns_path_) {
      const http::UnixAddress address{options_.socket.value_or(policy_->control_socket), "cleanerd"};
      if (Status done = server_.listen(address, control); !done) return done;
    }
    const std::string metrics_address = options_.metrics_address.value_or(policy_->metrics_address);
    if (metrics_address == "off") return {};
    const auto address = http::parse_tcp_address(metrics_address);
    if (!address) return Error(Errc::config, "the metrics' address is none");
    http::Router figures;
    metrics::add_routes(figures, metrics_, [this] { return liveness(); }, [this] { return readiness(); });
    return server_.listen(*address, figures);
  }

  // Where the state directory cannot be made or opened, the journal cannot be written: that is told, and tried again.
  Status claim() {
    if (claim_) return {};
    auto claim = purge::claim_state_directory(state_dir_);
    if (!claim) return std::move(claim).error();
    claim_ = std::move(*claim);
    return {};
  }

  // What an earlier process left: sessions whose values are lost. Removals that were not settled are settled by the first purge.
  void recover() {
    if (!worker_.check_journal() || !claim()) return;
    recovered_ = true;
    (void)purge::note(state_dir_, {"start", "service", "", "done", options_.version});
    auto lost = sessions_.take_lost();
    if (!lost) return spdlog::error("{}", printable(lost.error().message(), 300));
    for (const SessionInfo& session : *lost)
      spdlog::warn("session={} name={} state=lost: the service ended before it; what it declared is known no more", session.id, session.name);
  }

  EngineSigns engine_signs() {
    return {.engine =
                [this](bool up) {
                  engine_up_ = up;
                  metrics_.engine_up(up);
                  if (!up) next_engine();
                  if (!up) figures_.engine_went();
                  if (up) worker_.trigger(Trigger::start);
                },
            .buildkit = [this](const BuildEvent& event) { buildkit_event(event); }};
  }

  void buildkit_event(const BuildEvent& event) {
    switch (event.kind) {
      case BuildEvent::Kind::started: return figures_.build_started(event.record.ref.str());
      case BuildEvent::Kind::completed: {
        // One that was seen to run is new whatever the clock says, which may have been set back since the start.
        const bool is_new = figures_.is_running(event.record.ref.str()) || (event.record.completed && *event.record.completed >= started_);
        figures_.build_ended(event.record.ref.str(), "buildkit", event.record.failed ? "failed" : "succeeded", is_new);
        if (is_new) worker_.trigger(Trigger::build);
        return;
      }
      case BuildEvent::Kind::lost: figures_.build_ended(event.record.ref.str(), "buildkit", "lost", true); return worker_.trigger(Trigger::build);
      case BuildEvent::Kind::connected:
      case BuildEvent::Kind::disconnected:
      case BuildEvent::Kind::removed: return;
    }
  }

  void next_engine() {
    const std::lock_guard lock(engine_mutex_);
    engine_.request_stop();
    engine_ = {};
  }
  std::stop_token same_engine() {
    const std::lock_guard lock(engine_mutex_);
    return engine_.get_token();
  }

  FileSigns file_signs() {
    return {.classic =
                [this](const std::string& context, bool begun) {
                  if (begun) return figures_.build_started(context);
                  figures_.build_ended(context, "classic", "unknown", true);
                  worker_.trigger(Trigger::build);
                },
            .lost = [this] { worker_.trigger(Trigger::build); },
            .cache = [this] { worker_.trigger(Trigger::build); },
            .space =
                [this](double free) {
                  const auto policy = worker_.policy();
                  if (policy->low_disk && free < *policy->low_disk / 100) worker_.trigger(Trigger::low_disk);
                },
            .same_engine = [this] { return same_engine(); }};
  }

  void supervise(const std::stop_token& stop) {
    auto next_round = steady_clock::now() + worker_.policy()->interval;
    std::uint64_t watchdog_time = 0;  // microseconds
    const bool watched = ::sd_watchdog_enabled(0, &watchdog_time) > 0;
    auto next_watchdog = steady_clock::now();
    while (!stop.stop_requested()) {
      pause(kTick, stop);
      const auto now = steady_clock::now();
      beat();
      if (!worker_.journal_works()) (void)worker_.check_journal();
      if (!recovered_ && worker_.journal_works()) recover();
      if (now >= next_round) {
        next_round = now + worker_.policy()->interval;
        worker_.trigger(Trigger::interval);
        (void)purge::forget_before(state_dir_, system_now() - worker_.policy()->keep_audit);
      }
      worker_.watch_schedules();
      for (const EndedSession& session : sessions_.take_expired()) expire(session);
      if (owns_path_ && !server_.path_is_ours()) {
        if (Status again = server_.relisten(); !again) spdlog::error("control socket: {}", printable(again.error().message(), 300));
      }
      const metrics::Liveness alive = liveness();
      if (watched && now >= next_watchdog && alive.event_loop && alive.worker) {
        next_watchdog = now + std::chrono::microseconds(watchdog_time / 3);
        ::sd_notify(0, "WATCHDOG=1");
      }
    }
  }

  void expire(const EndedSession& session) {
    spdlog::warn("session={} name={} state=expired", session.info.id, session.info.name);
    (void)purge::end_session(state_dir_, session.info.id, {"session-expired", "service", session.info.id, "expired", session.info.name});
    // Its values are searched for once more, by a purge of their own.
    worker_.post(job_of(session, "service"), Trigger::session);
  }

  // The event loop's heartbeat, seen from outside.
  void beat() {
    const std::uint64_t now = server_.heartbeat();
    stuck_ticks_ = now == last_beat_ ? stuck_ticks_ + 1 : 0;
    last_beat_ = now;
  }
  metrics::Readiness readiness() const { return {looked_, engine_up_, worker_.journal_works()}; }
  metrics::Liveness liveness() const { return {stuck_ticks_ < kLoopTicks, worker_.silence() < kLongestSilence}; }

  void job_ended(const Ended& ended) {
    figures_.job_ended(ended);
    const bool well = ended.result.has_value();
    if (ended.what == What::purge && well) {
      const report::Summary& summary = ended.result->document.summary;
      spdlog::info("purge trigger={} objects={} secret={} removed={} remaining_secrets={} freed_bytes={} ms={}", to_string(ended.trigger), summary.objects,
                   summary.secret_objects, summary.removed, summary.remaining_secrets, summary.freed.bytes, ended.took.count());
    }
    if (!well && exit_status(ended.result.error().code()) == ExitStatus::unreachable) engine_up_ = false;
    if (well) looked_ = engine_up_ = true;
    if (!notified_.exchange(true)) ::sd_notify(0, "READY=1");
    ::sd_notify(0, well ? "STATUS=The last look went well" : "STATUS=The last look failed, see the log");
  }

  void reload() {
    ::sd_notify(0, "RELOADING=1");
    auto policy = load_policy(options_.config_file);
    if (policy) {
      metrics_.add_policies(Figures::labels(*policy).policies);
      log_as(options_, *policy);
      policy->engine_host = policy_->engine_host;  // what watches it does so until the next start
      worker_.use(std::make_shared<policy::Policy>(std::move(*policy)));
    }
    else spdlog::error("the configuration is not used, the one before stays: {}", policy.error().message());
    (void)purge::note(state_dir_, {"reload", "service", "", policy ? "done" : "refused", policy ? "" : first_line(policy.error())});
    ::sd_notify(0, "READY=1");
  }

  std::string status() const {
    nlohmann::ordered_json sessions = sessions_.list().size();
    const bool journal = worker_.journal_works();
    return nlohmann::ordered_json{{"schema", "cleaner.v1"}, {"command", "status"}, {"version", options_.version}, {"engine_up", engine_up_.load()},
                                  {"journal_writable", journal}, {"ready", looked_ && engine_up_ && journal}, {"busy", !worker_.is_idle()},
                                  {"sessions", sessions}, {"started_at", format_rfc3339(started_)}}.dump();
  }

  const DaemonOptions& options_;
  const std::shared_ptr<const policy::Policy> policy_;  // as at the start
  const std::string state_dir_;
  const Instant started_ = system_now();
  std::atomic<bool> looked_{false}, engine_up_{false}, notified_{false};
  std::atomic<std::uint64_t> stuck_ticks_{0};
  std::uint64_t last_beat_ = 0;
  Descriptor claim_;  // of the state directory
  bool owns_path_ = true;
  bool recovered_ = false;  // what needs a journal that can be written
  std::mutex engine_mutex_;
  std::stop_source engine_;  // of the engine that answers now
  metrics::Metrics metrics_;
  Figures figures_;
  Sessions sessions_;
  Worker worker_;
  http::Server server_;
};

}  // namespace

Status run_daemon(const DaemonOptions& options) {
  auto policy = load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  if (Status usable = check_options(options, *policy); !usable) return usable;
  log_as(options, *policy);
  return Daemon(options, std::move(*policy)).run();
}

}  // namespace cleanerd::service
