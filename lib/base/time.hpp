// Instants and durations as the Docker API and its users write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cleanerd {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

inline Instant system_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

// RFC 3339 with any number of fraction digits and Z or an offset. Docker's "no time" (year 1) is nullopt.
std::optional<Instant> parse_rfc3339(std::string_view text);
std::string format_rfc3339(Instant instant);

// Go's form ("1h30m", "500ms"), and also "7d".
std::optional<Duration> parse_duration(std::string_view text);
// The same, exact and short: "1h30m", "7d", "0s".
std::string format_duration(Duration duration);

// Docker's `until`: a duration before now, a Unix time in seconds (with fraction, "0" included), or a date with or without
// time and offset (UTC without one).
std::optional<Instant> parse_until(std::string_view text, Instant now);

// "3 minutes", "2 days": for people.
std::string format_age(Duration age);

}  // namespace cleanerd
