#include "plan/take.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>

#include "base/text.hpp"

namespace cleanerd::plan {
namespace {

using inventory::Inventory;
using inventory::Object;
using policy::NamedPolicy;
using policy::Order;

// Of a record whose layer an image has, too, the engine frees nothing.
bool is_shared(const Object& object) { return object.cache() && object.cache()->shared; }
ByteSize freed_by(const Object& object) { return is_shared(object) ? ByteSize() : object.size(); }

// What has no time counts as made now: it stays longest.
std::int64_t time_of(std::optional<Instant> at) {
  return at ? at->time_since_epoch().count() : std::numeric_limits<std::int64_t>::max();
}

// The smallest goes first. Ends with the id: the plan depends on the host, not on how the engine lists it.
std::tuple<std::int64_t, std::int64_t, std::string_view> rank(const Object& object, Order order) {
  const std::int64_t made = time_of(object.created());
  switch (order) {
    case Order::oldest: return {made, 0, object.engine_id()};
    case Order::least_recently_used: {
      const auto used = policy::last_use(object);
      return {used ? time_of(used) : made, made, object.engine_id()};
    }
    case Order::largest: return {-object.size().bytes, made, object.engine_id()};
  }
  return {made, 0, object.engine_id()};
}

// How much is still to be freed before the limits of space are kept.
class Budget {
 public:
  Budget(const Inventory& inventory, const NamedPolicy& policy, std::span<const Index> matched, const std::vector<bool>& goes)
      : bounded_(policy.limits.has_space()) {
    const auto& disk = inventory.disk();
    if (const auto& limit = policy.limits.max_used_space) {
      max_used_ = limit->of(disk);
      is_known_ = max_used_.has_value();
    }
    if (const auto& limit = policy.limits.min_free_space) {
      min_free_ = limit->of(disk);
      is_known_ = is_known_ && min_free_ && disk;
    }
    if (disk) free_ = disk->free;
    for (const Index i : matched)
      if (!goes[i]) used_ += freed_by(inventory[i]);
    for (Index i = 0; i < goes.size(); ++i)
      if (goes[i]) free_ += freed_by(inventory[i]);
  }

  bool is_known() const { return is_known_; }
  bool is_exceeded() const { return !bounded_ || (max_used_ && used_ > *max_used_) || (min_free_ && free_ < *min_free_); }
  void free(ByteSize size) {
    used_.bytes -= size.bytes;
    free_ += size;
  }

 private:
  bool bounded_, is_known_ = true;
  std::optional<ByteSize> max_used_, min_free_;
  ByteSize used_, free_;
};

std::set<Index> newest_of(const Inventory& inventory, std::span<const Index> matched, const std::vector<bool>& goes, std::size_t count) {
  std::vector<Index> all;
  std::ranges::copy_if(matched, std::back_inserter(all), [&](Index i) { return !goes[i]; });
  std::ranges::sort(all, std::ranges::greater(), [&](Index i) { return rank(inventory[i], Order::oldest); });
  all.resize(std::min(all.size(), count));
  return {all.begin(), all.end()};
}

class Take {
 public:
  Take(const Inventory& inventory, const NamedPolicy& policy, std::span<const Index> matched, const std::vector<bool>& may_go,
       const std::vector<bool>& goes)
      : inventory_(inventory), policy_(policy), goes_(goes), budget_(inventory, policy, matched, goes), waits_for_(goes.size(), kNotOurs) {
    std::set<Index> newest;
    if (policy.limits.keep_newest) newest = newest_of(inventory, matched, goes, *policy.limits.keep_newest);
    const std::string name = "policy " + policy.name;
    for (const Index i : matched) {
      if (!may_go[i] || goes[i]) continue;
      if (newest.contains(i)) leave(i, "limit", "is one of the newest that " + name + " keeps");
      else if (!budget_.is_known()) leave(i, "limit-unknown", "stays because " + name + " has a limit on a disk that cannot be looked at");
      else if (policy.limits.has_space() && is_shared(inventory[i])) leave(i, "limit", "frees no space, an image has the same layer");
      else waits_for_[i] = std::ranges::count_if(inventory.children(i), [&](Index child) { return !goes[child]; });
    }
  }

  Taken run(std::span<const Index> matched) {
    const auto first = [&](Index a, Index b) { return rank(inventory_[a], policy_.limits.order) < rank(inventory_[b], policy_.limits.order); };
    std::set<Index, decltype(first)> ready(first);
    for (const Index i : matched)
      if (waits_for_[i] == 0) ready.insert(i);
    while (!ready.empty() && budget_.is_exceeded()) {
      const Index i = *ready.begin();
      ready.erase(ready.begin());
      waits_for_[i] = kNotOurs;
      goes_[i] = true;
      budget_.free(freed_by(inventory_[i]));
      taken_.objects.push_back(i);
      for (const Index parent : inventory_.parents(i))
        if (waits_for_[parent] > 0 && --waits_for_[parent] == 0) ready.insert(parent);
    }
    for (const Index i : ready) leave(i, "limit", "stays within the limits of policy " + policy_.name);
    for (const Index i : matched)
      if (waits_for_[i] > 0) leave(i, "needed", "is needed by " + name_of(inventory_[who_stays_on(i)]) + ", which stays");
    return std::move(taken_);
  }

 private:
  static constexpr std::ptrdiff_t kNotOurs = -1;

  void leave(Index i, const char* code, std::string text) { taken_.left.push_back({i, {code, std::move(text)}}); }
  Index who_stays_on(Index i) const { return *std::ranges::find_if(inventory_.children(i), [&](Index child) { return !goes_[child]; }); }

  const Inventory& inventory_;
  const NamedPolicy& policy_;
  std::vector<bool> goes_;
  Budget budget_;
  std::vector<std::ptrdiff_t> waits_for_;  // by object: how many of its children stay so far
  Taken taken_;
};

}  // namespace

Taken take(const Inventory& inventory, const NamedPolicy& policy, std::span<const Index> matched, const std::vector<bool>& may_go,
           const std::vector<bool>& goes) {
  if (policy.takes_along()) {
    Taken taken;
    std::ranges::copy_if(matched, std::back_inserter(taken.objects), [&](Index i) { return may_go[i]; });
    return taken;
  }
  return Take(inventory, policy, matched, may_go, goes).run(matched);
}

}  // namespace cleanerd::plan
