#include "policy/schedule.hpp"

namespace cleanerd::policy {
namespace {

using namespace std::chrono;

// When the window that `now` is in began; nullopt outside of it.
std::optional<Instant> begin_of(const Window& window, Instant now) {
  const Instant midnight = floor<days>(now);
  const Duration time = now - midnight, from = window.from, to = window.to;
  if (from < to) return time >= from && time < to ? std::optional(midnight + from) : std::nullopt;
  if (time >= from) return midnight + from;
  return time < to ? std::optional(midnight + from - days(1)) : std::nullopt;
}

}  // namespace

bool is_due(const Schedule& schedule, std::optional<Instant> last_run, Instant now) {
  if (last_run && *last_run > now) last_run.reset();
  std::optional<Instant> begin;
  if (schedule.window && !(begin = begin_of(*schedule.window, now))) return false;
  if (!last_run) return true;
  if (schedule.every) return now - *last_run >= *schedule.every;
  return !begin || *last_run < *begin;
}

}  // namespace cleanerd::policy
