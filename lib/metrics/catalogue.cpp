#include "metrics/metrics.hpp"

namespace cleanerd::metrics {

// Names, types and labels are the outward contract. The help is what a person reads who sees the figure for the first time.
std::vector<Description> all_metrics() {
  return {
      {"cleanerd_build_info", "gauge", "Always 1; the label is the version that runs", {"version"}},
      {"cleanerd_engine_up", "gauge", "Whether the Docker engine answered last (1) or not (0)", {}},
      {"cleanerd_residue_objects", "gauge", "Objects that builds have left, as of the last look", {"kind"}},
      {"cleanerd_residue_bytes", "gauge", "Bytes of what builds have left, as of the last look", {"kind"}},
      {"cleanerd_residue_secret_objects", "gauge", "Objects that carry a secret, as of the last look", {"kind"}},
      {"cleanerd_residue_oldest_age_seconds", "gauge", "Age of the oldest object, as of the last look; 0 without objects", {"kind"}},
      {"cleanerd_builds_total", "counter", "Builds that have ended", {"builder", "result"}},
      {"cleanerd_active_builds", "gauge", "Builds that run now", {}},
      {"cleanerd_purge_runs_total", "counter", "Purges, by what set them off and how they ended", {"trigger", "result"}},
      {"cleanerd_purge_duration_seconds", "histogram", "How long a purge took, its second look included", {}},
      {"cleanerd_objects_removed_total", "counter", "Objects removed, by the policy that said so", {"kind", "policy"}},
      {"cleanerd_objects_skipped_total", "counter", "Objects that were to be removed and stayed, by the reason", {"kind", "reason"}},
      {"cleanerd_freed_bytes_total", "counter", "Bytes that removals have freed", {"kind"}},
      {"cleanerd_secrets_found_total", "counter", "Secrets found, by where they stood", {"source"}},
      {"cleanerd_gate_total", "counter", "How often the gate was asked, by its answer", {"result"}},
      {"cleanerd_scan_bytes_total", "counter", "Bytes searched for secrets", {}},
      {"cleanerd_scan_duration_seconds", "histogram", "How long a job with a search took: a scan, plan, gate, verify or purge", {}},
      {"cleanerd_unread_places", "gauge", "Places that the last look could not read", {}},
      {"cleanerd_last_success_timestamp_seconds", "gauge", "When a purge of the whole host last left nothing behind, in Unix time; 0 before the first", {}},
      {"process_cpu_seconds_total", "counter", "User and system CPU time spent, in seconds", {}},
      {"process_resident_memory_bytes", "gauge", "Resident memory in bytes", {}},
      {"process_virtual_memory_bytes", "gauge", "Virtual memory in bytes", {}},
      {"process_open_fds", "gauge", "Open file descriptors", {}},
      {"process_max_fds", "gauge", "The most file descriptors that may be open", {}},
      {"process_start_time_seconds", "gauge", "When the process started, in Unix time", {}},
  };
}

}  // namespace cleanerd::metrics
