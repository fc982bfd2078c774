// Values that a look is to search for although nothing on the engine gives them away any more. Not thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "secrets/value_set.hpp"

namespace cleanerd::service {

class LateValues {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Values = std::vector<secrets::KnownValue>;

  // What a session declared, and its purge could not remove yet: for an hour, or until `settle`.
  void owe(Values values, Time now);
  void settle() { owed_.clear(); }

  // Of builds whose records went before BuildKit wrote their traces, which it does until then. Those of before are among the values.
  void expect_traces(Values values, Time until);

  // After each look: what is known of builds by BuildKit, and what the objects held that a purge removed. A target of a bake that runs on,
  // or has just ended, gets a trace that tells of those that are gone by then. For an hour.
  enum class Builds { none, just_ended, run };
  void looked(Builds builds, Values removed, Time now);

  // All of them.
  Values values(Time now);
  // When to look for a trace the next time; nullopt where none is to come, and after a look that failed, which is tried again anyway.
  // `looked_from`: when the look began that has just ended well.
  std::optional<Time> next_look(std::optional<Time> looked_from, Time now);
  // Until when traces of removed builds may come.
  std::optional<Time> traces_until() const;

 private:
  void forget_old(Time now);

  struct Late {
    Values values;
    Time until;
  };
  std::vector<Late> owed_, of_running_builds_;
  std::optional<Late> traces_;
  std::optional<Time> last_trace_;  // of those that ran
};

}  // namespace cleanerd::service
