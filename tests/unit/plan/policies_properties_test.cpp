// What holds for any policies on any host: both at random.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "support/planned.hpp"

namespace cleanerd::plan {
namespace {

using namespace test;
using inventory::Kind;
using policy::NamedPolicy;
using policy::Order;
using policy::Policy;
using policy::Space;

constexpr std::uint64_t kHosts = 1000;

class Random {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}

  bool chance(unsigned percent) { return random_() % 100 < percent; }
  std::uint64_t below(std::uint64_t count) { return random_() % count; }
  Duration minutes(std::uint64_t count) { return std::chrono::minutes(below(count)); }

  an_inventory host() {
    an_inventory host;
    const std::size_t images = below(8), containers = below(4), records = 2 + below(14);
    for (std::size_t i = 0; i < images; ++i) {
      image one("i" + std::to_string(i) + "x");
      one.aged(minutes(90)).step("RUN /bin/sh -c make # buildkit");
      if (i > 0 && chance(60)) one.parent("i" + std::to_string(below(i)) + "x");
      if (chance(30)) one.tagged("app:" + std::to_string(i));
      if (chance(10)) one.label("cleanerd.keep", "true");
      if (chance(15)) one.env("NPM_TOKEN=" + new_secret());
      host.with(one);
    }
    for (std::size_t i = 0; i < containers; ++i) {
      container one("c" + std::to_string(i) + "x");
      one.of("i" + std::to_string(below(8)) + "x").ended(minutes(90)).is(std::array{"running", "exited", "created"}[below(3)]);
      host.with(one);
    }
    for (std::size_t i = 0; i < records; ++i) {
      record one("r" + std::to_string(i) + "x");
      one.aged(minutes(90)).used(minutes(60)).sized(static_cast<std::int64_t>(below(5)) * 100);
      for (std::uint64_t n = below(3); i > 0 && n > 0; --n) one.parent("r" + std::to_string(below(i)) + "x");
      if (chance(8)) one.in_use();
      if (chance(8)) one.shared();
      if (chance(10)) one.ran("echo $NPM_TOKEN");
      host.with(one);
    }
    if (chance(90)) host.disk(10'000, static_cast<std::int64_t>(below(2000)));
    return host;
  }

  NamedPolicy policy(const std::string& name) {
    NamedPolicy one;
    one.name = name;
    const std::array<std::vector<std::string>, 6> kinds{{{"*"}, {"cache.*"}, {"image.*"}, {"image.tagged"}, {"container.stopped", "image.tagged"}, {"cache.regular"}}};
    one.match.kinds = kinds[below(kinds.size())];
    if (chance(40)) one.match.older_than = minutes(60);
    if (chance(20)) one.match.unused_for = minutes(40);
    if (chance(20)) one.match.larger_than = ByteSize{200};
    if (chance(20)) one.match.secret = chance(50);
    one.dry_run = chance(10);
    if (chance(10)) one.action = policy::Action::report;
    else limit(one);
    return one;
  }

  void limit(NamedPolicy& one) {
    if (chance(30)) one.limits.keep_newest = 1 + below(4);
    if (chance(30)) one.limits.max_used_space = chance(70) ? Space{{static_cast<std::int64_t>(below(1500))}} : Space{{}, static_cast<double>(below(20))};
    if (chance(30)) one.limits.min_free_space = Space{{static_cast<std::int64_t>(below(3000))}};
    one.limits.order = std::array{Order::oldest, Order::least_recently_used, Order::largest}[below(3)];
  }

  Policy policies() {
    Policy policy;
    for (std::uint64_t n = below(4); n > 0; --n) policy.policies.push_back(this->policy("p" + std::to_string(n)));
    return policy;
  }

  void shuffle(an_inventory& host) {
    std::shuffle(host.snapshot.images.begin(), host.snapshot.images.end(), random_);
    std::shuffle(host.snapshot.containers.begin(), host.snapshot.containers.end(), random_);
    std::shuffle(host.snapshot.cache.begin(), host.snapshot.cache.end(), random_);
  }

 private:
  std::mt19937_64 random_;
};

std::set<Index> removed_set(const Planned& result) { return {result.plan.removal.begin(), result.plan.removal.end()}; }

bool is_named(const Policy& policy, Kind kind) {
  return std::ranges::any_of(policy.policies, [&](const NamedPolicy& one) { return one.match.names(kind); });
}

// Protected, running, in use, and what nobody named.
bool must_stay(const inventory::Object& object, const Policy& policy) {
  if (object.labels().contains("cleanerd.keep") || object.kind == Kind::container_running) return true;
  if (const auto* record = object.cache()) return record->in_use;
  if (const auto* container = object.container()) return container->state == "created" || !is_named(policy, object.kind);
  return object.kind == Kind::image_tagged && !is_named(policy, object.kind);
}

void expect_nothing_protected_goes_nor_anything_from_under_what_stays(const Planned& result, const Policy& policy) {
  const auto removed = removed_set(result);
  for (const Index i : removed) {
    EXPECT_FALSE(must_stay(result.inventory[i], policy)) << result.inventory[i].id();
    for (const Index child : result.inventory.children(i)) EXPECT_TRUE(removed.contains(child)) << result.inventory[child].id() << " stands on what goes";
  }
}

void expect_every_removal_to_have_its_policy(const Planned& result, const Policy& policy) {
  for (const Item& item : result.plan.items) {
    ASSERT_FALSE(item.reasons.empty());
    if (item.verdict != Verdict::remove) continue;
    const auto by = std::ranges::find(policy.policies, item.policy, &NamedPolicy::name);
    ASSERT_NE(by, policy.policies.end()) << result.inventory[item.object].id();
    EXPECT_TRUE(by->action == policy::Action::purge && !by->dry_run);
    const bool matches = by->match.matches(result.inventory[item.object], result.findings.of[item.object], kNow);
    EXPECT_TRUE(matches || by->takes_along()) << "only secrets take along what no policy matches";
    EXPECT_TRUE(item.owed || !by->takes_along());
    if (!item.owed) { EXPECT_EQ(item.reasons.back().code, "policy"); }
  }
}

TEST(PolicyProperties, HoldOnEveryRandomHost) {
  std::size_t removed = 0, kept = 0;
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const an_inventory host = random.host();
    const Policy policy = random.policies();
    const Planned result = planned(host, policy);
    expect_nothing_protected_goes_nor_anything_from_under_what_stays(result, policy);
    expect_every_removal_to_have_its_policy(result, policy);
    for (const Item& item : result.plan.items) (item.verdict == Verdict::remove ? removed : kept) += !item.policy.empty() && item.policy != "secrets";
  }
  EXPECT_GT(removed, kHosts) << "the policies remove too little to prove anything";
  EXPECT_GT(kept, kHosts) << "the limits keep too little to prove anything";
}

TEST(PolicyProperties, APlanDependsOnTheHostAloneAndDryRunsChangeNothing) {
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    an_inventory host = random.host();
    Policy policy = random.policies();
    const auto first = sorted(planned(host, policy).removed());
    random.shuffle(host);
    EXPECT_EQ(sorted(planned(host, policy).removed()), first);
    NamedPolicy dry = random.policy("dry");
    dry.dry_run = true;
    policy.policies.insert(policy.policies.begin() + static_cast<std::ptrdiff_t>(random.below(policy.policies.size() + 1)), dry);
    EXPECT_EQ(sorted(planned(host, policy).removed()), first);
  }
}

// One policy that no other helps or hinders.
struct Alone {
  explicit Alone(std::uint64_t seed) : random(seed), host(random.host()) {
    policy.policies = {random.policy("one")};
    one().dry_run = false;
    one().action = policy::Action::purge;
    one().match.secret.reset();
  }
  NamedPolicy& one() { return policy.policies[0]; }

  Random random;
  an_inventory host;
  Policy policy;
};

TEST(PolicyProperties, NoLimitMakesAPolicyRemoveMore) {
  std::size_t fewer = 0;
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Alone alone(seed);
    alone.random.limit(alone.one());
    const auto limited = sorted(planned(alone.host, alone.policy).removed());
    alone.one().limits = {};
    const auto unlimited = sorted(planned(alone.host, alone.policy).removed());
    EXPECT_TRUE(std::ranges::includes(unlimited, limited));
    fewer += limited.size() < unlimited.size();
  }
  EXPECT_GT(fewer, kHosts / 10);
}

TEST(PolicyProperties, KeepNewestKeepsTheNewest) {
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Alone alone(seed);
    const std::size_t count = 1 + alone.random.below(5);
    alone.one().limits.keep_newest = count;
    const Planned result = planned(alone.host, alone.policy);
    std::vector<Index> matched;
    for (Index i = 0; i < result.inventory.objects().size(); ++i)
      if (alone.one().match.matches(result.inventory[i], {}, kNow)) matched.push_back(i);
    const auto removed = removed_set(result);
    // Each that goes is older than as many that stay.
    for (const Index i : removed) {
      const auto newer_and_kept = std::ranges::count_if(matched, [&](Index other) {
        return !removed.contains(other) && *result.inventory[other].created() >= *result.inventory[i].created();
      });
      EXPECT_GE(static_cast<std::size_t>(newer_and_kept), count) << result.inventory[i].id();
    }
  }
}

TEST(PolicyProperties, SpaceIsFreedUntilTheLimitAndNoFurther) {
  std::size_t reached = 0;
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Alone alone(seed);
    const ByteSize limit{static_cast<std::int64_t>(alone.random.below(1500))};
    alone.one().limits = {Space{limit}, {}, {}, Order::largest};
    alone.one().match.kinds = {"cache.*"};
    const Planned result = planned(alone.host, alone.policy);
    const auto removed = removed_set(result);
    ByteSize used;
    bool may_go_on = false;
    for (Index i = 0; i < result.inventory.objects().size(); ++i) {
      const auto* record = result.inventory[i].cache();
      if (!record || removed.contains(i) || !alone.one().match.matches(result.inventory[i], result.findings.of[i], kNow)) continue;
      if (!record->shared) used += record->size;
      may_go_on |= result.plan.items[i].reasons.back().text.find("stays within the limits") != std::string::npos;
    }
    if (may_go_on) { EXPECT_LE(used, limit) << "something could still have gone"; }
    reached += may_go_on && !removed.empty();
  }
  EXPECT_GT(reached, kHosts / 20);
}

TEST(PolicyProperties, AfterAPurgeTheSamePoliciesFindNothingMoreToDo) {
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Alone alone(seed);
    const Planned before = planned(alone.host, alone.policy);
    std::set<std::string> gone;
    ByteSize freed;
    for (const Index i : before.plan.removal) {
      const auto& object = before.inventory[i];
      gone.insert(object.engine_id());
      if (!(object.cache() && object.cache()->shared)) freed += object.size();
    }
    inventory::Snapshot after = alone.host.snapshot;
    std::erase_if(after.images, [&](const auto& one) { return gone.contains(one.summary.id.str()); });
    std::erase_if(after.containers, [&](const auto& one) { return gone.contains(one.id.str()); });
    std::erase_if(after.cache, [&](const auto& one) { return gone.contains(one.id.str()); });
    if (after.disk) after.disk->free += freed;
    EXPECT_TRUE(planned(after, alone.policy).removed().empty());
  }
}

}  // namespace
}  // namespace cleanerd::plan
