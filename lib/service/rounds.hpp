// The service's work: a purge at start and then one at every interval, until a stop is requested.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "policy/policy.hpp"

namespace cleanerd::service {

struct RoundsOptions {
  std::string host;       // as connect_engine takes it
  std::string state_dir;
  std::function<void(bool healthy)> on_round;  // after each round
};

// An engine that does not answer, or a purge that fails, is logged and tried again at the next interval.
void run_rounds(const policy::Policy& policy, const RoundsOptions& options, std::stop_token stop);

}  // namespace cleanerd::service
