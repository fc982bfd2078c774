#include "search/search.hpp"

#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BetrayedTest : public WholeSearchTest {
 protected:
  static Outcome run(const std::vector<Target>& targets, const std::vector<Known>& known, const Options& options) {
    auto outcome = opened(options).run(targets, [&] { return known; }, {}, {});
    if (!outcome) throw std::runtime_error(outcome.error().message());
    return std::move(*outcome);
  }
};

TEST_F(BetrayedTest, ValuesAreToldWhereTheyAreAlsoWhenNothingGivesThemAwayAnyMore) {
  const std::string betrayed = new_secret(), declared = new_secret();
  write("a/f", betrayed);
  write("b/f", declared);
  const std::vector<Target> targets{place("a"), place("b")};
  const Outcome first = run(targets, {{SecretValue(betrayed), "build argument A"}, {SecretValue(declared)}}, options());
  EXPECT_THAT(found(first.targets[1]), ElementsAre("known f"));
  const Outcome later = run(targets, {}, options());
  EXPECT_EQ(later.bytes_read, 0u);
  EXPECT_THAT(found(later.targets[0]), ElementsAre("known f"));
  EXPECT_EQ(later.targets[0].hits.at(0).description, "build argument A");
  EXPECT_THAT(found(later.targets[1]), IsEmpty());
  write("a/f", new_secret());  // it is not there any more
  EXPECT_THAT(found(run({place("a", false), place("b")}, {}, options()).targets[0]), IsEmpty());
}

TEST_F(BetrayedTest, ValuesThatWereDeclaredFirstAreToldToo) {
  const std::string value = new_secret();
  write("a/f", value);
  const std::vector<Target> targets{place("a")};
  run(targets, {{SecretValue(value)}}, options());
  run(targets, {{SecretValue(value), "build argument A"}}, options());
  const Outcome later = run(targets, {}, options());
  EXPECT_EQ(later.bytes_read, 0u);
  ASSERT_THAT(found(later.targets[0]), ElementsAre("known f"));
  EXPECT_EQ(later.targets[0].hits[0].description, "build argument A");
}

TEST_F(BetrayedTest, ValuesThatAFileGaveAwayInTheSameReadingAreToldToo) {
  const std::string value = new_secret();
  write("a/f", value);
  write("b/.npmrc", "_password=" + value);
  run({place("a"), place("b")}, {{SecretValue(value)}}, options());
  EXPECT_THAT(found(run({place("a")}, {}, options()).targets[0]), ElementsAre("known f"));
}

TEST_F(BetrayedTest, ValuesAreForgottenWhereOtherNamesTellWhatIsASecret) {
  write("a/f", new_secret());
  const std::string betrayed = new_secret();
  write("a/g", betrayed);
  Options as_names_were = options(), with_others = options();
  as_names_were.names = "*_TOKEN";
  with_others.names = "*_KEY";
  EXPECT_THAT(found(run({place("a")}, {{SecretValue(betrayed), "X"}}, as_names_were).targets[0]), ElementsAre("known g"));
  EXPECT_THAT(found(run({place("a")}, {}, as_names_were).targets[0]), ElementsAre("known g"));
  EXPECT_THAT(found(run({place("a")}, {}, with_others).targets[0]), IsEmpty());
}

TEST_F(BetrayedTest, ValuesThatAreTooCommonAreNotLookedForElsewhere) {
  const std::string secret = new_secret();
  write("a/.npmrc", "_password=" + secret);
  write("b/f", secret);
  Options careful = options();
  careful.is_traced = [](std::string_view) { return false; };
  for (const bool first : {true, false}) {
    const Outcome outcome = run({place("a"), place("b")}, {}, careful);
    EXPECT_THAT(outcome.targets[0].hits, SizeIs(1));
    EXPECT_THAT(outcome.targets[1].hits, IsEmpty());
    EXPECT_THAT(outcome.recognised, IsEmpty());
    EXPECT_EQ(outcome.bytes_read != 0, first);
  }
}

}  // namespace
}  // namespace cleanerd::search
