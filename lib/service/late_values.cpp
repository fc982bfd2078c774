#include "service/late_values.hpp"

#include <algorithm>

#include "buildkit/history.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;

// A build can run as long as that.
constexpr std::chrono::hours kLong{1};

// Between two looks for a trace; the first is a moment after it can be there.
constexpr milliseconds kStep{750}, kMoment{200};

}  // namespace

void LateValues::owe(Values values, Time now) { owed_.push_back({std::move(values), now + kLong}); }

void LateValues::expect_traces(Values values, Time until) {
  traces_ = Late{std::move(values), traces_ ? std::max(traces_->until, until) : until};
}

void LateValues::looked(Builds builds, Values removed, Time now) {
  forget_old(now);
  if (builds != Builds::none && !removed.empty()) {
    for (Late& before : of_running_builds_)
      std::erase_if(before.values, [&](const secrets::KnownValue& one) { return std::ranges::find(removed, one.value, &secrets::KnownValue::value) != removed.end(); });
    of_running_builds_.push_back({std::move(removed), now + kLong});
  }
  if (builds == Builds::run || of_running_builds_.empty()) last_trace_.reset();
  else if (builds == Builds::just_ended || !last_trace_) last_trace_ = now + buildkit::kLastTrace;
}

void LateValues::forget_old(Time now) {
  for (auto* list : {&owed_, &of_running_builds_}) std::erase_if(*list, [&](const Late& one) { return one.until < now || one.values.empty(); });
}

LateValues::Values LateValues::values(Time now) {
  forget_old(now);
  Values all = traces_ ? traces_->values : Values();
  for (const auto* list : {&owed_, &of_running_builds_})
    for (const Late& late : *list) all.insert(all.end(), late.values.begin(), late.values.end());
  return all;
}

std::optional<LateValues::Time> LateValues::next_look(std::optional<Time> looked_from, Time now) {
  const auto is_over = [&](Time last) { return looked_from ? *looked_from >= last : now >= last + kLong; };
  if (traces_ && is_over(traces_->until)) traces_.reset();
  if (last_trace_ && is_over(*last_trace_)) {
    of_running_builds_.clear();
    last_trace_.reset();
  }
  if (!looked_from) return std::nullopt;
  std::optional<Time> next;
  for (const auto& last : {traces_until(), last_trace_}) {
    if (!last) continue;
    const Time look = std::max(now + kStep, *last - (buildkit::kLastTrace - buildkit::kFirstTrace) + kMoment);
    next = next ? std::min(*next, look) : look;
  }
  return next;
}

std::optional<LateValues::Time> LateValues::traces_until() const {
  return traces_ ? std::optional(traces_->until) : std::nullopt;
}

}  // namespace cleanerd::service
