// Builders of buildx: what runs is pruned from within, what does not goes only where the policy says so.
#include <gmock/gmock.h>

#include "support/planned.hpp"

namespace cleanerd::plan {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kSecret = new_secret();
const std::string kState = "buildx_buildkit_ci0_state";

// The state carries a value that a build record gives away.
an_inventory with_state(const volume& state) {
  return an_inventory().with(image("base").tagged("buildkit:1")).with(build("source").argument("NPM_TOKEN", kSecret)).with(state);
}
an_inventory with_leaky_state() { return with_state(volume(kState).label("note", kSecret)); }
container builder() { return container("ci").of("base").builder(); }
policy::Policy removing() {
  policy::Policy policy;
  policy.remove_orphaned_builders = true;
  return policy;
}

TEST(BuildersInAPlan, AreKnownByTheirNames) {
  const Planned result = planned(with_leaky_state().with(builder()));
  EXPECT_EQ(result.inventory[index_of(result.inventory, "ci")].kind, inventory::Kind::builder_container);
  EXPECT_EQ(result.inventory[index_of(result.inventory, kState)].id(), "builder.volume:" + kState);
}

TEST(BuildersInAPlan, OneThatRunsIsPrunedAndStays) {
  for (const policy::Policy& policy : {policy::Policy(), removing()}) {
    const Planned result = planned(with_leaky_state().with(builder()), policy);
    EXPECT_THAT(result.removed(), ElementsAre("source", kState));
    EXPECT_TRUE(result.item(kState).prune);
    EXPECT_THAT(result.reasons(kState), ElementsAre("secret", "policy", "prune"));
    EXPECT_THAT(result.reasons("ci"), ElementsAre("running"));
  }
}

TEST(BuildersInAPlan, AnInnocentOneIsLeftAlone) {
  const Planned result = planned(with_state(volume(kState)).with(builder()), removing());
  EXPECT_THAT(result.removed(), ElementsAre("source"));
}

TEST(BuildersInAPlan, ALabelOnEitherProtects) {
  for (const auto& scenario : {with_leaky_state().with(builder().label("cleanerd.keep", "true")),
                               with_state(volume(kState).label("note", kSecret).label("cleanerd.keep", "true")).with(builder())})
    EXPECT_THAT(planned(scenario, removing()).removed(), ElementsAre("source"));
}

TEST(BuildersInAPlan, AFilterLeavesThemOut) {
  Selection selection;
  selection.filter.kinds = {"history"};
  EXPECT_THAT(planned(with_leaky_state().with(builder()), {}, selection).removed(), ElementsAre("source"));
}

TEST(BuildersInAPlan, WhatDoesNotRunIsKeptUnlessThePolicyRemovesIt) {
  const auto stopped = with_leaky_state().with(builder().is("exited"));
  EXPECT_THAT(planned(stopped).removed(), ElementsAre("source"));
  EXPECT_EQ(planned(stopped).reasons(kState).back(), "builder");
  EXPECT_THAT(planned(stopped, removing()).removed(), ElementsAre("source", "ci", kState));
  EXPECT_EQ(planned(with_leaky_state()).reasons(kState).back(), "builder");
  EXPECT_THAT(planned(with_leaky_state(), removing()).removed(), ElementsAre("source", kState));
}

TEST(BuildersInAPlan, StateThatAnotherContainerHasStays) {
  auto other = container("other").of("base").is("running");
  other.value.volumes.emplace_back(kState);
  EXPECT_THAT(planned(with_leaky_state().with(other), removing()).removed(), ElementsAre("source"));
  EXPECT_THAT(planned(with_leaky_state().with(builder()).with(other), removing()).removed(), ElementsAre("source"));
}

TEST(BuildersInAPlan, ItsConfigurationIsNotResidue) {
  const Planned result = planned(an_inventory().with(image("base").tagged("b:1")).with(builder().env("NPM_TOKEN=" + kSecret).is("exited")), removing());
  EXPECT_THAT(result.removed(), IsEmpty());
}

}  // namespace
}  // namespace cleanerd::plan
