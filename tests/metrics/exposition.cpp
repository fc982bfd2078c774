// What the service would tell Prometheus after some work; with --describe, every metric with its labels and their closed sets, as JSON.
#include <iostream>
#include <nlohmann/json.hpp>

#include "metrics/metrics.hpp"

namespace {

using namespace cleanerd::metrics;
using nlohmann::json;

void work(Metrics& metrics) {
  metrics.engine_up(true);
  metrics.residue({{"image.tagged", {3, 300'000'000, 1, Seconds(3600)}}});
  metrics.build_finished("buildkit", "succeeded");
  metrics.purge_ended("build", "clean", Seconds(0.7));
  metrics.removed("image.tagged", "default", 1 << 20);
  metrics.skipped("image.tagged", "running");
  metrics.secrets_found("build-arg", 1);
  metrics.gate("secrets");
  metrics.scanned(1 << 30, Seconds(3));
  metrics.success(cleanerd::system_now());
}

template <class Set>
json values(const Set& set) {
  json list = json::array({kOther});
  for (const std::string_view value : set) list.push_back(value);
  return list;
}

json description() {
  json metrics = json::object();
  for (const Description& metric : all_metrics()) metrics[std::string(metric.name)] = {{"type", metric.type}, {"labels", metric.labels}};
  const auto restrict = [&](const char* metric, const char* label, json allowed) { metrics[metric]["values"][label] = std::move(allowed); };
  restrict("cleanerd_builds_total", "builder", values(kBuilders));
  restrict("cleanerd_builds_total", "result", values(kBuildResults));
  restrict("cleanerd_purge_runs_total", "trigger", values(kTriggers));
  restrict("cleanerd_purge_runs_total", "result", values(kPurgeResults));
  restrict("cleanerd_secrets_found_total", "source", values(kSources));
  restrict("cleanerd_gate_total", "result", values(kGateResults));
  return metrics;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--describe") {
    std::cout << description().dump(1) << "\n";
    return 0;
  }
  Metrics metrics("0.0.0", {{"image.tagged", "cache.regular"}, {"default"}, {"running"}});
  work(metrics);
  std::cout << metrics.text();
  return 0;
}
