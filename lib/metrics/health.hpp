// Is the service alive, and is it of use? Answers for probes, and the routes under which metrics and health are served.
#pragma once

#include <functional>
#include <string>

#include "http/router.hpp"
#include "metrics/metrics.hpp"

namespace cleanerd::metrics {

struct Liveness {
  bool event_loop;  // its heartbeat went on lately
  bool worker;      // the purge thread is not stuck
};

struct Readiness {
  bool first_look_done;
  bool engine_reachable;
  bool journal_writable;  // without which nothing is removed
};

// 200, or 503 when a part of it is false; the body names each part: {"status": "ok", "checks": {"event_loop": true, …}}.
struct Health {
  unsigned status;
  std::string body;
};
Health healthz(const Liveness& state);
Health readyz(const Readiness& state);

// GET /metrics, /healthz and /readyz. The metrics must outlive the router; the functions are called on worker threads.
void add_routes(http::Router& router, const Metrics& metrics, std::function<Liveness()> liveness, std::function<Readiness()> readiness);

}  // namespace cleanerd::metrics
