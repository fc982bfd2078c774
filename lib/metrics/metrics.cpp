#include "metrics/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <sstream>

#include "metrics/process.hpp"

namespace cleanerd::metrics {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

// In seconds. A purge after one build takes less than one; one of a full host, or one that waits for a builder, minutes.
const Histogram::BucketBoundaries kPurgeBuckets{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900};
// A first search reads all of the data root.
const Histogram::BucketBoundaries kScanBuckets{0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600};

std::string help_of(std::string_view name) {
  for (const Description& metric : all_metrics())
    if (metric.name == name) return std::string(metric.help);
  return {};
}

template <class Set>
std::string fold(const Set& allowed, std::string_view value) {
  return std::string(std::ranges::find(allowed, value) != std::ranges::end(allowed) ? value : kOther);
}

double as_double(std::uint64_t number) { return static_cast<double>(number); }

std::vector<prometheus::MetricFamily> process_families() {
  const auto figures = process_figures();
  std::vector<prometheus::MetricFamily> families;
  for (const Description& metric : all_metrics()) {
    const auto figure = figures.find(std::string(metric.name));
    if (figure == figures.end()) continue;
    prometheus::ClientMetric value;
    value.counter.value = value.gauge.value = figure->second;
    const auto type = metric.type == "counter" ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
    families.push_back({figure->first, std::string(metric.help), type, {value}});
  }
  return families;
}

}  // namespace

class Metrics::Impl {
 public:
  Impl(std::string_view version, Labels labels) : labels_(std::move(labels)) {
    gauges("cleanerd_build_info").Add({{"version", std::string(version)}}).Set(1);
    for (const std::string& kind : labels_.kinds) show_kind(kind);
    each(kBuilders, [&](const std::string& builder) {
      each(kBuildResults, [&](const std::string& result) { builds_.Add({{"builder", builder}, {"result", result}}); });
    });
    each(kTriggers, [&](const std::string& trigger) {
      each(kPurgeResults, [&](const std::string& result) { purges_.Add({{"trigger", trigger}, {"result", result}}); });
    });
    each(kSources, [&](const std::string& source) { secrets_.Add({{"source", source}}); });
    each(kGateResults, [&](const std::string& result) { gate_.Add({{"result", result}}); });
    show_policies(labels_.policies);
  }

  void add_policies(const std::vector<std::string>& names) {
    const std::lock_guard lock(mutex_);
    show_policies(names);
    for (const std::string& name : names)
      if (fold(labels_.policies, name) == kOther) labels_.policies.push_back(name);
  }

  void residue(const std::map<std::string, Residue>& by_kind) {
    std::map<std::string, Residue> folded;
    for (const auto& [kind, found] : by_kind) {
      Residue& sum = folded[fold(labels_.kinds, kind)];
      sum.objects += found.objects;
      sum.bytes += found.bytes;
      sum.secret_objects += found.secret_objects;
      sum.oldest_age = std::max(sum.oldest_age, found.oldest_age);
    }
    const std::lock_guard lock(mutex_);
    if (folded.contains(std::string(kOther))) show_kind(std::string(kOther));
    for (const std::string& kind : shown_kinds_) {
      const Residue& found = folded[kind];
      objects_.Add({{"kind", kind}}).Set(as_double(found.objects));
      bytes_.Add({{"kind", kind}}).Set(as_double(found.bytes));
      secret_objects_.Add({{"kind", kind}}).Set(as_double(found.secret_objects));
      oldest_.Add({{"kind", kind}}).Set(found.oldest_age.count());
    }
  }

  void set(Gauge& gauge, double value) {
    const std::lock_guard lock(mutex_);
    gauge.Set(value);
  }

  void add(Family<Counter>& counters, const prometheus::Labels& labels, std::uint64_t count = 1) {
    const std::lock_guard lock(mutex_);
    counters.Add(labels).Increment(as_double(count));
  }

  void purge_ended(std::string_view trigger, std::string_view result, Seconds took) {
    const std::lock_guard lock(mutex_);
    purges_.Add({{"trigger", fold(kTriggers, trigger)}, {"result", fold(kPurgeResults, result)}}).Increment();
    purge_time_.Observe(took.count());
  }

  void removed(std::string_view kind, std::string_view policy, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::string of_kind = fold(labels_.kinds, kind);
    removed_.Add({{"kind", of_kind}, {"policy", fold(labels_.policies, policy)}}).Increment();
    freed_.Add({{"kind", of_kind}}).Increment(as_double(bytes));
  }

  void scanned(std::uint64_t bytes, Seconds took) {
    const std::lock_guard lock(mutex_);
    scan_bytes_.Increment(as_double(bytes));
    scan_time_.Observe(took.count());
  }

  std::string text() const {
    std::vector<prometheus::MetricFamily> families = process_families();
    std::ostringstream out;
    const std::lock_guard lock(mutex_);
    for (prometheus::MetricFamily& family : registry_.Collect()) families.push_back(std::move(family));
    prometheus::TextSerializer().Serialize(out, families);
    return out.str();
  }

  template <class Set>
  static void each(const Set& set, const auto& use) {
    for (const std::string_view value : set) use(std::string(value));
  }

 private:
  Family<Gauge>& gauges(const char* name) { return prometheus::BuildGauge().Name(name).Help(help_of(name)).Register(registry_); }
  Family<Counter>& counters(const char* name) { return prometheus::BuildCounter().Name(name).Help(help_of(name)).Register(registry_); }
  Gauge& gauge(const char* name) { return gauges(name).Add({}); }
  Histogram& histogram(const char* name, const Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help_of(name)).Register(registry_).Add({}, buckets);
  }

  // Of the skipped, kinds times reasons would be many series that stay 0 for ever: each reason comes with its first object.
  void show_kind(const std::string& kind) {
    if (!shown_kinds_.insert(kind).second) return;
    for (Family<Gauge>* family : {&objects_, &bytes_, &secret_objects_, &oldest_}) family->Add({{"kind", kind}});
    freed_.Add({{"kind", kind}});
    skipped_.Add({{"kind", kind}, {"reason", std::string(kOther)}});
  }

  void show_policies(const std::vector<std::string>& names) {
    for (const std::string& policy : names)
      for (const std::string& kind : labels_.kinds) removed_.Add({{"kind", kind}, {"policy", policy}});
  }

  mutable std::mutex mutex_;
  prometheus::Registry registry_;
  std::set<std::string> shown_kinds_;

 public:
  Labels labels_;
  Family<Gauge>& objects_ = gauges("cleanerd_residue_objects");
  Family<Gauge>& bytes_ = gauges("cleanerd_residue_bytes");
  Family<Gauge>& secret_objects_ = gauges("cleanerd_residue_secret_objects");
  Family<Gauge>& oldest_ = gauges("cleanerd_residue_oldest_age_seconds");
  Family<Counter>& builds_ = counters("cleanerd_builds_total");
  Family<Counter>& purges_ = counters("cleanerd_purge_runs_total");
  Family<Counter>& removed_ = counters("cleanerd_objects_removed_total");
  Family<Counter>& skipped_ = counters("cleanerd_objects_skipped_total");
  Family<Counter>& freed_ = counters("cleanerd_freed_bytes_total");
  Family<Counter>& secrets_ = counters("cleanerd_secrets_found_total");
  Family<Counter>& gate_ = counters("cleanerd_gate_total");
  Counter& scan_bytes_ = counters("cleanerd_scan_bytes_total").Add({});
  Gauge& engine_up_ = gauge("cleanerd_engine_up");
  Gauge& active_builds_ = gauge("cleanerd_active_builds");
  Gauge& unread_places_ = gauge("cleanerd_unread_places");
  Gauge& last_success_ = gauge("cleanerd_last_success_timestamp_seconds");
  Histogram& purge_time_ = histogram("cleanerd_purge_duration_seconds", kPurgeBuckets);
  Histogram& scan_time_ = histogram("cleanerd_scan_duration_seconds", kScanBuckets);
};

Metrics::Metrics(std::string_view version, Labels labels) : impl_(std::make_unique<Impl>(version, std::move(labels))) {}
Metrics::~Metrics() = default;

void Metrics::add_policies(const std::vector<std::string>& names) { impl_->add_policies(names); }
void Metrics::residue(const std::map<std::string, Residue>& by_kind) { impl_->residue(by_kind); }
void Metrics::unread_places(std::uint64_t count) { impl_->set(impl_->unread_places_, as_double(count)); }
void Metrics::engine_up(bool up) { impl_->set(impl_->engine_up_, up ? 1 : 0); }
void Metrics::active_builds(std::uint64_t count) { impl_->set(impl_->active_builds_, as_double(count)); }
void Metrics::success(Instant when) { impl_->set(impl_->last_success_, std::chrono::duration<double>(when.time_since_epoch()).count()); }

void Metrics::build_finished(std::string_view builder, std::string_view result) {
  impl_->add(impl_->builds_, {{"builder", fold(kBuilders, builder)}, {"result", fold(kBuildResults, result)}});
}
void Metrics::purge_ended(std::string_view trigger, std::string_view result, Seconds took) { impl_->purge_ended(trigger, result, took); }
void Metrics::removed(std::string_view kind, std::string_view policy, std::uint64_t bytes) { impl_->removed(kind, policy, bytes); }
void Metrics::skipped(std::string_view kind, std::string_view reason) {
  impl_->add(impl_->skipped_, {{"kind", fold(impl_->labels_.kinds, kind)}, {"reason", fold(impl_->labels_.reasons, reason)}});
}
void Metrics::secrets_found(std::string_view source, std::uint64_t count) { impl_->add(impl_->secrets_, {{"source", fold(kSources, source)}}, count); }
void Metrics::gate(std::string_view result) { impl_->add(impl_->gate_, {{"result", fold(kGateResults, result)}}); }
void Metrics::scanned(std::uint64_t bytes, Seconds took) { impl_->scanned(bytes, took); }
std::string Metrics::text() const { return impl_->text(); }

}  // namespace cleanerd::metrics
