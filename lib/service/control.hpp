// The control API, docs/control-api.yaml: what the command line and pipelines ask of the service, over its Unix socket.
#pragma once

#include <functional>
#include <string>

#include "http/router.hpp"
#include "service/sessions.hpp"
#include "service/worker.hpp"

namespace cleanerd::service {

struct ControlOptions {
  std::string state_dir;
  std::function<std::string()> status;                             // GET /v1/status: a JSON document
  std::function<void(const Result<JobResult>& result)> on_gate{};  // each time that it was asked, whatever came of it
};

// Root, the service's own user and those whom the policy names may purge; whoever may connect may look and run sessions.
void add_control_routes(http::Router& router, Worker& worker, Sessions& sessions, ControlOptions options);

}  // namespace cleanerd::service
