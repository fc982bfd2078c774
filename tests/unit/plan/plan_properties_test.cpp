// What holds for the plan of any host: random inventories, judged by rules that are written here once more, on their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "support/planned.hpp"

namespace cleanerd::plan {
namespace {

using namespace std::chrono_literals;
using namespace test;
using inventory::ClassicBuild;
using inventory::Inventory;
using inventory::Object;

constexpr std::uint64_t kHosts = 2500;

class RandomHost {
 public:
  explicit RandomHost(std::uint64_t seed) : random_(seed) {
    const std::size_t images = random_() % 14, containers = random_() % 7, records = random_() % 14;
    for (std::size_t i = 0; i < images; ++i) add_image(i);
    for (std::size_t i = 0; i < containers; ++i) add_container(i, images);
    for (std::size_t i = 0; i < records; ++i) add_record(i);
    host.classic_build(std::array{ClassicBuild::none, ClassicBuild::none, ClassicBuild::running, ClassicBuild::unknown}[random_() % 4]);
    shuffle();
    selection.all = chance(15);
    if (chance(20)) selection.filter.until = kNow - minutes_up_to(40);
    const Inventory objects_now = host.snapped();
    for (const Object& object : objects_now.objects())
      if (chance(8)) selection.unfinished.push_back(object.id());
    policy.quiet_period = minutes_up_to(60);
  }

  void shuffle() {
    std::shuffle(host.snapshot.images.begin(), host.snapshot.images.end(), random_);
    std::shuffle(host.snapshot.containers.begin(), host.snapshot.containers.end(), random_);
    std::shuffle(host.snapshot.cache.begin(), host.snapshot.cache.end(), random_);
  }
  Planned plan() const { return planned(host, policy, selection); }

  an_inventory host;
  policy::Policy policy;
  Selection selection;

 private:
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  Duration minutes_up_to(std::uint64_t count) { return std::chrono::minutes(random_() % count); }
  static std::string name(const char* kind, std::size_t i) { return kind + std::to_string(i) + "x"; }
  std::string secret_step() { return "|1 NPM_TOKEN=" + new_secret() + " /bin/sh -c npm ci"; }

  void add_image(std::size_t i) {
    image one(name("i", i));
    one.aged(minutes_up_to(90));
    if (i > 0 && chance(70)) one.parent(name("i", random_() % i));
    if (chance(20)) one.tagged("app:" + std::to_string(i));
    if (chance(8)) one.label("cleanerd.keep", chance(80) ? "true" : "false");
    if (chance(30)) one.step(chance(50) ? secret_step() : "RUN " + secret_step());
    else if (chance(50)) one.step(chance(50) ? "/bin/sh -c make" : "RUN /bin/sh -c make # buildkit");
    if (chance(5)) one.value.summary.created.reset();
    host.with(one);
  }
  void add_container(std::size_t i, std::size_t images) {
    container one(name("c", i));
    const std::string on = name("i", images == 0 ? 0 : random_() % images);
    if (chance(50)) one.build_step_on(on);
    else one.of(on);
    one.ended(minutes_up_to(90));
    one.is(std::array{"running", "paused", "restarting", "exited", "exited", "created", "dead"}[random_() % 7], static_cast<int>(random_() % 2));
    if (chance(40)) one.env("NPM_TOKEN=" + new_secret());
    if (chance(8)) one.label("cleanerd.keep", "true");
    host.with(one);
  }
  void add_record(std::size_t i) {
    record one(name("r", i));
    one.used(minutes_up_to(90));
    for (std::uint64_t n = random_() % 3; i > 0 && n > 0; --n) one.parent(name("r", random_() % i));
    if (chance(10)) one.in_use();
    one.ran(chance(30) ? "echo $NPM_TOKEN" : "make");
    host.with(one);
  }

  std::mt19937_64 random_;
};

bool is_guarded(const Object& object, const RandomHost& host) {
  const auto keep = object.labels().find("cleanerd.keep");
  if (keep != object.labels().end() && keep->second == "true") return true;
  if (const auto* record = object.cache()) return record->in_use;
  const ClassicBuild build = host.host.snapshot.classic_build;
  const auto too_young = [&](std::optional<Instant> at) {
    return build == ClassicBuild::running || (build == ClassicBuild::unknown && (!at || kNow - *at < host.policy.quiet_period));
  };
  if (const auto* image = object.image()) {
    if (!image->summary.tags.empty()) return true;
    const auto& steps = image->config.created_by;
    const bool by_buildkit = !steps.empty() && steps.back().starts_with("RUN ");
    return !by_buildkit && too_young(image->summary.created);
  }
  const auto& container = *object.container();
  if (container.log_driver != "none") return true;  // a person's, running or stopped
  if (container.state == "running" || container.state == "paused" || container.state == "restarting") return true;
  if (container.state == "exited" && container.exit_code != 0) return false;
  return too_young(container.finished ? container.finished : container.created);
}

// Everything that an object of `seeds` stands on, itself included.
std::set<Index> with_all_below(const Inventory& inventory, std::vector<Index> seeds) {
  std::set<Index> all(seeds.begin(), seeds.end());
  while (!seeds.empty()) {
    const Index at = seeds.back();
    seeds.pop_back();
    for (const Index parent : inventory.parents(at))
      if (all.insert(parent).second) seeds.push_back(parent);
  }
  return all;
}

std::set<Index> untouchable(const Planned& result, const RandomHost& host) {
  std::vector<Index> seeds;
  for (Index i = 0; i < result.inventory.objects().size(); ++i)
    if (is_guarded(result.inventory[i], host) || !host.selection.filter.matches(result.inventory[i], result.findings.of[i])) seeds.push_back(i);
  return with_all_below(result.inventory, seeds);
}

std::set<Index> removed_set(const Plan& plan) { return {plan.removal.begin(), plan.removal.end()}; }

bool is_selected(const Planned& result, const RandomHost& host, Index i) {
  const std::string id = result.inventory[i].id();
  return result.findings.carries(i) || host.selection.all || std::ranges::find(host.selection.unfinished, id) != host.selection.unfinished.end();
}

void expect_nothing_guarded_is_removed_nor_what_it_stands_on(const Planned& result, const RandomHost& host) {
  const auto keep = untouchable(result, host);
  for (const Index i : result.plan.removal) EXPECT_FALSE(keep.contains(i)) << result.inventory[i].id();
}

void expect_every_free_secret_is_removed(const Planned& result, const RandomHost& host) {
  const auto keep = untouchable(result, host);
  const auto removed = removed_set(result.plan);
  for (Index i = 0; i < result.inventory.objects().size(); ++i) {
    if (is_selected(result, host, i) && !keep.contains(i)) {
      EXPECT_TRUE(removed.contains(i)) << result.inventory[i].id();
    }
  }
}

void expect_nothing_innocent_is_removed_but_what_stands_on_a_removed_one(const Planned& result, const RandomHost& host) {
  const auto removed = removed_set(result.plan);
  for (const Index i : result.plan.removal) {
    const bool on_removed = std::ranges::any_of(result.inventory.parents(i), [&](Index parent) { return removed.contains(parent); });
    EXPECT_TRUE(on_removed || is_selected(result, host, i)) << result.inventory[i].id();
  }
}

void expect_children_go_before_their_parents(const Planned& result) {
  std::vector<std::size_t> place(result.inventory.objects().size(), result.plan.removal.size());
  for (std::size_t n = 0; n < result.plan.removal.size(); ++n) place[result.plan.removal[n]] = n;
  for (const Index i : result.plan.removal)
    for (const Index child : result.inventory.children(i)) EXPECT_LT(place[child], place[i]) << result.inventory[child].id();
}

void expect_an_item_with_a_reason_for_everything(const Planned& result) {
  const auto removed = removed_set(result.plan);
  EXPECT_EQ(removed.size(), result.plan.removal.size()) << "something is removed twice";
  ASSERT_EQ(result.plan.items.size(), result.inventory.objects().size());
  for (Index i = 0; i < result.plan.items.size(); ++i) {
    const Item& item = result.plan.items[i];
    EXPECT_EQ(item.object, i);
    EXPECT_EQ(item.secret, result.findings.carries(i));
    EXPECT_EQ(item.verdict == Verdict::remove, removed.contains(i));
    ASSERT_FALSE(item.reasons.empty());
    for (const Reason& reason : item.reasons) EXPECT_FALSE(reason.code.empty() || reason.text.empty());
  }
}

void expect_nothing_is_left_to_plan_afterwards(const Planned& before, const RandomHost& host) {
  std::set<std::string> gone;
  for (const Index i : before.plan.removal) gone.insert(before.inventory[i].engine_id());
  inventory::Snapshot after = host.host.snapshot;
  std::erase_if(after.images, [&](const auto& one) { return gone.contains(one.summary.id.str()); });
  std::erase_if(after.containers, [&](const auto& one) { return gone.contains(one.id.str()); });
  std::erase_if(after.cache, [&](const auto& one) { return gone.contains(one.id.str()); });
  EXPECT_TRUE(planned(after, host.policy, host.selection).removed().empty());
}

TEST(PlanProperties, HoldOnEveryRandomHost) {
  std::size_t removed = 0, kept_secrets = 0;
  for (std::uint64_t seed = 1; seed <= kHosts && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomHost host(seed);
    const Planned result = host.plan();
    expect_nothing_guarded_is_removed_nor_what_it_stands_on(result, host);
    expect_every_free_secret_is_removed(result, host);
    expect_nothing_innocent_is_removed_but_what_stands_on_a_removed_one(result, host);
    expect_children_go_before_their_parents(result);
    expect_an_item_with_a_reason_for_everything(result);
    expect_nothing_is_left_to_plan_afterwards(result, host);
    removed += result.plan.removal.size();
    for (const Item& item : result.plan.items) kept_secrets += item.secret && item.verdict == Verdict::keep;
  }
  EXPECT_GT(removed, kHosts) << "the hosts have too little to remove to prove anything";
  EXPECT_GT(kept_secrets, kHosts) << "the hosts have too little to keep to prove anything";
}

TEST(PlanProperties, ThePlanDependsOnTheHostAloneAndGrowsWithAll) {
  for (std::uint64_t seed = 1; seed <= kHosts / 5 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomHost host(seed);
    host.selection.all = false;
    const Planned first = host.plan();
    EXPECT_EQ(first.plan.removal, host.plan().plan.removal);
    host.shuffle();
    EXPECT_EQ(sorted(first.removed()), sorted(host.plan().removed()));
    host.selection.all = true;
    EXPECT_TRUE(std::ranges::includes(sorted(host.plan().removed()), sorted(first.removed())));
  }
}

}  // namespace
}  // namespace cleanerd::plan
