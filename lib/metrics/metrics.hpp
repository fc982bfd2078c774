// The service's figures, in Prometheus' text format (version 0.0.4). Names, types and labels are docs/metrics.md's.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "metrics/labels.hpp"

namespace cleanerd::metrics {

using Seconds = std::chrono::duration<double>;

// Of one kind.
struct Residue {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t secret_objects = 0;  // of the objects, those that carry a secret
  Seconds oldest_age{0};             // 0 without objects
};

// Every series with one label of a closed set is there with 0 from the start; of those with two, the usual ones. Any thread; a text is of one moment.
class Metrics {
 public:
  Metrics(std::string_view version, Labels labels);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // After a reload of the configuration. Names that were there before stay: a counter does not go away.
  void add_policies(const std::vector<std::string>& names);

  // As the last look found it, the whole of it: a kind that is not named has none.
  void residue(const std::map<std::string, Residue>& by_kind);
  void unread_places(std::uint64_t count);  // of the last look
  void engine_up(bool up);
  void active_builds(std::uint64_t count);
  void success(Instant when);  // the last purge that left nothing behind

  void build_finished(std::string_view builder, std::string_view result);
  void purge_ended(std::string_view trigger, std::string_view result, Seconds took);
  void removed(std::string_view kind, std::string_view policy, std::uint64_t bytes);  // one object; bytes that this freed
  void skipped(std::string_view kind, std::string_view reason);
  void secrets_found(std::string_view source, std::uint64_t count);
  void gate(std::string_view result);
  void scanned(std::uint64_t bytes, Seconds took);

  // With the process's own (process_*), read now.
  std::string text() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

// All that `text` can contain, for those who check that a query names what exists.
struct Description {
  std::string_view name;
  std::string_view type;  // "counter", "gauge", "histogram"
  std::string_view help;
  std::vector<std::string_view> labels;
};
std::vector<Description> all_metrics();

}  // namespace cleanerd::metrics
