// When a policy is applied by the service.
#pragma once

#include <chrono>
#include <optional>

#include "base/time.hpp"

namespace cleanerd::policy {

// Of each day, in UTC; from `from` on until before `to`. `to` before `from` is after midnight, both equal the whole day.
struct Window {
  std::chrono::minutes from{0}, to{0};
};

struct Schedule {
  std::optional<Duration> every;  // absent: once in each window
  std::optional<Window> window;   // absent: at any time
};

// A last run that lies in the future, as after a clock was set back, counts as none. The caller keeps the time of the last run.
bool is_due(const Schedule& schedule, std::optional<Instant> last_run, Instant now);

}  // namespace cleanerd::policy
