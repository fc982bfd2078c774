#include "service/worker.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <typeinfo>

#include "base/memory.hpp"
#include "base/text.hpp"
#include "purge/audit.hpp"
#include "search/scan_cache.hpp"
#include "service/process.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a build that has just ended still holds is free in some hundredths of a second.
constexpr milliseconds kFirstWait{200};

// Where a session is open its end mostly follows a build's, and does the same: a look that has just begun would be in its way.
constexpr milliseconds kSessionsEnd{150};

// A job that takes longer has the time for a look of its own, and one of these ends sooner by it.
constexpr milliseconds kLongerJob{1000};

// What is remembered for the next look is some 12 MiB on a host of a thousand images. A session wants its end to be soon.
constexpr std::chrono::seconds kRemembered{20};

// Kept for a reason that goes by itself.
bool is_passing(const std::string& code) {
  static const std::set<std::string> kCodes{"build-running", "quiet-period", "in-use", "busy", "needed", "interrupted", "journal"};
  return kCodes.contains(code);
}

bool is_passing(const std::vector<plan::Reason>& reasons) {
  return std::ranges::any_of(reasons, [](const plan::Reason& reason) { return is_passing(reason.code); });
}

// Of all on the host, also where the document tells of a session's part alone.
bool is_unsettled(const JobResult& result) {
  const bool owes = result.look && std::ranges::any_of(result.look->plan.items, [](const plan::Item& item) {
    return item.secret && (item.verdict == plan::Verdict::remove || is_passing(item.reasons));
  });
  return owes || std::ranges::any_of(result.document.objects, [](const report::ObjectRow& row) {
    return row.secret && row.state != "removed" && is_passing(row.reasons);
  });
}

LateValues::Builds builds_in(const inventory::Inventory& inventory) {
  LateValues::Builds found = LateValues::Builds::none;
  for (const inventory::Object& object : inventory.objects()) {
    const engine::BuildRecord* build = object.build();
    if (!build) continue;
    if (build->running) return LateValues::Builds::run;
    if (build->completed && *build->completed + buildkit::kLastTrace > inventory.taken()) found = LateValues::Builds::just_ended;
  }
  return found;
}

bool is_for_all(const Job& job) { return job.what == What::purge && job.filters.empty(); }

}  // namespace

const char* to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::start: return "start";
    case Trigger::build: return "build";
    case Trigger::session: return "session";
    case Trigger::interval: return "interval";
    case Trigger::low_disk: return "low_disk";
    case Trigger::request: return "request";
  }
  return "request";
}

Worker::Worker(Policy policy, WorkerOptions options, const Sessions& sessions, std::function<void(const Ended&)> on_end)
    : options_(std::move(options)), sessions_(sessions), on_end_(std::move(on_end)), policy_(std::move(policy)) {}

void Worker::trigger(Trigger why) {
  const std::lock_guard lock(mutex_);
  pend(why, why == Trigger::build && sessions_.next_expiry() ? kSessionsEnd : milliseconds(0));
  wait_ = {};
}

void Worker::prepare_for_end() {
  const std::lock_guard lock(mutex_);
  pend(Trigger::interval, kLongerJob);
}

void Worker::watch_schedules() {
  const std::lock_guard lock(mutex_);
  if (running_) return;  // it may be for them
  auto due = policy::due_by_schedule(*policy_, last_run_, system_now());
  if (!std::ranges::includes(due_, due)) pend(Trigger::interval, {});
  due_ = std::move(due);
}

void Worker::pend(Trigger why, steady_clock::duration in) {
  const auto from = steady_clock::now() + in;
  pending_from_ = pending_.empty() ? from : std::min(pending_from_, from);
  pending_.insert(why);
  changed_.notify_all();
}

void Worker::use(Policy policy) {
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
}

Worker::Policy Worker::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

std::shared_ptr<Worker::Ticket> Worker::add(Job job, Trigger why, std::stop_token stop, Progress progress) {
  auto ticket = std::make_shared<Ticket>();
  ticket->job = std::move(job);
  ticket->why = why;
  ticket->stop = std::move(stop);
  ticket->progress = std::move(progress);
  if (look_ && is_for_all(ticket->job)) look_->request_stop();
  tickets_.push_back(ticket);
  changed_.notify_all();
  return ticket;
}

void Worker::post(Job job, Trigger why) {
  const std::lock_guard lock(mutex_);
  if (!ended_) add(std::move(job), why, {}, {});
}

Result<JobResult> Worker::run(Job job, Trigger why, std::stop_token stop, Progress progress) {
  std::unique_lock lock(mutex_);
  if (ended_) return Error(Errc::cancelled, "the service is stopping");
  const auto ticket = add(std::move(job), why, std::move(stop), std::move(progress));
  // The job itself sees the stop, and what it was doing is told then.
  ticket->done.wait(lock, [&] { return ticket->result.has_value(); });
  return std::move(*ticket->result);
}

void Worker::work(std::stop_token stop) {
  read_when_idle();
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto next = [&] {
      if (pending_.empty()) return next_try_;
      return std::optional(next_try_ ? std::min(*next_try_, pending_from_) : pending_from_);
    };
    const auto planned = next();
    if (tickets_.empty() && (!planned || *planned > steady_clock::now())) {
      const auto changed = [&] { return !tickets_.empty() || next() != planned; };
      const auto until = planned && forget_at_ ? std::min(*planned, *forget_at_) : planned ? planned : forget_at_;
      if (!until) changed_.wait(lock, stop, changed);
      else if (!changed_.wait_until(lock, stop, *until, changed) && until == forget_at_ && !stop.stop_requested()) forget();
      continue;
    }
    running_ = true;
    if (!tickets_.empty()) {
      const auto ticket = tickets_.front();
      tickets_.pop_front();
      // It does what the triggers until now ask for.
      if (is_for_all(ticket->job)) pending_.clear();
      lock.unlock();
      run_ticket(*ticket, stop);
      lock.lock();
    } else {
      lock.unlock();
      run_for_all(stop);
      lock.lock();
    }
    running_ = false;
    forget_at_ = steady_clock::now() + kRemembered;
    if (memory_.cache) memory_.cache->close();
    release_memory();
  }
  ended_ = true;
  for (const auto& ticket : tickets_) {
    ticket->result = Result<JobResult>(Error(Errc::cancelled, "the service is stopping"));
    ticket->done.notify_all();
  }
  tickets_.clear();
}

void Worker::forget() {
  forget_at_.reset();
  if (sessions_.next_expiry()) {
    forget_at_ = steady_clock::now() + kRemembered;
    return;
  }
  memory_ = {};
  release_memory();
}

void Worker::run_ticket(Ticket& ticket, const std::stop_token& stop) {
  // Either stop ends the job.
  std::stop_source either;
  const std::stop_callback of_service(stop, [&] { either.request_stop(); });
  const std::stop_callback of_client(ticket.stop, [&] { either.request_stop(); });
  const auto started = steady_clock::now();
  auto result = perform(ticket.job, ticket.why, either.get_token(), ticket.progress);
  tell(ticket.why, ticket.job.what, result, started);
  std::unique_lock lock(mutex_);
  // A client may have given up: what the triggers asked for, which this was to do as well, is still due.
  // One that was for a part says nothing of the rest, and a try that is due stays so.
  const bool is_settled = result && !result->error && !is_unsettled(*result);
  if (is_for_all(ticket.job) || (result && ticket.job.what == What::purge && !is_settled)) plan_next_try(result);
  if (ticket.why == Trigger::session && ticket.job.what == What::purge && !is_settled)
    late_.owe(ticket.job.declared.values, steady_clock::now());
  if (ticket.job.what == What::purge) plan_late_looks(result, started);
  ticket.result.emplace(std::move(result));
  ticket.done.notify_all();
  lock.unlock();
  if (ticket.job.what == What::purge) (void)check_journal();
}

void Worker::run_for_all(const std::stop_token& stop) {
  Trigger why = Trigger::interval;
  std::stop_source look;
  {
    const std::lock_guard lock(mutex_);
    if (!pending_.empty()) why = *pending_.begin();
    pending_.clear();
    next_try_.reset();
    look_ = look;
  }
  const std::stop_callback of_service(stop, [&] { look.request_stop(); });
  const Job job{.what = What::purge, .traces = buildkit::Traces::left_for_later, .trigger = to_string(why), .actor = "service"};
  const auto started = steady_clock::now();
  auto result = perform(job, why, look.get_token(), {.step = {}, .bytes = {}, .removed = {}, .agree = [&](const report::Document&) {
    const std::lock_guard lock(mutex_);
    look_.reset();
    return !look.stop_requested();
  }});
  {
    const std::lock_guard lock(mutex_);
    look_.reset();
    // The one that it has given way to does what this was for.
    if (!result && look.stop_requested() && !stop.stop_requested()) return;
  }
  // Where there was nothing to remove, too: it is told before there is.
  if (Status written = check_journal(); !written && result && !result->error) {
    result->error = std::move(written).error();
    result->status = ExitStatus::failed;
  }
  tell(why, job.what, result, started);
  if (!result && !stop.stop_requested()) spdlog::error("purge trigger={} error={}", to_string(why), printable(result.error().message(), 500));
  const std::lock_guard lock(mutex_);
  plan_next_try(result);
  plan_late_looks(result, started);
}

Result<JobResult> Worker::perform(const Job& job, Trigger why, const std::stop_token& stop, const Progress& progress) {
  sign_of_life_ = steady_clock::now().time_since_epoch().count();
  const Policy policy = policy_for(why);
  const bool is_due = take_collection();
  const bool after_a_build = why == Trigger::build || why == Trigger::session;
  if (job.what == What::purge && job.traces == buildkit::Traces::waited_for) wait_for_traces(stop);
  auto result = [&]() -> Result<JobResult> {
    auto place = Workplace::open(*policy, options_.host, options_.state_dir, stop, after_a_build ? Rules::at_once : Rules::when_needed, &memory_);
    if (!place) return job.declared.without_secrets(place.error());
    Job whole = job;
    if (job.what != What::verify) {
      whole.of_others = sessions_.values();
      const std::lock_guard lock(mutex_);
      whole.also_known = late_.values(steady_clock::now());
    }
    if (place->host.history && place->host.history->writes_traces_late()) {
      if (why == Trigger::start) expect_collection();
      if (is_due || why == Trigger::start) (void)place->host.client.collect_garbage();
    }
    const Progress alive{.step =
                             [&](const std::string& text) {
                               sign_of_life_ = steady_clock::now().time_since_epoch().count();
                               if (progress.step) progress.step(text);
                             },
                         .bytes =
                             [&](std::uint64_t bytes) {
                               sign_of_life_ = steady_clock::now().time_since_epoch().count();
                               if (progress.bytes) progress.bytes(bytes);
                             },
                         .removed =
                             [&](std::size_t done, std::size_t total) {
                               sign_of_life_ = steady_clock::now().time_since_epoch().count();
                               if (progress.removed) progress.removed(done, total);
                             },
                         .agree = progress.agree};
    // The next purge finishes what this one has begun; values that jobs declared would be lost with the service.
    try {
      return run_job(whole, *place, stop, alive);
    } catch (const std::exception& error) {
      return Error(Errc::io, std::string("internal error (") + typeid(error).name() + "); what was not done is done with the next purge");
    }
  }();
  sign_of_life_ = 0;
  if (result && !result->error && is_for_all(job)) {
    const std::lock_guard lock(mutex_);
    for (const policy::NamedPolicy& one : policy->policies) last_run_[one.name] = system_now();
  }
  return result;
}

void Worker::tell(Trigger why, What what, const Result<JobResult>& result, steady_clock::time_point started) const {
  if (on_end_) on_end_({why, what, result, std::chrono::duration_cast<Duration>(steady_clock::now() - started)});
}

// A policy's schedule is for what nobody asked for.
Worker::Policy Worker::policy_for(Trigger why) const {
  const std::lock_guard lock(mutex_);
  if (why == Trigger::request) return policy_;
  const auto wanted = why == Trigger::session ? policy::for_session : policy::only_due;
  return std::make_shared<policy::Policy>(wanted(*policy_, last_run_, system_now()));
}

void Worker::plan_next_try(const Result<JobResult>& result) {
  const bool again = !result || result->error || is_unsettled(*result);
  if (again) {
    const auto longest = std::chrono::duration_cast<steady_clock::duration>(policy_->interval);
    wait_ = wait_ == steady_clock::duration{} ? steady_clock::duration(kFirstWait) : std::min(wait_ * 2, longest);
    next_try_ = steady_clock::now() + wait_;
  } else {
    next_try_.reset();
    wait_ = {};
    late_.settle();
  }
}

void Worker::plan_late_looks(const Result<JobResult>& result, steady_clock::time_point started) {
  const auto now = steady_clock::now();
  const bool looked = result && result->look;
  if (looked) {
    const std::optional<purge::Report>& report = result->report;
    const auto& known = result->look->findings.known.values();
    if (report && report->traces_until) late_.expect_traces({known.begin(), known.end()}, now + (*report->traces_until - system_now()));
    late_.looked(builds_in(result->look->inventory), report ? report->removed_values : LateValues::Values(), now);
  }
  for (const auto& time : {collection_, late_.next_look(looked ? std::optional(started) : std::nullopt, now)})
    if (time && (!next_try_ || *next_try_ > *time)) next_try_ = time;
}

// Who asks for a purge is told of its end when nothing comes after it.
void Worker::wait_for_traces(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (const auto until = late_.traces_until()) changed_.wait_until(lock, stop, *until, [] { return false; });
}

// Once more than at the start of the service: when no build before it can write its trace any more.
void Worker::expect_collection() {
  const std::lock_guard lock(mutex_);
  collection_ = steady_clock::now() + buildkit::kLastTrace;
}

bool Worker::take_collection() {
  const std::lock_guard lock(mutex_);
  if (!collection_ || *collection_ > steady_clock::now()) return false;
  collection_.reset();
  return true;
}

Status Worker::check_journal() {
  Status written = purge::check_journal(options_.state_dir);
  const bool worked = journal_works_.exchange(written.has_value());
  if (worked && !written) spdlog::error("journal={} nothing is removed until it can be written", printable(written.error().message(), 300));
  if (!worked && written) {
    spdlog::warn("journal=writable again");
    trigger(Trigger::interval);
  }
  return written;
}

steady_clock::duration Worker::silence() const {
  const auto last = sign_of_life_.load();
  return last == 0 ? steady_clock::duration{} : steady_clock::now().time_since_epoch() - steady_clock::duration(last);
}

bool Worker::is_idle() const {
  const std::lock_guard lock(mutex_);
  return !running_ && tickets_.empty() && pending_.empty();
}

}  // namespace cleanerd::service
