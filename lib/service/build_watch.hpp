// Tells of builds and of the engine itself as they come and go; for a thread of its own.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "buildkit/watch.hpp"
#include "policy/policy.hpp"

namespace cleanerd::service {

struct EngineSigns {
  std::function<void(bool up)> engine;                              // each time that changes, and first of all
  std::function<void(const buildkit::BuildEvent& event)> buildkit;  // engines from 24 on
};

// Until the stop is requested, over restarts and replacements of the engine. `host` as connect_engine takes it.
void watch_engine(const std::string& host, const policy::Policy& policy, const EngineSigns& signs, std::stop_token stop);

}  // namespace cleanerd::service
