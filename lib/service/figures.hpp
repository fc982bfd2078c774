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
  void build_started(const std::string& ref);
  void build_ended(const std::string& ref, std::string_view builder, std::string_view result, bool is_new);

  static metrics::Labels labels(const policy::Policy& policy);

 private:
  void looked(const JobResult& result, bool is_whole);
  void purged(const JobResult& result);

  metrics::Metrics& metrics_;
  std::mutex mutex_;
  std::set<std::string> running_;   // builds
  std::set<std::string> findings_;  // of the last look: what is among them was counted before
};

}  // namespace cleanerd::service
