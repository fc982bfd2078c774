// What the service's jobs and watches mean for its metrics.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "metrics/metrics.hpp"
#include "service/worker.hpp"

namespace cleanerd::service {

class Figures {
 public:
  explicit Figures(metrics::Metrics& metrics) : metrics_(metrics) {}

  void job_ended(const Ended& ended);
  void gate_answered(const Result<JobResult>& result);
  // Of BuildKit's, or a name that the caller chooses.
  bool is_running(const std::string& ref) const;
  void build_started(const std::string& ref);
  void build_ended(const std::string& ref, std::string_view builder, std::string_view result, bool is_new);

  // No build runs, and it may have been stopped to scrub its databases: what they held is known no more.
  void engine_went();

  static metrics::Labels labels(const policy::Policy& policy);

 private:
  void looked(const JobResult& result, bool is_whole);
  void purged(const JobResult& result);

  metrics::Metrics& metrics_;
  mutable std::mutex mutex_;
  std::set<std::string> running_;   // builds
  std::set<std::string> findings_;  // of the last look: what is among them was counted before
  metrics::Residue freed_;          // as of the last look into the databases' freed pages
};

}  // namespace cleanerd::service
