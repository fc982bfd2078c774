#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <type_traits>
#include <unordered_set>

namespace cleanerd {
namespace {

// Ids of different kinds do not mix, and plain text becomes one only on request. That this file compiles is the test.
template <class A, class B>
concept Comparable = requires(const A& a, const B& b) { a == b; };
template <class A, class B>
concept Ordered = requires(const A& a, const B& b) { a < b; };

template <class A, class B>
constexpr bool kApart = !std::is_convertible_v<A, B> && !std::is_constructible_v<B, A> && !std::is_assignable_v<B&, A> &&
                        !Comparable<A, B> && !Ordered<A, B>;

static_assert(kApart<ImageId, ContainerId> && kApart<ContainerId, ImageId>);
static_assert(kApart<ImageId, CacheId> && kApart<CacheId, ImageId>);
static_assert(kApart<ContainerId, CacheId> && kApart<CacheId, ContainerId>);
static_assert(!std::is_convertible_v<std::string, ImageId> && !std::is_convertible_v<const char*, ImageId>);
static_assert(!std::is_convertible_v<ImageId, std::string> && !Comparable<ImageId, std::string>);
static_assert(Comparable<ImageId, ImageId> && Ordered<ImageId, ImageId>);

TEST(ShortForm, IsTheEnginesTwelveCharacters) {
  EXPECT_EQ(ImageId("sha256:0123456789abcdef").short_form(), "0123456789ab");
  EXPECT_EQ(ContainerId("fedcba9876543210").short_form(), "fedcba987654");
  EXPECT_EQ(CacheId("short").short_form(), "short");
  EXPECT_EQ(ImageId().short_form(), "");
}

TEST(Ids, CompareAndHashByTheirText) {
  EXPECT_EQ(CacheId("a"), CacheId("a"));
  EXPECT_NE(CacheId("a"), CacheId("b"));
  EXPECT_TRUE(CacheId().empty());
  const std::unordered_set<CacheId> set{CacheId("a"), CacheId("a"), CacheId("b")};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace cleanerd
