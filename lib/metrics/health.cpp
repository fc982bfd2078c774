#include "metrics/health.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace cleanerd::metrics {
namespace {

using Checks = std::initializer_list<std::pair<const char*, bool>>;

Health health_of(Checks checks) {
  bool well = true;
  nlohmann::ordered_json states;
  for (const auto& [name, passed] : checks) {
    states[name] = passed;
    well = well && passed;
  }
  const nlohmann::ordered_json document{{"status", well ? "ok" : "failing"}, {"checks", states}};
  return {well ? 200u : 503u, document.dump() + "\n"};
}

}  // namespace

Health healthz(const Liveness& state) { return health_of({{"event_loop", state.event_loop}, {"worker", state.worker}}); }

Health readyz(const Readiness& state) {
  return health_of({{"first_look_done", state.first_look_done}, {"engine_reachable", state.engine_reachable}, {"journal_writable", state.journal_writable}});
}

void add_routes(http::Router& router, const Metrics& metrics, std::function<Liveness()> liveness, std::function<Readiness()> readiness) {
  using http::Request;
  using http::Responder;
  const auto answer = [](Responder& responder, Health health) { responder.json(health.status, std::move(health.body)); };
  router.add("GET", "/metrics", [&metrics](Request, Responder responder) { responder.send(200, kContentType, metrics.text()); }, http::Work::quick);
  router.add("GET", "/healthz", [answer, state = std::move(liveness)](Request, Responder responder) { answer(responder, healthz(state())); },
             http::Work::quick);
  router.add("GET", "/readyz", [answer, state = std::move(readiness)](Request, Responder responder) { answer(responder, readyz(state())); },
             http::Work::quick);
}

}  // namespace cleanerd::metrics
