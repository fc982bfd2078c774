// The one thread that looks and purges: a job at a time, triggers that come meanwhile folded into the next.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "policy/policy.hpp"
#include "service/job.hpp"
#include "service/late_values.hpp"
#include "service/sessions.hpp"

namespace cleanerd::service {

// The contract's `trigger` label, and the journal's cause.
enum class Trigger { start, build, session, interval, low_disk, request };
const char* to_string(Trigger trigger);

struct WorkerOptions {
  std::string host;  // as connect_engine takes it
  std::string state_dir;
};

// What became of a job, for metrics and the state.
struct Ended {
  Trigger trigger;
  What what;
  const Result<JobResult>& result;
  Duration took;
};

class Worker {
 public:
  using Policy = std::shared_ptr<const policy::Policy>;

  Worker(Policy policy, WorkerOptions options, const Sessions& sessions, std::function<void(const Ended&)> on_end);

  // A purge for nobody in particular. Any thread; returns at once. While it only looks, it gives way to a purge of all that somebody
  // waits for.
  void trigger(Trigger why);
  // A session has begun that declared something. A look a moment later searches what is there already for it, so that its end need not.
  void prepare_for_end();
  // A look follows where a policy's schedule has come. To be called every few seconds. Any thread.
  void watch_schedules();
  void use(Policy policy);  // from the next job on
  Policy policy() const;

  // As `trigger`, for a job of its own. What a session's purge was for and could not be removed yet is looked for an hour longer.
  void post(Job job, Trigger why);
  // Waits for its turn and its end. `stop` ends the job. Errc::cancelled once the worker has ended. Any thread but the worker's.
  Result<JobResult> run(Job job, Trigger why, std::stop_token stop, Progress progress);

  // Until a stop is requested.
  void work(std::stop_token stop);

  // How long the job that runs has gone on without a sign of life; 0 when none runs.
  std::chrono::steady_clock::duration silence() const;
  bool is_idle() const;

  // Whether a removal can be put on the journal, as of the last purge or check. Any thread.
  bool journal_works() const { return journal_works_; }
  // A purge follows where it could not before, and can now. Any thread.
  Status check_journal();

 private:
  struct Ticket {
    Job job;
    Trigger why;
    std::stop_token stop;
    Progress progress;
    std::optional<Result<JobResult>> result{};
    std::condition_variable done{};
  };

  void pend(Trigger why, std::chrono::steady_clock::duration in);  // with the lock held, as the next
  std::shared_ptr<Ticket> add(Job job, Trigger why, std::stop_token stop, Progress progress);
  void run_ticket(Ticket& ticket, const std::stop_token& stop);
  void run_for_all(const std::stop_token& stop);
  Result<JobResult> perform(const Job& job, Trigger why, const std::stop_token& stop, const Progress& progress);
  Policy policy_for(Trigger why) const;
  void tell(Trigger why, What what, const Result<JobResult>& result, std::chrono::steady_clock::time_point started) const;
  void plan_next_try(const Result<JobResult>& result);  // with the lock held, as the next
  void plan_late_looks(const Result<JobResult>& result, std::chrono::steady_clock::time_point started);
  void expect_collection();
  bool take_collection();  // whether it is due
  void wait_for_traces(const std::stop_token& stop);
  void forget();  // the worker's thread alone

  WorkerOptions options_;
  const Sessions& sessions_;
  std::function<void(const Ended&)> on_end_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Policy policy_;
  std::deque<std::shared_ptr<Ticket>> tickets_;
  std::set<Trigger> pending_;
  std::chrono::steady_clock::time_point pending_from_{};
  std::optional<std::stop_source> look_;  // of the purge for nobody in particular that runs, until it removes
  policy::LastRuns last_run_;
  std::set<std::string> due_;  // policies whose schedule has come, and that a look was planned for
  Memory memory_;                            // the worker's thread alone, as the next
  std::optional<std::chrono::steady_clock::time_point> forget_at_;
  std::optional<std::chrono::steady_clock::time_point> next_try_;  // what was busy, or could not be done
  std::chrono::steady_clock::duration wait_{};
  LateValues late_;
  std::optional<std::chrono::steady_clock::time_point> collection_;  // of traces whose records a service before this one removed
  bool running_ = false;
  bool ended_ = false;
  std::atomic<bool> journal_works_{true};
  std::atomic<std::chrono::steady_clock::rep> sign_of_life_{0};
};

}  // namespace cleanerd::service
